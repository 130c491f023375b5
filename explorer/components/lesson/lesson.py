"""Lessons of a person's own: made in the browser from states of the page, kept in a link or a
file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from explorer.components import component


def lesson(read: Callable[[str], dict[str, Any]], controls: Sequence[dict[str, str]]) -> gr.HTML:
    """Invisible; the menu Share opens its dialog. read: text of a lesson to ``{"record": for the
    player, "lesson": as it was written}`` or ``{"problem": a sentence}``. controls: those that a
    lesson may hide or lock, ``{"key": in addresses, "id": the element's, "label"}``."""
    return component(
        "lesson", None, html="", elem_classes=["ge-hidden"],
        server_functions=[read], controls=list(controls),
    )  # fmt: skip
