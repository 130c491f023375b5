"""Masks as pictures: which weights a layer has, coloured, and which it lacks."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.components import component


def mask_pictures(value: dict[str, Any] | None = None, *, label: str, side: int = 168) -> gr.HTML:
    """Value::

        {"masks": [{"name", "words": a line below, "h", "w", "bits": h x w of 0 and 1 (uint8,
                    ``heat_maps.packed``), "kernel": whether the pixel itself is in the middle,
                    "down", "across": words along the sides}, ...]}

    Kernels are drawn with a line round each weight. side: CSS pixels of a picture's longer side.
    """
    return component("mask_pictures", value, label=label, side=side)
