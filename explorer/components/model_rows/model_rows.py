"""Models down, the same chances across: rows of pictures with what is known of each model."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr

from explorer.components import component, source


class ModelRows(NamedTuple):
    """view: the rows. choice: invisible; its value names the picture that a person chose,
    ``"NAME:K"``, and it triggers ``pick`` when they choose one; give it a value to mark another."""

    view: gr.HTML
    choice: gr.HTML


def model_rows(rows_id: str, *, label: str, expected: int = 3) -> ModelRows:
    """Value of ``view``::

        {"heads": texts above the facts, "count": N, "h", "w", "first": the picture that is marked
         where a person has chosen none of these, "NAME:K",
         "rows": [{"key": NAME, "name": words, "note": more of them, "on": whether it stands out,
                   "facts": a text for each head, "long": the facts as lines that need no head,
                   "sprite": N pictures, or None while they are still to come}, ...]}

    Wide, facts stand in columns; narrower, their ``long`` form stands under the name; on a phone
    above the pictures. Arrow keys go from picture to picture. rows_id: unique on the page.
    expected: how many rows to reserve room for until they come.
    """
    view = component("model_rows", None, rows=rows_id, label=label, expected=expected)
    choice = component(
        "row_choice", "", html="", elem_classes=["ge-hidden"],
        script=f"const ROWS = {rows_id!r};\n" + source("row_choice.js"),
    )  # fmt: skip
    return ModelRows(view, choice)
