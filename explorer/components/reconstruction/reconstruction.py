"""A picture that a person brought, what the model makes of it, and where the two differ."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def reconstruction() -> gr.HTML:
    """Value: ``{"sprite": three pictures: brought, remade, difference; or nothing, "note": words,
    "problem": whether the words say what is wrong}``."""
    return component("reconstruction", None)
