"""The game, watched from beginning to end: the same noise at every snapshot of a training run."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.class_bars.class_bars import class_bars
from explorer.components.curves.curves import curves
from explorer.components.film.film import film, marks
from explorer.page import saves
from explorer.page.address import one_of
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.runs import LIVE, newest_only
from explorer.pictures import images
from explorer.pictures.films import mosaic
from explorer.server.reading import is_whole
from explorer.tabs.game import moments
from explorer.tabs.game.moments import COUNT, Reel, beside, kept, most_different, others, worth
from models.checkpoints.snapshots import SURE, Measured, Snapshot

log = logging.getLogger(__name__)

TITLE = "Watch the game"
FILM = "game"

AUTO, NONE = "auto", "none"  # whom to set beside it: the most different run, or nobody
PICTURES = (16, 25, 36, 64)
GAP = 2  # pixels between pictures, in which a bar has room
FOUND = 0.01  # the part of the pictures that makes a class found

LOOK_FOR = r"""
* **The same noise.** Every picture is one code $z$ from the first step to the last. See how long it
  takes until a place shows something, and how often it still changes its mind.
* **The losses do not fall.** Two players pull against each other, so neither loss says whether the
  pictures get better: compare both with the Fréchet distance, which does fall. A discriminator's
  loss of $\log 4 \approx 1.39$ is that of a coin.
* **Minimax or non-saturating.** In the minimax game a discriminator that is sure leaves the
  generator without a slope: its loss $\log(1 - D)$ lies flat at 0. The non-saturating loss
  $-\log D$ is then at its steepest.
* **Mode collapse.** A generator need not make everything that is real, only what passes. Look at
  the bars: how many classes are left, and is a whole row of pictures the same one?
* **Precision and recall.** A run that collapsed can keep its precision, and even reach 1: a single
  picture that lies among the real ones counts every time it is made. What goes to zero is recall,
  the part of the real pictures that it comes near.
* **The verdicts** are those of the discriminator of that moment, which knows the generator of that
  moment. Half-full bars everywhere are not failure but the goal: it can no longer tell.
"""


class Run(NamedTuple):
    """A run on screen: what was kept of it, its film as far as it is drawn, what it is worth, or a
    sentence on why that is not known. at: which of its snapshots stands at each frame."""

    name: str
    title: str
    kept: list[Snapshot]
    at: list[int]
    reel: Reel | None
    worth: Measured | None
    why: str


# -- what is shown --------------------------------------------------------------------------------


def reel_value(runs: Sequence[Run], count: int, running: bool) -> dict[str, Any]:
    """The value of the film: a row a run, as many frames as the first one has snapshots."""
    rows = []
    for run in runs:
        row: dict[str, Any] = {"name": run.title, "note": "", "sprite": None, "captions": []}
        if run.reel is not None:
            at = [j for j in run.at if j < len(run.reel.pictures)]
            row["sprite"] = images.sprite(frames(run.reel, at, count))
            row["captions"] = [caption(run.kept[j]) for j in at]
            if run.reel.real is not None:
                shape = run.reel.pictures.shape[2:]
                across = math.isqrt(count)
                row["marks"] = marks(run.reel.real[at, :count], shape, across, GAP)
        rows.append(row)
    names = " ".join(run.name for run in runs)
    return {"rows": rows, "run": f"{names} {count}", "running": running}


def frames(reel: Reel, at: Sequence[int], count: int) -> np.ndarray:
    """(T, C, h, w) uint8: the first pictures of each moment as a mosaic, with room for bars."""
    sheet = mosaic(reel.pictures[list(at), :count], GAP)
    return np.pad(sheet, ((0, 0), (0, 0), (0, GAP), (0, 0)), constant_values=96)


def caption(snapshot: Snapshot) -> str:
    ends = ", its last" if snapshot.step == snapshot.total else f" of {snapshot.total:,}"
    return f"step {snapshot.step:,}{ends}"


def curve_value(runs: Sequence[Run]) -> dict[str, Any]:
    """The curves over the first run's steps: distance, recall, precision, losses, verdicts."""
    steps = [snapshot.step for snapshot in runs[0].kept]
    plots = []

    def plot(title: str, note: str, lines: list[list[float | None]], log: bool = False) -> None:
        if any(v is not None for line in lines for v in line):
            named = [{"name": r.title, "y": y} for r, y in zip(runs, lines, strict=True)]
            plots.append({
                "title": title, "note": note, "x": steps, "x_name": "step", "log_x": True,
                "range": [steps[0], max(steps[-1], steps[0] + 1)], "log": log, "lines": named,
            })  # fmt: skip

    for key, title, note in (
        ("fd_over_floor", "Fréchet distance", "over that of real pictures"),
        ("recall", "Recall", "part of real pictures that it reaches"),
        ("precision", "Precision", "part of its pictures that look real"),
    ):
        plot(title, note, [series(r, r.worth and r.worth.values.get(key)) for r in runs],
             key == "fd_over_floor")  # fmt: skip
    for player in ("discriminator", "generator"):
        losses = [[s.logs.get(f"{player}_loss") for s in r.kept] for r in runs]
        lines = [series(r, y) for r, y in zip(runs, losses, strict=True)]
        plot(f"{player.capitalize()}’s loss", "of that one step", lines)
    found = [r.reel.real.mean(1).tolist() if r.reel and r.reel.real is not None else None
             for r in runs]  # fmt: skip
    plot("Taken for real", f"mean verdict on its {COUNT} pictures",
         [series(r, y) for r, y in zip(runs, found, strict=True)])  # fmt: skip
    return {"plots": plots, "chosen": 0, "legend": len(runs) > 1}


def series(run: Run, values: Sequence[float | None] | None) -> list[float | None]:
    """A number a frame, from one a snapshot; those that are not there are None."""
    values = values or ()
    found = [values[j] if j < len(values) else None for j in run.at]
    return [None if v is None or not math.isfinite(v) else float(f"{v:.5g}") for v in found]


def bars_value(runs: Sequence[Run]) -> dict[str, Any]:
    """The value of the class bars."""
    shown = []
    for run in runs:
        bars = {"name": run.title, "note": run.why, "classes": [], "read": [], "sure": []}
        if run.worth is not None:
            least = max(1, math.ceil(FOUND * run.worth.n))
            bars |= {
                "classes": list(run.worth.classes), "n": run.worth.n, "least": least,
                "read": [run.worth.read[j] for j in run.at],
                "sure": [run.worth.sure[j] for j in run.at],
                "found": f"A class is found where the judge reads {least} of {run.worth.n:,} "
                         f"pictures as it, each with a probability above {SURE:g}.",
            }  # fmt: skip
        shown.append(bars)
    return {"runs": shown}


def words(runs: Sequence[Run], seconds: float | None) -> str:
    """What is on screen, and what the bars under the pictures mean."""
    which = " and ".join(f"{len(run.kept)} snapshots of {run.title}" for run in runs)
    taken = "" if seconds is None else f", drawn in {seconds:.1f} s"
    text = f"{which}{taken}."
    if runs[0].reel and runs[0].reel.real is not None:
        text += (
            " The bar under a picture: the probability the discriminator gave it of being real."
            if runs[0].reel.probability
            else " The bar under a picture: its verdict, from the mean of made ones to that of "
            "real ones."
        )
    return text


def snippet(context: Context, runs: Sequence[Run]) -> str:
    """The lines that give the pictures and the numbers on screen."""
    where = [in_code(context.store.header(run.name).folder) for run in runs]
    shape = (COUNT, *context.store.header(runs[0].name).config["image"])
    return (
        "from models import generator, moments, read_measured\n\n"
        "films = {}\n"
        f"for name in {where!r}:\n"
        "    films[name] = []\n"
        "    for snapshot, model in moments(name):\n"
        f"        images = model.snapshot_pictures()  # {shape}, from 0 to 1\n"
        "        films[name].append(images)\n"
        "        print(snapshot.step, snapshot.logs, snapshot.remarks)\n"
        "    measured = read_measured(name)  # None, unless: python -m models evaluate\n"
        "    if measured:  # NAME --only snapshots\n"
        '        print(measured.values["fd_over_floor"], measured.read)\n'
    )


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def read_wish(context: Context, name: str, other: Any, count: Any) -> tuple[list[Run], int]:
    """The runs to show, without their films, and the number of pictures. Raises ValueError."""
    if not is_whole(count) or count not in PICTURES:
        raise ValueError(f"Show {', '.join(map(str, PICTURES[:-1]))} or {PICTURES[-1]} pictures.")
    mine = kept(context, name)
    title = context.store.header(name).title
    if not mine:
        raise ValueError(without(context, name, title))
    names = [name]
    other = most_different(context, name) if other in (AUTO, None) else other
    if other in others(context, name):
        names.append(other)
    runs = []
    for each in names:
        theirs = kept(context, each)
        at = list(range(len(mine))) if each == name else beside(mine, theirs)
        found, why = worth(context, each)
        runs.append(Run(each, context.store.header(each).title, theirs, at, None, found, why))
    return runs, int(count)


def without(context: Context, name: str, title: str) -> str:
    """The sentence on a model of whose training nothing was kept."""
    able = [other for other in moments.with_snapshots(context) if other != name]
    have = " and ".join(context.store.header(other).title for other in able[:3])
    recipe = context.store.header(name).recipe.get("name", name)
    return (
        f"Of the training of {title} no snapshots were kept: train it again with "
        f"'python -m models train {recipe} --set train.snapshots=24'"
        + (f", or choose {have}, which have them." if have else ".")
    )


def show(context: Context, name: str, other: Any, count: Any) -> Iterator[tuple[Any, ...] | None]:
    """Yields (film, bars, curves, status, code) until every snapshot is drawn; None where there is
    nothing new to show."""
    try:
        runs, count = read_wish(context, name, other, count)
        code = snippet(context, runs)
        total, done, told, start = sum(len(r.kept) for r in runs), 0, 0.0, time.perf_counter()
        yield None, bars_value(runs), curve_value(runs), say("Drawing …", 0.0, "busy"), code
        for k, run in enumerate(runs):
            for reel in moments.reels(context, run.name):
                runs[k] = run._replace(reel=reel)
                drawn = len(reel.pictures)
                # A film is sent whole each time: seldom enough that sending stays the lesser work.
                if drawn < len(run.kept) and time.perf_counter() - told < 1 and done + drawn > 1:
                    yield None
                    continue
                told = time.perf_counter()
                part = (done + drawn) / total
                status = say(f"Drawing {run.title}: {drawn} of {len(run.kept)}", part, "busy")
                if part < 1:
                    yield reel_value(runs, count, True), gr.skip(), gr.skip(), status, code
            done += len(run.kept)
    except (ValueError, RuntimeError) as error:
        log.info("The game of %s cannot be shown: %s", name, error)
        empty = {"runs": []}, {"plots": [], "chosen": 0}
        yield None, *empty, say(str(error), kind="problem"), gr.skip()
        return
    seconds = time.perf_counter() - start
    status = say(words(runs, seconds if seconds > 0.1 else None))
    yield reel_value(runs, count, False), bars_value(runs), curve_value(runs), status, code


def arrive(context: Context, name: str, other: Any, count: Any) -> Iterator[tuple[Any, ...] | None]:
    """A model is on screen: yields what ``show`` does, and whom one may set beside it."""
    candidates = others(context, name)
    other = other if other in (AUTO, NONE, *candidates) else AUTO
    update: Any = gr.Dropdown(choices=choices(context, candidates), value=other)
    for outputs in show(context, name, other, count):
        yield None if outputs is None else (*outputs, update)
        update = gr.skip() if outputs is not None else update


def choices(context: Context, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Choices of the dropdown of other runs."""
    named = [(context.store.header(other).title, other) for other in candidates]
    return [("The most different end", AUTO), ("No other run", NONE), *named]


def save(context: Context, kind: str, name: str, other: Any, count: Any) -> tuple[Any, Any]:
    """(file for the saver, status): the films as an animation (webp, gif) or as a strip (png)."""
    try:
        runs, count = read_wish(context, name, other, count)
        films = [list(moments.reels(context, run.name))[-1] for run in runs]
    except (ValueError, RuntimeError) as error:
        return gr.skip(), say(str(error), kind="problem")
    rows = [frames(reel, run.at, count) for reel, run in zip(films, runs, strict=True)]
    return saves.film_file(kind, f"{name}-game", rows), gr.skip()


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    known = moments.with_snapshots(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            status = components.status()
            other = gr.Dropdown(
                choices(context, known), value=AUTO, label="Beside it", filterable=False,
                elem_id="game-beside",
            )  # fmt: skip
            count = gr.Dropdown(
                [(str(k), k) for k in PICTURES], value=25, label="Pictures", filterable=False,
                elem_id="game-pictures",
            )  # fmt: skip
            saver = saves.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]):
            with gr.Row(elem_classes="ge-beside"):
                view = film(FILM, label="The game", below=40)
                bars = class_bars(follows=FILM)
            lines = curves(follows=FILM, tall=130)

    inputs = [context.picker, other, count]
    shown = [view, bars, lines, status, notes.code]
    arrived = newest_only(FILM, partial(arrive, context))
    context.on_show(arrived, [other, count], [*shown, other], **LIVE)
    draw = context.timely(newest_only(FILM, partial(show, context)))
    gr.on([other.input, count.input], draw, inputs, shown, **LIVE)
    saver.wire(partial(save, context), inputs, status, context)

    context.remember("game.beside", other, parse=one_of((AUTO, NONE, *known)))
    context.remember("game.pictures", count, parse=one_of(PICTURES, int))
