"""Codes of two numbers as dots, as a run moves them about."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.components import component


def code_map(value: dict[str, Any] | None = None) -> gr.HTML:
    """Value: ``{"points": [[a, b], ...], "labels": of each (or none), "step", "colours"}``, or None
    where there is no such map; it is hidden then."""
    return component("code_map", value)
