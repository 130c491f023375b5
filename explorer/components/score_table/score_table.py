"""A table of pictures or models with numbers, which sorts at once."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def score_table(*, label: str, most: int = 0, room: int = 160, thumb: int = 44) -> gr.HTML:
    """Value::

        {"columns": [{"name", "number": whether it stands right, "verdict": whether what is above 0
                      stands out}, ...],
         "sort": [column, whether the largest comes first] to begin with, or None,
         "sprite": pictures, or None,
         "rows": [{"cells": [[text, what it is sorted by, or None for last], ...],
                   "group": a heading above these rows, "on": whether the row stands out,
                   "picture": its place in the sprite,
                   "says": a sentence that stands in place of all cells but the first}, ...]}

    The first cell names the row. most: CSS pixels of height before it scrolls, 0 for no limit.
    room: kept free until there is a table. thumb: a picture's largest width.
    """
    return component("score_table", None, label=label, most=most, room=room, thumb=thumb)
