"""Writing, slowed down: a picture value by value, and half a picture finished."""

from __future__ import annotations

from explorer.components.parts import build_parts
from explorer.context import Context
from explorer.writing import finish, watch

TITLE = "Pixels"
NEEDS = {"Samples", "WritesPixels"}

PARTS = (watch, finish)


def build(context: Context) -> None:
    build_parts(context, PARTS)
