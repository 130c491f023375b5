"""How numbers are spread, against the bell curve that standard normal ones would follow."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from explorer.components import component

BINS = 32


def bell() -> gr.HTML:
    """A histogram from -4 to 4 under the standard normal density. Value: ``as_bell``, or None."""
    return component("bell", None)


def as_bell(z: np.ndarray, note: str) -> dict[str, Any]:
    """The value of a bell. z: numbers of any shape; those beyond 4 are counted at the edge."""
    counts, edges = np.histogram(np.clip(z, -4, 4), BINS, (-4, 4))
    density = counts / max(1, counts.sum()) / (edges[1] - edges[0])
    return {"density": density.round(4).tolist(), "note": note}
