"""How strange is a picture to a model? One picture, many, and the lesson that likelihood taught.

What the parts share is in ``scored`` (scores as arrays, the sets a picture is held against) and in
the page's ``examples`` (pictures that need no data set).
"""

from __future__ import annotations

from explorer.page.context import Context
from explorer.page.parts import build_parts
from explorer.tabs.score import lesson, many, one

TITLE = "Score"
NEEDS = {"HasEnergy|HasLikelihood"}

PARTS = (one, many, lesson)


def build(context: Context) -> None:
    build_parts(context, PARTS)
