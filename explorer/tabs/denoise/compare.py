"""Several samplers from one noise, and a few-step student, side by side; and one noise at several
strengths of guidance."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.cost.cost import cost
from explorer.components.film.film import film, stop
from explorer.components.picture_table.picture_table import picture_table
from explorer.page import saves as export
from explorer.page.address import number, one_of, whole
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.films import mosaic
from explorer.server.abilities import classes_of, few_steps, guides, takes
from explorer.server.reading import ANY, class_choices, next_seed
from explorer.tabs.denoise import student
from explorer.tabs.denoise.guidance import COUNT, Run, runs, save_strip, strip, strip_after
from explorer.tabs.denoise.student import NAMES, STUDENT, Pair, check, pair_of
from explorer.tabs.denoise.trajectory import (
    MOST_GUIDANCE,
    MOST_STEPS,
    SAMPLERS,
    Settings,
    arguments,
    read_settings,
)

TITLE = "Compare"
FILM = "compare"

NONE = "none"
DEFAULTS = (("dpm", 10), ("ddim", 20), ("heun", 10), ("ddpm", 50))
NUMBERS = range(1, len(DEFAULTS) + 1)
# There are two columns at least.
NO_COLUMN = [[("No column", NONE)] if k > 2 else [] for k in NUMBERS]
# What the columns are measured against: the same noise along the ODE, in steps far finer than any.
REFERENCE = ("heun", 100)
# For the order: how the difference falls as steps are doubled.
ORDERS, DOUBLED = ("ddim", "heun", "dpm"), (5, 10, 20, 40)
SHOWN = (("Guess", "x0"), ("Noisy", "x"))

LOOK_FOR = """
* **One noise, one picture.** Deterministic samplers follow the same path: with enough steps they
  end at the same four pictures. Which of them gets there first?
* **Cost is evaluations**, not steps: Heun asks the network twice a step. Compare at equal
  evaluations.
* **Order.** Doubling the steps halves the error of a first-order sampler (DDIM) and quarters that
  of a second-order one (Heun, DPM-Solver++). Press *Measure the order* and read the slopes.
* **Ancestral sampling goes its own way**: it puts fresh noise in at every step, so its difference
  from the reference is another picture, not an error.
* **A few-step student** learned where its teacher's paths end. With one evaluation it is near the
  reference; with two and four it puts fresh noise in, so its pictures are others. Are they better?
* **Guidance** exaggerates the class: more typical and alike at 3, over-inked and strange at 8.
  At 0 the class is ignored.
"""


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def read_columns(
    context: Context, name: str, asked: Asked
) -> tuple[Pair, list[Settings], Settings]:
    """The models that are asked, the settings of two to four columns, and of their reference.
    Raises ValueError.

    Sampler ``NONE`` leaves a column out; ``STUDENT`` stands for the model's few-step student.
    """
    pair = pair_of(context, name)
    header = context.store.header(pair.teacher)
    shared = {
        "seed": asked.seed, "count": COUNT, "label": asked.label, "guidance": asked.guidance,
    }  # fmt: skip
    pairs = [(getattr(asked, f"sampler{k}"), getattr(asked, f"steps{k}")) for k in NUMBERS]
    columns = []
    for sampler, steps in pairs:
        if sampler == STUDENT:
            check(header, pair.student, steps, asked.guidance)
            found = read_settings(header, **shared, steps=steps)._replace(sampler=STUDENT)
            columns.append(found)
        elif sampler != NONE:
            columns.append(read_settings(header, **shared, sampler=sampler, steps=steps))
    if len(columns) < 2:
        raise ValueError("Choose a sampler for two columns at least.")
    sampler, steps = REFERENCE
    return pair, columns, read_settings(header, **shared, sampler=sampler, steps=steps)


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The columns one after another, then their reference and what it tells."""
    yield screen(finished=False)
    pair, columns, reference = read_columns(context, name, asked)
    if not takes(context.store.get(pair.teacher), "sampler"):
        title = context.store.header(name).title
        raise ValueError(f"{title} has one way of sampling only; nothing can be compared.")
    yield screen(code=code_of(context, pair, columns, reference))
    done: list[Run] = []
    work = [_evaluations(each) for each in (*columns, reference)]
    told = drew = 0.0
    for k, settings in enumerate((*columns, reference)):
        what = f"column {k + 1}" if k < len(columns) else "the reference"
        for found in runs(context, pair.asked(settings), settings):
            part = (sum(work[:k]) + found.way.evaluations[-1]) / sum(work)
            if found.way.done or time.monotonic() - told < 0.1:
                yield None
                continue
            told = time.monotonic()
            yield screen(status=say(f"Drawing {what}: {part:.0%}", min(1.0, part), "busy"))
        done.append(found)
        if k < len(columns) and time.monotonic() - drew > 0.1:
            drew = time.monotonic()
            yield screen(
                film=reel(columns, done, asked.shown, running=k < len(columns) - 1),
                cost=facts(columns, done), status=say(f"Drawing {what} …", min(1.0, part), "busy"),
            )  # fmt: skip
    yield screen(
        film=reel(columns, done[:-1], asked.shown), cost=facts(columns, done[:-1], done[-1]),
        status=say(_sentence(reference)), finished=True,
    )  # fmt: skip


def _evaluations(settings: Settings) -> int:
    """About how often the network is asked: for the progress bar alone."""
    return settings.steps * {"heun": 2, "langevin": 2}.get(settings.sampler, 1)


def _sentence(reference: Settings) -> str:
    return (
        f"{COUNT} noises of seed {reference.seed}. Differences are from "
        f"{SAMPLERS[reference.sampler]} in {reference.steps} steps."
    )


def reel(
    columns: list[Settings], done: list[Run], shown: Any, running: bool = False
) -> dict[str, Any]:
    """The value of the film: each column's way, all stretched to the length of the longest."""
    longest = max(settings.steps for settings in columns) + 1
    longest = max([longest, *(len(each.way.x) for each in done)])
    rows = []
    for k, settings in enumerate(columns):
        row = {"name": f"{k + 1} {NAMES[settings.sampler]}", "note": "", "sprite": None}
        if k < len(done):
            way = done[k].way
            frames = mosaic(way.x if shown == "x" else way.x0)
            at = stretched(len(frames), longest)
            row["sprite"] = images.sprite(frames[at])
            last = len(frames) - 1
            row["captions"] = [f"step {i} of {last}, {_noise(way.level[i])}" for i in at]
        rows.append(row)
    run = f"{shown} {columns}"
    return {"rows": rows, "run": run, "running": running}


def _noise(level: float) -> str:
    return "no noise" if level == 0 else f"noise {level:.2g}"


def stretched(n: int, longest: int) -> np.ndarray:
    """Which of n frames stands at each of ``longest`` moments: the first at first, the last at
    last, each as long as the others."""
    if longest < 2:
        return np.zeros(longest, int)
    return np.floor(np.arange(longest) * (n - 1) / (longest - 1) + 1e-9).astype(int)


def facts(columns: list[Settings], done: list[Run], reference: Run | None = None) -> dict[str, Any]:
    """The value of the table and the chart of costs."""
    from models.families.diffusion.samplers import DETERMINISTIC

    rows = []
    for k, settings in enumerate(columns):
        row: dict[str, Any] = {"name": NAMES[settings.sampler], "steps": settings.steps}
        if k < len(done):
            row["evaluations"] = int(done[k].way.evaluations[-1])
            row["seconds"] = done[k].way.seconds
            if reference is not None:
                row["difference"] = rms(done[k].final, reference.final)
            # A student puts fresh noise in from its second evaluation on.
            same = settings.sampler in DETERMINISTIC or settings.steps == 1
            row["own_way"] = not same
        rows.append(row)
    value: dict[str, Any] = {"rows": rows, "about": about(columns[0])}
    if reference is not None:
        sampler, steps = REFERENCE
        value["reference"] = (
            f"{SAMPLERS[sampler]}, {steps} steps, {int(reference.way.evaluations[-1])} evaluations"
        )
    return value


def about(settings: Settings) -> str:
    """What the reference depends on, and so every difference."""
    return f"{settings.seed} {settings.label} {settings.guidance}"


def rms(a: np.ndarray, b: np.ndarray) -> float:
    """The root mean square difference, black to white being 1."""
    return float(np.sqrt(np.square(np.asarray(a, np.float64) - b).mean()))


def order(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """How fast the error falls as steps are doubled: the lines of the chart."""
    (name, _), _, reference = read_columns(context, name, asked)
    jobs = [reference]
    jobs += [reference._replace(sampler=s, steps=n) for s in ORDERS for n in DOUBLED]
    work, told, spent = [_evaluations(job) for job in jobs], 0.0, 0
    points: dict[str, list[tuple[int, float]]] = {sampler: [] for sampler in ORDERS}
    fine = None
    for job, size in zip(jobs, work, strict=True):
        for found in runs(context, name, job):
            if found.way.done or time.monotonic() - told < 0.1:
                yield None
                continue
            told = time.monotonic()
            part = (spent + found.way.evaluations[-1]) / sum(work)
            yield screen(status=say(f"Measuring the order: {part:.0%}", part, "busy"))
        spent += size
        if fine is None:
            fine = found.final
            continue
        evaluations = int(found.way.evaluations[-1])
        points[job.sampler].append((evaluations, rms(found.final, fine)))
        status = say(f"Measuring the order: {spent / sum(work):.0%}", spent / sum(work), "busy")
        yield screen(cost={"lines": lines(points), "about": about(reference)}, status=status)
    words = "Order: by which power of the evaluations the difference falls, at the finest two runs."
    yield screen(status=say(words))


def lines(points: dict[str, list[tuple[int, float]]]) -> list[dict[str, Any]]:
    """Lines of the chart: a sampler's errors over its evaluations, and the slope at the fine end.

    The slope between the last two points says by which power of the evaluations the error falls.
    """
    found = []
    for sampler, at in points.items():
        line: dict[str, Any] = {"name": SAMPLERS[sampler], "points": at}
        if len(at) > 1 and min(at[-1][1], at[-2][1]) > 0:
            (n0, e0), (n1, e1) = at[-2:]
            line["order"] = math.log(e0 / e1) / math.log(n1 / n0)
        found.append(line)
    return [line for line in found if line["points"]]


# -- code and files -------------------------------------------------------------------------------


def code_of(context: Context, pair: Pair, columns: list[Settings], reference: Settings) -> str:
    """The lines that give the columns' last pictures, and their differences."""

    def sampled(what: str, settings: Settings) -> str:
        model = context.store.get(pair.asked(settings))
        named = "student" if settings.sampler == STUDENT else "model"
        return call(
            f"{what} = {named}.sample", COUNT, raw(f"generator({settings.seed})"),
            label=settings.label, **arguments(model, settings),
        )  # fmt: skip

    lines = [loading(context, pair.teacher)]
    if pair.student and any(settings.sampler == STUDENT for settings in columns):
        lines.append(loading(context, pair.student, "student"))
    lines += [sampled("reference", reference), "differences = []"]
    for settings in columns:
        lines += [
            sampled("images", settings),
            "differences.append((images - reference).square().mean().sqrt())",
        ]
    return snippet(*lines)


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file: the columns as a film (webp, gif), or as they end (png)."""
    pair, columns, _ = read_columns(context, name, asked)
    done = [list(runs(context, pair.asked(each), each))[-1] for each in columns]
    longest = max(len(each.way.x) for each in done)
    rows = []
    for each in done:
        sheet = mosaic(each.way.x if asked.shown == "x" else each.way.x0)
        rows.append(sheet[stretched(len(sheet), longest)])
    stem = f"{name}-samplers-seed-{columns[0].seed}"
    if kind != "png":
        return export.film_file(kind, stem, rows)
    ends = images.grid_image([row[-1] for row in rows], columns=len(rows), scale=4, gap=16)
    return components.file(f"{stem}.png", images.png_bytes(ends), "image/png")


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    # A link may ask for the student of a model that is yet to come on screen.
    headers = [context.store.header(name) for name in context.store.names]
    samplers = sampler_choices(any(few_steps(header) for header in headers))
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            again, halt, status = run_row("Sample again", "compare-again", "compare-stop")
            beside = gr.Button("Compare with its few-step student", size="sm", visible=False,
                               elem_id="compare-student")  # fmt: skip
            pairs = []
            for k, (sampler, steps) in enumerate(DEFAULTS):
                with gr.Row(elem_classes=["ge-pair", "ge-sampler"]):
                    offered = [*samplers, *NO_COLUMN[k]]
                    pairs += [
                        gr.Dropdown(offered, value=sampler, label=f"Column {k + 1}",
                                    filterable=False, elem_id=f"compare-sampler-{k + 1}"),
                        gr.Number(steps, label="Steps", precision=0,
                                  elem_id=f"compare-steps-{k + 1}"),
                    ]  # fmt: skip
            shown = gr.Radio(list(SHOWN), value="x0", label="What to show", elem_id="compare-shown",
                             elem_classes="ge-source")  # fmt: skip
            with gr.Row(elem_classes="ge-pair"):
                seed = gr.Number(0, label="Seed", precision=0, elem_id="compare-seed")
                label = gr.Dropdown([("Any class", ANY)], value=ANY, label="Class", visible=False,
                                    filterable=False, elem_id="compare-class")  # fmt: skip
            guidance = gr.Slider(0, 8, 1, step=0.5, label="Guidance", visible=False,
                                 elem_id="compare-guidance")  # fmt: skip
            saver = export.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            player = film(
                FILM, label="Samplers in step", below=250, largest=360, tile=150, expected=4
            )
            with gr.Row(elem_classes="ge-heading-row"):
                words = "How often the network is asked, and how far off the pictures are."
                components.heading("Cost and order", words)
                measure = gr.Button("Measure the order", size="sm", elem_id="compare-order")
            costs = cost()
            with gr.Column(visible=False) as guided:
                with gr.Row(elem_classes="ge-heading-row"):
                    components.heading(
                        "Guidance", "The same noises, pushed towards a class ever harder."
                    )
                    of = gr.Dropdown([("0", 0)], value=0, label="Class of the strip",
                                     filterable=False, elem_id="compare-strip-class")  # fmt: skip
                    sheet = gr.Button("Guidance as PNG", size="sm")
                said = components.status()
                table = picture_table(label="The same noises at several strengths of guidance")
                # Whether the columns were drawn to the end, and the strip's pictures.
                finished, pictures = gr.State(False), gr.State(None)

    names = [f"{what}{k + 1}" for k in range(len(DEFAULTS)) for what in ("sampler", "steps")]
    part.controls(
        shown=shown, seed=seed, label=label, guidance=guidance, of=of, finished=finished,
        pictures=pictures, **dict(zip(names, pairs, strict=True)),
    )  # fmt: skip
    part.outputs(
        film=player, cost=costs, status=status, code=notes.code, stop=halt, seed=seed, label=label,
        of=of, guidance=guidance, guided=guided, finished=finished, table=table, said=said,
        pictures=pictures, beside=beside, **dict(zip(names, pairs, strict=True)),
    )  # fmt: skip
    # After the columns, not beside them: their seconds are part of what is compared.
    before = (part.on(again.click, next_noise), part.on(beside.click, set_columns))
    for event in (part.arrives(arrive).then, *(one.then for one in before), seed.input):
        drawing = part.on(event, show, main=True)
        part.on(drawing.then, strip_after, run="strip", status="said")
    part.on([control.input for control in [*pairs, shown, label, guidance]], show)
    part.on(of.input, strip, run="strip", status="said")
    part.on(measure.click, order)
    part.stops(halt, runs=("main", "strip"), js=stop(FILM))
    part.saves(saver, save)
    part.saves(export.SaveButtons({"png": sheet}, saver.saver), save_strip)

    context.remember("denoise.compare.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("denoise.compare.class", label, parse=whole(ANY, 999))
    context.remember("denoise.compare.guidance", guidance, parse=number(0, MOST_GUIDANCE))
    context.remember("denoise.compare.strip", of, parse=whole(0, 999))
    for k in range(len(DEFAULTS)):
        key, (sampler, steps) = f"denoise.compare.{{}}{k + 1}", pairs[2 * k : 2 * k + 2]
        context.remember(key.format("sampler"), sampler, parse=one_of((NONE, *NAMES)))
        context.remember(key.format("steps"), steps, parse=whole(1, MOST_STEPS))


def next_noise(context: Context, name: str, asked: Asked) -> Screen:
    """The next seed."""
    return screen(seed=next_seed(asked.seed))


def arrive(context: Context, name: str, asked: Asked) -> Screen:
    """A model is on screen: its classes, whether it can be guided to one, and its student."""
    header = context.store.header(name)
    classes, there, pair = classes_of(header), guides(header), pair_of(context, name)
    given = [(getattr(asked, f"sampler{k}"), getattr(asked, f"steps{k}")) for k in NUMBERS]
    kept = asked.label if asked.label in range(len(classes)) else ANY
    of_strip = class_choices(classes, "")[1:] or [("0", 0)]
    strip_of = asked.of if asked.of in range(len(classes)) else 0
    return screen(
        label=gr.Dropdown(choices=class_choices(classes, "Any class"), value=kept,
                          visible=bool(classes)),
        of=gr.Dropdown(choices=of_strip, value=strip_of, visible=there),
        guidance=gr.Slider(visible=True) if there else gr.Slider(value=1, visible=False),
        guided=gr.Column(visible=there),
        beside=gr.Button(visible=pair.student not in (None, name)),
        **in_columns(student.columns(pair, name, given, DEFAULTS), pair.student is not None),
    )  # fmt: skip


def set_columns(context: Context, name: str, asked: Asked) -> Screen:
    """The few-step student in one, two and four evaluations, beside its teacher's steps."""
    return screen(guidance=gr.Slider(value=1), **in_columns(student.COLUMNS, True))


def in_columns(wanted: Any, with_student: bool) -> dict[str, Any]:
    """The controls of the columns set to (sampler, steps) each, by their names."""
    offered, found = sampler_choices(with_student), {}
    for k, (sampler, steps) in zip(NUMBERS, wanted, strict=True):
        choices = [*offered, *NO_COLUMN[k - 1]]
        found |= {f"sampler{k}": gr.Dropdown(choices=choices, value=sampler), f"steps{k}": steps}
    return found


def sampler_choices(with_student: bool) -> list[tuple[str, str]]:
    """The items of a list of samplers."""
    return [(title, key) for key, title in NAMES.items() if with_student or key != STUDENT]
