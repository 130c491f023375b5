"""The whole latent space of a model whose codes have two numbers, as one sheet of pictures."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def manifold_sheet() -> gr.HTML:
    """Value: ``{"model", "side", "sprite": side * side pictures by rows, "codes": packed}``.

    A click dispatches that picture's code as a jump (see ``LatentPad.place``).
    """
    return component("manifold", None)
