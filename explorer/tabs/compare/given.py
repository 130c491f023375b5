"""The picture that all models are given: a sample of the best of them, or one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from explorer.page.choice import Picture, as_shelf, chosen_in
from explorer.page.context import Context
from explorer.page.part import Asked
from explorer.page.snippet import loading
from explorer.server.previews import preview


def source_of(context: Context, names: Sequence[str]) -> str:
    """The model whose samples stand on the shelf: of those that were shipped with samples the one
    whose come nearest to real pictures, as far as that was measured. One that was trained on a GPU
    comes last: its samples were drawn there too, and are a processor's but for rounding. Raises
    ValueError for no model."""
    if not names:
        raise ValueError("No model here can do this with pictures of this data set.")

    def rank(other: str) -> tuple[bool, bool, float]:
        header = context.store.header(other)
        value = header.metrics.get("fd_over_floor", {}).get("value", 1e9)
        elsewhere = "CPU" not in str(header.training.get("hardware"))
        return preview(context.store, other) is None, elsewhere, float(value)

    able = [each for each in names if "Samples" in context.store.header(each).capabilities]
    return min(able or names, key=rank)


def given(context: Context, source: str, asked: Asked) -> Picture:
    """The picture that the controls mean. Raises ``ImageError``, one sentence, where it is none."""
    picture = chosen_in(context, source, asked)
    if picture.words.startswith("sample"):
        return picture._replace(words=f"{picture.words} of {context.store.header(source).title}")
    return picture


def shelf(context: Context, source: str, asked: Asked) -> dict[str, Any]:
    return as_shelf(context, source, asked.choice)


def lines_of(context: Context, source: str, picture: Picture) -> list[str]:
    """The lines of a snippet that give ``x``, (1, C, H, W), the picture."""
    lines = picture.code.rstrip("\n")
    return [loading(context, source), lines] if "model." in lines else [lines]
