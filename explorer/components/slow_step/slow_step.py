"""One step of a training run laid open: its batch, its numbers, and what it changed."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.components import component


def slow_step(value: dict[str, Any] | None = None) -> gr.HTML:
    """Value::

    {"title": words, "note": more of them, "batch": a sprite or None, "labels": texts below
     (or none), "texts": texts of the batch where it has no pictures (optional),
     "facts": [{"name", "text"}, ...],
     "parts": [{"name", "part": how much of itself it changed by, "text"}, ...]}
    """
    return component("slow_step", value)
