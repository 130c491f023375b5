"""Pictures in rows and columns, with words beside each row and under each column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from explorer.components import component
from explorer.pictures.bytes import as_bytes


def picture_table(*, label: str, room: int = 112) -> gr.HTML:
    """A table of crisp pictures. Value: ``as_table``. room: a picture's largest width on screen."""
    return component("picture_table", None, label=label, room=room)


def as_table(
    pictures: Sequence[Any],
    columns: Sequence[str],
    rows: Sequence[tuple[str, str]] = (("", ""),),
    *,
    shape: Sequence[int],
    axis: str = "",
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """The value of a table. pictures: one for each place, row by row, (C, H, W) in [0, 1] or uint8,
    None where it is still to come and its room is kept, or False where none belongs.

    columns: words under each column, notes: further ones in smaller type. rows: (name, note) each.
    axis: what the columns are. shape: (C, H, W) of a picture.
    """
    from explorer.pictures import images

    places = [
        k for k, picture in enumerate(pictures) if picture is not None and picture is not False
    ]
    value = {
        "sprite": None,
        "places": places,
        "blank": [k for k, picture in enumerate(pictures) if picture is False],
        "columns": list(columns),
        "notes": list(notes),
        "rows": [{"name": name, "note": note} for name, note in rows],
        "axis": axis,
        "h": int(shape[1]),
        "w": int(shape[2]),
    }
    if places:
        value["sprite"] = images.sprite(np.stack([as_bytes(pictures[k]) for k in places]))
    return value
