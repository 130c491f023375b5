"""Maps of one number a pixel on one colour scale, pointed at together; and what a pixel sees."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr

from explorer.components import component, source
from explorer.components.theme import CIVIDIS

# Of what sways a pixel, and of what does not though it could.
HEAT = ("#1d130d", "#6b2a0c", "#b9501a", "#ee8a3c", "#ffc078", "#fff1da")
BLIND = "#3f90da"
# Of numbers on both sides of zero, from the lowest over none at all to the highest.
SIGNED = ("#1f5fb4", "#8fb4e3", "#f4f1ec", "#e59a83", "#b4290c")


class HeatMaps(NamedTuple):
    """view: the maps. place: invisible; its value is the pixel that a person chose,
    ``[row, column]`` from 1, and it triggers ``pick``."""

    view: gr.HTML
    place: gr.HTML


def heat_maps(maps_id: str, *, label: str, largest: int = 336, pick: bool = False) -> HeatMaps:
    """Value of ``view``::

        {"h", "w", "unit": word after a number, "digits": decimals, "high": where the colours end,
         "signed": whether they go from -high, over zero, to high (optional),
         "words": a sentence for a number, put in place of its #, instead of "unit",
         "legend": words beside the colours, "ends": their two words, or None for numbers,
         "mark": a pixel, or None, "count": how many maps there will be,
         "maps": [{"name", "note", "picture": a sprite, shown where there is no number,
                   "values": H x W numbers (``packed``) or None,
                   "over": whether the picture shines through them,
                   "field": whether the numbers, 0 to 1, are what sways the marked pixel,
                   "told": other H x W numbers to tell in their place,
                   "blind": H x W of 0, 1 (never seen), 2 (not written yet) and 3 (itself), uint8},
                  ...],
         "keys": [[colour or "", words], ...] to explain single colours}

    Pointing shows the number of that pixel under every map; arrow keys move the pointer. ``pick``:
    a click, or an arrow key, chooses a pixel. largest: CSS pixels of a map.
    """
    view = component(
        "heat_maps", None, maps=maps_id, label=label, largest=largest, pick=pick,
        palette=list(CIVIDIS), heat=list(HEAT), blind=BLIND, signed=list(SIGNED),
    )  # fmt: skip
    place = component(
        "place_choice", None, html="", elem_classes=["ge-hidden"],
        script=f"const MAPS = {maps_id!r};\n" + source("place_choice.js"),
    )  # fmt: skip
    return HeatMaps(view, place)
