"""A person's own pictures as a data set: through the one gate, made alike, in one file.

What folders mean, what is laid on which ground and what is cropped is decided in ``models``, as
for the command line; here uploads become a zip that ``models.data`` reads by its name. A zip, since
its folders can have any name that a class has.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explorer.pictures import images
from explorer.tabs.train.setup import Described
from models.machine.files import write_atomically

if TYPE_CHECKING:
    from PIL.Image import Image

    from models.data.collection import Place

MOST = 3000
FEWEST = 12  # so that there is a test picture, and a batch
SIDES = (16, 28, 32, 48, 64)


class Brought(NamedTuple):
    """described: what to train on. preview: (n, C, H, W) uint8, some of them. words: what was made
    of them. name: of the zip, unique to its content."""

    described: Described
    preview: np.ndarray
    words: str


class Read(NamedTuple):
    """pictures: squares in "L" or "RGB". paths: folders and name of each. problems: (name,
    sentence) of what could not be used. notes: sentences on what was done."""

    pictures: list[Image]
    paths: list[tuple[str, ...]]
    problems: list[tuple[str, str]]
    notes: list[str]


def bring(paths: Sequence[str], side: int, grey: bool, folder: Path) -> Brought:
    """Pictures, many files or zips, as a zip that ``models.data`` reads by its name.

    Each is cropped to its central square and resampled to side x side; those that are the same then
    are taken once. Folders become classes or splits (``models.data.collection``). grey: without
    colour. folder: the visitor's. Raises ImageError with a sentence where too few are left.
    """
    from models.data.collection import arrange, counted, test_mask

    if side not in SIDES:
        raise images.ImageError(f"Pictures can be {', '.join(map(str, SIDES))} pixels a side.")
    read = _read(paths, side)
    found = arrange(read.paths)
    made: dict[str, tuple[Place, Image]] = {}
    for place in found.places:
        picture = read.pictures[place.row].convert("L" if grey else "RGB")
        made.setdefault(hashlib.sha256(picture.tobytes()).hexdigest(), (place, picture))
    if len(made) < FEWEST:
        reason = f" {read.problems[0][1]}" if read.problems else ""
        raise images.ImageError(
            f"{len(made)} different pictures are too few to train on; bring {FEWEST} at least."
            f"{reason}"
        )
    kept = [place for place, _ in made.values()]
    pictures = [picture for _, picture in made.values()]
    labels = np.array([found.classes.index(p.label) if found.classes else 0 for p in kept])
    if found.has_splits:
        n = sum(place.split == "train" for place in kept)
        if not 0 < n < len(kept):
            raise images.ImageError("One of the folders train and test has no picture of its own.")
    else:
        n = len(kept) - int(test_mask(labels).sum())
    name = _write(made, folder)
    channels = 1 if grey or all(map(_is_grey, pictures)) else 3
    described = Described(name, (channels, side, side), found.classes, n)
    preview = np.stack([np.asarray(picture) for picture in pictures[:64]])
    preview = preview[:, None] if preview.ndim == 3 else preview.transpose(0, 3, 1, 2)
    twice = len(found.places) - len(made)
    words = f"{counted(len(made))} of {side}x{side}"
    words += f", {len(found.classes)} classes" if found.classes else ""
    words += f"; {twice:,} that were there already are left out" if twice else ""
    n_bad = len(read.problems)
    words += f"; {n_bad} could not be used. {read.problems[0][1]}" if n_bad else "."
    return Brought(described, preview, " ".join([words, *found.notes, *read.notes]))


def _read(paths: Sequence[str], side: int) -> Read:
    """Every picture of the uploads as a square of that side."""
    from models.data.collection import is_picture, skipped
    from models.data.picture_files import decoded, said_name
    from models.data.sources import WHOLE
    from models.data.squares import Cut, Grounds

    pictures: list[Image] = []
    places, problems, others = [], [], []
    grounds, cut = Grounds(), Cut()
    for parts, data, packed in _files(paths):
        name = parts[-1]
        if packed and isinstance(data, bytes) and not is_picture(name, data[:16]):
            others.append(name)
            continue
        if len(pictures) == MOST:
            problems.append((name, f"Only the first {MOST:,} pictures were taken."))
            break
        try:
            if isinstance(data, images.ImageError):
                raise data
            picture = decoded(data, said_name(name), WHOLE, alpha=True)
        except images.ImageError as error:
            problems.append((name, str(error)))
            continue
        cut.saw(picture.size)
        pictures.append(grounds.lay(len(pictures), picture, side))
        places.append(parts)
    grounds.settle(pictures)
    notes = [*cut.notes(side), *grounds.notes(), *skipped(others)]
    return Read(pictures, places, problems, notes)


def _files(
    paths: Sequence[str],
) -> Iterator[tuple[tuple[str, ...], bytes | images.ImageError, bool]]:
    """(folders and name, content or why there is none, whether it comes out of a zip)."""
    for path in map(Path, paths):
        for name, data in images.files_of(path, max(MOST, images.MAX_ZIP_ENTRIES)):
            packed = name != path.name
            yield (tuple(name.split("/")) if packed else (name,)), data, packed


def _is_grey(picture: Image) -> bool:
    levels = np.asarray(picture)
    return levels.ndim == 2 or bool((levels == levels[..., :1]).all())


def _write(made: dict[str, tuple[Place, Image]], folder: Path) -> str:
    """The zip's name in the folder; of the same pictures in the same classes it is the same."""
    content = sorted(f"{place.split}/{place.label}/{key}" for key, (place, _) in made.items())
    name = "pictures-" + hashlib.sha256("\n".join(content).encode()).hexdigest()[:12] + ".zip"
    write_atomically(folder / name, lambda path: _pack(made, path))
    return name


def _pack(made: dict[str, tuple[Place, Image]], path: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for k, (place, picture) in enumerate(made.values()):
            file = io.BytesIO()
            picture.save(file, "PNG")
            parts = [part for part in (place.split, place.label, f"{k:05d}.png") if part]
            info = zipfile.ZipInfo("/".join(parts), (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, file.getvalue())
