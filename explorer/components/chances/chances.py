"""How likely each level of one value is, side by side: bars of our own, pointed at for numbers."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.components import component


def chances(value: dict[str, Any] | None = None, *, label: str, tall: int = 130) -> gr.HTML:
    """Value::

        {"panels": [{"name": words, "p": L probabilities}, ...], "names": a word for each of the L
         levels or None for their numbers, "there": the level that stands in the picture, or None}

    All panels have one scale. Arrow keys move from level to level.
    """
    return component("chances", value, label=label, tall=tall)
