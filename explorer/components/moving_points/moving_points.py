"""Points that move: where each lay at every moment of a training, played like a film."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from explorer.components import component
from explorer.components.point_map.point_map import as_sheet
from explorer.components.theme import PALETTE
from explorer.pictures.bytes import packed


def moving_points(film: str, *, label: str, tall: int = 520) -> gr.HTML:
    """Value: ``as_moving``, or None.

    A slider and a player go through the moments, and points travel from one to the next. Pointing
    shows the nearest point's picture and its way so far; arrow keys go from point to point. film:
    an id under which plots follow the moment (``curves``). tall: CSS pixels.
    """
    setup = {"film": film, "label": label, "tall": tall, "palette": list(PALETTE)}
    return component("moving_points", None, setup=setup)


def as_moving(
    places: np.ndarray,
    labels: np.ndarray,
    pictures: np.ndarray,
    moments: list[str],
    classes: list[str],
    what: str,
    reads: str = "",
    behind: tuple[np.ndarray, np.ndarray] | None = None,
) -> dict[str, Any]:
    """The value. places: (T, N, 2). labels: (N,) or, where they change, (T, N), classes that give
    colours. pictures: (N, C, H, W) or (T * N, C, H, W) uint8. moments: T texts. what: a point is,
    in words. reads: words before its class. behind: (M, 2) and (M,) of pale points that stay.
    """
    T, N, _ = places.shape
    every = places.reshape(-1, 2)
    if behind is not None:
        every = np.concatenate([every, behind[0]])
    # One that goes far astray for a moment must not make the others small: it waits at the edge.
    low, high = np.quantile(every, 0.002, axis=0), np.quantile(every, 0.998, axis=0)
    air = 0.03 * (high - low) + 1e-6
    pale = {"xy": packed(np.zeros((0, 2))), "labels": packed(np.zeros(0, np.uint8))}
    if behind is not None:
        pale = {"xy": packed(behind[0]), "labels": packed(behind[1].astype(np.uint8))}
    return {
        "count": N,
        "moments": moments,
        "classes": classes,
        "what": what,
        "reads": reads,
        "xy": packed(places),
        "labels": packed(np.broadcast_to(labels, (T, N)).astype(np.uint8)),
        "behind": pale,
        "box": [float(v) for v in (*(low - air), *(high + air))],
        "sheet": as_sheet(pictures),
    }
