"""A picture and a brush that hides parts of it: what a model is asked to fill in."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer.components import component, source


class MaskBrush(NamedTuple):
    """view: shows a picture, large; value: a sprite of one picture (``images.sprite``).

    mask: invisible; its value is the mask as text, for ``read_mask`` and the address; it triggers
    ``painted`` after each stroke and preset, and when a picture of another size has come.
    """

    view: gr.HTML
    mask: gr.HTML


def mask_brush(
    brush_id: str, *, label: str = "Paint to hide", room: int = 364, first: str = "lower"
) -> MaskBrush:
    """Paint to hide, in pixels of the picture; presets hide at once. All of it without a request.

    brush_id: unique on the page. room: the largest width in CSS pixels. first: the preset that is
    hidden at first ("lower", "left", "centre", "random" or "clear"). A mask stays while pictures of
    the same size come and go.
    """
    view = component("mask_brush", None, brush=brush_id, label=label, room=room, first=first)
    # The name stands in the script: a prop beside an empty value does not reach the browser.
    script = f"const BRUSH = {brush_id!r};\n" + source("mask_value.js")
    mask = component("mask_value", "", html="", script=script, elem_classes=["ge-hidden"])
    return MaskBrush(view, mask)


def write_mask(hidden: np.ndarray) -> str:
    """A mask as text, "height.width.bits". hidden: (H, W) bool, True where the picture is hidden.

    The bits go row by row, eight in a byte, the first one highest, as base64 for addresses.
    """
    H, W = hidden.shape
    bits = base64.urlsafe_b64encode(np.packbits(hidden).tobytes()).decode("ascii")
    return f"{H}.{W}.{bits.rstrip('=')}"


def read_mask(text: Any, height: int, width: int) -> np.ndarray:
    """(H, W) bool, True where a picture of this size is hidden. Raises ValueError, one sentence."""
    if not text:
        raise ValueError("Paint over what is to be filled in, or press one of the presets.")
    parts = re.fullmatch(r"(\d{1,4})\.(\d{1,4})\.([\w-]*)", str(text), re.ASCII)
    if parts is None:
        raise ValueError("The mask came garbled; paint it again.")
    H, W = int(parts[1]), int(parts[2])
    if (height, width) != (H, W):
        raise ValueError(
            f"The mask is {H} x {W} pixels and the picture {height} x {width}; paint it again."
        )
    try:
        data = base64.b64decode(parts[3] + "=" * (-len(parts[3]) % 4), b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("The mask came garbled; paint it again.") from error
    if len(data) != -(-H * W // 8):
        raise ValueError("The mask came incomplete; paint it again.")
    hidden = np.unpackbits(np.frombuffer(data, np.uint8), count=H * W).astype(bool).reshape(H, W)
    if not hidden.any():
        raise ValueError("The mask hides nothing: paint over what is to be filled in.")
    if hidden.all():
        raise ValueError("The mask hides the whole picture: leave a part of it to go by.")
    return hidden


def mask_text(text: str) -> str:
    """The parser of masks in addresses. Raises ValueError where it cannot be one."""
    if len(text) > 20_000 or not re.fullmatch(r"\d{1,4}\.\d{1,4}\.[\w-]*", text, re.ASCII):
        raise ValueError("This is no mask.")
    return text
