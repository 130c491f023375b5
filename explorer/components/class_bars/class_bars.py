"""How many pictures a judge reads as each class, at the moment a film shows."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def class_bars(*, follows: str) -> gr.HTML:
    """Bars of classes for one or two runs, side by side. follows: a film's id.

    Value::

        {"runs": [{"name": words, "note": what stands there instead of bars, or "",
                   "classes": K names, "n": pictures a moment, "found": words on ``least``,
                   "read": (T, K) pictures read as each class, "sure": those of them beyond doubt,
                   "least": so many beyond doubt make a class found}, ...]}

    Moment t is frame t of the film.
    """
    return component("class_bars", None, follows=follows)
