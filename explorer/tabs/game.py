"""A game of two networks: what its discriminator sees, and what its generator can make."""

from __future__ import annotations

from explorer.components.parts import build_parts
from explorer.context import Context
from explorer.game import detector, find, theatre

TITLE = "Game"
NEEDS = {"Discriminates"}

PARTS = (theatre, detector, find)


def build(context: Context) -> None:
    build_parts(context, PARTS)
