"""Pictures written value by value: watched, finished, compared, and who may see whom."""

from __future__ import annotations

from explorer.components.parts import build_parts
from explorer.context import Context
from explorer.writing import compare, finish, order, watch

TITLE = "Pixels"
NEEDS = {"Samples", "WritesPixels"}

PARTS = (watch, finish, compare, order)


def build(context: Context) -> None:
    build_parts(context, PARTS)
