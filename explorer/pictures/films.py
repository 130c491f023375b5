"""Films and strips to take away, as arrays and bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from explorer.pictures import images

MOST_IN_STRIP = 11
# As the film on screen plays at 1x: three seconds, and a rest on the last frame.
SECONDS, SLOWEST, REST = 3.0, 6.0, 0.9


def scale_for(width: int, wanted: int = 640) -> int:
    """The whole number that makes a picture about as wide as wanted, 1 at least."""
    return max(1, round(wanted / width))


def beside(rows: Sequence[np.ndarray], gap: int = 2) -> np.ndarray:
    """Films of T frames each, (T, C, h, w), side by side with a grey gap: (T, C, h, w')."""
    T, C, h, _ = rows[0].shape
    between = np.full((T, C, h, gap), 96, np.uint8)
    parts = [part for row in rows for part in (between, row)][1:]
    return np.concatenate(parts, axis=3)


def strip_png(rows: Sequence[np.ndarray], most: int = MOST_IN_STRIP) -> bytes:
    """A PNG with a row of at most ``most`` evenly chosen frames for each film."""
    count = min(most, len(rows[0]))
    chosen = np.linspace(0, len(rows[0]) - 1, count).round().astype(int)
    sheet = np.concatenate([row[chosen] for row in rows])
    scale = max(1, round(112 / sheet.shape[-1]))
    return images.png_bytes(images.grid_image(sheet, columns=count, scale=scale, gap=4))


def mosaic(frames: np.ndarray, gap: int = 1) -> np.ndarray:
    """Pictures of each moment side by side: (T, N, C, H, W) to (T, C, h, w), about square."""
    T, N, C, H, W = frames.shape
    if N == 1:
        return frames[:, 0]
    across = math.ceil(math.sqrt(N))
    down = math.ceil(N / across)
    sheet = np.full((T, C, down * (H + gap) - gap, across * (W + gap) - gap), 96, np.uint8)
    for k in range(N):
        top, left = k // across * (H + gap), k % across * (W + gap)
        sheet[:, :, top : top + H, left : left + W] = frames[:, k]
    return sheet
