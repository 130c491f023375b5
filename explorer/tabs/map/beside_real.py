"""Which kinds are missing: generated pictures laid out beside real ones, as a judge sees both."""

from __future__ import annotations

import logging
from collections.abc import Iterator
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
from explorer.page.judge import judges, of_same_pictures
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes, packed
from explorer.server.ask import Seed
from explorer.server.reading import is_whole, next_seed
from explorer.server.words import data_title
from models.checkpoints.codes import FEATURES
from models.contract.knobs import checked_seed

log = logging.getLogger(__name__)

TITLE = "Beside real pictures"
NEEDS = ("Samples",)
MOST, CHUNK = 1024, 32

LOOK_FOR = """
* **Empty ground.** Pale dots are real pictures that the model never saw. Where no dot with an edge
  lies among them, the model makes nothing of that kind: a mode is missing.
* **Count.** The bars say how often the judge takes a generated picture for each class, and how
  often a real one. A generator may pass every test of looks and still make few of a kind.
* **Between the islands** lie pictures of no class. Point at them.
* **What the judge does not see is not here.** Its features were learned to tell classes apart: a
  style that is missing within a class may not show. Nor are distances on the map to be trusted;
  a generated picture is put among the real ones it is nearest to, however far off it is.
"""


class Judge(NamedTuple):
    """A classifier of the data, by its name here, with its features of real pictures. fitted: a
    ``projection.Map``."""

    name: str
    folder: Path
    fitted: Any


class Made(NamedTuple):
    """pixels: (M, C, H, W) uint8. places: (M, 2) on the map. labels: (M,), the judge's."""

    pixels: np.ndarray
    places: np.ndarray
    labels: np.ndarray


# -- what is computed -----------------------------------------------------------------------------


def find_judge(context: Context, name: str) -> Judge | None:
    """The judge of the model's data that brings features of real pictures: one of this server, or a
    shipped one; None where there is none."""
    return context.ask.kept(("judge", name), lambda: _judge(context, name))


def candidates(context: Context, names: list[str]) -> list[str]:
    """Those of the models whose pictures a judge can be asked about."""
    able = [each for each in judges(context) if (each.folder / FEATURES).is_file()]
    headers = {name: context.store.header(name) for name in names}
    return [n for n, header in headers.items() if any(of_same_pictures(j, header) for j in able)]


def _judge(context: Context, name: str) -> Judge | None:
    from models.codes.judged_map import load_features

    header = context.store.header(name)
    for judge in judges(context):
        if not of_same_pictures(judge, header):
            continue
        try:
            fitted = load_features(judge.folder)
        except ValueError as error:  # of no concern to a visitor: the next one may do
            log.warning("Left out %s as a judge: %s", judge.folder, error)
            continue
        if fitted is not None and fitted.labels is not None:
            return Judge(context.store.at(judge.folder), judge.folder, fitted)
    log.info(
        "No judge here keeps its features of %s; 'python -m models evaluate JUDGE --only codes' "
        "writes them beside one.",
        header.data.get("name", ""),
    )
    return None


def made(context: Context, name: str, judge: Judge, n: int, seed: int) -> Iterator[Made | None]:
    """Yields None while it draws and judges, then n pictures."""

    def steps() -> Iterator[Made | None]:
        from models.codes.judged_map import features
        from models.codes.projection import project

        pixels, seen, labels = [], [], []
        for x in context.ask.steps(name, in_chunks, n, Seed(seed)):
            if x is None:
                yield None
                continue
            seen.append(context.ask(judge.name, features, x))
            labels.append(context.ask(judge.name, "classify", x).argmax(1))
            pixels.append(as_bytes(x))
        fitted = judge.fitted
        places = project(fitted.codes, fitted.coordinates, np.concatenate(seen), "umap")
        yield Made(np.concatenate(pixels), places, np.concatenate(labels))

    return context.ask.kept_steps(("map-among", name, n, seed), steps)


def in_chunks(model: Any, n: int, rng: Any) -> Iterator[Any]:
    """n samples of a model, at most ``CHUNK`` at once: yields None at every step, and each chunk
    (B, C, H, W) when it is done."""
    from models import Streams

    streams = Streams.of(rng, n)
    for start in range(0, n, CHUNK):
        x, part = None, streams[start : start + CHUNK]
        for frame in model.sample_steps(len(part), part):
            x = frame.x
            yield None
        yield x


def lacking(context: Context, name: str) -> str:
    """A sentence where no judge knows pictures of the model's kind."""
    if find_judge(context, name) is not None:
        return ""
    of = data_title(context.store.header(name).data.get("name", "")) or "these pictures"
    return f"Not available for {of}: no classifier here can judge its pictures."


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """Made pictures on the judge's map, and how often it takes them for each class."""
    if not is_whole(asked.count) or not 1 <= asked.count <= MOST:
        raise ValueError(f"Choose from 1 to {MOST} pictures.")
    n, seed = int(asked.count), checked_seed(asked.seed)
    judge = find_judge(context, name)
    yield screen(status=say("Drawing and judging …", kind="busy"))
    found: Made | None = None
    for found in made(context, name, judge, n, seed):
        if found is None:
            yield None
    classes = class_names(context, name, judge)
    yield screen(
        field=as_cloud(classes, judge, found), bars=as_bars(classes, judge, found),
        status=say(sentence(classes, judge, found)), code=code_of(context, name, judge, n, seed),
    )  # fmt: skip


def another(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


# -- values ---------------------------------------------------------------------------------------


def class_names(context: Context, name: str, judge: Judge) -> list[str]:
    count = int(judge.fitted.labels.max()) + 1
    names = [str(each) for each in context.store.header(name).data.get("classes") or []]
    return names if len(names) >= count else [str(k) for k in range(count)]


def shares(labels: np.ndarray, count: int) -> np.ndarray:
    """(count,): how often each class is among the labels."""
    return np.bincount(labels, minlength=count)[:count] / max(1, len(labels))


def as_cloud(classes: list[str], judge: Judge, found: Made) -> dict[str, Any]:
    """Real and generated pictures on the judge's map."""
    fitted = judge.fitted
    return {
        "classes": classes,
        "real": {"xy": packed(fitted.coordinates), "labels": fitted.labels.tolist()},
        "made": {"xy": packed(found.places), "labels": found.labels.tolist(),
                 "sprite": images.sprite(found.pixels)},
    }  # fmt: skip


def as_bars(classes: list[str], judge: Judge, found: Made) -> dict[str, Any]:
    """How often the judge sees each class among generated pictures, and among real ones."""
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
    words = f"{len(found.labels)} generated pictures among {len(judge.fitted):,} real ones. "
    if gone:
        return words + f"It made none that the judge takes for {', '.join(gone)}."
    return words + f"Every class is made; the rarest is {classes[least]}, {mine[least]:.1%}."


def code_of(context: Context, name: str, judge: Judge, n: int, seed: int) -> str:
    """The lines that judge the model's pictures and lay them out."""
    return snippet(
        loading(context, name),
        loading(context, judge.name, "judge"),
        call("real = load_features", raw(call("resolve", in_code(judge.folder)) + ".parent")),
        f"streams, parts = Streams.of(generator({seed}), {n}), []",
        f"for start in range(0, {n}, {CHUNK}):",
        f"    rng = streams[start : start + {CHUNK}]",
        "    parts.append(features(judge, model.sample(len(rng), rng)))",
        "places = [project(real.codes, real.coordinates, part) for part in parts]",
    )


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context, lacking=lacking)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            go, halt, status = run_row("Sample again", "among-go", "among-stop")
            count = gr.Slider(32, MOST, 256, step=32, label="Pictures", elem_id="among-count")
            seed = gr.Number(0, label="Seed", precision=0, elem_id="among-seed")
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]) as stage:
            field = cloud(label="Made pictures among real ones")
            components.heading("How often each class", "As the judge takes made and real pictures.")
            bars = signed_bars(label="How often each class is made")

    part.controls(count=count, seed=seed)
    part.outputs(
        field=field, bars=bars, status=status, code=notes.code, stop=halt, seed=seed, stage=stage
    )  # fmt: skip
    part.arrives(show)
    part.on(go.click, another, main=True)
    part.on(seed.input, show)
    part.on(count.input, show, rest=0.4)
    part.stops(halt)
    context.remember("map.among.count", count, parse=whole(1, MOST))
    context.remember("map.among.seed", seed, parse=whole(0, 2**53 - 1))
