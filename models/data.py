"""Data sets by name, as arrays in memory.

Every loader returns the same thing, a ``Dataset``: images as bytes, ``(N, C, H, W)`` uint8, labels
``(N,)`` or none, and what is known of where they came from.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.shapes import FACTOR_NAMES, SHAPE_NAMES, draw_factors, render

DIGIT_NAMES = tuple("0123456789")
FASHION_NAMES = (
    "T-shirt",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Boot",
)


class DataError(ValueError):
    """A data set that cannot be had; the message is one sentence for a person."""


@dataclass(frozen=True)
class Dataset:
    """Images of one split.

    images: (N, C, H, W) uint8. labels: (N,) int64 or None. classes: names of the labels.
    factors: (N, F) the true generative factors where they are known, factor_names their names.
    """

    name: str
    split: str
    images: Tensor
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    factors: Tensor | None = None
    factor_names: tuple[str, ...] = ()
    source: str = ""
    _hash: list[str] = field(default_factory=list, repr=False, compare=False)

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


def digits(split: str = "train") -> Dataset:
    """scikit-learn's 1,797 scanned digits, 8x8 grey, levels 0..16 stretched to bytes.

    The source has no split. Ours: 30 scans of each digit, evenly spaced in the file's order, are
    the 300 test images; the other 1,497 are the training images, both in the file's order.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    test = _every_class_evenly(bunch.target, 30)
    chosen = test if split == "test" else ~test
    levels = np.rint(bunch.images[chosen] * (255 / 16)).astype(np.uint8)
    labels = torch.from_numpy(bunch.target[chosen].astype(np.int64))
    images = torch.from_numpy(levels)[:, None]
    return Dataset("digits", split, images, labels, DIGIT_NAMES, source="scikit-learn")


def _every_class_evenly(labels: np.ndarray, n: int) -> np.ndarray:
    """A mask that is true for n members of each class, spread evenly over the given order."""
    mask = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        mask[members[((np.arange(n) + 0.5) * len(members) / n).astype(int)]] = True
    return mask


SHAPES_SPLITS = {"train": (50_000, 0), "test": (10_000, 1)}  # split: number of images, seed


def shapes(n: int, seed: int, split: str = "") -> Dataset:
    """n images of one coloured object each, and their factors (see ``models/shapes.py``).

    Labels are the shape's class. The same seed gives the same images; a larger n goes on where
    the smaller one ended.
    """
    factors = draw_factors(n, seed)
    return Dataset(
        "shapes",
        split,
        torch.from_numpy(render(factors)),
        torch.from_numpy(factors[:, 0].astype(np.int64)),
        SHAPE_NAMES,
        torch.from_numpy(factors),
        FACTOR_NAMES,
        source=f"generated with seed {seed}",
    )


def render_shapes(factors: Tensor | np.ndarray) -> Tensor:
    """Images of given factors: (N, 6) to (N, 3, 32, 32) uint8, as in the data set ``shapes``.

    Raises DataError where a factor lies outside its range (``models.shapes.FACTOR_RANGES``).
    """
    try:
        return torch.from_numpy(render(np.asarray(factors, np.float32)))
    except ValueError as error:
        raise DataError(str(error)) from None


def read_idx(path: Path) -> np.ndarray:
    """An IDX file (LeCun's format for MNIST), gzipped or not, of unsigned bytes."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        raw = file.read()
    ndim = raw[3]
    shape = tuple(int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(ndim))
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * ndim).reshape(shape)


def load(name: str, split: str = "train", data_dir: str | Path | None = None) -> Dataset:
    """The data set of that name. split: "train" or "test". Raises DataError."""
    if name == "digits":
        return digits(split)
    if name == "shapes":
        return shapes(*SHAPES_SPLITS[split], split=split)
    folder = Path(data_dir) / name
    prefix = {"train": "train", "test": "t10k"}[split]
    images = torch.from_numpy(read_idx(folder / f"{prefix}-images-idx3-ubyte.gz").copy())[:, None]
    labels = torch.from_numpy(read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz").astype(np.int64))
    classes = DIGIT_NAMES if name == "mnist" else FASHION_NAMES
    return Dataset(name, split, images, labels, classes, source=str(folder))
