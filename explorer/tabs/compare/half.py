"""Half a picture, completed by every model that can."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.model_cards.model_cards import model_cards
from explorer.components.picture_table.picture_table import as_table, picture_table
from explorer.page.address import one_of, whole
from explorer.page.choice import Picture, picture_controls
from explorer.page.context import Context
from explorer.page.judge import judge_of, read_by
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import snippet
from explorer.pictures.bytes import as_bytes
from explorer.server.ask import Seed
from explorer.server.reading import NotYet, next_seed
from explorer.tabs.compare.board import Board, counted, names_line, sheet
from explorer.tabs.compare.controls import draw_controls, png_button
from explorer.tabs.compare.fellows import (
    classes_of_data,
    data_words,
    fellows,
    header_of,
    milliseconds,
    read_count,
)
from explorer.tabs.compare.given import given, lines_of, shelf, source_of
from models.contract.knobs import checked_seed

TITLE = "Half a picture"
COUNTS = (4, 8)
ACROSS = 4
# Which half is kept: rows and columns as shares of the picture, from and to.
HALVES = {
    "upper": ("Upper half", (0, 0.5), (0, 1)),
    "lower": ("Lower half", (0.5, 1), (0, 1)),
    "left": ("Left half", (0, 1), (0, 0.5)),
    "right": ("Right half", (0, 1), (0.5, 1)),
}

LOOK_FOR = """
* **One half, many endings.** Is each a picture that could be, and do they differ where the half
  leaves it open? A model that always ends alike is sure of itself without reason.
* **Three ways to do it.** Writing on from what is there is exact, as long as all of it comes first
  in the model's order. A diffusion model puts the half back at every noise level. A Boltzmann
  machine holds it fixed and lets the rest settle.
* **Keep the lower half.** A model that writes row by row comes to it too late: the card says so,
  and the two halves often do not meet.
* **The judge** reads every ending. How many classes can the half still become?
* **Draw a half** that no picture has, and see who makes the best of it.
"""


class Settings(NamedTuple):
    seed: int = 0
    count: int = 4
    half: str = "upper"


class Wish(NamedTuple):
    """header: of the chosen model. names: the models that complete. source: whose samples stand on
    the shelf. picture: the one that is given."""

    header: Any
    names: list[str]
    source: str
    picture: Picture
    settings: Settings


class Completed(NamedTuple):
    """x: (N, C, H, W) uint8. labels: (N,) what the judge reads, or None. blind: whether parts were
    written before some of the kept half was seen. seconds: for all N, 0 while it works."""

    x: np.ndarray
    labels: np.ndarray | None = None
    blind: bool = False
    seconds: float = 0.0


def read_settings(seed: Any, count: Any, half: Any) -> Settings:
    """Checked settings. Raises ValueError with one sentence."""
    checked_seed(seed)
    if half not in HALVES:
        raise ValueError(f"Keep one of these halves: {', '.join(HALVES)}.")
    return Settings(int(seed), read_count(count, COUNTS), half)


def known_of(half: str, shape: Sequence[int]) -> np.ndarray:
    """(C, H, W) bool, True where the picture is kept."""
    _, H, W = shape
    _, rows, columns = HALVES[half]
    known = np.zeros(tuple(shape), bool)
    (top, foot), (left, right) = rows, columns
    known[:, round(top * H) : round(foot * H), round(left * W) : round(right * W)] = True
    return known


# -- what is computed -----------------------------------------------------------------------------


def completed(
    context: Context, name: str, picture: Picture, settings: Settings, judge: str | None
) -> Iterator[Completed | None]:
    """The endings of one model, None while it works."""
    key = ("compare-half", name, picture.key, settings, judge)
    return context.ask.kept_steps(key, lambda: _completed(context, name, picture, settings, judge))


def _completed(
    context: Context, name: str, picture: Picture, settings: Settings, judge: str | None
) -> Iterator[Completed | None]:
    known = known_of(settings.half, picture.pixels.shape)
    x = np.repeat(picture.pixels[None].astype(np.float32) / 255, settings.count, 0)
    mask = np.repeat(known[None], settings.count, 0)
    context.store.get(name)
    begun = time.perf_counter()
    for step in context.ask.steps(name, "complete_steps", x, mask, Seed(settings.seed)):
        frame = step
        yield None
    seconds = time.perf_counter() - begun
    labels = None if judge is None else read_by(context, judge, frame.x).labels
    yield Completed(as_bytes(frame.x), labels, blind(context, name, known), seconds)


def blind(context: Context, name: str, known: np.ndarray) -> bool:
    """Whether a model that writes in an order comes to kept values after others."""
    if "WritesPixels" not in context.store.header(name).capabilities:
        return False
    kept = known.reshape(-1)[context.ask(name, "order", 0)]
    return bool((np.diff(kept.astype(np.int8)) > 0).any())


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The half, and its endings by one model after another."""
    wish = read(context, name, asked)
    picture, settings = wish.picture, wish.settings
    judge = judge_of(context, wish.header)
    board = board_of(context, name, wish)
    yield screen(
        cards=board.value,
        kept=kept_value(picture, settings),
        status=say("Completing …", 0.0, "busy"),
        code=code_of(context, wish),
    )
    yield from board.fill_in(
        "half", "completes", lambda other: completed(context, other, picture, settings, judge)
    )
    everyone = len(fellows(context, name, asked.request, "Samples"))
    yield board.ended(
        f"{HALVES[settings.half][0]} of {picture.words} kept. {len(wish.names)} of {everyone} "
        f"models of {data_words(wish.header)} can complete a picture."
    )


def read(context: Context, name: str, asked: Asked) -> Wish:
    """What is asked for. Raises ValueError with one sentence."""
    header = header_of(context, name)
    settings = read_settings(asked.seed, asked.count, asked.half)
    names = fellows(context, name, asked.request, "Completes")
    if not names:
        raise ValueError(f"No model of {data_words(header)} here can complete a picture.")
    source = source_of(context, fellows(context, name, asked.request, "Samples"))
    return Wish(header, names, source, given(context, source, asked), settings)


def board_of(context: Context, name: str, wish: Wish) -> Board:
    """The board of these endings."""
    count, classes = wish.settings.count, classes_of_data(context, wish.names)

    def fill(other: str, answer: Completed | None) -> dict[str, Any]:
        if answer is None:
            return {"places": count, "lines": ["to come"]}
        lines = []
        if answer.labels is not None:
            lines.append(f"read as {counted(answer.labels, classes)}")
        if answer.blind:
            lines.append("in part blind to what is kept")
        lines.append(f"{milliseconds(answer.seconds / count)} each")
        return {"pictures": answer.x, "lines": lines}

    return Board(context, name, wish.names, fill, across=ACROSS)


def kept_value(picture: Picture, settings: Settings) -> dict[str, Any]:
    """The picture and what is kept of it, beside each other."""
    known = known_of(settings.half, picture.pixels.shape)
    hidden = np.where(known, picture.pixels, np.uint8(112))
    return as_table(
        [picture.pixels, hidden], ["The picture", "What is kept"], shape=picture.pixels.shape
    )


def again(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model was chosen: the pictures on the shelf, then the board."""
    everyone = fellows(context, name, asked.request, "Samples")
    yield screen(shelf=shelf(context, source_of(context, everyone), asked))
    yield from show(context, name, asked)


# -- code and files -------------------------------------------------------------------------------


def code_of(context: Context, wish: Wish) -> str:
    """The lines that give every model's endings."""
    picture, settings = wish.picture, wish.settings
    C, H, W = picture.pixels.shape
    _, rows, columns = HALVES[settings.half]
    down = f"{round(rows[0] * H)}:{round(rows[1] * H)}"
    across = f"{round(columns[0] * W)}:{round(columns[1] * W)}"
    return snippet(
        *lines_of(context, wish.source, picture),
        names_line(context, wish.names),
        f"known = torch.zeros({settings.count}, {C}, {H}, {W}, dtype=torch.bool)",
        f"known[:, :, {down}, {across}] = True",
        f"x = x.cpu().expand({settings.count}, -1, -1, -1)",
        "pictures = {}",
        "for name in names:",
        f"    steps = load(name).complete_steps(x, known, generator({settings.seed}))",
        "    *_, frame = steps",
        "    pictures[name] = frame.x",
    )


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The endings as one sheet, of the models that are done."""
    wish = read(context, name, asked)
    settings, judge, rows = wish.settings, judge_of(context, wish.header), []
    for other in wish.names:
        kept = context.ask.cache.get(("compare-half", other, wish.picture.key, settings, judge))
        if kept is not None:
            rows.append((context.store.header(other).title, kept.x))
    if not rows:
        raise NotYet("Nothing is completed yet; press Sample again first.")
    stem = f"{wish.header.data.get('name', 'data')}-{settings.half}-half-seed-{settings.seed}.png"
    return components.file(stem, sheet(rows, settings.count), "image/png")


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context, of_model=False)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Sample again", "half-again", "half-stop")
            half = gr.Radio(
                [(title, key) for key, (title, *_) in HALVES.items()],
                value="upper",
                label="What is kept",
                elem_id="half-kept",
            )
            kept = picture_table(label="The picture, and what is kept of it", room=84)
            own = picture_controls(
                context, "half", label="Picture", selected=4, offered=("A sample", "samples")
            )
            seed, count = draw_controls("half", COUNTS, "Endings each")
            png = png_button("half")
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            cards = model_cards(label="The half completed by every model that can")

    part.controls(seed=seed, count=count, half=half, **own.named())
    part.outputs(cards=cards, kept=kept, status=status, stop=halt, code=notes.code)
    part.outputs(seed=seed, shelf=own.view)
    part.arrives(arrive)
    part.on(more.click, again, main=True)
    part.on([seed.input, count.input, half.input, own.source.input, own.choice.select], show)
    part.draws(own.pad, show)
    part.stops(halt)
    part.saves(png, save)
    context.remember("compare.half.kept", half, parse=one_of(HALVES))
    context.remember("compare.half.picture", own.choice, parse=whole(0, 15))
    context.remember("compare.half.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("compare.half.count", count, parse=one_of(COUNTS, int))
