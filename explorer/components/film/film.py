"""A player of several films in step, of frames that came once: nothing is requested to play."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from explorer.components import component, source


def film(
    film_id: str,
    value: dict[str, Any] | None = None,
    *,
    label: str = "Film",
    below: int = 0,
    largest: int = 460,
    tile: int = 120,
    expected: int = 2,
    autoplay: bool = True,
) -> gr.HTML:
    """Shows rows of frames side by side, as large as the room allows, under one transport bar.

    Value::

        {"rows": [{"name": words above, "note": more of them, "sprite": T frames,
                   "captions": T texts below (optional),
                   "marks": bars under the pictures of a mosaic (optional, see ``marks``)}, ...],
         "at": the frame to start on (optional), "levels": T numbers (optional),
         "run": anything that names this run (optional), "running": whether more will come,
         "from": k, where the sprites hold frames from the k-th on, to join those of the same run
         that are there already (optional; what does not join is left out, see ``film_have``)}

    A row with fewer frames than the longest stays on its last. While ``running`` the newest frame
    is shown, unless a person has taken the playhead elsewhere. A value of the same ``run`` keeps
    the playhead; another starts anew, and plays once it is complete (``autoplay``).

    film_id: unique on the page. The playhead is announced as a DOM event ``ge:film``, detail
    ``{"id", "at", "n", "levels"}``; ``ge:film-seek`` with ``{"id", "at"}`` moves it,
    ``ge:film-ask`` with the id as detail has it announced again, ``ge:film-stop`` says that no more
    will come. ``GE.films[id]`` is its place from 0 to 1.
    below: CSS pixels to leave free under the bar. largest, tile: limits of a row's width on screen.
    expected: how many rows to reserve room for until they come.
    Space plays and pauses, left and right step, Home and End jump.
    """
    return component(
        "film", value, film=film_id, label=label, below=below, largest=largest, tile=tile,
        expected=expected, autoplay=autoplay,
    )  # fmt: skip


def marks(values: np.ndarray, shape: Sequence[int], across: int, gap: int) -> dict[str, Any]:
    """Bars in the gaps below the pictures of a mosaic. values: (T, N), from 0 to 1; shape:
    (C, H, W) of a picture; across: how many stand in a row; gap: pixels between them."""
    return {
        "across": across, "h": int(shape[1]), "w": int(shape[2]), "gap": gap,
        "values": np.round(values, 3).tolist(),
    }  # fmt: skip


def film_have(film_id: str) -> gr.HTML:
    """Invisible; its value says what a film holds, for ``held``: an input of what feeds it."""
    script = f"const FILM = {film_id!r};\n" + source("film_have.js")
    return component("film_have", "", html="", script=script, elem_classes=["ge-hidden"])


def held(value: Any, run: str) -> int:
    """How many frames of this run the browser has, by the value of ``film_have``."""
    name, _, n = str(value or "").rpartition("|")
    return int(n) if name == run and n.isdecimal() else 0


def stop(film_id: str) -> str:
    """JavaScript that tells a film that no more will come: for a Stop button's ``js``."""
    return (
        "(...values) => { document.dispatchEvent(new CustomEvent('ge:film-stop', "
        f"{{ detail: {film_id!r} }})); return values; }}"
    )
