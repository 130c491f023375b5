"""The game, watched from beginning to end: the same noise at every snapshot of a training run."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
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
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.snippet import loading, snippet
from explorer.pictures import images
from explorer.pictures.films import mosaic
from explorer.server.reading import is_whole
from explorer.tabs.game import moments
from explorer.tabs.game.moments import COUNT, Reel, beside, kept, most_different, others, worth
from models.checkpoints.snapshots import SURE, Measured, Snapshot

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
  the bars: how many classes are left, and is a whole row of pictures the same one? Only what the
  judge is sure of is full. At the very first steps believe no bar: of noise it was taught nothing.
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


NO_BARS: dict[str, Any] = {"runs": []}
NO_CURVES: dict[str, Any] = {"plots": [], "chosen": 0}


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
        plot(f"{player.capitalize()}’s loss", "at that step", lines)
    found = [r.reel.real.mean(1).tolist() if r.reel and r.reel.real is not None else None
             for r in runs]  # fmt: skip
    plot("Judged real", f"mean of its {COUNT} pictures",
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
    return f"{which}{taken}.{bar_words(runs[0].reel)}"


def bar_words(reel: Reel | None) -> str:
    """What the bars under the pictures mean; "" where there are none."""
    if reel is None or reel.real is None:
        return ""
    if reel.probability:
        return " The bar under a picture: the probability the discriminator gave it of being real."
    return " The bar under a picture: its verdict, from the mean of made ones to that of real ones."


def code_of(context: Context, runs: Sequence[Run]) -> str:
    """The lines that give the pictures and the numbers on screen."""
    where = [in_code(context.store.header(run.name).folder) for run in runs]
    shape = (COUNT, *context.store.header(runs[0].name).config["image"])
    return snippet(
        "films = {}",
        f"for name in {where!r}:",
        "    films[name] = []",
        "    for snapshot, model in moments(name):",
        f"        images = model.snapshot_pictures()  # {shape}, from 0 to 1",
        "        films[name].append(images)",
        "        print(snapshot.step, snapshot.logs, snapshot.remarks)",
        "    measured = read_measured(name)  # None, unless: python -m models evaluate",
        "    if measured:  # NAME --only snapshots",
        '        print(measured.values["fd_over_floor"], measured.read)',
    )


# -- of a model whose training was not kept -------------------------------------------------------


def now_value(context: Context, name: str, reel: Reel, count: int) -> dict[str, Any]:
    """The value of a film of one frame."""
    row: dict[str, Any] = {
        "name": context.store.header(name).title, "note": "",
        "sprite": images.sprite(frames(reel, [0], count)), "captions": ["as it is now"],
    }  # fmt: skip
    if reel.real is not None:
        across = math.isqrt(count)
        row["marks"] = marks(reel.real[:, :count], reel.pictures.shape[2:], across, GAP)
    return {"rows": [row], "run": f"{name} {count} now", "running": False}


def now_words(context: Context, name: str, reel: Reel, count: int) -> str:
    """What is on screen, and of whose training there is more to see."""
    able = context.store.having({"Discriminates"})
    have = [context.store.header(o).title for o in moments.with_snapshots(context) if o in able]
    film = "Its training was not kept as a film."
    if have:
        film += f" There is one of: {'; '.join(have)}."
    title = context.store.header(name).title
    return f"{count} pictures of {title} as it is now.{bar_words(reel)} {film}"


def now_code(context: Context, name: str) -> str:
    """The lines that give the pictures and verdicts on screen."""
    shape = (COUNT, *context.store.header(name).config["image"])
    return snippet(
        loading(context, name),
        f"images = model.snapshot_pictures()  # {shape}, from 0 to 1",
        'verdicts = model.snapshot_remarks(model)["verdicts"]',
    )


# -- handlers -------------------------------------------------------------------------------------


def read_count(asked: Asked) -> int:
    """The number of pictures. Raises ValueError."""
    if not is_whole(asked.count) or asked.count not in PICTURES:
        raise ValueError(f"Show {', '.join(map(str, PICTURES[:-1]))} or {PICTURES[-1]} pictures.")
    return int(asked.count)


def read_runs(context: Context, name: str, other: Any) -> list[Run]:
    """The runs to show, without their films; none where nothing was kept of the model's training.

    Raises ValueError."""
    mine = kept(context, name)
    if not mine:
        return []
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
    return runs


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The films as far as they are drawn; of a model without one, what it makes now."""
    count = read_count(asked)
    if not (runs := read_runs(context, name, asked.other)):
        reel = moments.as_it_is(context, name)
        yield screen(
            film=now_value(context, name, reel, count), bars=NO_BARS, curves=NO_CURVES,
            status=say(now_words(context, name, reel, count)), code=now_code(context, name),
        )  # fmt: skip
        return
    total, done, told, start = sum(len(r.kept) for r in runs), 0, 0.0, time.perf_counter()
    yield screen(
        film=None, bars=bars_value(runs), curves=curve_value(runs),
        status=say("Drawing …", 0.0, "busy"), code=code_of(context, runs),
    )  # fmt: skip
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
                yield screen(film=reel_value(runs, count, True), status=status)
        done += len(run.kept)
    seconds = time.perf_counter() - start
    yield screen(
        film=reel_value(runs, count, False), curves=curve_value(runs),
        status=say(words(runs, seconds if seconds > 0.1 else None)),
    )  # fmt: skip


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model is on screen: whom one may set beside it, then the films."""
    yield screen(film=None, bars=NO_BARS, curves=NO_CURVES)
    candidates = others(context, name)
    asked = asked.but(other=asked.other if asked.other in (AUTO, NONE, *candidates) else AUTO)
    there = bool(kept(context, name))
    named = choices(context, candidates)
    yield screen(other=gr.Dropdown(choices=named, value=asked.other, visible=there))
    yield from show(context, name, asked)


def choices(context: Context, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Choices of the dropdown of other runs."""
    named = [(context.store.header(other).title, other) for other in candidates]
    return [("The run that ended most differently", AUTO), ("No other run", NONE), *named]


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file: the films as an animation (webp, gif) or as a strip (png)."""
    count = read_count(asked)
    if not (runs := read_runs(context, name, asked.other)):
        rows = [frames(moments.as_it_is(context, name), [0], count)]
    else:
        films = [list(moments.reels(context, run.name))[-1] for run in runs]
        rows = [frames(reel, run.at, count) for reel, run in zip(films, runs, strict=True)]
    return saves.film_file(kind, f"{name}-game", rows)


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    known = moments.with_snapshots(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            status = components.status()
            other = gr.Dropdown(
                choices(context, known), value=AUTO, label="Compare with", filterable=False,
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

    part.controls(other=other, count=count)
    part.outputs(
        film=view, bars=bars, curves=lines, status=status, code=notes.code, other=other,
    )  # fmt: skip
    part.arrives(arrive)
    part.on([other.input, count.input], show)
    part.saves(saver, save)

    context.remember("game.beside", other, parse=one_of((AUTO, NONE, *known)))
    context.remember("game.pictures", count, parse=one_of(PICTURES, int))
