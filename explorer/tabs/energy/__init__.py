"""An energy of pictures: its number and its slope anywhere, and the chains that walk in it."""

from __future__ import annotations

from explorer.page.context import Context
from explorer.page.parts import build_parts
from explorer.tabs.energy import chains, picture

TITLE = "Energy"
NEEDS = {"HasEnergy"}

PARTS = (picture, chains)


def candidates(context: Context, names: list[str]) -> list[str]:
    """The models, first those that know their energy and no likelihood."""
    return sorted(names, key=lambda n: "HasLikelihood" in context.store.header(n).capabilities)


def build(context: Context) -> None:
    build_parts(context, PARTS)
