"""The point selected on a map: its picture, what it was, and its neighbours."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def map_card(hint: str) -> gr.HTML:
    """Value: None (shows ``hint``) or ``{"pictures": sprite of 1 or 2, "captions": [str],
    "title": str, "note": str, "near": sprite, "near_names": [str], "near_rows": [int]}``.

    A click on a neighbour selects it, as a click on the map would.
    """
    return component("map_card", None, hint=hint)
