"""Two maps of the same pictures: what is pointed at in one is marked in the other."""

from __future__ import annotations

import gradio as gr

from explorer.components import component
from explorer.components.theme import PALETTE


def linked_maps(*, label: str, tall: int = 460) -> gr.HTML:
    """Value::

        {"maps": [{"name", "note": more words, "xy": N x 2 numbers (``packed``),
                   "near": K neighbours of each picture in this model's space, N x K}, two of them],
         "labels": N classes or None, "classes": their names, "sprite": N pictures}

    Pointing, or arrow keys, mark a picture in both maps, with its neighbours in the space of the
    map that is pointed at. tall: the largest height of a map in CSS pixels.
    """
    setup = {"label": label, "tall": tall, "palette": list(PALETTE)}
    return component("linked_maps", None, setup=setup)
