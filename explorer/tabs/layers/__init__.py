"""Layer by layer: a flow's way from a picture to noise, and what any network's layers see."""

from __future__ import annotations

from explorer.page.context import Context
from explorer.page.parts import build_parts
from explorer.tabs.layers import flow, inside

TITLE = "Layers"
NEEDS = {"Samples"}

PARTS = (flow, inside)


def build(context: Context) -> None:
    build_parts(context, PARTS)
