"""The field as a map: a column a way of learning, a node a family, a film in each."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.components import component


def family_map(value: dict[str, Any]) -> gr.HTML:
    """Value: ``sentence``, a text; ``ways``, the columns (see ``explorer.tabs.start.field.shown``);
    ``tries`` and ``uses``, states of the page ({"title", "tab", "part"}); ``trains``, whether
    something can be trained here."""
    return component("family_map", value)
