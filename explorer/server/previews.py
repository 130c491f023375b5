"""The pictures that were shipped with a model: no torch, no waiting."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np

from explorer.server.store import Store

log = logging.getLogger(__name__)


class Drawn(NamedTuple):
    """images: (N, C, H, W) uint8. codes: (N, D) float32, or None. seconds: 0 if not drawn here."""

    images: np.ndarray
    codes: np.ndarray | None
    labels: np.ndarray | None
    seconds: float


def preview(store: Store, name: str) -> Drawn | None:
    """The samples of seed 0 that were shipped with the model: no torch, no waiting."""
    header = store.header(name)
    path = Path(header.folder) / "preview.webp"
    if not path.is_file():
        return None
    from PIL import Image

    C, H, W = header.config["image"]
    with Image.open(path) as picture:
        sheet = np.asarray(picture.convert("L" if C == 1 else "RGB"))
    if sheet.shape[:2] != (8 * H, 8 * W):
        log.warning("%s is no grid of 8 x 8 pictures and is left out.", path)
        return None
    cells = sheet.reshape(8, H, 8, W, C).transpose(0, 2, 4, 1, 3).reshape(64, C, H, W)
    return Drawn(cells, None, None, 0.0)
