"""A game of two networks: what its discriminator sees, and what its generator can make."""

from __future__ import annotations

from explorer.page.context import Context
from explorer.page.parts import build_parts
from explorer.tabs.game import detector, find, looks, theatre, tricks

TITLE = "Game"
NEEDS = {"Discriminates"}

PARTS = (theatre, detector, find, looks, tricks)


def build(context: Context) -> None:
    build_parts(context, PARTS)
