"""A run as a person sees it: films of what it draws, curves, words, one step laid open."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.components import say
from explorer.components.theme import PALETTE
from explorer.pictures import images
from explorer.pictures.films import mosaic
from explorer.tabs.train.setup import duration

if TYPE_CHECKING:
    from explorer.server.jobs import Job, Series

FILM = "train"
# The parts of a film, from what the run shows.
ROWS = (
    ("samples", "Samples", "of the same noise"),
    ("nearest", "Training pictures", "nearest to them"),
    ("rebuilt", "Pictures set aside", "and rebuilt, below each"),
)
# What a run makes (``models.training.showing``): the words for the button that leads to its model.
USES = {"pictures": "Sample from it", "texts": "Write with it", "translations": "Translate"}
# Terms that are looked at together, with their difference: what a plot is called, and its lines.
PAIRS = {("positive_phase", "negative_phase"): ("Energies of two phases", ("data", "chains"))}
SETTLED = 20, 0.1  # with so many points, this first part of a curve is left out


def run_name(job: Job) -> str:
    """Names a run and the frames that are kept of it: another name starts a film anew."""
    return f"{id(job):x}.{job.edition}"


def film(job: Job, have: int = 0) -> dict[str, Any] | None:
    """The film's value; of a browser that has ``have`` frames, the others. None before the first.

    To be called with the job's lock held.
    """
    frames = job.frames[have:]
    if not job.frames:
        return None
    rows = []
    parts = ROWS
    if makes(job) == "translations":
        note = "before, after, and back"
        parts = tuple((way, way, note) for way in job.frames[-1]["pictures"])
    for key, name, note in parts:
        if not job.frames[-1]["pictures"].get(key):
            continue
        sheets = [_sheet(frame["pictures"][key]) for frame in frames]
        sprite = images.sprite(np.concatenate(sheets)) if sheets else None
        if key == "nearest":
            captions = [f"differ by {frame['distance']:.1%} on average" for frame in frames]
        else:
            captions = [f"step {frame['step']:,}" for frame in frames]
        rows.append({"name": name, "note": note, "sprite": sprite, "captions": captions})
    return {"rows": rows, "run": run_name(job), "running": job.live, "from": have}


def _sheet(packed: dict[str, Any]) -> np.ndarray:
    """(1, C, h, w) uint8: a few pictures as one, as they came from the process."""
    raw = np.frombuffer(base64.b64decode(packed["b64"]), np.uint8)
    shape = packed["n"], packed["h"], packed["w"], packed["c"]
    return mosaic(raw.reshape(shape).transpose(0, 3, 1, 2)[None])


def samples(job: Job) -> np.ndarray | None:
    """The film of the samples, or of the first way of a translation, (T, C, h, w) uint8, to take
    away; None where the run makes no pictures."""
    with job.lock:
        first = [next(iter(frame["pictures"].values()), None) for frame in job.frames]
    return np.concatenate([_sheet(packed) for packed in first]) if all(first) and first else None


def makes(job: Job) -> str:
    """What the run makes: "pictures", "texts" or "translations"."""
    return job.started.get("makes", "pictures")


def writings(job: Job) -> dict[str, Any] | None:
    """The texts of a run (``explorer.components.writings.writings``), None before the first.

    To be called with the job's lock held.
    """
    moments = [
        {
            "text": frame["text"],
            "words": f"Step {frame['step']:,}: the model gives this text "
            f"{frame['bits']:.2f} bits a character",
        }
        for frame in job.frames
        if frame.get("text")
    ]
    return {"run": run_name(job), "running": job.live, "moments": moments} if moments else None


# -- curves ----------------------------------------------------------------------------------------


def curves(job: Job) -> dict[str, Any] | None:
    """The curves' value: held-out against trained-on first, then each term of the batches.

    To be called with the job's lock held.
    """
    total = job.started.get("total") or 1
    plots = []
    texts = makes(job) == "texts"
    for name, held in job.scores["held_out"].items():
        if name == "bits_per_symbol" if texts else name.endswith("_loss"):
            of, train = "texts" if texts else "pictures", job.scores["train"][name]
            if held.points:
                plots.append(_gap(_words(name), held, train, total, of))
    told = set()
    for pair, words in PAIRS.items():
        if job.curves.keys() >= set(pair):
            plots.append(_pair(*words, *(job.curves[name] for name in pair), total))
            told |= set(pair)
    for name, series in job.curves.items():
        if name not in told:
            plots.append(_plot(_words(name), series, total))
    return {"plots": plots, "chosen": 0, "legend": bool(job.scores["held_out"])} if plots else None


def _gap(
    words: str, held: Series, train: Series, total: int, of: str = "pictures"
) -> dict[str, Any]:
    theirs = dict(train.points)
    points = [(step, value, theirs.get(step)) for step, value in _settled(held.points)]
    last = points[-1]
    gap = last[1] - last[2] if last[2] is not None else 0.0
    return {
        "title": f"{words}: learning or memorising?",
        "note": f"gap {gap:+.3g}".replace("-", "−"),
        "x": [step for step, *_ in points],
        "x_name": "step",
        "range": [0, total],
        "fit": True,
        "lines": [
            {"name": f"{of} set aside", "y": [value for _, value, _ in points]},
            {"name": f"{of} trained on", "y": [value for *_, value in points]},
        ],
    }


def _pair(
    words: str, names: tuple[str, str], one: Series, other: Series, total: int
) -> dict[str, Any]:
    """Two terms of the batches as one plot, with the gap between them as it is now."""
    plot = _plot(words, one, total)
    theirs = dict(other.points)
    first, second = plot["lines"][0]["y"], [theirs.get(step) for step in plot["x"]]
    lines = [{"name": name, "y": y} for name, y in zip(names, (first, second), strict=True)]
    note = f"{names[0]} (solid), {names[1]} (dashed)"
    if second and second[-1] is not None:
        note += f", gap {first[-1] - second[-1]:+.3g}".replace("-", "−")
    return {**plot, "note": note, "unit": "nats", "lines": lines}


def _plot(words: str, series: Series, total: int) -> dict[str, Any]:
    points = _settled(series.points)
    return {
        "title": words,
        "note": "of the batches",
        "x": [step for step, _ in points],
        "x_name": "step",
        "range": [0, total],
        "fit": True,
        "lines": [{"name": "batches", "y": [value for _, value in points]}],
    }


def _settled(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Without the fall at the very start, beside which nothing later would be seen."""
    enough, part = SETTLED
    return points[round(part * len(points)) :] if len(points) > enough else points


def _words(name: str) -> str:
    """A log's name for a person: "model_loss" is the loss, "kl_nats" is in nats."""
    name = name.removeprefix("model_")
    for end, unit in (("_nats", ", nats"), ("_grad", " gradient's norm"), ("_loss", "'s loss")):
        if name.endswith(end):
            name = name.removesuffix(end) + unit
    known = {
        "grad": "gradient's norm", "bpd": "bits/dim", "bits_per_symbol": "bits a character"
    }  # fmt: skip
    name = known.get(name, name).replace("_", " ")
    name = name.replace("kl", "KL").replace("nll", "−log p").replace("elbo", "ELBO")
    return name[:1].upper() + name[1:]


# -- words -----------------------------------------------------------------------------------------


def status(job: Job, before: int = 0) -> dict[str, Any]:
    """A line on how far the run is. before: runs that come before it while it waits."""
    if job.state == "ended":
        return say(job.words, kind="problem" if job.problem else "plain")
    if job.state == "waiting":
        others = f"{before + 1} run{'s' if before else ''} before yours"
        return say(f"Waiting: {others}. It begins by itself.", kind="busy")
    if job.state == "stopping":
        return say("Stopping, and writing what it has learned …", kind="busy")
    now, total = job.progress, job.started.get("total")
    if not now or not total:
        waited = f" ({time.monotonic() - job.since:.0f} s)" if job.state == "starting" else ""
        return say(f"Getting the data and the model ready{waited} …", kind="busy")
    step = f"Step {now['step']:,} of {total:,} (epoch {now['epoch']:.1f})"
    if job.state == "paused":
        note = f" {job.note}" if job.note else ""
        return say(f"{step}. Paused: take one step at a time, or go on.{note}")
    left = ""
    if now["step"] > 1:
        rest = (total - now["step"]) * now["seconds"] / (now["step"] - 1)
        left = f" · about {duration(1.2 * rest)} left"
    of = "texts" if makes(job) == "texts" else "pictures"
    speed = f" · {now['images_per_second']:,.0f} {of} a second"
    note = f" · {job.note}" if job.note else ""
    return say(f"{step}{speed}{left}{note}", now["step"] / total, "busy")


def slow_step(job: Job) -> dict[str, Any] | None:
    """The value of the slow step (``explorer.components.slow_step.slow_step``)."""
    step = job.slow
    if step is None:
        return None
    texts = step.get("texts") or []
    of, shown = ("texts", len(texts)) if texts else ("pictures", step["batch"]["n"])
    facts = [
        {"name": _words(name), "text": f"{value:.4g}".replace("-", "−")}
        for name, value in step["logs"].items()
    ]
    facts.append({"name": "Learning rate", "text": f"{step['rate']:.3g}"})
    parts = [
        {
            "name": part["name"],
            "part": part["change"] / max(part["size"], 1e-12),
            "text": f"{part['change'] / max(part['size'], 1e-12):.2%} of {part['numbers']:,} "
            "numbers' length",
        }
        for part in step["parts"]
        if part["numbers"]
    ]
    return {
        "title": f"Step {step['step']:,}",
        "note": f"{step['images']} {of} were taken; the first {shown} are shown. "
        "They gave a loss, the loss a gradient, and the gradient this update.",
        "batch": step["batch"],
        "texts": texts,
        "labels": step["labels"],
        "facts": facts,
        "parts": parts,
    }


def code_map(job: Job) -> dict[str, Any] | None:
    """Where the newest codes of pictures lie, where a code is two numbers.

    To be called with the job's lock held.
    """
    codes = job.frames[-1].get("codes") if job.frames else None
    if not codes:
        return None
    return {**codes, "step": job.frames[-1]["step"], "colours": list(PALETTE)}
