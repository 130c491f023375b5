"""A distance between two sets of features that does not depend on how many there are."""

from __future__ import annotations

import math

import numpy as np

from models.evaluation.estimates import Array, Estimate, rows_of

BLOCKS = 20  # of the jackknife


def kernel_distance(features_a: Array, features_b: Array, blocks: int = BLOCKS) -> Estimate:
    r"""The squared maximum mean discrepancy of two sets of features, without bias.

    MMD² = mean_{i != j} k(a_i, a_j) + mean_{i != j} k(b_i, b_j) - 2 mean_{i, j} k(a_i, b_j)

    with k(x, y) = (x . y / F + 1)^3, the "kernel inception distance" of Binkowski et al. (2018).
    Unlike a Fréchet distance it has the same expectation for any number of images; 0 where the
    distributions are equal, so that an estimate may be below it.

    features_a: (N, F), features_b: (M, F). The standard error is a jackknife's: each of ``blocks``
    disjoint blocks of both sets is left out in turn. The kernel is summed a pair of blocks at a
    time, in N M / blocks² numbers of memory. Raises ValueError for sets without two images a block.
    """
    a, b = rows_of(features_a), rows_of(features_b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"Features of {a.shape[1]} and {b.shape[1]} numbers cannot be compared.")
    blocks = min(blocks, len(a) // 2, len(b) // 2)
    if blocks < 2:
        raise ValueError("A kernel distance needs four images in each set.")
    parts_a, parts_b = np.array_split(a, blocks), np.array_split(b, blocks)
    sums = _within(parts_a), _within(parts_b), _between(parts_a, parts_b)
    sizes = np.array([[len(x), len(y)] for x, y in zip(parts_a, parts_b, strict=True)])
    value = _mmd(sums, sizes, np.ones(blocks, bool))
    without = [_mmd(sums, sizes, np.arange(blocks) != k) for k in range(blocks)]
    return Estimate(value, math.sqrt((blocks - 1) * np.var(without)))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _between(a: list[np.ndarray], b: list[np.ndarray]) -> np.ndarray:
    return np.array([[_kernel(x, y).sum() for y in b] for x in a])


def _within(parts: list[np.ndarray]) -> np.ndarray:
    """Without an image's pair with itself."""
    sums = np.zeros((len(parts), len(parts)))
    for i, x in enumerate(parts):
        for j, y in enumerate(parts[: i + 1]):
            kernel = _kernel(x, y)
            sums[i, j] = sums[j, i] = kernel.sum() - (np.trace(kernel) if i == j else 0)
    return sums


def _mmd(sums: tuple[np.ndarray, ...], sizes: np.ndarray, kept: np.ndarray) -> float:
    """MMD² of the blocks that are kept, (blocks,) bool."""
    n, m = sizes[kept].sum(axis=0)
    within_a, within_b, between = (each[np.ix_(kept, kept)].sum() for each in sums)
    return float(within_a / (n * (n - 1)) + within_b / (m * (m - 1)) - 2 * between / (n * m))
