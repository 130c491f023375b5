"""Two ways from one code to another: straight, and along the arc; as strips and as a loop."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def interpolation() -> gr.HTML:
    """The ways from A to B, as strips and players, with no request.

    Value, from the server: ``{"model", "kept": [packed code] * 3, "faces": sprite of A, B, C,
    "ways": [{"name", "sprite": pictures at even steps, "codes": packed codes one after another,
    "lengths": |z| at each step}, ...]}``. ``kept`` and ``faces`` are A, B and C, which the pad
    shows. A double click on a strip dispatches the code there as a jump.
    """
    return component("interpolation", None)
