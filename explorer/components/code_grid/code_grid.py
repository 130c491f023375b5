"""A picture under the grid of its codes, and the codebook to choose others from."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr

from explorer.components import component, source


class CodeGrid(NamedTuple):
    """view: picture, grid and codebook. changes: invisible; its value is the text of the changes
    that a person asked for, ``"NAME:place.code-place.code"`` or "", and it triggers ``changed``."""

    view: gr.HTML
    changes: gr.HTML


def code_grid(grid_id: str, *, label: str) -> CodeGrid:
    """Value of ``view``::

        {"name": what the changes are of, "pictures": a sprite of two, decoded and given, "h", "w",
         "codes", "was": h w whole numbers each, now and as encoded, "book": a sprite of K entries,
         "use": K numbers from 0 to 1, "changes": the text of the changes that are made}

    A cell is chosen by a click or the arrow keys, an entry of the codebook likewise: it takes the
    place of the cell's. grid_id: unique on the page.
    """
    view = component("code_grid", None, grid=grid_id, label=label)
    changes = component(
        "code_changes", "", html="", elem_classes=["ge-hidden"],
        script=f"const GRID = {grid_id!r};\n" + source("code_changes.js"),
    )  # fmt: skip
    return CodeGrid(view, changes)
