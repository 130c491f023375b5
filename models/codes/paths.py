"""Ways from one code to another, and codes that cover a plane of two numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    pass


def straight(a: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
    """(steps, D): the straight way from a to b."""
    t = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return (1 - t) * a + t * b


def spherical(a: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
    """(steps, D): along the arc from a to b (Shoemake 1985; White 2016), lengths in proportion.

    The direction turns at an even pace, and the length goes straight from |a| to |b|: so codes as
    typical as both ends stay typical on the way. Where one end is 0 or the two are opposite, no arc
    is defined, and the way is straight.
    """
    long_a, long_b = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if min(long_a, long_b) < 1e-6:
        return straight(a, b, steps)
    cosine = float(np.clip((a / long_a) @ (b / long_b), -1, 1))
    angle = np.arccos(cosine)
    if angle < 1e-4 or np.pi - angle < 1e-4:
        return straight(a, b, steps)
    t = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    arc = np.sin((1 - t) * angle) * (a / long_a) + np.sin(t * angle) * (b / long_b)
    return (arc / np.sin(angle) * ((1 - t) * long_a + t * long_b)).astype(np.float32)


def manifold(side: int) -> np.ndarray:
    """(side * side, 2): codes at even steps of probability, from the upper left, by rows.

    Coordinates are the normal distribution's quantiles of (k + 1/2) / side, so every picture of the
    grid stands for the same share of what the model draws (Kingma and Welling 2014, fig. 4).
    """
    from statistics import NormalDist

    line = np.array([NormalDist().inv_cdf((k + 0.5) / side) for k in range(side)], np.float32)
    b, a = np.meshgrid(line[::-1], line, indexing="ij")
    return np.stack([a.ravel(), b.ravel()], -1)
