"""Where a picture's code may lie: q(z given x) as an ellipse on the plane of codes."""

from __future__ import annotations

import gradio as gr

from explorer.components import component
from explorer.components.theme import PALETTE


def posterior_plane() -> gr.HTML:
    """Value, None to show nothing::

    {"mean", "std": two numbers each, "dots": {"xy": N x 2 numbers (``packed``), "labels"},
     "draws": K codes drawn from q, [[a, b], ...], "sprite": K pictures, what they decode to,
     "note": a sentence}
    """
    setup = {"palette": list(PALETTE)}
    return component("posterior", None, setup=setup)
