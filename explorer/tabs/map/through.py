"""The map through training: the same pictures at every moment of a model's training."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.curves.curves import curves
from explorer.components.moving_points.moving_points import as_moving, moving_points
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures.bytes import as_bytes
from explorer.tabs.map import layouts
from explorer.tabs.map.beside_real import find_judge
from models.checkpoints.header import CheckpointError
from models.checkpoints.moving_map import MOMENTS, load_moving_map
from models.checkpoints.snapshots import Snapshot, read_snapshots

log = logging.getLogger(__name__)

TITLE = "Through training"
NEEDS = ("Samples",)
FILM = "map-through"
POINTS = 800  # test pictures whose codes are followed, here as in files that are shipped
SAMPLES = 128  # generated pictures that are followed
NEAR = 5
RARE = 0.01  # a class that is less of the samples is not counted as made

# Where a training is known from.
KEPT, CODES, MADE = "kept", "codes", "made"

LOOK_FOR = """
* **From one heap to islands.** Press play. At first nothing sets classes apart. When do the first
  islands appear? Look at the curve: most is learned in a small part of the steps.
* **Which part last?** Two classes that share an island for long are those that the model finds
  alike. Pause there, and point at pictures between them.
* **One picture's way.** Point at a dot and go through the moments by the slider: the line is where
  its code has been.
* **A generator** makes its pictures of the same noise at every moment. Its dots lie where a judge
  sees them, among pale real pictures. A training that fails crowds into few islands: see the second
  curve.
* **What a map is worth.** Moments are turned to fit one another, which changes no distance. UMAP
  keeps neighbours only; codes of two numbers are shown as they are.
"""


class Film(NamedTuple):
    """steps, epochs: of T moments. places: (T, N, 2). labels: (N,) or (T, N). pictures: (N, C, H,
    W) or (T * N, C, H, W) uint8. curves: by title, T numbers. run: whose training it is, in words.
    """

    steps: list[int]
    epochs: list[float]
    places: np.ndarray
    labels: np.ndarray
    pictures: np.ndarray
    curves: dict[str, list[float]]
    run: str = ""


# -- what there is to show ------------------------------------------------------------------------


def snapshots(context: Context, name: str) -> list[Snapshot]:
    """The moments that were kept of a model; none where they cannot be read."""
    folder = context.store.header(name).folder

    def read() -> list[Snapshot]:
        try:
            return read_snapshots(folder)
        except CheckpointError as error:
            log.warning("%s", error)
            return []

    return context.ask.kept(("map-snapshots", name), read)


def known_from(context: Context, name: str) -> str:
    """Where a model's training is known from: a file of its codes, its snapshots and the test
    pictures, or its snapshots and a judge; "" where it is not."""
    header = context.store.header(name)
    able = set(header.capabilities)
    if set(layouts.NEEDS) <= able and (header.folder / MOMENTS).is_file():
        return KEPT
    if not snapshots(context, name):
        return ""
    if "Encodes" in able and layouts.test_set(context, name) is not None:
        return CODES
    return MADE if "Samples" in able and find_judge(context, name) is not None else ""


def candidates(context: Context, names: list[str]) -> list[str]:
    """Those of the models whose training is known; where codes were kept, first."""
    known = {name: known_from(context, name) for name in names}
    return [name for way in (KEPT, CODES, MADE) for name in names if known[name] == way]


def lacking(context: Context, name: str) -> str:
    """A sentence where nothing was kept of the training."""
    if known_from(context, name):
        return ""
    others = candidates(context, context.store.having(set(NEEDS)))
    titles = "; ".join(context.store.header(other).title for other in others[:4])
    title = context.store.header(name).title
    if snapshots(context, name):
        return f"No test pictures are here to follow through the training of {title}."
    instead = f" Choose a model whose training was: {titles}." if titles else ""
    return (
        f"The training of {title} was not kept.{instead} One that you train with snapshots (Train "
        "tab, under its settings) will be here, too."
    )


# -- what is computed -----------------------------------------------------------------------------


def film(context: Context, name: str) -> Iterator[Film | float]:
    """Yields shares of what is done, and last the film. Raises ValueError where it cannot be."""
    ways = {KEPT: kept, CODES: encoded, MADE: generated}
    way = ways[known_from(context, name)]
    yield from context.ask.kept_steps(("map-through", name), lambda: way(context, name))


def kept(context: Context, name: str) -> Iterator[Film]:
    """The moments that lie beside the model; pictures are what it makes of the codes now."""
    found = load_moving_map(context.store.header(name).folder)
    n = found.places.shape[1]
    pictures = [
        layouts.decode(
            context, name, found.codes[i : i + 200],
            None if found.labels is None else found.labels[i : i + 200],
        )
        for i in range(0, n, 200)
    ]  # fmt: skip
    labels = np.zeros(n, np.int64) if found.labels is None else found.labels
    lines = {} if found.agreement is None else {AGREE: found.agreement.tolist()}
    yield Film(
        found.steps.tolist(), found.epochs.tolist(), found.places, labels,
        np.concatenate(pictures), lines, found.facts.get("run", ""),
    )  # fmt: skip


AGREE = "Neighbours of the same class"
CLASSES = "Classes that are made"


def encoded(context: Context, name: str) -> Iterator[Film | float]:
    """Codes of test pictures at every snapshot."""
    from models.codes.moving import codes_at_moments, moving_layouts
    from models.evaluation.moments import agreements

    dataset, header = layouts.test_set(context, name), context.store.header(name)
    n = min(POINTS, len(dataset))
    rows = np.arange(0, len(dataset), len(dataset) // n)[:n]
    pixels = dataset.images.numpy()[rows]
    labels = None if dataset.labels is None else dataset.labels.numpy()[rows]
    told = {"label": labels} if labels is not None and "Conditional" in header.capabilities else {}
    every, total = [], 2 * len(snapshots(context, name))
    x = pixels.astype(np.float32) / 255
    for each in context.ask.steps(name, codes_at_moments, header.folder, x, **told):
        every.append(each)
        yield len(every) / total
    spaces, places = [space for _, space in every], []
    for here in moving_layouts(spaces):
        places.append(here)
        yield (len(every) + len(places)) / total
    agreement = agreements(spaces, labels)
    yield Film(
        [snapshot.step for snapshot, _ in every],
        [snapshot.epoch for snapshot, _ in every],
        np.stack(places[::-1]),
        np.zeros(n, np.int64) if labels is None else labels,
        pixels,
        {} if agreement is None else {AGREE: agreement.tolist()},
    )


def samples_in_turn(model: Any, folder: Any, n: int) -> Iterator[tuple[Snapshot, Any]]:
    """Each snapshot of a model, and n samples of the same noise as it made them then."""
    from models import generator, moments

    for snapshot, then in moments(folder, str(model.device)):
        yield snapshot, then.sample(n, generator(0))


def generated(context: Context, name: str) -> Iterator[Film | float]:
    """Samples of the same noise at every snapshot, where a judge sees them among real pictures."""
    from models.codes.judged_map import features
    from models.codes.projection import neighbours, project

    judge, folder = find_judge(context, name), context.store.header(name).folder
    real, total = judge.fitted, len(snapshots(context, name))
    count = int(real.labels.max()) + 1
    steps, epochs, places, labels, pixels = [], [], [], [], []
    lines: dict[str, list[float]] = {AGREE: [], CLASSES: []}
    for snapshot, x in context.ask.steps(name, samples_in_turn, folder, SAMPLES):
        seen = context.ask(judge.name, features, x)
        read = context.ask(judge.name, "classify", x).argmax(1)
        near = real.labels[neighbours(real.codes, seen, NEAR)]
        steps.append(snapshot.step)
        epochs.append(snapshot.epoch)
        places.append(project(real.codes, real.coordinates, seen, "umap"))
        labels.append(read)
        pixels.append(as_bytes(x))
        lines[AGREE].append(float((near == read[:, None]).mean()))
        lines[CLASSES].append(int((np.bincount(read, minlength=count) >= RARE * SAMPLES).sum()))
        yield len(steps) / total
    yield Film(
        steps, epochs, np.stack(places), np.stack(labels), np.concatenate(pixels), lines
    )  # fmt: skip


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The film of the model on screen."""
    yield screen(field=None, lines=None, status=say("Through the training …", kind="busy"))
    found: Film | float = 0.0
    for found in film(context, name):
        if not isinstance(found, Film):
            yield screen(status=say("Through the training …", found, "busy"))
    yield screen(
        field=as_field(context, name, found), lines=as_curves(found),
        status=say(sentence(context, name, found)), code=code_of(context, name),
    )  # fmt: skip


# -- values ---------------------------------------------------------------------------------------


def as_field(context: Context, name: str, found: Film) -> dict[str, Any]:
    """The value of the moving points."""
    made = known_from(context, name) == MADE
    behind = None
    if made:
        real = find_judge(context, name).fitted
        behind = (real.coordinates, real.labels)
    classes = [str(each) for each in context.store.header(name).data.get("classes") or []]
    moments = [
        f"step {step:,}, epoch {epoch:.2f}"
        for step, epoch in zip(found.steps, found.epochs, strict=True)
    ]
    what, reads = ("generated picture", "to the judge: ") if made else ("test picture", "class: ")
    return as_moving(
        found.places, found.labels, found.pictures, moments, classes, what, reads, behind
    )


def as_curves(found: Film) -> dict[str, Any]:
    """How the neighbours agree, and of samples how many classes there are, by the step."""
    notes = {
        AGREE: "share, by the five nearest in code"
        if len(found.curves) == 1
        else "share of the five nearest real pictures with the class that the judge reads",
        CLASSES: "of which there is one sample in a hundred, by the judge",
    }
    plots = [
        {
            "title": title, "note": notes[title], "x": found.steps, "x_name": "step", "unit": "",
            "log_x": True, "lines": [{"name": title, "y": values}],
        }
        for title, values in found.curves.items()
    ]  # fmt: skip
    return {"plots": plots, "chosen": 0, "legend": False}


def sentence(context: Context, name: str, found: Film) -> str:
    T, N, _ = found.places.shape
    if known_from(context, name) == MADE:
        first, last = found.curves[CLASSES][0], found.curves[CLASSES][-1]
        return (
            f"{N} pictures generated of the same noise at {T} moments. Classes among them: "
            f"{first} at first, {last} at the end."
        )
    words = f"Codes of {N} test pictures at {T} moments of the training. "
    if AGREE in found.curves:
        first, last = found.curves[AGREE][0], found.curves[AGREE][-1]
        words += (
            f"The five nearest codes name a picture's class in {first:.1%} of the cases at first, "
            f"{last:.1%} at the end. "
        )
    return words + (f"The moments are {found.run}." if found.run else "")


def code_of(context: Context, name: str) -> str:
    """The lines that give what is on screen."""
    way, header = known_from(context, name), context.store.header(name)
    folder = raw(call("resolve", in_code(header.folder)) + ".parent")
    if way == KEPT:
        return snippet(
            call("kept = load_moving_map", folder),
            "places = kept.places  # (moments, pictures, 2)",
            "agreement = kept.agreement  # (moments,)",
        )
    if way == CODES:
        return snippet(
            loading(context, name),
            call("test = load_data", header.data["name"], "test"),
            f"images = test.images[:: {max(1, len(layouts.test_set(context, name)) // POINTS)}]",
            call("moving = codes_at_moments", raw("model"), folder, raw("images.float() / 255")),
            "spaces = [codes.numpy() for snapshot, codes in moving]",
            "places = list(moving_layouts(spaces))[::-1]  # of each moment, (pictures, 2)",
        )
    judge = find_judge(context, name)
    return snippet(
        loading(context, judge.name, "judge"),
        call("real = load_features", raw(call("resolve", in_code(judge.folder)) + ".parent")),
        "places = []",
        call("every = moments", in_code(header.folder)),
        "for snapshot, model in every:",
        f"    seen = features(judge, model.sample({SAMPLES}, generator(0)))",
        "    places.append(project(real.codes, real.coordinates, seen))",
    )


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context, lacking=lacking)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            status = components.status()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]) as stage:
            field = moving_points(FILM, label="The map at a moment of the training")
            lines = curves(follows=FILM)
    part.outputs(field=field, lines=lines, status=status, code=notes.code, stage=stage)
    part.arrives(show)
