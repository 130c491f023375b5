"""Line plots that answer at once: SVG of our own, hovered, stepped by keys, led by a film."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.components import component


def curves(
    value: dict[str, Any] | None = None, *, follows: str = "", tall: int = 150, wide: int = 260
) -> gr.HTML:
    """Plots side by side, each as wide as there is room for, at least ``wide`` CSS pixels.

    Value::

        {"plots": [{"title": words, "note": more of them, "x": N numbers, "x_name": "t",
                    "unit": "dB", "range": [low, high] of x, "log": False,
                    "log_x": False,
                    "lines": [{"name", "y": N numbers or nulls, "thin": whether it is one of
                               many (optional)}, ...]}, ...],
         "chosen": the index of the line that stands out, "legend": whether lines are named}

    With ``"log": True`` a plot's y is logarithmic, with ``"log_x": True`` its x (their numbers
    positive); with ``"fit": True`` it goes from its least number instead of from zero.

    Under a plot stand its numbers at the place that is pointed at, but for thin lines.
    follows: a film's id; then the place is its playhead, where nothing is pointed at, and a click
    moves it there. Point k of a plot is then frame k.
    """
    return component("curves", value, setup={"follows": follows, "tall": tall, "wide": wide})
