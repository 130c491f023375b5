"""Models as points of two numbers each; a click chooses one."""

from __future__ import annotations

import gradio as gr

from explorer.components import component


def model_scatter(*, label: str, tall: int = 380) -> gr.HTML:
    """Value::

        {"x", "y": {"name": words on the axis, "log": whether it is logarithmic,
                    "bound": whether a bound on it tells which way the truth lies, "lower is
                    better" and the like in "note"},
         "points": [{"key", "name", "on": whether it is the chosen one, "x", "y": numbers,
                     "x_error", "y_error": their standard errors or None,
                     "kind": "exact", "lower bound", "estimate" or "", "says": words}, ...],
         "others": [{"key", "name"}]: models that lack one of the numbers}

    A filled dot is exact, a ring an estimate, a triangle points to where the truth lies of what is
    a bound. A click, or Enter, chooses the model for the whole page; arrow keys go along x.
    tall: CSS pixels.
    """
    return component("model_scatter", None, label=label, tall=tall)
