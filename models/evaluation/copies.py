"""Whether samples are copies: how near they lie to training images, and to images never seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.contract.model import Model
from models.data.datasets import Dataset
from models.evaluation.estimates import metric
from models.evaluation.samples import observed

CHUNK = 500  # images at once, held against all of the others
NEAREST = 8  # kept of each: one at least of them is in a resampled set but for 0.03 % of the time


def nearest(images: Tensor, others: Tensor, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Distances (N, k) of N images to the k nearest of ``others``, and those images' rows (N, k).

    images: (N, C, H, W) and others: (M, C, H, W), float in [0, 1] or uint8. Distances are Euclidean
    over all pixels, whose levels are from 0 to 1; nearest first.
    """
    points, places = _flat(others), []
    squares = points.square().sum(1)
    for part in _flat(images).split(CHUNK):
        # |x - y|² without |x|², which changes no order.
        places.append((squares - 2 * part @ points.T).topk(k, dim=1, largest=False).indices)
    places = torch.cat(places)
    # Products of float32 lose what is left of a copy's distance: those of the nearest are exact.
    rows = _flat(images).split(CHUNK), places.split(CHUNK)
    distances = [
        (x[:, None] - points[at]).double().norm(dim=2) for x, at in zip(*rows, strict=True)
    ]
    distances, order = torch.cat(distances).sort(dim=1)
    return distances.numpy(), places.gather(1, order).numpy()


def of_samples(
    model: Model, made: Tensor, test: Dataset, train: Dataset, seed: int
) -> dict[str, dict[str, Any]]:
    """``memorisation`` of a model's samples (N, C, H, W), by as many training images as there are
    test images, chosen by the seed."""
    held, seen, _ = observed(model, test, train, seed)
    n, rng = min(len(held), len(seen)), np.random.default_rng(seed)
    seen, held = (images[torch.from_numpy(rng.permutation(len(images))[:n])]
                  for images in (seen, held))  # fmt: skip
    return memorisation(made, seen, held, seed)


def memorisation(
    made: Tensor, train: Tensor, test: Tensor, seed: int = 0, bootstrap: int = 100
) -> dict[str, dict[str, Any]]:
    """Whether samples lie nearer to training images than to test images.

    made: (N, C, H, W) samples. train, test: (M, C, H, W) each, as many of both: more training
    images would be nearer for their number alone. All float in [0, 1] or uint8.

    Returns entries of the pixels: ``nearest_train`` and ``nearest_test``, the medians of the
    distances to the nearest one; ``nearest_ratio``, the median of their ratio, 1 for new pictures
    and 0 for copies; ``nearer_to_train``, the share of samples that a training image is nearer to
    than every test image, half of new pictures. Standard errors by resampling all three sets.
    Raises ValueError where there are not as many training as test images.
    """
    if len(train) != len(test):
        raise ValueError(
            f"{len(train)} training and {len(test)} test images: copies show among as many of each."
        )
    k = min(NEAREST, len(train))
    near_train, near_test = nearest(made, train, k), nearest(made, test, k)
    numbers = _numbers(near_train[0][:, 0], near_test[0][:, 0])
    rng, drawn = np.random.default_rng(seed), []
    for _ in range(bootstrap):
        rows = rng.integers(len(made), size=len(made))
        firsts = [_first(d[rows], at[rows], len(train), rng) for d, at in (near_train, near_test)]
        drawn.append(list(_numbers(*firsts).values()))
    errors = np.std(drawn, axis=0, ddof=1)
    return {
        name: metric(value, error, len(made), "pixels", of=len(train))
        for (name, value), error in zip(numbers.items(), errors, strict=True)
    }


def _numbers(to_train: np.ndarray, to_test: np.ndarray) -> dict[str, float]:
    nearer = (to_train < to_test) + (to_train == to_test) / 2  # pictures in black and white tie
    ratio = (to_train + 1e-12) / (to_test + 1e-12)
    return {
        "nearest_train": float(np.median(to_train)),
        "nearest_test": float(np.median(to_test)),
        "nearest_ratio": float(np.median(ratio)),
        "nearer_to_train": float(nearer.mean()),
    }


def _first(distances: np.ndarray, rows: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """(N,) the distance to the nearest that is in a resampled set of n, of (N, k); the last of the
    k where none of them is."""
    there = np.bincount(rng.integers(n, size=n), minlength=n)[rows] > 0
    there[:, -1] = True
    return distances[np.arange(len(rows)), there.argmax(axis=1)]


def _flat(images: Tensor) -> Tensor:
    x = images.flatten(1)
    return x.float() / 255 if x.dtype == torch.uint8 else x.float()
