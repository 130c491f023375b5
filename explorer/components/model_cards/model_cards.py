"""Models as cards: a few pictures of each, a code, and lines of what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from explorer.components import component


def model_cards(*, label: str, room: int = 56, expected: int = 480) -> gr.HTML:
    """Value::

        {"h", "w": of a picture, "across": pictures side by side on a card,
         "groups": [{"name": a heading, or "", "note": words below it, "cards": [``as_card``]}],
         "wide": whether a card takes the whole width, with its lines beside its pictures}

    The title of a card chooses its model for the whole page. room: a picture's largest width in
    CSS pixels; expected: height that is kept free until there is a value.
    """
    return component("model_cards", None, label=label, room=room, expected=expected)


def as_card(
    key: str,
    title: str,
    *,
    on: bool = False,
    state: str = "waiting",
    pictures: np.ndarray | None = None,
    places: int = 4,
    names: Sequence[str] = (),
    marked: Sequence[int] = (),
    code: Sequence[float] | None = None,
    lines: Sequence[str] = (),
) -> dict[str, Any]:
    """One model's card. key: its name. on: whether it is the chosen one. state: "waiting", "busy",
    "done" or "problem". pictures: (N, C, H, W) in [0, 1] or uint8, None while they are to come;
    places: how many there will be. names: what each shows, for a tip and a screen reader. marked:
    pictures that stand out as not what was asked for. code: numbers drawn as bars."""
    from explorer.pictures import images

    return {
        "key": key, "title": title, "on": on, "state": state, "places": places,
        "sprite": None if pictures is None else images.sprite(pictures),
        "names": list(names), "marked": [int(k) for k in marked],
        "code": None if code is None else [round(float(v), 3) for v in code],
        "lines": [line for line in lines if line],
    }  # fmt: skip
