"""A choice between a few things, each with a line of words; what cannot be had says why."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr

from explorer.components import component, source


class Choices(NamedTuple):
    """view: the list; its value: ``[{"key", "title", "note", "off": why it cannot be had}, ...]``.

    choice: invisible; its value is the key of what is chosen, and it triggers ``pick`` when a
    person chooses; give it a value to choose another.
    """

    view: gr.HTML
    choice: gr.HTML


def choices(choices_id: str, *, label: str, chosen: str = "", columns: int = 1) -> Choices:
    """A radio group; arrow keys go from one to the next. choices_id: unique on the page.

    columns: 1 or 2.
    """
    classes = ["narrow"] if columns == 2 else []
    view = component("choices", None, choices=choices_id, label=label, elem_classes=classes)
    # The name stands in the script: a prop beside an empty value does not reach the browser.
    script = f"const CHOICES = {choices_id!r};\n" + source("choices_value.js")
    choice = component("choices_value", chosen, html="", script=script, elem_classes=["ge-hidden"])
    return Choices(view, choice)
