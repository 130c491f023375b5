"""A picture under the look of one of its places: where attention goes from the place pointed at."""

from __future__ import annotations

import gradio as gr

from explorer.components import component
from explorer.components.heat_maps.heat_maps import HEAT


def attention_view(*, label: str, largest: int = 392) -> gr.HTML:
    """Value::

        {"picture": a sprite of one, "h", "w": places down and across, N = h w,
         "looks": [{"name", "note",
                    "attention": base64 of (N, N) uint8, 255 the most of a row: how much place j
                    looks at each other,
                    "most": base64 of N float32, that most as a share of all, from 0 to 1,
                    "spread": base64 of N float32, at how many places j looks in effect}, ...]}

    or None for nothing. A place is chosen by pointing at it, by a click, which keeps it, or by the
    arrow keys; all pictures show where it looks. largest: CSS pixels of a picture.
    """
    return component("attention_view", None, label=label, largest=largest, heat=list(HEAT))
