"""The state that a person goes to while the page is open, on its way to the server."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def visit() -> gr.HTML:
    """Invisible. Its value is ``{"query": what stands in an address after "?", "model": the name
    of one's own model, "" for the one that the query names}``; it triggers ``go``."""
    return component("visit", None, html="", elem_classes=["ge-hidden"])
