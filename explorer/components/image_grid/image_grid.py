"""A grid of small pictures, each a whole number of screen pixels large, one of them selected."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr

from explorer.components import component


class ImageGrid(NamedTuple):
    """view: shows a sprite (``explorer.pictures.images.sprite``, or None).

    choice: invisible; its value is the index of the selected picture (None before the first), and
    it triggers ``select`` when a person picks one, or when the selected place holds a new picture.
    """

    view: gr.HTML
    choice: gr.HTML


def image_grid(
    grid_id: str,
    value: dict[str, Any] | None = None,
    *,
    label: str = "Pictures",
    selected: int | None = None,
) -> ImageGrid:
    """A grid that fills the room it is given. Click, or arrow keys, select.

    grid_id: unique on the page; ``closeup(follows=grid_id)`` shows the selected picture large
    without a request. selected: the picture selected at first.
    """
    view = component("image_grid", value, grid=grid_id, label=label, selected=selected)
    choice = component("grid_choice", selected, html="", elem_classes=["ge-hidden"], grid=grid_id)
    return ImageGrid(view, choice)
