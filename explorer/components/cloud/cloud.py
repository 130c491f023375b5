"""Made pictures as points among real ones: pale points have no picture, strong ones show theirs."""

from __future__ import annotations

import gradio as gr

from explorer.components import component
from explorer.components.theme import PALETTE


def cloud(*, label: str, tall: int = 520) -> gr.HTML:
    """Value::

        {"classes": names, "real": {"xy": N x 2 numbers (``heat_maps.packed``), "labels": N},
         "made": {"xy": M x 2 numbers, "labels": M, "sprite": M pictures}}

    labels: classes, which give the colours. Pointing shows the nearest generated picture; arrow
    keys go from one to the next. tall: CSS pixels.
    """
    setup = {"label": label, "tall": tall, "palette": list(PALETTE)}
    return component("cloud", None, setup=setup)
