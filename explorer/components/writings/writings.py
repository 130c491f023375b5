"""A text as a model writes it at each moment of its training, with a slider over the moments."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.components import component


def writings(value: dict[str, Any] | None = None, *, label: str) -> gr.HTML:
    """Value, or None where there is nothing yet::

        {"run": anything that names this run, "running": whether more will come,
         "moments": [{"text": what was written, "words": a line above it}, ...]}

    The newest moment is shown, unless a person has moved the slider of this run elsewhere.
    """
    return component("writings", value, label=label)
