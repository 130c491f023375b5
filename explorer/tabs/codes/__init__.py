"""Codes that are no plain vector: in levels, each given those above it, or a grid of numbers."""

from __future__ import annotations

from explorer.page.context import Context
from explorer.page.parts import build_parts
from explorer.tabs.codes import grid, levels

TITLE = "Codes"
NEEDS = {"Samples", "Rebuilds"}
PARTS = (levels, grid)


def build(context: Context) -> None:
    build_parts(context, PARTS)
