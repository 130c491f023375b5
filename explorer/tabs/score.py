"""How strange is a picture to a model? One picture, many, and the lesson that likelihood taught."""

from __future__ import annotations

from explorer.components.parts import build_parts
from explorer.context import Context
from explorer.scoring import lesson, many, one

TITLE = "Score"
NEEDS = {"HasLikelihood"}

PARTS = (one, many, lesson)


def build(context: Context) -> None:
    build_parts(context, PARTS)
