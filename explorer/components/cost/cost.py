"""What ways of sampling cost and how far they are off: a table, and a chart on scales of powers."""

from __future__ import annotations

import gradio as gr

from explorer.components import component
from explorer.components.theme import PALETTE


def cost() -> gr.HTML:
    """Value, from the server, one or both of::

        {"about": whatever the numbers depend on,
         "rows": [{"name", "steps", "evaluations", "seconds", "difference", "own_way"}, ...],
         "reference": what the differences are from, in words; with it come the differences,
         "lines": [{"name", "points": [(evaluations, difference), ...], "order"}, ...]}

    What is left out stays as it is, as long as ``about`` does.
    """
    return component("cost", None, colours=[PALETTE[0], PALETTE[6], PALETTE[4]])
