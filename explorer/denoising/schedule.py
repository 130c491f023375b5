"""Schedule."""

from __future__ import annotations

from explorer.context import Context

TITLE = "Schedule"


def build(context: Context) -> None:
    pass
