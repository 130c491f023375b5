"""Sets of pictures along one number, a histogram each; pointing at a bar shows its pictures."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr

from explorer.components import component
from explorer.components.inks import INKS


class Ridges(NamedTuple):
    """view: the sets. mark: the one number among them, invisible, and a small value of its own, so
    that the sets travel once for a model and not for every picture."""

    view: gr.HTML
    mark: gr.HTML


def ridges(ridges_id: str, *, label: str, tall: int = 46) -> Ridges:
    """Value of ``view``::

        {"low", "high": words at the ends of the axis, "odds": whether the numbers are log odds,
         "sets": [{"name", "note": words beside it, "values": N numbers (``heat_maps.packed``),
                   "sprite": the N pictures}, ...]}

    The axis is the inverse hyperbolic sine of the numbers: straight among those of the first set,
    logarithmic far out. Of log odds it tells the probabilities as well. Arrow keys go from bar to
    bar and from set to set. Value of ``mark``: ``{"value": number, "name": what it is called}``.
    tall: CSS pixels of a set.
    """
    setup = {"id": ridges_id, "label": label, "tall": tall, "palette": list(INKS)}
    view = component("ridges", None, setup=setup)
    mark = component(
        "ridge_mark", None, html="", elem_classes=["ge-hidden"],
        setup={"id": ridges_id},
    )  # fmt: skip
    return Ridges(view, mark)
