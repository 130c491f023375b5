"""Pictures written value by value: watched, finished, compared, and who may see whom.

What the parts share (settings, writing a picture and what its values surprised the model by) is in
``written``.
"""

from __future__ import annotations

from explorer.page.context import Context
from explorer.page.parts import build_parts
from explorer.tabs.pixels import compare, finish, order, watch

TITLE = "Pixels"
NEEDS = {"Samples", "WritesPixels"}


def candidates(context: Context, names: list[str]) -> list[str]:
    """The models, first those of all classes together, then those that a picture surprises less."""

    def rank(name: str) -> tuple[bool, float]:
        header = context.store.header(name)
        nats = header.metrics.get("nll_nats", {}).get("value", float("inf"))
        return "Conditional" in header.capabilities, nats

    return sorted(names, key=rank)


PARTS = (watch, finish, compare, order)


def build(context: Context) -> None:
    build_parts(context, PARTS)
