"""A number for each of a few names, as bars on one scale that may go below zero."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def signed_bars(*, label: str) -> gr.HTML:
    """Value: ``{"rows": [{"name", "value": a number, "text": how it is told}, ...], "chosen": the
    index of the row that stands out, or None}``, or None for nothing."""
    return component("signed_bars", None, setup={"label": label})
