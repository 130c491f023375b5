"""The pictures that were shipped with models, made and real: no torch, no waiting."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from explorer.server.store import Store
from models.checkpoints.codes import file_with

log = logging.getLogger(__name__)

REAL = 200  # how many real pictures of a model's data are offered


class Drawn(NamedTuple):
    """images: (N, C, H, W) uint8. codes: (N, D) float32, or None. seconds: 0 if not drawn here."""

    images: np.ndarray
    codes: np.ndarray | None
    labels: np.ndarray | None
    seconds: float


def preview(store: Store, name: str) -> Drawn | None:
    """The samples of seed 0 that were shipped with the model: no torch, no waiting."""
    header = store.header(name)
    path = Path(header.folder) / "preview.webp"
    if not path.is_file():
        return None
    from PIL import Image

    C, H, W = header.config["image"]
    with Image.open(path) as picture:
        sheet = np.asarray(picture.convert("L" if C == 1 else "RGB"))
    if sheet.shape[:2] != (8 * H, 8 * W):
        log.warning("%s is no grid of 8 x 8 pictures and is left out.", path)
        return None
    cells = sheet.reshape(8, H, 8, W, C).transpose(0, 2, 4, 1, 3).reshape(64, C, H, W)
    return Drawn(cells, None, None, 0.0)


@lru_cache
def _file_of_pictures(folder: Path) -> Path | None:
    """Where test pictures lie that are shipped with a model's codes, if any are."""
    from safetensors import SafetensorError

    try:
        return file_with(folder, "pictures")
    except (OSError, SafetensorError) as error:
        log.warning("No pictures of %s: %s", folder, error)
        return None


@lru_cache
def _kept(path: Path) -> np.ndarray | None:
    """(N, C, H, W) uint8: the first of the pictures in a file of codes."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            pictures = file.get_slice("pictures")
            return pictures[: min(REAL, pictures.get_shape()[0])]
    except (OSError, SafetensorError) as error:
        log.warning("No pictures of %s: %s", path, error)
        return None


class Real(NamedTuple):
    """pictures: (N, C, H, W) uint8 test pictures. path: of the file in which they are."""

    pictures: np.ndarray
    path: Path


def real_pictures(store: Store, name: str) -> np.ndarray | None:
    """(N, C, H, W) uint8 test pictures of a model's data and size, of any model that has some."""
    found = real(store, name)
    return None if found is None else found.pictures


def real(store: Store, name: str) -> Real | None:
    """Test pictures of a model's data and size, of any model that has some, and where they are."""
    header = store.header(name)
    for other in store.names:
        known = store.header(other)
        same = known.data.get("name") == header.data.get("name")
        if same and list(known.config["image"]) == list(header.config["image"]):
            path = _file_of_pictures(Path(known.folder))
            found = None if path is None else _kept(path)
            if found is not None:
                return Real(found, path)
    return None
