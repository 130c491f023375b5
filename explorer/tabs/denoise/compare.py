"""Several samplers from one noise, side by side; and one noise at several strengths of guidance."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.cost.cost import cost
from explorer.components.film.film import film, stop
from explorer.components.picture_table.picture_table import picture_table
from explorer.page import saves
from explorer.page.address import number, one_of, whole
from explorer.page.context import Context
from explorer.page.runs import LIVE, newest_only, run_row, stoppable, stopped_at
from explorer.pictures import images
from explorer.pictures.films import mosaic
from explorer.server.abilities import classes_of, takes
from explorer.server.reading import ANY, class_choices, next_seed
from explorer.tabs.denoise.guidance import COUNT, Drawn, drawn, save_strip, strip, strip_after
from explorer.tabs.denoise.trajectory import (
    MOST_GUIDANCE,
    MOST_STEPS,
    SAMPLERS,
    Settings,
    call,
    read_settings,
)

log = logging.getLogger(__name__)

TITLE = "Compare"
FILM, STRIP = "compare", "compare-strip"

NONE = "none"
DEFAULTS = (("dpm", 10), ("ddim", 20), ("heun", 10), ("ddpm", 50))
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
* **Guidance** exaggerates the class: more typical and alike at 3, over-inked and strange at 8.
  At 0 the class is ignored.
"""


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def read_columns(
    header: Any, seed: Any, label: Any, guidance: Any, *pairs: Any
) -> tuple[list[Settings], Settings]:
    """The settings of two to four columns, and of their reference. Raises ValueError.

    pairs: sampler and steps of each column, one after another; sampler ``NONE`` leaves it out.
    """
    shared = {"seed": seed, "count": COUNT, "label": label, "guidance": guidance}
    columns = [
        read_settings(header, **shared, sampler=sampler, steps=steps)
        for sampler, steps in zip(pairs[::2], pairs[1::2], strict=True)
        if sampler != NONE
    ]
    if len(columns) < 2:
        raise ValueError("Choose a sampler for two columns at least.")
    sampler, steps = REFERENCE
    return columns, read_settings(header, **shared, sampler=sampler, steps=steps)


def show(context: Context, name: str, shown: Any, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """Yields (film, cost, status, code, finished) until all columns and their reference are drawn;
    None where there is nothing new to show.

    shown: "x0", the guess, or "x", the noisy picture. controls: see ``read_columns``.
    """
    try:
        header = context.store.header(name)
        columns, reference = read_columns(header, *controls)
    except ValueError as error:
        yield gr.skip(), gr.skip(), say(str(error), kind="problem"), gr.skip(), False
        return
    if name not in context.store.loaded:
        yield gr.skip(), gr.skip(), say("Loading the model …", kind="busy"), gr.skip(), False
    if not takes(context.store.get(name), "sampler"):
        words = f"{header.title} has one way of sampling only; nothing can be compared."
        yield gr.skip(), gr.skip(), say(words, kind="problem"), gr.skip(), False
        return
    code = snippet(context, name, columns, reference)
    done: list[Drawn] = []
    work = [_evaluations(each) for each in (*columns, reference)]
    told = drew = 0.0
    try:
        for k, settings in enumerate((*columns, reference)):
            what = f"column {k + 1}" if k < len(columns) else "the reference"
            for found in drawn(context, name, settings):
                part = (sum(work[:k]) + found.way.evaluations[-1]) / sum(work)
                if found.way.done or time.monotonic() - told < 0.1:
                    yield None
                    continue
                told = time.monotonic()
                status = say(f"Drawing {what}: {part:.0%}", min(1.0, part), "busy")
                yield gr.skip(), gr.skip(), status, code, False
            done.append(found)
            if k < len(columns) and time.monotonic() - drew > 0.1:
                drew = time.monotonic()
                status = say(f"Drawing {what} …", min(1.0, part), "busy")
                value = reel(columns, done, shown, running=k < len(columns) - 1)
                yield value, facts(columns, done), status, code, False
    except (ValueError, RuntimeError) as error:
        log.exception("Comparing samplers of %s failed.", name)
        yield (
            gr.skip(),
            gr.skip(),
            say(f"Sampling failed: {error}", kind="problem"),
            gr.skip(),
            False,
        )
        return
    numbers = facts(columns, done[:-1], done[-1])
    yield reel(columns, done[:-1], shown), numbers, say(_sentence(reference)), code, True


def _evaluations(settings: Settings) -> int:
    """About how often the network is asked: for the progress bar alone."""
    return settings.steps * {"heun": 2, "langevin": 2}.get(settings.sampler, 1)


def _sentence(reference: Settings) -> str:
    return (
        f"{COUNT} noises of seed {reference.seed}. Differences are from "
        f"{SAMPLERS[reference.sampler]} in {reference.steps} steps."
    )


def reel(
    columns: list[Settings], done: list[Drawn], shown: Any, running: bool = False
) -> dict[str, Any]:
    """The value of the film: each column's way, all stretched to the length of the longest."""
    longest = max(settings.steps for settings in columns) + 1
    longest = max([longest, *(len(each.way.x) for each in done)])
    rows = []
    for k, settings in enumerate(columns):
        row = {"name": f"{k + 1} {SAMPLERS[settings.sampler]}", "note": "", "sprite": None}
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


def facts(
    columns: list[Settings], done: list[Drawn], reference: Drawn | None = None
) -> dict[str, Any]:
    """The value of the table and the chart of costs."""
    from models.families.diffusion.samplers import DETERMINISTIC

    rows = []
    for k, settings in enumerate(columns):
        row: dict[str, Any] = {"name": SAMPLERS[settings.sampler], "steps": settings.steps}
        if k < len(done):
            row["evaluations"] = int(done[k].way.evaluations[-1])
            row["seconds"] = done[k].way.seconds
            if reference is not None:
                row["difference"] = rms(done[k].final, reference.final)
            row["own_way"] = settings.sampler not in DETERMINISTIC
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


def order(context: Context, name: str, *controls: Any) -> Iterator[tuple[Any, Any]]:
    """How fast the error falls as steps are doubled: yields (lines of the chart, status)."""
    try:
        _, reference = read_columns(context.store.header(name), *controls)
    except ValueError as error:
        yield gr.skip(), say(str(error), kind="problem")
        return
    jobs = [reference]
    jobs += [reference._replace(sampler=s, steps=n) for s in ORDERS for n in DOUBLED]
    work, told, spent = [_evaluations(job) for job in jobs], 0.0, 0
    points: dict[str, list[tuple[int, float]]] = {sampler: [] for sampler in ORDERS}
    fine = None
    try:
        for job, size in zip(jobs, work, strict=True):
            for found in drawn(context, name, job):
                if found.way.done or time.monotonic() - told < 0.1:
                    yield None
                    continue
                told = time.monotonic()
                part = (spent + found.way.evaluations[-1]) / sum(work)
                yield gr.skip(), say(f"Measuring the order: {part:.0%}", part, "busy")
            spent += size
            if fine is None:
                fine = found.final
                continue
            evaluations = int(found.way.evaluations[-1])
            points[job.sampler].append((evaluations, rms(found.final, fine)))
            status = say(f"Measuring the order: {spent / sum(work):.0%}", spent / sum(work), "busy")
            yield {"lines": lines(points), "about": about(reference)}, status
    except (ValueError, RuntimeError) as error:
        log.exception("Measuring samplers of %s failed.", name)
        yield gr.skip(), say(f"Measuring failed: {error}", kind="problem")
        return
    words = "Order: by which power of the evaluations the difference falls, at the finest two runs."
    yield {"lines": lines(points), "about": about(reference)}, say(words)


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


def snippet(context: Context, name: str, columns: list[Settings], reference: Settings) -> str:
    """The lines that give the columns' last pictures, and their differences."""
    load, _ = call(context, name, columns[0])
    runs = ""
    for settings in (reference, *columns):
        _, given = call(context, name, settings)
        what = "reference" if settings is reference else "images"
        runs += f"{what} = model.sample({COUNT}, generator({settings.seed}), {given})\n"
        if settings is not reference:
            runs += "differences.append((images - reference).square().mean().sqrt())\n"
        else:
            runs += "differences = []\n"
    return "from models import generator, load\n\n" + load + runs


def save(context: Context, kind: str, name: str, shown: Any, *controls: Any) -> tuple[Any, Any]:
    """(file for the saver, status): the columns as a film (webp, gif), or as they end (png)."""
    try:
        columns, _ = read_columns(context.store.header(name), *controls)
        done = [list(drawn(context, name, settings))[-1] for settings in columns]
    except (ValueError, RuntimeError) as error:
        return gr.skip(), say(str(error), kind="problem")
    longest = max(len(each.way.x) for each in done)
    rows = []
    for each in done:
        sheet = mosaic(each.way.x if shown == "x" else each.way.x0)
        rows.append(sheet[stretched(len(sheet), longest)])
    stem = f"{name}-samplers-seed-{columns[0].seed}"
    if kind != "png":
        return saves.film_file(kind, stem, rows), gr.skip()
    ends = images.grid_image([row[-1] for row in rows], columns=len(rows), scale=4, gap=16)
    return components.file(f"{stem}.png", images.png_bytes(ends), "image/png"), gr.skip()


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    samplers = [(title, key) for key, title in SAMPLERS.items()]
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            bar = run_row("Other noise", "compare-again", "compare-stop")
            again, halt, status = bar
            pairs = []
            for k, (sampler, steps) in enumerate(DEFAULTS):
                with gr.Row(elem_classes=["ge-pair", "ge-sampler"]):
                    offered = samplers if k < 2 else [*samplers, ("No column", NONE)]
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
            saver = saves.save_buttons()
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

    controls = [seed, label, guidance, *pairs]
    inputs = [context.picker, shown, *controls]
    outputs = [player, costs, status, notes.code, finished, halt]
    strip_of, drawing = [context.picker, seed, of], [table, said, pictures, halt]
    draw = newest_only(FILM, stoppable(partial(show, context)), stopped_at(2, 5))
    redraw = newest_only(STRIP, stoppable(partial(strip, context)), stopped_at(1, 3))
    # After the columns, not beside them: their seconds are part of what is compared.
    follow = newest_only(STRIP, stoppable(partial(strip_after, context)), stopped_at(1, 3))
    arrived = context.on_show(
        partial(arrive, context), [label, of], [label, of, guidance, guided], queue=False
    )
    pressed = again.click(next_seed, seed, seed, **context.light)
    for event in (arrived, pressed, seed.input):
        started = event(draw, inputs, outputs, **LIVE) if event == seed.input else event.then(
            draw, inputs, outputs, **LIVE)  # fmt: skip
        started.then(follow, [finished, *strip_of], drawing, **LIVE)
    wishes = [control.input for control in [*pairs, shown, label, guidance]]
    measuring = newest_only(FILM, stoppable(partial(order, context)), stopped_at(1, 2))
    gr.on(wishes, draw, inputs, outputs, **LIVE)
    of.input(redraw, strip_of, drawing, **LIVE)
    measure.click(measuring, [context.picker, *controls], [costs, status, halt], **LIVE)
    for key, line in ((FILM, status), (STRIP, said)):
        bar.wire_stop(key, stop(key), status=line)
    saver.wire(partial(save, context), inputs, status, context)
    sheet.click(save_strip, [context.picker, pictures], [saver.saver, said], **context.light)

    context.remember("denoise.compare.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("denoise.compare.class", label, parse=whole(ANY, 999))
    context.remember("denoise.compare.guidance", guidance, parse=number(0, MOST_GUIDANCE))
    context.remember("denoise.compare.strip", of, parse=whole(0, 999))
    for k in range(len(DEFAULTS)):
        context.remember(
            f"denoise.compare.sampler{k + 1}", pairs[2 * k], parse=one_of((NONE, *SAMPLERS))
        )
        context.remember(
            f"denoise.compare.steps{k + 1}", pairs[2 * k + 1], parse=whole(1, MOST_STEPS)
        )


def arrive(context: Context, name: str, label: Any, of: Any) -> tuple[Any, Any, Any, Any]:
    """A model is on screen: (class, class of the strip, guidance, whether there is a strip)."""
    classes = classes_of(context.store.header(name))
    there = bool(classes)
    kept = label if label in range(len(classes)) else ANY
    of_strip = class_choices(classes, "")[1:] or [("0", 0)]
    strip_of = of if of in range(len(classes)) else 0
    return (
        gr.Dropdown(choices=class_choices(classes, "Any class"), value=kept, visible=there),
        gr.Dropdown(choices=of_strip, value=strip_of, visible=there),
        gr.Slider(visible=there),
        gr.Column(visible=there),
    )
