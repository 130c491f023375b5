"""Which kinds are missing: made pictures laid out beside real ones, as a judge sees both."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.cloud.cloud import cloud
from explorer.components.signed_bars.signed_bars import signed_bars
from explorer.page.address import whole
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.runs import LIVE, newest_only, rested, run_row, stoppable, stopped_at
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes, packed
from explorer.server.reading import is_whole, next_seed
from models.checkpoints.header import SHIPPED
from models.contract.knobs import checked_seed

log = logging.getLogger(__name__)

TITLE = "Beside real pictures"
NEEDS = ("Samples",)
KEY = "map-beside"
MOST, CHUNK = 1024, 32

LOOK_FOR = """
* **Empty ground.** Pale dots are real pictures that the model never saw. Where no dot with an edge
  lies among them, the model makes nothing of that kind: a mode is missing.
* **Count.** The bars say how often the judge takes a made picture for each class, and how often a
  real one. A generator may pass every test of looks and still make few of a kind.
* **Between the islands** lie pictures of no class. Point at them.
* **What the judge does not see is not here.** Its features were learned to tell classes apart: a
  style that is missing within a class may not show. Nor are distances on the map to be trusted;
  a made picture is put among the real ones it is nearest to, however far off it is.
"""


class Judge(NamedTuple):
    """A classifier of the data with its features of real pictures. fitted: a ``projection.Map``."""

    folder: Path
    model: Any
    fitted: Any


class Made(NamedTuple):
    """pixels: (M, C, H, W) uint8. places: (M, 2) on the map. labels: (M,), the judge's."""

    pixels: np.ndarray
    places: np.ndarray
    labels: np.ndarray


# -- what is computed -----------------------------------------------------------------------------


def find_judge(context: Context, name: str) -> Judge:
    """The judge of the model's data that brings features of real pictures: one of this server, or a
    shipped one. Raises ValueError, one sentence, where there is none."""
    from models.checkpoints import weights
    from models.checkpoints.header import find, read_header
    from models.codes.judged_map import load_features

    header = context.store.header(name)
    of, shape = header.data.get("name", ""), list(header.config["image"])
    key = ("judge", of, tuple(shape))
    if (found := context.recent.get(key)) is not None:
        return found
    own = [context.store.header(other).folder for other in context.store.having({"Classifies"})]
    for folder in [*own, *find(SHIPPED)]:
        other = read_header(folder)
        fits = other.data.get("name") == of and list(other.config["image"]) == shape
        fitted = load_features(other.folder) if fits else None
        if fitted is not None and fitted.labels is not None:
            model = weights.load(other.folder, context.store.device)
            return context.recent.put(key, Judge(other.folder, model, fitted))
    raise ValueError(
        f"No judge here keeps its features of {of or 'this data set'}; 'python -m models evaluate "
        "JUDGE --only codes' writes them beside one."
    )


def made(context: Context, name: str, n: int, seed: int) -> Iterator[Made | None]:
    """Yields None while it draws and judges, then n pictures."""
    key = ("beside", name, n, seed)
    if (found := context.recent.get(key)) is None:
        from models.codes.judged_map import features
        from models.codes.projection import project
        from models.contract.random import generator
        from models.contract.streams import Streams

        judge, model = find_judge(context, name), context.store.get(name)
        streams = Streams.of(generator(seed), n)
        pixels, seen, labels = [], [], []
        for start in range(0, n, CHUNK):
            drawn, rng = None, streams[start : start + CHUNK]
            for frame in model.sample_steps(len(rng), rng):
                drawn = frame.x
                yield None
            seen.append(features(judge.model, drawn))
            told = judge.model.classify(drawn.to(judge.model.device))
            labels.append(told.argmax(1).cpu().numpy())
            pixels.append(as_bytes(drawn.cpu().numpy()))
        fitted = judge.fitted
        places = project(fitted.codes, fitted.coordinates, np.concatenate(seen), "umap")
        found = Made(np.concatenate(pixels), places, np.concatenate(labels))
        context.recent.put(key, found)
    yield found


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def show(context: Context, name: str, n: Any, seed: Any) -> Iterator[tuple[Any, ...] | None]:
    """Yields (map, bars, status, code)."""
    try:
        if not is_whole(n) or not 1 <= n <= MOST:
            raise ValueError(f"Choose from 1 to {MOST} pictures.")
        checked_seed(seed)
        yield gr.skip(), gr.skip(), say("Drawing and judging …", kind="busy"), gr.skip()
        judge = find_judge(context, name)
        found: Made | None = None
        for found in made(context, name, int(n), int(seed)):
            if found is None:
                yield None
    except (ValueError, RuntimeError) as error:
        if not isinstance(error, ValueError):
            log.exception("The modes of %s could not be shown.", name)
        yield None, None, say(str(error), kind="problem"), gr.skip()
        return
    classes = class_names(context, name, judge)
    status = say(sentence(classes, judge, found))
    code = snippet(context, name, judge, int(n), int(seed))
    yield as_cloud(classes, judge, found), as_bars(classes, judge, found), status, code


# -- values ---------------------------------------------------------------------------------------


def class_names(context: Context, name: str, judge: Judge) -> list[str]:
    count = int(judge.fitted.labels.max()) + 1
    names = [str(each) for each in context.store.header(name).data.get("classes") or []]
    return names if len(names) >= count else [str(k) for k in range(count)]


def shares(labels: np.ndarray, count: int) -> np.ndarray:
    """(count,): how often each class is among the labels."""
    return np.bincount(labels, minlength=count)[:count] / max(1, len(labels))


def as_cloud(classes: list[str], judge: Judge, found: Made) -> dict[str, Any]:
    """Real and made pictures on the judge's map."""
    fitted = judge.fitted
    return {
        "classes": classes,
        "real": {"xy": packed(fitted.coordinates), "labels": fitted.labels.tolist()},
        "made": {"xy": packed(found.places), "labels": found.labels.tolist(),
                 "sprite": images.sprite(found.pixels)},
    }  # fmt: skip


def as_bars(classes: list[str], judge: Judge, found: Made) -> dict[str, Any]:
    """How often the judge sees each class among made pictures, and among real ones."""
    mine, real = (shares(each, len(classes)) for each in (found.labels, judge.fitted.labels))
    rows = [
        {"name": text, "value": float(share), "text": f"{share:.1%}, of real ones {usual:.1%}"}
        for text, share, usual in zip(classes, mine, real, strict=True)
    ]
    return {"rows": rows, "chosen": int(mine.argmin())}


def sentence(classes: list[str], judge: Judge, found: Made) -> str:
    mine = shares(found.labels, len(classes))
    least = int(mine.argmin())
    gone = [text for text, share in zip(classes, mine, strict=True) if share == 0]
    words = f"{len(found.labels)} made pictures among {len(judge.fitted):,} real ones. "
    if gone:
        return words + f"It made none that the judge takes for {', '.join(gone)}."
    return words + f"Every class is made; the rarest is {classes[least]}, {mine[least]:.1%}."


def snippet(context: Context, name: str, judge: Judge, n: int, seed: int) -> str:
    """The lines that judge the model's pictures and lay them out."""
    return (
        "from models import features, generator, load, load_features, project, resolve\n\n"
        f"model = load({in_code(context.store.header(name).folder)!r})\n"
        f"judge = load({in_code(judge.folder)!r})\n"
        f"real = load_features(resolve({in_code(judge.folder)!r}).parent)\n"
        f"rng, parts = generator({seed}), []\n"
        f"for start in range(0, {n}, {CHUNK}):\n"
        f"    rng = streams[start : start + {CHUNK}]\n"
        "    parts.append(features(judge, model.sample(len(rng), rng)))\n"
        "places = [project(real.codes, real.coordinates, part) for part in parts]\n"
    )


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            bar = run_row("Draw others", "among-go", "among-stop")
            go, halt, status = bar
            count = gr.Slider(32, MOST, 256, step=32, label="Pictures", elem_id="among-count")
            seed = gr.Number(0, label="Seed", precision=0, elem_id="among-seed")
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]):
            field = cloud(label="Made pictures among real ones")
            components.heading("How often each class", "As the judge takes made and real pictures.")
            bars = signed_bars(label="How often each class is made")

    inputs, outputs = [context.picker, count, seed], [field, bars, status, notes.code, halt]
    handler, ends = stoppable(partial(show, context)), stopped_at(2, 4)
    draw = context.timely(newest_only(KEY, handler, ends))
    context.on_show(newest_only(KEY, handler, ends), inputs[1:], outputs, **LIVE)
    pressed = go.click(next_seed, seed, seed, **context.light)
    for event in (pressed.then, seed.input):
        event(draw, inputs, outputs, **LIVE)
    count.input(context.timely(newest_only(KEY, rested(handler), ends)), inputs, outputs, **LIVE)
    bar.wire_stop(KEY)
    context.remember("map.among.count", count, parse=whole(1, MOST))
    context.remember("map.among.seed", seed, parse=whole(0, 2**53 - 1))
