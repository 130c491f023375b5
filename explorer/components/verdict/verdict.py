"""Where a picture falls among others by a score, and what a threshold among them is worth."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import gradio as gr

from explorer.components import component, source
from explorer.components.inks import INKS

ALARM = 0.05


class VerdictView(NamedTuple):
    """view: the figure. choice: invisible; its value is the threshold as the share of false alarms
    and the set that is told apart, ``"0.05~mnist"`` (``read_choice``), and it triggers ``pick``
    when a person has moved or chosen either."""

    view: gr.HTML
    choice: gr.HTML


def verdict(verdict_id: str, *, tall: int = 250) -> VerdictView:
    """Smooth histograms of scores, the picture's mark, a threshold to drag, and its ROC curve.

    Value of ``view``::

        {"title": the score, "note": words beside it, "unit": "nats",
         "value": the picture's score or None, "mark": what it is called,
         "run": a text that changes when the sets do, "against": the key of the set told apart,
         "shown": keys of further sets that are drawn at first, where it matters,
         "file": the name of a saved figure,
         "sets": [{"key", "name": on its switch, "short": in a sentence,
                   "values": N scores, float32 (``heat_maps.packed``)}, ...]}

    Higher is stranger; the first set is the model's own. Without sets ``note`` stands alone. The
    percentile, false alarms, misses, the curve and its area are reckoned in the page while the
    threshold moves; ``explorer.tabs.score.judged`` says the same for tables. tall: CSS pixels.
    """
    setup = {"choice": verdict_id, "tall": tall, "palette": list(INKS)}
    view = component("verdict", None, setup=setup)
    choice = component(
        "row_choice", f"{ALARM:g}~", html="", elem_classes=["ge-hidden"],
        script=f"const ROWS = {verdict_id!r};\n" + source("row_choice.js"),
    )  # fmt: skip
    return VerdictView(view, choice)


def choice_text(text: str) -> str:
    """The parser of a threshold and a set in addresses. Raises ValueError where it is none."""
    if not re.fullmatch(r"(0|1|0\.\d{1,4})~[\w-]{0,60}", text, re.ASCII):
        raise ValueError("This is no threshold.")
    return text


def read_choice(text: Any) -> tuple[float, str]:
    """The share of false alarms and the key of the set told apart; the usual ones for nonsense."""
    try:
        share, _, key = choice_text(str(text)).partition("~")
        return float(share), key
    except ValueError:
        return ALARM, ""
