"""Numbers as bytes: levels of a picture, and what scripts unpack."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np


def as_bytes(picture: Any) -> np.ndarray:
    """Levels in [0, 1] as uint8, whatever the shape; uint8 stays as it is."""
    picture = np.asarray(picture)
    if picture.dtype == np.uint8:
        return picture
    return np.rint(np.clip(np.nan_to_num(picture), 0, 1) * 255).astype(np.uint8)


def packed(values: Any) -> str:
    """Numbers as the maps take them: float32, or uint8 as it is, in base64."""
    array = np.asarray(values)
    array = array if array.dtype == np.uint8 else array.astype("<f4")
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
