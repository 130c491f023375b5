"""What each model costs and what it gives: two numbers as axes, and all of them in a table."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from explorer import components
from explorer.components import say
from explorer.components.model_cards.model_cards import as_card, model_cards
from explorer.components.model_scatter.model_scatter import model_scatter
from explorer.components.score_table.score_table import score_table
from explorer.page import saves as export
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import snippet
from explorer.server.ask import Seed
from explorer.server.previews import preview
from explorer.server.words import short_count, short_title
from explorer.tabs.compare.board import names_line
from explorer.tabs.compare.fellows import (
    data_words,
    fellows,
    header_of,
    in_turn,
    milliseconds,
    wait_words,
)
from explorer.tabs.compare.measures import (
    PACE,
    PICTURES,
    Axis,
    Measured,
    Table,
    as_text,
    axis_of,
    named,
    offered,
    table_of,
    usual,
)

TITLE = "Costs and gains"
SHOWN = 16  # samples of the chosen model
WIDE = 30.0  # times from which the numbers of an axis are spread by their logarithm
USUAL = ""  # an axis that nobody has chosen

LOOK_FOR = """
* **Likelihood and looks part.** Take $-\\log p(x)$ along one axis and the Fréchet distance along
  the other, with Fashion-MNIST: the models that find test pictures likeliest do not make the best
  ones. A likelihood pays for every pixel of a real picture; a judge looks at what was made.
* **What a number is.** A dot is exact, a ring an estimate, a triangle a bound. Bars are standard
  errors: where they overlap, the order of two models is left to chance.
* **One space, one axis.** Nats of black and white pictures and of 256 grey levels measure different
  things. So do Fréchet distances of different numbers of samples. They are axes of their own.
* **Precision and recall.** A model that repeats one good picture is precise and reaches nothing.
* **Time.** Measure it here: a factor of a thousand lies between one step and 784.
* **More parameters, better?** Put them along one axis and look.
"""


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The plot by the chosen axes, the table, and samples of the chosen model."""
    header = header_of(context, name)
    names = fellows(context, name, asked.request, "Samples")
    table = table_of(context, names)
    x, y = axes(table, asked.x, asked.y)
    both = table[x].keys() & table[y].keys()
    chosen = name or names[0] if names else ""
    yield screen(
        plot=plot_of(context, table, names, x, y, name),
        table=rows_of(context, table, names, name),
        samples=samples_of(context, chosen, table, names),
        x=choice_of(table, x, asked.x),
        y=choice_of(table, y, asked.y),
        status=say(sentence(header, names, len(both))),
        code=code_of(context, names, x, y),
    )


def axes(table: Table, x: Any, y: Any) -> tuple[Axis, Axis]:
    """The axes that were chosen; where these models lack one, or none was, the usual ones."""
    if not table:
        raise ValueError("There is nothing to compare: no model here makes pictures of this data.")
    first, second = usual(table)
    return named(table, x) or first, named(table, y) or second


def sentence(header: Any, names: Sequence[str], both: int) -> str:
    words = f"{both} of {len(names)} models of {data_words(header)} have both numbers."
    if both < len(names):
        words += " The others were measured in another space, or not at all."
    return words


def measure(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """How long each model takes for a picture, here and now; the plot fills as it is known."""
    names = fellows(context, name, asked.request, "Samples")
    shown = asked
    problems = []
    for turn in in_turn(context, names, "pace", lambda other: pace(context, other)):
        if turn.problem:
            problems.append(turn.problem)
        if turn.answer is not None:
            yield None
            continue
        title = context.store.header(turn.name).title
        words = f"Timing {title}{wait_words(context, 'pace', turn.name)} …"
        changes: dict[str, Any] = {}
        if turn.through and not turn.problem:
            shown = asked.but(x=axis_of(PACE).key)
            for each in show(context, name, shown):
                changes = {k: v for k, v in (each or {}).items() if k not in ("status", "samples")}
        yield screen(status=say(words, turn.done / len(names), "busy"), **changes)
    done = f"{PICTURES} pictures at once, as this machine does it now."
    status = say(" ".join(problems), kind="problem") if problems else say(done)
    yield screen(status=status)


def pace(context: Context, name: str) -> Iterator[float | None]:
    """Seconds a picture of a model on this machine, None while it draws."""
    return context.ask.kept_steps(("compare-pace", name), lambda: _pace(context, name))


def _pace(context: Context, name: str) -> Iterator[float | None]:
    context.store.get(name)
    seconds = []
    for seed in range(2):  # the first is for what is set up only once
        begun = time.perf_counter()
        for _ in context.ask.steps(name, "sample_steps", PICTURES, Seed(seed)):
            yield None
        seconds.append(time.perf_counter() - begun)
    yield min(seconds) / PICTURES


# -- values ---------------------------------------------------------------------------------------


def choice_of(table: Table, axis: Axis, asked: Any) -> Any:
    """The choice of an axis, each with how many models have it."""
    choices = [(f"{each.words} ({len(table[each])})", each.key) for each in offered(table)]
    value = asked if named(table, asked) in offered(table) else USUAL
    usually = f"Usual: {axis.words}" if value == USUAL else "The usual one"
    return gr.Dropdown(choices=[(usually, USUAL), *choices], value=value)


def plot_of(
    context: Context, table: Table, names: Sequence[str], x: Axis, y: Axis, chosen: str
) -> dict[str, Any]:
    """The value of the plot."""
    points, others = [], []
    for name in names:
        title, on = short_title(context.store.header(name)), name == chosen
        across, up = table[x].get(name), table[y].get(name)
        if across is None or up is None:
            others.append({"key": name, "name": title, "on": on})
            continue
        said = "; ".join(words_of(axis, m) for axis, m in ((x, across), (y, up)))
        points.append({
            "key": name, "name": title, "on": on, "x": across.value, "y": up.value,
            "x_error": across.stderr, "y_error": up.stderr, "kind": across.kind or up.kind,
            "says": f"{title}: {said}.",
        })  # fmt: skip
    return {"x": side_of(table, x), "y": side_of(table, y), "points": points, "others": others}


def side_of(table: Table, axis: Axis) -> dict[str, Any]:
    """An axis of the plot."""
    values = [measured.value for measured in table[axis].values()]
    log = min(values) > 0 and max(values) / min(values) > WIDE
    better = f" ({axis.quantity.better} is better)" if axis.quantity.better else ""
    bound = any(measured.kind == "lower bound" for measured in table[axis].values())
    return {"name": f"{axis.words}{better}", "log": log, "bound": bound}


def words_of(axis: Axis, measured: Measured) -> str:
    """A number in words: "−log p(x) 81.2 ± 0.2 nats, exact, 10,000 test pictures"."""
    parts = [f"{axis.quantity.title} {as_text(measured, axis)} {axis.quantity.unit}".strip()]
    if measured.kind:
        parts.append({"lower bound": "at most, by a bound"}.get(measured.kind, measured.kind))
    return ", ".join(part for part in (*parts, axis.space, measured.note) if part)


QUALITY = {
    "fd_over_floor": "Fréchet distance over floor",
    "precision": "Precision",
    "recall": "Recall",
}


def rows_of(context: Context, table: Table, names: Sequence[str], chosen: str) -> dict[str, Any]:
    """The value of the table: a group of rows for each set of spaces, so that columns compare.

    Minutes on different hardware have columns of their own.
    """
    hardware = [axis for axis in table if axis.key.startswith("minutes")]
    rows = []
    for name in names:
        header = context.store.header(name)
        found = {axis.key.partition(".")[0]: (axis, table[axis][name])
                 for axis in table if name in table[axis]}  # fmt: skip
        if "nll_given" in found:
            found.setdefault("nll_nats", found["nll_given"])
        title, nats = short_title(header), found.get("nll_nats")
        cells = [[title, title], _cell(nats), [_kind(nats), _kind(nats)]]
        cells += [_cell(found.get(key)) for key in QUALITY]
        speed = found.get(PACE)
        cells += [
            ["–", None] if speed is None else [milliseconds(speed[1].value / 1000), speed[1].value],
            [short_count(header.parameters), header.parameters],
            *(_cell((axis, table[axis][name]) if name in table[axis] else None)
              for axis in hardware),
        ]  # fmt: skip
        rows.append({"group": group_of(found), "on": name == chosen, "cells": cells})
    columns = [
        {"name": "Model"},
        {"name": "−log p(x), nats", "number": True},
        {"name": "Kind"},
        *({"name": words, "number": True} for words in QUALITY.values()),
        {"name": "Time per picture, here", "number": True},
        {"name": "Parameters", "number": True},
        *({"name": f"Minutes of training, {axis.space}", "number": True} for axis in hardware),
    ]
    rows.sort(key=lambda row: row["group"])
    return {"columns": columns, "rows": rows, "sprite": None, "sort": None}


def _cell(found: tuple[Axis, Measured] | None) -> list[Any]:
    if found is None:
        return ["–", None]
    axis, measured = found
    if axis.key.startswith("minutes"):
        return [f"{measured.value:.0f}", measured.value]
    return [as_text(measured, axis), measured.value]


def _kind(found: tuple[Axis, Measured] | None) -> str:
    """What kind of number a likelihood is."""
    if found is None:
        return "–"
    axis, measured = found
    words = {"lower bound": "a bound", "estimate": "an estimate"}.get(measured.kind, measured.kind)
    given = ", given its class" if axis.key.startswith("nll_given") else ""
    return f"{words or measured.note or 'measured'}{given}"


def group_of(found: dict[str, tuple[Axis, Measured]]) -> str:
    """The heading of the rows whose numbers compare: their spaces."""
    nats, quality = found.get("nll_nats"), found.get("fd_over_floor")
    words = [f"Likelihood in {nats[0].space}" if nats else "No likelihood measured"]
    words.append(f"quality by the {quality[0].space}" if quality else "no quality measured")
    return "; ".join(words)


def samples_of(
    context: Context, name: str, table: Table, names: Sequence[str]
) -> dict[str, Any] | None:
    """The chosen model as one card: the samples it was shipped with, and all its numbers."""
    if name not in names:
        return None
    header, shipped = context.store.header(name), preview(context.store, name)
    lines = [words_of(axis, table[axis][name]) for axis in table if name in table[axis]]
    card = as_card(
        name, header.title, on=True, state="done", places=0, lines=lines,
        pictures=None if shipped is None else shipped.images[:SHOWN],
    )  # fmt: skip
    _, H, W = header.config["image"]
    groups = [{"name": "", "note": "", "cards": [card]}]
    return {"h": H, "w": W, "across": 4, "wide": True, "groups": groups}


# -- code and files -------------------------------------------------------------------------------


def code_of(context: Context, names: Sequence[str], x: Axis, y: Axis) -> str:
    """The lines that give the measured numbers of the axes, and the time a picture takes."""
    metrics = [axis.key.partition(".")[0] for axis in (x, y)]
    metrics = ["nll_nats" if key == "nll_given" else key for key in metrics]
    facts = {"parameters": "header.parameters", "minutes": 'header.training["minutes"]'}
    lines = [names_line(context, names), "facts = {}", "for name in names:"]
    lines.append("    header = read_header(name)")
    if PACE in metrics:
        lines += [
            "    model = load(name)",
            f"    model.sample({PICTURES}, generator(0))",
            "    begun = time.perf_counter()",
            f"    model.sample({PICTURES}, generator(1))",
            f"    pace = 1000 * (time.perf_counter() - begun) / {PICTURES}  # ms a picture",
        ]
    told = [
        "pace" if key == PACE else facts.get(key, f'header.metrics.get("{key}")') for key in metrics
    ]
    lines.append(f"    facts[name] = ({', '.join(told)})  # with n, stderr, kind and space")
    return snippet(*lines)


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """All that is known of these models, a number a row."""
    header = header_of(context, name)
    names = fellows(context, name, asked.request, "Samples")
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(
        ["model", "quantity", "space", "unit", "value", "standard_error", "kind", "n", "note"]
    )
    for axis, found in table_of(context, names).items():
        for other, m in found.items():
            writer.writerow([
                context.store.header(other).folder.name, axis.quantity.title, axis.space,
                axis.quantity.unit, m.value, m.stderr, m.kind, m.n, m.note,
            ])  # fmt: skip
    stem = f"{header.data.get('name', 'data')}-costs-and-gains.csv"
    return components.file(stem, file.getvalue().encode("utf-8-sig"), "text/csv")


def all_choices(context: Context) -> list[tuple[str, str]]:
    """Every axis that a link may name: of all data sets, and what is measured here."""
    everything = [*table_of(context, context.store.names), axis_of(PACE)]
    return [("The usual one", USUAL), *((axis.words, axis.key) for axis in everything)]


def axis_text(text: str) -> str:
    """The parser of an axis in addresses. Raises ValueError where it cannot be one."""
    if len(text) > 120 or not all(c.isalnum() or c in "-_." for c in text):
        raise ValueError("This is no axis.")
    return text


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context, of_model=False)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            go, halt, status = run_row("Measure the speed", "costs-go", "costs-stop")
            known = all_choices(context)
            x = gr.Dropdown(
                known,
                value=USUAL,
                label="Along x",
                filterable=False,
                elem_id="costs-x",
                info="How many models have it is in brackets.",
            )
            y = gr.Dropdown(
                known, value=USUAL, label="Along y", filterable=False, elem_id="costs-y"
            )
            table_csv = gr.Button("Save all numbers as CSV", size="sm", elem_id="costs-csv")
            saver = components.saver()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            plot = model_scatter(label="Models by two numbers")
            samples = model_cards(label="The chosen model", room=56, expected=120)
            components.heading(
                "All of them",
                "Numbers compare within a group. A column's head sorts each group.",
            )
            table = score_table(label="What each model costs and gives")

    part.controls(x=x, y=y)
    part.outputs(plot=plot, table=table, samples=samples, status=status, stop=halt)
    part.outputs(code=notes.code, x=x, y=y)
    part.arrives(show)
    part.on([x.input, y.input], show)
    part.on(go.click, measure, main=True)
    part.stops(halt)
    part.saves(export.SaveButtons({"csv": table_csv}, saver), save)
    context.remember("compare.costs.x", x, parse=axis_text)
    context.remember("compare.costs.y", y, parse=axis_text)
