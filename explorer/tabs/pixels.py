"""Writing, slowed down: a picture value by value, and half a picture finished."""

from __future__ import annotations

from explorer.components.parts import build_parts
from explorer.context import Context
from explorer.writing import compare, order

TITLE = "Pixels"
NEEDS = {"Samples", "WritesPixels"}

PARTS = (compare, order)


def build(context: Context) -> None:
    build_parts(context, PARTS)
