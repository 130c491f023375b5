"""One picture large, its latent code, and the training picture nearest to it."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def closeup(follows: str) -> gr.HTML:
    """Shows the picture selected in the grid ``follows`` at once, without a request.

    Value, from the server when it is known, each part optional: ``{"index": int, "code":
    [D floats], "code_note": str, "nearest": sprite of one, "nearest_note": str}``.
    """
    return component("closeup", None, follows=follows)
