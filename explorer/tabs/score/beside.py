"""The same picture under every model of its size, in numbers that can be compared."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from explorer.components import say
from explorer.page.choice import Picture
from explorer.page.context import Context
from explorer.page.examples import alike
from explorer.page.part import Screen, failure, screen
from explorer.server.abilities import walks
from explorer.tabs.score.scored import (
    LIKELIHOOD,
    SPACES,
    Found,
    at_once,
    bits_per_dim,
    default_score,
    judged,
    kind_of,
    measured,
    offered,
    reference,
)


class Row(NamedTuple):
    """What one model says of a picture. value: of its usual score. likely, usual: where the picture
    lies among the model's own test pictures, from 0 to 1, or None where none were measured."""

    name: str
    title: str
    found: Found
    score: str
    value: float
    likely: float | None
    usual: float | None
    strange: bool | None


def names(context: Context, name: str) -> list[str]:
    """The model itself, then the others of its image size that say a likelihood: those that take
    long come last."""
    found = dict.fromkeys((name, *alike(context, name, "HasLikelihood")))
    return sorted(found, key=lambda other: (other != name, walks(context.store.header(other))))


def row(context: Context, name: str, picture: Picture, seed: int, alarm: float) -> Row:
    """What a model says of a picture: its likelihood, and its usual score."""
    found = measured(context, name, picture, LIKELIHOOD, seed)
    score = default_score(context, name)
    value = float(measured(context, name, picture, score, seed).values[0])
    likely = usual = None
    if reference(context, name) is not None:
        own = at_once(context, name, LIKELIHOOD, seed)[0].values
        likely = judged(float(found.values[0]), own, alarm)
        usual = judged(value, at_once(context, name, score, seed)[0].values, alarm)
    return Row(
        name, context.store.header(name).title, found, score, value,
        likely and likely.percentile, usual and usual.percentile, usual and usual.strange,
    )  # fmt: skip


def table(
    context: Context, name: str, picture: Picture, seed: int, alarm: float
) -> Iterator[Screen]:
    """The table, one model after another."""
    rows: list[Row] = []
    failed: list[str] = []
    everyone = names(context, name)
    for at, other in enumerate(everyone):
        title = context.store.header(other).title
        yield screen(said=say(f"{title} reads it …", at / len(everyone), "busy"))
        try:
            if LIKELIHOOD in offered(context, other):
                rows.append(row(context, other, picture, seed, alarm))
        except Exception as error:
            failed.append(failure(title, error))
            continue
        share = (at + 1) / len(everyone)
        yield screen(table=as_table(context, name, rows, alarm), said=say("", share, "busy"))
    status = say(" ".join(failed), kind="problem") if failed else say(
        f"{len(rows)} models of this size; strange is what lies above the threshold that flags "
        f"{percent(alarm)} of a model's own test pictures.")  # fmt: skip
    yield screen(table=as_table(context, name, rows, alarm), said=status)


def as_table(context: Context, name: str, rows: Sequence[Row], alarm: float) -> dict[str, Any]:
    """The value of the table: a group of rows for each space."""
    shape = context.store.header(name).config["image"]
    told = []
    for each in sorted(rows, key=lambda r: r.found.likelihood.space != _space(rows, name)):
        likely = each.found.likelihood
        nats = float(likely.nats[0])
        bits = bits_per_dim(nats, shape) if likely.space == "uint8" else None
        told.append({
            "group": f"Measured on {SPACES.get(likely.space, likely.space)}",
            "on": each.name == name,
            "cells": [
                [each.title, each.title],
                [f"{nats:,.1f}", nats],
                ["–" if bits is None else f"{bits:.3f}", bits],
                [kind_of(likely), likely.kind],
                [rank(each.likely), each.likely],
                [rank(each.usual), each.usual],
                [verdict(each.strange), each.strange and 1],
            ],
        })  # fmt: skip
    columns = [
        {"name": "Model"},
        {"name": "−log p(x), nats", "number": True},
        {"name": "Bits/dim", "number": True},
        {"name": "Kind"},
        {"name": "Percentile by likelihood", "number": True},
        {"name": "Percentile by its usual score", "number": True},
        {"name": "Verdict", "verdict": True},
    ]
    return {"columns": columns, "rows": told, "sprite": None, "sort": None}


def _space(rows: Sequence[Row], name: str) -> str:
    return next((r.found.likelihood.space for r in rows if r.name == name), "")


def verdict(strange: bool | None) -> str:
    return "not measured" if strange is None else "strange" if strange else "ordinary"


def rank(percentile: float | None) -> str:
    """A percentile as a cell: of 500 pictures, more than one digit would be noise."""
    return "–" if percentile is None else f"{100 * percentile:.1f}"


def percent(share: float) -> str:
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


# -- files ----------------------------------------------------------------------------------------


def rows_for_file(
    context: Context, name: str, picture: Picture, seed: int, alarm: float
) -> list[dict[str, Any]]:
    """Every score of the chosen model, and the likelihood and usual score of the others."""
    found = []
    for other in names(context, name):
        asked = offered(context, other) if other == name else dict.fromkeys(
            (LIKELIHOOD, default_score(context, other)))  # fmt: skip
        for score in asked:
            each = measured(context, other, picture, score, seed)
            place = None
            if reference(context, other) is not None:
                own = at_once(context, other, score, seed)[0].values
                place = judged(float(each.values[0]), own, alarm)
            found.append({"model": other, **numbers(context, other, score, each, place)})
    return found


def numbers(
    context: Context, name: str, score: str, found: Found, place: Any, k: int = 0
) -> dict[str, Any]:
    """One score of picture k as the columns of a file; empty where a column does not apply."""
    from models.scores.registry import SCORES

    likely = found.likelihood if score == LIKELIHOOD else None
    space = "" if likely is None else likely.space
    shape = context.store.header(name).config["image"]
    bits = bits_per_dim(float(likely.nats[k]), shape) if space == "uint8" else ""
    errors = found.stderr if likely is None else likely.stderr
    error = "" if errors is None else float(errors[k])
    return {
        "score": score, "value": float(found.values[k]), "unit": SCORES[score].unit,
        "kind": "" if likely is None else likely.kind, "standard_error": error, "space": space,
        "bits_per_dim": bits,
        "percentile": "" if place is None else round(100 * place.percentile, 2),
        "verdict": "" if place is None else verdict(place.strange),
    }  # fmt: skip


def as_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """A table as a file that spreadsheets open. A text that they would run is quoted by a '."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]) if rows else [])
    writer.writeheader()
    for each in rows:
        writer.writerow({key: _plain(value) for key, value in each.items()})
    return file.getvalue().encode("utf-8-sig")


def _plain(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
