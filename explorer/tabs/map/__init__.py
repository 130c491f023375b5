"""Where pictures lie: test pictures by their codes, generated pictures beside real ones,
and both while a model learns."""

from __future__ import annotations

from explorer.page.context import Context
from explorer.page.parts import build_parts
from explorer.tabs.map import beside_real, codes, through

TITLE = "Map"
NEEDS = {"Samples"}

PARTS = (codes, beside_real, through)


def build(context: Context) -> None:
    build_parts(context, PARTS)
