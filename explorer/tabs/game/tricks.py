"""What each trick of training a GAN is worth: short runs with one more of them each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from explorer import components
from explorer.components import say
from explorer.components.score_table.score_table import score_table
from explorer.components.signed_bars.signed_bars import signed_bars
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.snippet import call, snippet
from models.checkpoints.tricks import Row, rows

TITLE = "Tricks"

LOOK_FOR = r"""
* **One at a time.** Each row is a short run of its own, with everything above it switched on as
  well. The bar is how far its samples are from real pictures: the shorter, the better.
* **Which one pays?** Look for the longest step down, and for a step *up*: a trick that helps in a
  long run may cost something in a short one. The order matters as well.
* **What chance does.** Where there are several runs of a row, they differ in their seed alone. A
  step that is smaller than their difference says nothing yet.
* **Precision and recall.** A short bar can come from better pictures or from more kinds of them.
* **Chosen on which pictures?** These distances are to pictures set aside from training, not to test
  pictures: who picks tricks by a number has used that number up.
"""


def lacking(context: Context, name: str) -> str:
    """A sentence for a model whose tricks were not measured; "" where they were."""
    header = context.store.header(name)
    if rows(header.metrics):
        return ""
    able = [
        context.store.header(other).title
        for other in context.store.having({"Discriminates"})
        if rows(context.store.header(other).metrics)
    ]
    others = f" These have: {'; '.join(able)}." if able else ""
    return f"{header.title} has no runs with its tricks switched on one at a time.{others}"


def with_error(entry: dict[str, Any]) -> str:
    return f"{entry['value']:.2f} ± {entry['stderr'] or 0:.2f}"


def bars(found: list[Row]) -> dict[str, Any]:
    """A bar a row, the mean of its runs; the row that came nearest stands out."""
    means = [row.mean("fd") for row in found]
    return {
        "rows": [
            {"name": row.title, "value": mean, "text": f"{mean:.2f}"}
            for row, mean in zip(found, means, strict=True)
        ],
        "chosen": means.index(min(means)),
    }


def table(found: list[Row]) -> dict[str, Any]:
    """Every run's numbers."""
    names = ["With this trick", "Run", "Fréchet distance", "Precision", "Recall", "Minutes"]
    cells = [
        [
            [row.title, row.number],
            [f"{k}", k],
            *(
                [with_error(run[name]), run[name]["value"]]
                for name in ("fd", "precision", "recall")
            ),
            [f"{run['fd']['minutes']:.1f}", run["fd"]["minutes"]],
        ]
        for row in found
        for k, run in enumerate(row.runs, 1)
    ]
    return {
        "columns": [
            {"name": name, "number": k > 0, "verdict": False} for k, name in enumerate(names)
        ],
        "sort": None,
        "sprite": None,
        "rows": [{"cells": each, "group": "", "on": False} for each in cells],
    }


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """A model is on screen: what its tricks were worth."""
    header = context.store.header(name)
    found = rows(header.metrics)
    entry, floor = found[0].runs[0]["fd"], found[0].runs[0]["fd_floor"]
    yield screen(
        bars=bars(found), table=table(found),
        status=say(
            f"Fréchet distance of {entry['n']:,} samples to as many training pictures set aside; "
            f"real pictures have {floor['value']:.2f}."
        ),
        code=snippet(
            call("header = read_header", in_code(header.folder)),
            "for name, entry in header.metrics.items():",
            '    if name.startswith("fd.trick_"):',
            '        print(entry["note"], entry["value"], entry["stderr"])',
        ),
    )  # fmt: skip


def build(context: Context) -> None:
    """The part."""
    part = Part(context, lacking=lacking)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            status = components.status()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]) as stage:
            lines = signed_bars(label="Fréchet distance with one more trick each")
            components.heading("Every run", "Runs of one row differ in their seed alone.")
            numbers = score_table(label="Every run of the tricks")

    part.outputs(bars=lines, table=numbers, status=status, code=notes.code, stage=stage)
    part.arrives(arrive, loads=False)
