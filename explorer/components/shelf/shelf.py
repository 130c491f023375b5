"""A few small pictures, one of which is taken: samples of the model, to start from."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr

from explorer.components import component, source


class Shelf(NamedTuple):
    """view: shows pictures; value: a sprite with ``"selected"``, the place of the one taken, and
    ``"names"`` where they are not numbered samples.

    choice: invisible; its value is that place, and it triggers ``select`` when a person takes one.
    """

    view: gr.HTML
    choice: gr.HTML


def shelf(shelf_id: str, *, label: str, selected: int = 0) -> Shelf:
    """A radio group of thumbnails, eight in a row. shelf_id: unique on the page."""
    view = component("shelf", None, grid=shelf_id, label=label)
    # Named in the script as well: the prop alone was seen not to arrive in a tab shown later.
    script = f"props.grid ??= {shelf_id!r};\n" + source("grid_choice.js")
    choice = component(
        "grid_choice", selected, html="", script=script, elem_classes=["ge-hidden"], grid=shelf_id
    )
    return Shelf(view, choice)
