"""What every model of one data set samples: any class or one, by the same seed."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.model_cards.model_cards import model_cards
from explorer.page.address import one_of, whole
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.judge import judge_of, read_by
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import snippet
from explorer.pictures.bytes import as_bytes
from explorer.server.abilities import classes_of
from explorer.server.ask import Seed
from explorer.server.previews import preview
from explorer.server.reading import ANY, NotYet, class_choices, is_whole, next_seed
from explorer.tabs.compare.board import Board, names_line, sheet
from explorer.tabs.compare.controls import draw_controls, png_button
from explorer.tabs.compare.fellows import (
    GLANCE,
    classes_of_data,
    data_words,
    fellows,
    header_of,
    milliseconds,
    read_count,
)
from models.contract.knobs import checked_seed

TITLE = "Samples"
COUNTS = (4, 8, 16)
ACROSS = 4
# Pictures drawn at once, and how often, until a judge has read the class often enough in them.
CHUNK, CHUNKS = 16, 12

LOOK_FOR = """
* **One seed, many models.** Which could pass for real? Which repeats itself? Blurred, broken and
  all alike are three ways to fail.
* **The same noise.** Cards that say so began with the very same numbers: a flow and a diffusion
  model can start at one noise, and come to other pictures. Models that write pixel by pixel draw
  each pixel by the same chance.
* **Ask for one class.** Some models can be asked. Of the others a judge picks: samples are drawn
  until it has read the class often enough, which by Bayes' rule gives $p(x \\mid y)$, as the judge
  has it. The card says how many that took.
* **Asked is not given.** Framed pictures were asked for as one class and read by the judge as
  another.
* **Time.** The slowest need hundreds of evaluations a picture, one for each pixel or step.
"""


class Settings(NamedTuple):
    seed: int = 0
    count: int = 4
    label: int | None = None


class Sampled(NamedTuple):
    """x: (N, C, H, W) uint8. seconds: of computing, in all. drawn: how many pictures that were.
    noise: what names the noise that they began with, "" where the model does not tell. wrong:
    places of pictures that the judge reads as another class than was asked for."""

    x: np.ndarray
    seconds: float
    drawn: int
    noise: str = ""
    wrong: tuple[int, ...] = ()


def read_settings(seed: Any, count: Any, label: Any, classes: Sequence[str]) -> Settings:
    """Checked settings. Raises ValueError with one sentence."""
    checked_seed(seed)
    known = is_whole(label) and 0 <= label < len(classes)
    return Settings(int(seed), read_count(count, COUNTS), int(label) if known else None)


# -- what is computed -----------------------------------------------------------------------------


def sampled(
    context: Context, name: str, settings: Settings, judge: str | None
) -> Iterator[Sampled | None]:
    """A model's pictures, None while it draws."""
    asked = settings.label is None or settings.label < len(classes_of(context.store.header(name)))
    begin = _drawn if asked else _picked
    key = ("compare-samples", name, settings, judge)
    return context.ask.kept_steps(key, lambda: begin(context, name, settings, judge))


def _drawn(
    context: Context, name: str, settings: Settings, judge: str | None
) -> Iterator[Sampled | None]:
    context.store.get(name)  # to load it is none of its time
    seconds, looked = 0.0, time.monotonic()
    frames = context.ask.steps(
        name, "sample_steps", settings.count, Seed(settings.seed), settings.label
    )
    last = None
    while True:
        begun = time.perf_counter()
        frame = next(frames, None)
        seconds += time.perf_counter() - begun
        if frame is None:
            break
        last = frame
        if time.monotonic() - looked < GLANCE:
            yield None
            continue
        looked = time.monotonic()
        yield Sampled(as_bytes(last.x), seconds, settings.count)
    wrong: tuple[int, ...] = ()
    if judge is not None and settings.label is not None:
        labels = read_by(context, judge, last.x).labels
        wrong = tuple(np.flatnonzero(labels != settings.label).tolist())
    noise = noise_of(context.store.header(name), last.info)
    yield Sampled(as_bytes(last.x), seconds, settings.count, noise, wrong)


def _picked(
    context: Context, name: str, settings: Settings, judge: str | None
) -> Iterator[Sampled | None]:
    """Samples that the judge reads as the class asked for, of as many as that takes."""
    if judge is None:
        raise ValueError("It cannot be asked for a class, and no judge is here to pick samples.")
    context.store.get(name)
    found: list[np.ndarray] = []
    seconds = 0.0
    for k in range(CHUNKS):
        frames = context.ask.steps(name, "sample_steps", CHUNK, Seed(settings.seed, k))
        while True:
            begun = time.perf_counter()
            frame = next(frames, None)
            seconds += time.perf_counter() - begun
            if frame is None:
                break
            last = frame
            yield None
        found.extend(last.x[read_by(context, judge, last.x).labels == settings.label])
        if found:
            x = as_bytes(np.stack(found[: settings.count]))
            yield Sampled(x, seconds, (k + 1) * CHUNK)  # the last, where these are enough
        if len(found) >= settings.count:
            return
    if not found:  # nothing went wrong: it makes none
        yield Sampled(as_bytes(last.x[:0]), seconds, CHUNKS * CHUNK)


def noise_of(header: Any, info: dict[str, Any]) -> str:
    """What names the noise that samples began with: the same where it is the same."""
    if info.get("z") is not None:
        return hashlib.sha256(np.ascontiguousarray(info["z"], np.float32)).hexdigest()
    asked = bool(classes_of(header))  # the class takes the first of the chances
    return "chances" if "WritesPixels" in header.capabilities and not asked else ""


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The models' samples, one after another; what was shipped with them until then."""
    header = header_of(context, name)
    names = fellows(context, name, asked.request, "Samples")
    classes = classes_of_data(context, names)
    settings = read_settings(asked.seed, asked.count, asked.label, classes)
    board = board_of(context, name, names, settings)
    code = code_of(context, names, settings, judge_of(context, header))
    yield screen(cards=board.value, status=say("Sampling …", 0.0, "busy"), code=code)
    judge = judge_of(context, header) if settings.label is not None else None
    yield from board.fill_in(
        "samples", "samples", lambda other: sampled(context, other, settings, judge)
    )
    yield board.ended(sentence(header, board, settings, classes))


def board_of(context: Context, name: str, names: Sequence[str], settings: Settings) -> Board:
    """The board of these settings. Where any class will do, samples that were shipped with the
    models stand there until theirs of this seed come."""

    def fill(other: str, answer: Sampled | None) -> dict[str, Any]:
        if answer is None:
            shipped = preview(context.store, other) if settings.label is None else None
            x = None if shipped is None else shipped.images[: settings.count]
            return {"pictures": x, "places": settings.count, "lines": ["to come"]}
        count = Counter(each.noise for each in board.answers.values())
        shared = sorted(key for key, times in count.items() if key and times > 1)
        return {
            "pictures": answer.x if len(answer.x) else None,
            "places": 0,
            "marked": answer.wrong,
            "lines": lines_of(context.store.header(other), answer, settings, shared),
        }

    board = Board(context, name, names, fill, across=ACROSS)
    return board


def lines_of(header: Any, answer: Sampled, settings: Settings, shared: Sequence[str]) -> list[str]:
    """What a card says below its pictures. shared: names of noises that several models began
    with."""
    pace = f"{milliseconds(answer.seconds / answer.drawn)} a picture"
    if answer.noise in shared:
        pace += f" · same noise {'abcdefgh'[shared.index(answer.noise) % 8]}"
    if settings.label is None:
        return [pace]
    if settings.label < len(classes_of(header)):
        right = len(answer.x) - len(answer.wrong)
        return [f"asked for; {right} of {len(answer.x)} read as asked", pace]
    if not len(answer.x):
        return [f"the judge finds it in none of {answer.drawn} samples", pace]
    return [f"picked by the judge from {answer.drawn}", pace]


def sentence(header: Any, board: Board, settings: Settings, classes: Sequence[str]) -> str:
    """What is on the board at the end."""
    of = "" if settings.label is None else f", class {classes[settings.label]}"
    return (
        f"{len(board.done)} models of {data_words(header)}, {settings.count} pictures each{of}, "
        f"seed {settings.seed}."
    )


def again(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model was chosen: the classes of its data, then the board."""
    classes = classes_of_data(context, fellows(context, name, asked.request, "Samples"))
    label = asked.label if is_whole(asked.label) and asked.label < len(classes) else ANY
    choices = class_choices(classes, "Any class")
    yield screen(label=gr.Dropdown(choices=choices, value=label, visible=bool(classes)))
    yield from show(context, name, asked.but(label=label))


# -- code and files -------------------------------------------------------------------------------


def code_of(context: Context, names: Sequence[str], settings: Settings, judge: str | None) -> str:
    """The lines that give every model's pictures."""
    count, seed, label = settings.count, settings.seed, settings.label
    head = [names_line(context, names), "pictures = {}"]
    if label is None:
        loop = [
            "for name in names:",
            f"    pictures[name] = load(name).sample({count}, generator({seed}))",
        ]
        return snippet(*head, *loop)
    folder = "" if judge is None else in_code(context.store.header(judge).folder)
    return snippet(
        *head,
        f"judge, label = load({folder!r}), {label}",
        "for name in names:",
        "    model = load(name)",
        '    if "Conditional" in capabilities(model):',
        f"        pictures[name] = model.sample({count}, generator({seed}), label)",
        "        continue",
        "    picked = []  # samples that the judge reads as the class",
        f"    for k in range({CHUNKS}):",
        f"        x = model.sample({CHUNK}, generator({seed}, k))",
        "        picked.extend(x[judge.classify(x).argmax(1) == label])",
        f"        if len(picked) >= {count}:",
        "            break",
        f"    pictures[name] = picked[:{count}]",
    )


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The board's pictures as one sheet, of the models that have sampled."""
    header = header_of(context, name)
    names = fellows(context, name, asked.request, "Samples")
    settings = read_settings(asked.seed, asked.count, asked.label, classes_of_data(context, names))
    judge = judge_of(context, header) if settings.label is not None else None
    rows = []
    for other in names:
        kept = context.ask.cache.get(("compare-samples", other, settings, judge))
        if kept is not None and len(kept.x):
            rows.append((context.store.header(other).title, kept.x))
    if not rows:
        raise NotYet("There are no samples yet; press Sample again first.")
    stem = f"{header.data.get('name', 'data')}-side-by-side-seed-{settings.seed}.png"
    return components.file(stem, sheet(rows, settings.count), "image/png")


def most_classes(context: Context) -> list[str]:
    """Names of the classes of the data set that has most: what a link may ask for."""
    known = (context.store.header(name).data.get("classes") or [] for name in context.store.names)
    return [str(k) for k in range(max(map(len, known), default=0))]


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context, of_model=False)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Sample again", "samples-again", "samples-stop")
            label = gr.Dropdown(
                class_choices(most_classes(context), "Any class"),
                value=ANY,
                label="Class",
                filterable=False,
                elem_id="samples-class",
                info="A judge picks where a model cannot be asked.",
            )
            seed, count = draw_controls("samples", COUNTS, "Pictures each")
            png = png_button("samples")
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            cards = model_cards(label="Samples of every model of this data set")

    part.controls(seed=seed, count=count, label=label)
    part.outputs(cards=cards, status=status, stop=halt, code=notes.code, seed=seed, label=label)
    part.arrives(arrive)
    part.on(more.click, again, main=True)
    part.on([seed.input, count.input, label.input], show)
    part.stops(halt)
    part.saves(png, save)
    context.remember("compare.samples.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("compare.samples.count", count, parse=one_of(COUNTS, int))
    context.remember("compare.samples.class", label, parse=whole(ANY, 999))
