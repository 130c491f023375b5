"""The data set ``shapes``: one coloured object on black, with every factor known exactly.

Each image is a pure function of six factors, so a lecture can ask whether a model has found them:

    shape     0 square, 1 ellipse (twice as long as wide), 2 triangle (equilateral)
    hue       0 (red) to 0.8 (violet), at full saturation and value; the circle is left open, so
              that neighbouring numbers are neighbouring colours everywhere
    size      0.21 to 0.32, half the side of the square whose area the object has, in half frames;
              all three shapes of one size cover the same area
    rotation  -30 to 30 degrees, counter-clockwise. A square looks the same every 90 degrees, a
              triangle every 120, an ellipse every 180: in this range no two poses look alike, and
              the two ends do not meet
    x, y      -0.42 to 0.42, the centre in half frames, x to the right and y upwards; the object
              never leaves the frame

They are drawn uniformly and independently of each other. Position moves most of the pixels, then
hue and size, then shape and rotation.
"""

from __future__ import annotations

import numpy as np

SHAPE_NAMES = ("square", "ellipse", "triangle")
FACTOR_NAMES = ("shape", "hue", "size", "rotation", "x", "y")
FACTOR_RANGES = {
    "shape": (0.0, 2.0),
    "hue": (0.0, 0.8),
    "size": (0.21, 0.32),
    "rotation": (-30.0, 30.0),
    "x": (-0.42, 0.42),
    "y": (-0.42, 0.42),
}
SIDE = 32
CHUNK = 1024  # images drawn at once: a few dozen megabytes


def draw_factors(n: int, seed: int) -> np.ndarray:
    """n rows of factors, (n, 6) float32, uniform in their ranges.

    A longer draw with the same seed begins with the shorter one.
    """
    unit = np.random.Generator(np.random.PCG64(seed)).random((n, len(FACTOR_NAMES)))
    low, high = np.array([FACTOR_RANGES[name] for name in FACTOR_NAMES]).T
    factors = low + (high - low) * unit
    factors[:, 0] = np.floor(unit[:, 0] * len(SHAPE_NAMES))
    return factors.astype(np.float32)


def render(factors: np.ndarray) -> np.ndarray:
    """The images of these factors: (N, 6) numbers to (N, 3, 32, 32) uint8, antialiased.

    Raises ValueError where the array is not (N, 6) or a factor lies outside its range.
    """
    factors = np.asarray(factors, np.float32)
    _check(factors)
    images = np.empty((len(factors), 3, SIDE, SIDE), np.uint8)
    for start in range(0, len(factors), CHUNK):
        part = slice(start, start + CHUNK)
        images[part] = _render_chunk(factors[part])
    return images


def _check(factors: np.ndarray) -> None:
    if factors.ndim != 2 or factors.shape[1] != len(FACTOR_NAMES):
        raise ValueError(
            f"Shapes are drawn from rows of {len(FACTOR_NAMES)} factors "
            f"({', '.join(FACTOR_NAMES)}), not from an array of shape {factors.shape}."
        )
    for name, column in zip(FACTOR_NAMES, factors.T, strict=True):
        low, high = FACTOR_RANGES[name]
        # Written so that nan is refused too; the slack is for sliders that round.
        if not ((column >= low - 1e-4) & (column <= high + 1e-4)).all():
            raise ValueError(f"The factor '{name}' of a shape lies between {low:g} and {high:g}.")


def _render_chunk(factors: np.ndarray) -> np.ndarray:
    shape, hue, size, rotation, x, y = (column[:, None, None] for column in factors.T)
    centres = (np.arange(SIDE, dtype=np.float32) + 0.5) / (SIDE / 2) - 1
    dx = centres[None, None, :] - x  # (N, 1, W)
    dy = -centres[None, :, None] - y  # (N, H, 1)
    cos, sin = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    u = cos * dx + sin * dy  # (N, H, W), in the frame of the object
    v = cos * dy - sin * dx

    distance = np.empty_like(u)
    kind = np.rint(shape[:, 0, 0]).astype(int)
    for index, signed_distance in enumerate((_square, _ellipse, _triangle)):
        mine = kind == index
        distance[mine] = signed_distance(u[mine], v[mine], size[mine])
    # An edge that crosses a pixel covers it in proportion, to first order in the distance.
    coverage = np.clip(0.5 - distance * (SIDE / 2), 0, 1)
    colour = _hue_to_rgb(hue[:, 0, 0])  # (N, 3)
    return np.rint(255 * coverage[:, None] * colour[:, :, None, None]).astype(np.uint8)


# Signed distances to the outline, negative inside, in half frames. Each object has area 4 size².


def _square(u: np.ndarray, v: np.ndarray, size: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(u), np.abs(v)) - size


def _ellipse(u: np.ndarray, v: np.ndarray, size: np.ndarray) -> np.ndarray:
    short = size * np.float32(np.sqrt(2 / np.pi))  # pi * short * (2 short) = 4 size²
    u, v = u / (2 * short), v / short
    level = np.hypot(u, v)
    slope = np.hypot(u / (2 * short), v / short)  # half the gradient of level²
    return level * (level - 1) / np.maximum(slope, 1e-6)


def _triangle(u: np.ndarray, v: np.ndarray, size: np.ndarray) -> np.ndarray:
    inradius = size * np.float32(2 / 27**0.25)  # 3 sqrt(3) inradius² = 4 size²
    sides = np.maximum(np.abs(u) * np.float32(np.sqrt(0.75)) + v / 2, -v)
    return sides - inradius


def _hue_to_rgb(hue: np.ndarray) -> np.ndarray:
    """(N,) hues in [0, 1) to (N, 3) colours of full saturation and value."""
    phase = (hue[:, None] * 6 + np.array([0, 4, 2], np.float32)) % 6
    return np.clip(np.abs(phase - 3) - 1, 0, 1)
