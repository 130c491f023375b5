"""A picture written value by value, and how each value surprised the model: played locally."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr
import numpy as np

from explorer.components import component, source
from explorer.components.theme import CIVIDIS


class PixelPlayer(NamedTuple):
    """view: the two pictures and the transport bar. probe: one pixel of them, closely.

    point: invisible; its value says which pixel is pointed at, ``"place:field"`` (field 1 where
    what the model looked at is wanted), and it triggers ``point``. changes: invisible; its value is
    the text of changes that a person asked for, ``"NAME:place.level-place.level"`` or "", and it
    triggers ``changed``; give it the text of the picture that is shown.
    """

    view: gr.HTML
    probe: gr.HTML
    point: gr.HTML
    changes: gr.HTML


def pixel_player(player_id: str, *, label: str, below: int = 0, largest: int = 476) -> PixelPlayer:
    """Value of ``view``::

        {"name": the model, "base": names the picture but for its changes, "run": names it wholly,
         "order": D places (uint16), "levels": K whole numbers (uint8), "nats": K (float32), "was":
         D levels by place before any change (uint8) or "", all as base64 in the order of writing,
         "c", "h", "w", "top": the highest level, "most": nats at which the colours end,
         "bits": whether bits a value are told, "changes": their text, "at": a step to start at or
         None, "running": whether more will come}

    It plays what has come from the beginning, or from ``at``, while more comes; another ``run`` of
    the same ``base`` without ``at`` leaves the playhead where it is. Nothing is requested.
    The playhead is announced as a film's is (``components.film``), in steps, 0 to K.

    Value of ``probe``: ``{"run", "place", "chances": L numbers, "field": H x W bytes as base64}``.

    player_id: unique on the page. below: CSS pixels to leave free under the bar. largest: limit of
    a picture's width. Space plays and pauses, left and right step; on the picture itself arrow keys
    point at pixels.
    """
    view = component(
        "pixel_player", None, player=player_id, label=label, below=below, largest=largest,
        palette=list(CIVIDIS),
    )  # fmt: skip
    probe = component("pixel_probe", None, player=player_id)
    # The name stands in the script: a prop beside an empty value does not reach the browser.
    said = f"const PLAYER = {player_id!r};\n"
    point = component(
        "pixel_point", "", html="", script=said + source("pixel_point.js"),
        elem_classes=["ge-hidden"],
    )  # fmt: skip
    changes = component(
        "pixel_changes", "", html="", script=said + source("pixel_changes.js"),
        elem_classes=["ge-hidden"],
    )  # fmt: skip
    return PixelPlayer(view, probe, point, changes)


def colours(values: np.ndarray) -> np.ndarray:
    """(N, 3) uint8 of the palette at N numbers from 0 to 1, as the page paints them."""
    stops = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in CIVIDIS], float)
    at = np.clip(np.nan_to_num(values), 0, 1) * (len(stops) - 1)
    places = np.arange(len(stops))
    return np.stack([np.interp(at, places, column) for column in stops.T], 1).round().astype("u1")
