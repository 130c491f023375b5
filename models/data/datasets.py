"""Data sets by name, as arrays in memory.

Every loader returns the same thing, a ``Dataset``: images as bytes, ``(N, C, H, W)`` uint8, labels
``(N,)`` or none, and what is known of where they came from.

``digits`` and ``shapes`` are always there. The others in ``DATASETS`` are read from a folder that a
person names (or the environment variable GENERATIVE_EXPLORER_DATA), else fetched from the Hub. Any
folder or zip of pictures, and any data set on the Hub ("owner/name"), is a data set by its name.
Importing this module costs nothing: torch comes with the first load.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.data import text
from models.data.collection import arrange, counted, test_mask
from models.data.fetching import cache_folder, can_ask
from models.data.known import (
    DATASETS,
    DIGIT_NAMES,
    FETCHED,
    FINGERPRINTS,
    DatasetInfo,
)
from models.data.shapes import FACTOR_NAMES, SHAPE_NAMES, draw_factors, render
from models.data.sources import (
    DataError,
    decode_pictures,
    ground_of,
    open_pictures,
    read_hub,
    read_idx,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DATASETS", "DataError", "Dataset", "DatasetInfo", "available", "load", "read_idx"]

ENVIRONMENT = "GENERATIVE_EXPLORER_DATA"
SPLITS = ("train", "test")


@dataclass(frozen=True)
class Dataset:
    """Images of one split.

    images: (N, C, H, W) uint8. labels: (N,) int64 or None. classes: names of the labels.
    factors: (N, F) the true generative factors where they are known, factor_names their names.
    ground: what transparent pictures were laid on, "white" or "black"; "" where there were none.
    ordered: whether the rows follow one another, as those of a text do: then the last are no fair
    sample of all.
    notes: sentences on what was done to a person's pictures: skipped, cropped, taken as a split.
    """

    name: str
    split: str
    images: Tensor
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    factors: Tensor | None = None
    factor_names: tuple[str, ...] = ()
    source: str = ""
    ground: str = ""
    ordered: bool = False
    notes: tuple[str, ...] = ()
    _hash: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return tuple(self.images.shape[1:])

    @property
    def sha256(self) -> str:
        """Of the image bytes: tells in a checkpoint exactly what it was trained on."""
        if not self._hash:
            self._hash.append(hashlib.sha256(self.images.numpy().tobytes()).hexdigest())
        return self._hash[0]


def load(
    name: str,
    split: str = "train",
    data_dir: str | Path | None = None,
    *,
    size: int | None = None,
    download: bool = True,
) -> Dataset:
    """The data set of that name.

    name: a key of DATASETS, the path of a folder or zip of pictures (as it stands, or inside
    ``data_dir``), or a Hub id. split: "train" or "test". data_dir: the folder with the files, or
    with one folder per data set; the environment's unless given. size: side in pixels that
    pictures and Hub sets are brought to. download: False never asks the Hub.

    Raises DataError with one sentence where there is no such data set or its files are not right.
    """
    if split not in SPLITS:
        raise DataError(f"A data set has the splits {' and '.join(SPLITS)}, not '{split}'.")
    base = _base(data_dir)
    if name == "digits":
        return digits(split)
    if name == "shapes":
        n, seed = SHAPES_SPLITS[split]
        return shapes(n, seed, split=split)
    if name in DATASETS:
        return _known(name, split, base, download)
    if name in text.TEXTS:
        strips, source = text.python_library(split), text.source()
        return _dataset(name, split, strips, None, (), source=source, ordered=True)
    if (file := _text_file(name, base)) is not None:
        return _text(name, split, file)
    found = _pictures_path(name, base)
    if found is not None:
        return _pictures(name, split, found, size)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+(:[\w.-]+)?", name):
        raise DataError(
            f"There is no data set '{name}'. Known ones: {', '.join(DATASETS)}; or give a folder "
            "or zip of pictures, a .txt file, or a Hub id (owner/name)."
        )
    if not download:
        raise DataError(f"'{name}' is no folder or zip here, and the Hub was not to be asked.")
    return _from_hub(name, name, split, size)


def available(name: str, data_dir: str | Path | None = None) -> bool:
    """Can ``load`` read it without a network? Looks for the files, does not open them."""
    if name in text.TEXTS:
        return True
    if name in DATASETS:
        if DATASETS[name].origin == "built in":
            return True
        try:
            return _files(name, "train", _base(data_dir)) is not None
        except DataError:
            return False
    base = None if data_dir is not None and not Path(data_dir).is_dir() else _base(data_dir)
    return _pictures_path(name, base) is not None or _text_file(name, base) is not None


def megabytes_to_fetch(name: str, data_dir: str | Path | None = None) -> int:
    """About how many MB it takes to have a known data set here that is not: 0 where it is here, or
    cannot be fetched and checked. Nothing is asked of the network."""
    ours = name in FETCHED and not available(name, data_dir)
    return FETCHED[name] if ours and can_ask() else 0


# ---------------------------------------------------------------------------------------------
# Built in


def digits(split: str = "train") -> Dataset:
    """scikit-learn's 1,797 scanned digits, 8x8 grey, levels 0..16 stretched to bytes.

    The source has no split. Ours: 30 scans of each digit, evenly spaced in the file's order, are
    the 300 test images; the other 1,497 are the training images, both in the file's order.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    test = test_mask(bunch.target, 30)
    chosen = test if split == "test" else ~test
    levels = np.rint(bunch.images[chosen] * (255 / 16)).astype(np.uint8)
    labels = bunch.target[chosen]
    return _dataset("digits", split, levels[:, None], labels, DIGIT_NAMES, source="scikit-learn")


SHAPES_SPLITS = {"train": (50_000, 0), "test": (10_000, 1)}  # split: number of images, seed


def shapes(n: int, seed: int, split: str = "") -> Dataset:
    """n images of one coloured object each, and their factors (see ``models/data/shapes.py``).

    Labels are the shape's class. The same seed gives the same images; a larger n goes on where
    the smaller one ended.
    """
    import torch

    factors = draw_factors(n, seed)
    return _dataset(
        "shapes",
        split,
        render(factors),
        factors[:, 0],
        SHAPE_NAMES,
        factors=torch.from_numpy(factors),
        factor_names=FACTOR_NAMES,
        source=f"generated with seed {seed}",
    )


# ---------------------------------------------------------------------------------------------
# From files


def _base(data_dir: str | Path | None) -> Path | None:
    """The folder to look in. Raises DataError where one is named that does not exist."""
    given = data_dir or os.environ.get(ENVIRONMENT)
    if not given:
        return None
    base = Path(given).expanduser()
    if not base.is_dir():
        raise DataError(f"There is no data folder '{base}'.")
    return base


def _known(name: str, split: str, base: Path | None, download: bool) -> Dataset:
    info = DATASETS[name]
    files = _files(name, split, base)
    if files is None:
        where = f"not in '{base}'" if base else "not on this machine"
        if not (info.hub and download):
            raise DataError(f"{info.title} is {where}: name the folder that holds it (--data-dir).")
        try:
            return _from_hub(name, info.hub, split, None)
        except DataError as error:
            raise DataError(f"{info.title} is {where}, and {error}") from None
    if name == "cifar-10":
        dataset = _pictures(name, split, files["pictures"], None)
        if dataset.classes != info.classes:
            raise DataError(
                f"'{files['pictures']}' does not hold the classes of {info.title}: "
                f"{', '.join(info.classes)}."
            )
    else:
        dataset = _idx(name, split, **files)
    return _as_promised(dataset, info)


def _files(name: str, split: str, base: Path | None) -> dict[str, Path] | None:
    """The files of a known data set in base/name, in base itself, or where what was fetched is
    kept; None where there are none."""
    folders = [] if base is None else [base / name]
    # Not in the folder of another set.
    if base is not None and (base.name == name or base.name not in DATASETS):
        folders.append(base)
    folders.append(cache_folder() / name)
    for folder in folders:
        if name == "cifar-10":
            if any((folder / train).exists() for train in ("train.zip", "train")):
                return {"pictures": folder}
            if (folder / "cifar-10.zip").is_file():
                return {"pictures": folder / "cifar-10.zip"}
            continue
        prefix = "" if name == "omniglot-small" else {"train": "train-", "test": "t10k-"}[split]
        images = _idx_file(folder, f"{prefix}images", "idx3-ubyte")
        if images is None:
            continue
        labels = _idx_file(folder, f"{prefix}labels", "idx1-ubyte")
        if labels is None:
            raise DataError(f"'{images}' lies there without its {prefix}labels-idx1-ubyte.gz.")
        return {"images": images, "labels": labels}
    return None


def _idx_file(folder: Path, stem: str, kind: str) -> Path | None:
    names = (f"{stem}{dot}{kind}{gz}" for dot in "-." for gz in (".gz", ""))
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _idx(name: str, split: str, images: Path, labels: Path) -> Dataset:
    pixels, classes = read_idx(images, 3), read_idx(labels, 1).astype(np.int64)
    if len(pixels) != len(classes):
        raise DataError(
            f"'{images}' holds {len(pixels)} images, but '{labels}' {len(classes)} labels."
        )
    names = DATASETS[name].classes
    if name == "omniglot-small":
        if (images.parent / "classes.txt").is_file():
            try:
                listed = (images.parent / "classes.txt").read_text("utf-8").splitlines()
            except UnicodeDecodeError:
                raise DataError(
                    f"'{images.parent / 'classes.txt'}' is not a text file in UTF-8."
                ) from None
            names = tuple(line.strip().replace("_", " ") for line in listed if line.strip())
        pixels, classes = _own_split(pixels, classes, split, str(images))
    if classes.max() >= len(names):
        raise DataError(
            f"'{labels}' has a label {classes.max()}, but there are only {len(names)} classes."
        )
    return _dataset(name, split, pixels[:, None], classes, names, source=str(images.parent))


def _as_promised(dataset: Dataset, info: DatasetInfo) -> Dataset:
    if dataset.image_shape != info.shape:
        got, want = ("x".join(map(str, shape)) for shape in (dataset.image_shape, info.shape))
        raise DataError(
            f"The images in '{dataset.source}' are {got}, but those of {info.title} are {want}."
        )
    really = FINGERPRINTS.get(dataset.sha256, dataset.name)
    if really != dataset.name:
        raise DataError(f"The images in '{dataset.source}' are {really}, not {dataset.name}.")
    return dataset


def _pictures_path(name: str, base: Path | None) -> Path | None:
    """A folder or zip of that name, as it stands or in the data folder."""
    candidates = [Path(name).expanduser()]
    if base is not None:
        candidates += [base / name, base / f"{name}.zip"]
    for path in candidates:
        if name and (path.is_dir() or (path.is_file() and path.suffix.lower() == ".zip")):
            return path
    return None


def _text_file(name: str, base: Path | None) -> Path | None:
    """A text file of that name, as it stands or in the data folder."""
    if not name.lower().endswith(".txt"):
        return None
    candidates = [Path(name).expanduser(), *([] if base is None else [base / name])]
    return next((path for path in candidates if path.is_file()), None)


def _text(name: str, split: str, path: Path) -> Dataset:
    try:
        strips = text.of_file(path, split)
    except ValueError as error:
        raise DataError(str(error)) from None
    return _dataset(name, split, strips, None, (), source=str(path), ordered=True)


def _pictures(name: str, split: str, path: Path, size: int | None) -> Dataset:
    """Pictures in a folder or zip. Folders are the classes, and two of the names train and test the
    splits (see ``models.data.collection``)."""
    with open_pictures(path) as collection:
        entries = collection.entries
        found = arrange([entry.parts for entry in entries])
        own_split = not found.has_splits
        places = [place for place in found.places if own_split or place.split == split]
        number = {label: k for k, label in enumerate(found.classes)}
        labels = np.array([number.get(place.label, 0) for place in places])
        order = np.arange(len(places))
        if own_split:
            order, labels = _own_split(order, labels, split, str(path))
        else:
            # Folders come class by class: mixed, so that the first n are a fair sample.
            order = _mixed(len(order))
            labels = labels[order]
        ground = ground_of(entries)
        chosen = (entries[places[i].row] for i in order)
        made = decode_pictures(chosen, len(order), size, ground)
    twice = len(made.images) - len({picture.tobytes() for picture in made.images})
    doubled = (f"{counted(twice)} there more than once.",) if twice else ()
    return _dataset(
        name, split, made.images, labels if found.classes else None, found.classes,
        source=str(path), ground=made.ground,
        notes=(*collection.notes, *found.notes, *made.notes, *doubled),
    )  # fmt: skip


def _from_hub(name: str, repo: str, split: str, size: int | None) -> Dataset:
    hub = read_hub(repo, split, size)
    images, labels, classes = hub.images, hub.labels, hub.classes
    info = DATASETS.get(name)
    if info is not None:
        if len(images) != info.n[split]:
            raise DataError(
                f"The Hub's '{repo}' has {len(images)} images in '{split}' instead of "
                f"{info.n[split]}: get it again."
            )
        classes = info.classes  # the same order, our names
    if hub.whole:
        rows = np.arange(len(images))
        rows, _ = _own_split(rows, np.zeros_like(rows) if labels is None else labels, split, repo)
        images, labels = images[rows], None if labels is None else labels[rows]
    dataset = _dataset(
        name, split, images, labels, classes, source=f"Hub: {repo}", ground=hub.ground,
        notes=hub.notes,
    )  # fmt: skip
    return dataset if info is None else _as_promised(dataset, info)


# ---------------------------------------------------------------------------------------------
# Splits of our own


def _own_split(
    rows: np.ndarray, labels: np.ndarray, split: str, source: str
) -> tuple[np.ndarray, np.ndarray]:
    """A split for what has none: one row in six of each class, evenly spaced in the source's
    order, is a test row. Both parts are mixed, always alike, so that the first n are a fair sample.
    """
    test = test_mask(labels)
    chosen = np.flatnonzero(test if split == "test" else ~test)
    if not len(chosen):
        raise DataError(f"'{source}' holds too few images for a {split} split.")
    chosen = chosen[_mixed(len(chosen))]
    return rows[chosen], labels[chosen]


def _mixed(n: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(0)).permutation(n)


def _dataset(
    name: str,
    split: str,
    images: np.ndarray,
    labels: np.ndarray | None,
    classes: tuple[str, ...],
    **known: object,
) -> Dataset:
    import torch

    # Copied: bytes read from a file are not writable, and torch cannot say so.
    tensor = torch.from_numpy(images if images.flags.writeable else images.copy())
    if labels is not None:
        labels = torch.from_numpy(labels.astype(np.int64))
    return Dataset(name, split, tensor, labels, classes, **known)
