"""How numbers are spread, against the bell curve that standard normal ones would follow."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from explorer.components import component

BINS = 32


def bell(*, follows: str = "") -> gr.HTML:
    """A histogram from -4 to 4 under the standard normal density. Value: ``as_bell``, or None.

    follows: a film's id; then the histogram is that of its playhead.
    """
    return component("bell", None, follows=follows)


def as_bell(z: np.ndarray, note: str | list[str]) -> dict[str, Any]:
    """The value of a bell. z: numbers of any shape; those beyond 4 are counted at the edge.

    Of T moments, z (T, ...) and T notes, for one that follows a film.
    """
    if isinstance(note, list):
        return {"moments": [as_bell(*moment) for moment in zip(z, note, strict=True)]}
    counts, edges = np.histogram(np.clip(z, -4, 4), BINS, (-4, 4))
    density = counts / max(1, counts.sum()) / (edges[1] - edges[0])
    return {"density": density.round(4).tolist(), "note": note}
