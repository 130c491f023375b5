"""Two ways from one code to another: straight, and along the arc; as strips and as a loop."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def interpolation() -> gr.HTML:
    """Three pictures A, B and C that were kept, and the ways from A to B, played locally.

    Value, from the server: ``{"model", "kept": [packed code] * 3, "faces": sprite of A, B, C,
    "ways": [{"name", "sprite": pictures at even steps, "codes": packed codes one after another,
    "lengths": |z| at each step, "dip": words}, ...]}``. A click on a picture dispatches its code as
    a jump.
    """
    return component("interpolation", None)
