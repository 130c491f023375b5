"""What the folders of a collection of pictures mean: classes, splits, and what is left out.

Page and command line read folders and zips by the same rules:

* Folders that all pictures lie in say nothing and are taken off.
* Two folders called train and test (or validation) are the splits.
* The folders that lie in what is left are the classes, by their whole name as it is written. The
  same name with its accents composed and decomposed, as a Mac's zip has them, is one class. Folders
  inside a class are part of it.
* A few pictures beside the classes are left out; where they are many, there are no classes.

Whatever is left out or taken otherwise than it lies there is said, in ``notes``.
"""

from __future__ import annotations

import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

SUFFIXES = {
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff",
    ".ppm", ".pgm", ".avif",
}  # fmt: skip
TRAIN_NAMES = ("train", "training")
TEST_NAMES = ("test", "testing", "validation", "valid", "val")
TEST_SHARE = 6  # where a source has no split, one image in six of each class is a test image
FEW = 10  # one picture in so many may lie beside the classes, and is left out
# How the files of pictures begin that may have no suffix.
_HEADS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")


@dataclass(frozen=True)
class Place:
    """Where a picture belongs. row: of the paths that were given. split: "train", "test" or "",
    where there are no splits. label: its class, "" where there are none."""

    row: int
    split: str
    label: str


@dataclass(frozen=True)
class Arrangement:
    """places: those that are taken, in the order given. classes: sorted. notes: sentences."""

    places: tuple[Place, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def has_splits(self) -> bool:
        return any(place.split for place in self.places)


def arrange(paths: Sequence[tuple[str, ...]]) -> Arrangement:
    """What the folders of these pictures mean. paths: of each, its folders and its name."""
    rows, notes = list(range(len(paths))), []
    inner = dict(enumerate(without_common_folder(paths)))
    splits = _splits(inner)
    if splits:
        rest = [row for row in rows if row not in splits]
        words = f"The folders {_listed(_split_folders(inner, splits))} are taken as the splits"
        words += f"; {counted(len(rest))} outside them are left out" if rest else ""
        notes.append(f"{words}.")
        rows = [row for row in rows if row in splits]
        inner = {row: inner[row][1:] for row in rows}
    beside = [row for row in rows if len(inner[row]) == 1]
    spelling: dict[str, str] = {}  # the first spelling of each name, by its composed form
    for row in rows:
        if len(inner[row]) > 1:
            spelling.setdefault(unicodedata.normalize("NFC", inner[row][0]), inner[row][0])
    written = {inner[row][0] for row in rows if len(inner[row]) > 1}
    classes = tuple(sorted(spelling.values()))
    if len(classes) > 1 and len(beside) * FEW > len(rows):
        notes.append(
            f"{counted(len(beside))} of {len(rows):,} lie in no folder, so the folders are not "
            "taken as classes."
        )
        classes = ()
    elif len(classes) > 1 and beside:
        names = _listed(inner[row][-1] for row in beside)
        notes.append(f"{counted(len(beside))} beside the classes' folders: left out ({names}).")
        rows = [row for row in rows if len(inner[row]) > 1]
    if len(classes) > 1 and len(written) > len(classes):
        notes.append(
            f"{len(written) - len(classes)} folders have the name of another with its accents "
            "written otherwise, and are the same class."
        )
    labelled = len(classes) > 1
    places = tuple(
        Place(
            row,
            splits.get(row, ""),
            spelling[unicodedata.normalize("NFC", inner[row][0])] if labelled else "",
        )
        for row in rows
    )
    return Arrangement(places, classes if labelled else (), tuple(notes))


def without_common_folder(paths: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The same paths without the folders that all of them lie in."""
    paths = list(paths)
    while paths and all(len(p) > 1 for p in paths) and len({p[0] for p in paths}) == 1:
        paths = [p[1:] for p in paths]
    return paths


def _splits(paths: dict[int, tuple[str, ...]]) -> dict[int, str]:
    """The split of each picture that lies in one; {} where there are not both."""
    found: dict[int, str] = {}
    for split, names in (("train", TRAIN_NAMES), ("test", TEST_NAMES)):
        for name in names:  # one folder of each: a validation set beside a test set is left out
            rows = [r for r, p in paths.items() if len(p) > 1 and p[0].lower() == name]
            if rows:
                found |= dict.fromkeys(rows, split)
                break
        else:
            return {}
    return found


def _split_folders(paths: dict[int, tuple[str, ...]], splits: dict[int, str]) -> list[str]:
    return list(dict.fromkeys(f"{paths[row][0]}" for row in splits))


# -- which are test pictures ---------------------------------------------------------------------


def test_mask(labels: np.ndarray, n: int | None = None) -> np.ndarray:
    """A mask that is true for n members of each class (one in six unless given), spread evenly.

    Classes that are too small for a sixth of their own share one: forty classes of three pictures
    give twenty.
    """
    mask = np.zeros(len(labels), bool)
    small = []
    for members in (np.flatnonzero(labels == label) for label in np.unique(labels)):
        count = round(len(members) / TEST_SHARE) if n is None else n
        mask[_evenly(members, count)] = True
        if not count:
            small.append(members)
    if small and n is None:
        # The only picture of a class is trained on, unless there are no others.
        several = [members for members in small if len(members) > 1]
        shared = np.concatenate(several or small)
        if several or not mask.any():
            mask[_evenly(shared, round(len(shared) / TEST_SHARE))] = True
    return mask


def _evenly(members: np.ndarray, count: int) -> np.ndarray:
    return members[((np.arange(count) + 0.5) * len(members) / max(count, 1)).astype(int)]


# -- which files are pictures ----------------------------------------------------------------------


def is_hidden(parts: Sequence[str]) -> bool:
    """Whether a file is a system's own: its name, or a folder's, begins with a dot and a letter or
    an underscore (".DS_Store", "._a.png", ".git"; but ".9 mm" is a folder as any other)."""
    return any(
        part.startswith("__MACOSX") or (part[:1] == "." and not part[1:2].isdigit())
        for part in parts
    )


def is_picture(name: str, head: bytes) -> bool:
    """By its suffix; a file without any by how it begins."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix and not suffix[1:].isdigit():
        return suffix in SUFFIXES
    return head.startswith(_HEADS) or head[4:12] == b"ftypavif"


def parts_of(info: zipfile.ZipInfo) -> tuple[str, ...]:
    """The folders and the name of a zip's entry, whoever has packed it: with backslashes, as some
    do on Windows, or with names in UTF-8 that are not marked as such, as on a Mac."""
    name = info.filename
    if not info.flag_bits & 0x800:
        try:
            name = name.encode("cp437").decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            name = info.filename
    return tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def skipped(names: Iterable[str]) -> tuple[str, ...]:
    """A note on files that are no pictures by their name; none where there are none."""
    names = list(names)
    if not names:
        return ()
    kinds = Counter(PurePosixPath(name).suffix.lower() or "no suffix" for name in names)
    said = ", ".join(f"{n:,} {kind}" for kind, n in kinds.most_common(4))
    return (f"{counted(len(names), 'file')} skipped, no pictures by their names ({said}).",)


def spoken(data: str) -> str:
    """A data set's name as it is said: of a path the last part, without where this machine keeps
    it; a Hub's id and a name that is known stay as they are."""
    path = PurePosixPath(data.replace("\\", "/"))
    absolute = path.is_absolute() or path.parts[:1] in (("~",), (".",), ("..",))
    if absolute or path.suffix.lower() == ".zip" or data[1:2] == ":":
        return path.name.removesuffix(".zip") or data
    return data


def counted(n: int, word: str = "picture") -> str:
    return f"{n:,} {word}" + ("" if n == 1 else "s")


def _listed(names: Iterable[str], most: int = 3) -> str:
    names = [f"'{name}'" for name in names]
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
