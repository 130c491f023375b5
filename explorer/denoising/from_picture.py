"""From a picture."""

from __future__ import annotations

from explorer.context import Context

TITLE = "From a picture"


def build(context: Context) -> None:
    pass
