"""Pictures as points of two numbers each; pointing at one shows it."""

from __future__ import annotations

import gradio as gr

from explorer.components import component
from explorer.components.inks import INKS


def scatter(*, tall: int = 320) -> gr.HTML:
    """Value::

        {"x_name", "y_name": words on the axes, "diagonal": words on the line x = y, or None,
         "groups": [{"name", "x": N numbers, "y": N numbers, "sprite": N pictures}, ...]}

    Arrow keys go from point to point along x. tall: CSS pixels.
    """
    setup = {"tall": tall, "palette": list(INKS)}
    return component("scatter", None, setup=setup)
