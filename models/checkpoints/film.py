"""The film of a model as it lies beside its weights; ``models.evaluation.film`` makes it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

from PIL import Image

log = logging.getLogger(__name__)

FILM = "film.webp"
DESCRIPTION = 0x010E  # EXIF's ImageDescription

# What passes while a film runs.
FILMS = {
    "training": "the same noise while the model learns",
    "layers": "noise, unbent layer by layer",
    "writing": "values, written one after another",
    "codes": "a grid of codes, written row by row",
    "chain": "a chain, step by step",
    "steps": "from noise to a picture, step by step",
    "walk": "a walk from one code to the next",
}


class Film(NamedTuple):
    """data: the file. what: a key of ``FILMS``. pictures, moments: rows and columns of the sheet,
    each cell of (H, W) pixels."""

    data: bytes
    what: str
    pictures: int
    moments: int


def read_film(folder: Path, shape: tuple[int, ...]) -> Film | None:
    """The film of a checkpoint of pictures of ``shape`` (C, H, W); None where there is none, or it
    is no film of such pictures."""
    path = folder / FILM
    if not path.is_file():
        return None
    _, H, W = shape
    try:
        with Image.open(path) as sheet:
            what, (width, height) = sheet.getexif().get(DESCRIPTION), sheet.size
    except OSError:
        what = None
    if what not in FILMS or width % W or height % H:
        log.warning("%s is no film of this model's pictures and is left out.", path)
        return None
    return Film(path.read_bytes(), what, height // H, width // W)
