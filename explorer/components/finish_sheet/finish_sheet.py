"""A picture of which the upper rows are kept, and several endings of it, the line marked in all."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def finish_sheet(sheet_id: str, *, label: str) -> gr.HTML:
    """Value::

        {"given": a sprite of one picture, "made": a sprite of N, "hatched": H x W bytes as base64,
         1 where it is still to be written, "captions": N texts, "kept": rows above the line,
         "run": names the endings, "running": whether more will come}

    sheet_id: unique on the page; ``ge:film-stop`` with it says that no more will come.
    """
    return component("finish_sheet", None, sheet=sheet_id, label=label)
