"""A person's own pictures as a data set: through the one gate, made alike, in their folder."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explorer.pictures import images
from explorer.tabs.train.setup import Described

if TYPE_CHECKING:
    from PIL.Image import Image

MOST = 3000
FEWEST = 12  # so that there is a test picture, and a batch
SIDES = (16, 28, 32, 48, 64)
ROOM = 128  # pixels a side that are kept of a picture until its size is known


class Brought(NamedTuple):
    """described: what to train on. preview: (n, C, H, W) uint8, some of them. words: what was made
    of them. name: of the folder, unique to its content."""

    described: Described
    preview: np.ndarray
    words: str


def bring(paths: Sequence[str], side: int, grey: bool, folder: Path) -> Brought:
    """Pictures, many files or zips, as a folder that ``models.data`` reads by its name.

    Each is cropped to its central square and resampled to side x side; those that are the same then
    are taken once. Where all of them lie in folders of a zip, and there are several, the folders
    become classes. grey: without colour. folder: the visitor's.
    Raises ImageError with a sentence where too few are left.
    """
    from models.data.sources import square

    if side not in SIDES:
        raise images.ImageError(f"Pictures can be {', '.join(map(str, SIDES))} pixels a side.")
    found, problems = images.open_many(paths, MOST, ROOM)
    made: dict[str, tuple[str, Image]] = {}
    for name, picture in found:
        picture = square(picture, side).convert("L" if grey else "RGB")
        made.setdefault(hashlib.sha256(picture.tobytes()).hexdigest(), (_class_of(name), picture))
    if len(made) < FEWEST:
        reason = f" {problems[0][1]}" if problems else ""
        raise images.ImageError(
            f"{len(made)} different pictures are too few to train on; bring {FEWEST} at least."
            f"{reason}"
        )
    classes = sorted({label for label, _ in made.values()})
    classes = classes if len(classes) > 1 and "" not in classes else []
    name = "pictures-" + hashlib.sha256("".join(sorted(made)).encode()).hexdigest()[:12]
    _write(made, folder / name, classes)
    channels = 1 if grey or all(_is_grey(picture) for _, picture in made.values()) else 3
    # One in six becomes a test picture (models.data.datasets); what is left is trained on.
    described = Described(name, (channels, side, side), tuple(classes), len(made) - len(made) // 6)
    preview = np.stack([np.asarray(picture) for _, picture in list(made.values())[:64]])
    preview = preview[:, None] if preview.ndim == 3 else preview.transpose(0, 3, 1, 2)
    twice = len(found) - len(made)
    words = f"{len(made):,} pictures of {side}x{side}"
    words += f", {len(classes)} classes" if classes else ""
    words += f"; {twice} that were there already are left out" if twice else ""
    words += f"; {len(problems)} could not be used. {problems[0][1]}" if problems else "."
    return Brought(described, preview, words)


def _class_of(name: str) -> str:
    """The folder that a picture of a zip lies in; "" where it lies in none."""
    return PurePosixPath(name).parent.name


def _is_grey(picture: Image) -> bool:
    levels = np.asarray(picture)
    return levels.ndim == 2 or bool((levels == levels[..., :1]).all())


def _write(made: dict[str, tuple[str, Image]], target: Path, classes: list[str]) -> None:
    shutil.rmtree(target, ignore_errors=True)
    for k, (label, picture) in enumerate(made.values()):
        place = target / _plain(label, classes) if classes else target
        place.mkdir(parents=True, exist_ok=True)
        picture.save(place / f"{k:05d}.png")


def _plain(label: str, classes: list[str]) -> str:
    """A class as a folder's name, whatever a zip calls it."""
    kept = "".join(c if c.isalnum() or c in " _-" else "_" for c in label).strip()[:40]
    return kept or f"class {classes.index(label)}"
