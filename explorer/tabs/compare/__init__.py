"""All models of one data set side by side, and what each costs and gives.

Which data set is told by the model in the picker. ``fellows`` knows who is compared and asks them
in turn; ``board`` is the page's board of cards, one a model, that the parts fill.
"""

from __future__ import annotations

from explorer.page.context import Context
from explorer.page.parts import build_parts
from explorer.tabs.compare import costs, half, maps, picture, samples

TITLE = "Compare"
NEEDS: set[str] = set()

PARTS = (samples, half, picture, costs, maps)


def build(context: Context) -> None:
    build_parts(context, PARTS)
