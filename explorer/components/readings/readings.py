"""Numbers that change with a film's playhead."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.components import component


def readings(follows: str, value: dict[str, Any] | None = None) -> gr.HTML:
    """Value: ``{"items": [{"name": words, "values": T texts}, ...]}``; those of the film's frame
    are shown. follows: the film's id."""
    return component("readings", value, follows=follows)
