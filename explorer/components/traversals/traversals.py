"""Sliders over single dimensions of a code, each a strip of what it does."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def traversals() -> gr.HTML:
    """A row a dimension: drag the frame along the strip, and the picture in it changes at once.

    Value, from the server: ``{"model", "z": packed code, "reach", "rows": [{"dimension", "name",
    "note", "reach": of this row where it is another, "sprite": pictures at even steps from -reach
    to reach}, ...]}``. Where a drag ends, the
    new code is dispatched as a jump (see ``LatentPad.place``).
    """
    return component("traversals", None)
