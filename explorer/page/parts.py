"""A row of parts within a tab: one is on screen at a time, and none computes before it is."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import gradio as gr

from explorer.components import component


def key_of(module: ModuleType) -> str:
    """A tab's or a part's key: the last part of its module's name."""
    return module.__name__.rpartition(".")[2]


def build_parts(context: Any, modules: Sequence[ModuleType]) -> None:
    """The row, and each module's ``build(context)`` below it.

    Within it ``context.part`` is the module's key, so that ``context.on_show`` and
    ``context.notes`` mean the part. The chosen one is in the address as ``TAB.part``; until one is
    chosen, it is the first whose ``NEEDS``, where it has such, the model has.
    """
    tab = context.tab
    titles = [{"key": key_of(module), "title": module.TITLE} for module in modules]
    component("parts", tab=tab, parts=titles)
    for module in modules:
        key = key_of(module)
        with gr.Column(elem_id=f"{tab}-{key}", elem_classes=["ge-part", f"ge-part-of-{tab}"]):
            context.part = key
            module.build(context)
    context.part = ""
