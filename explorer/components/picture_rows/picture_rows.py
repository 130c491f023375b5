"""Rows of small pictures under shared column heads: what becomes of a picture, told in places."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.components import component


def picture_rows(
    value: dict[str, Any] | None = None, *, label: str = "Pictures", largest: int = 96
) -> gr.HTML:
    """Value::

        {"rows": [{"name": words, "note": more of them, "sprite": N pictures, "captions": N texts
                   (optional)}, ...],
         "columns": N texts, "chosen": the index of the row that stands out, or None}

    The rows scroll together where N pictures do not fit. largest: CSS pixels of a picture.
    """
    return component("picture_rows", value, label=label, largest=largest)
