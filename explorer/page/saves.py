"""Films and strips to take away: animated WebP and GIF, PNG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.pictures import images
from explorer.pictures.films import REST, SECONDS, SLOWEST, beside, scale_for, strip_png


class SaveButtons(NamedTuple):
    """The buttons of ``save_buttons`` by kind, and the invisible component that saves."""

    buttons: dict[str, gr.Button]
    saver: gr.HTML


def save_buttons() -> SaveButtons:
    """A row of small buttons: the film as WebP and as GIF, the strip as PNG."""
    with gr.Row(elem_classes="ge-saves"):
        buttons = {
            "webp": gr.Button("Film as WebP", size="sm"),
            "gif": gr.Button("as GIF", size="sm"),
            "png": gr.Button("Strip as PNG", size="sm"),
        }
    return SaveButtons(buttons, components.saver())


def film_file(kind: str, stem: str, rows: Sequence[np.ndarray]) -> dict[str, str]:
    """A file for the saver: the rows side by side as an animation, or their frames as a sheet.

    kind: "webp", "gif" or "png". rows: (T, C, h, w) uint8 each, of one size.
    """
    if kind == "png":
        return components.file(f"{stem}.png", strip_png(rows), "image/png")
    frames = beside(rows)
    fps = max(SLOWEST, (len(frames) - 1) / SECONDS)
    scale = scale_for(frames.shape[-1])
    data = images.animation_bytes(frames, fps, kind, scale=scale, hold=REST)
    return components.file(f"{stem}.{kind}", data, f"image/{kind}")
