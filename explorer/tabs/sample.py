"""Samples: a grid at once, and every picture of it to be looked at closely."""

from __future__ import annotations

import gradio as gr

from explorer.context import Context

TITLE = "Sample"
NEEDS = {"Samples"}
# The tab is built with the first model already on screen.
PREPARED = True

LOOK_FOR = ""


def build(context: Context) -> None:
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            gr.Markdown("Samples come here.")
