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

DIGIT_NAMES = tuple("0123456789")
FASHION_NAMES = (
    "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"
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
    folder = Path(data_dir) / name
    prefix = {"train": "train", "test": "t10k"}[split]
    images = torch.from_numpy(read_idx(folder / f"{prefix}-images-idx3-ubyte.gz").copy())[:, None]
    labels = torch.from_numpy(read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz").astype(np.int64))
    classes = DIGIT_NAMES if name == "mnist" else FASHION_NAMES
    return Dataset(name, split, images, labels, classes, source=str(folder))
