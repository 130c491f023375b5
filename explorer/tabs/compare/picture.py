"""One picture to every model: how likely it is to each, its code, and what the code gives back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.model_cards.model_cards import model_cards
from explorer.page import saves as export
from explorer.page.address import whole
from explorer.page.choice import Picture, picture_controls
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import snippet
from explorer.pictures.bytes import as_bytes
from explorer.server.ask import Seed
from explorer.server.reading import is_whole
from explorer.tabs.compare.board import Board, names_line
from explorer.tabs.compare.fellows import (
    data_words,
    fellows,
    header_of,
    rms,
    with_error,
)
from explorer.tabs.compare.given import given, lines_of, shelf, source_of

TITLE = "The same picture"
MOST_BARS = 64  # numbers of a code that are drawn as bars; more of them as a picture
# Ways to say something of a picture, any of which brings a model onto the board.
CODED = (("Encodes", "Decodes"), ("HasLevels",), ("QuantisesCodes",), ("Rebuilds",))
WAYS = (("HasLikelihood",), ("HasEnergy",), *CODED)
UNKNOWN = "unknown"
GROUPS = {
    "binary": (
        "Likelihood of black and white pictures",
        "Nats of pictures whose pixels are 0 or 1. A grey picture is drawn so several times, "
        "which leaves the error that is shown.",
    ),
    "uint8": (
        "Likelihood of 256 grey levels",
        "Nats of 8-bit pictures: other numbers, not to be held against those of black and white.",
    ),
    UNKNOWN: ("Likelihood", "Not measured yet: to come."),
    "": ("No likelihood", "An energy is known but for a constant; a code says nothing of chance."),
}

LOOK_FOR = """
* **Who finds it likely?** Within a group numbers compare, and only there: lower is likelier. Exact
  numbers are $-\\log p(x)$ itself; of a lower bound on $\\log p(x)$ the truth is at most what is
  shown; an estimate has an error.
* **What a code keeps.** The first picture is what the code gives back, the second where that
  differs. Two numbers keep the kind of digit and little of the hand; an invertible model keeps all.
* **Draw what no model has seen:** a letter, a smiley. The code gives back the nearest thing that
  the model knows. Does the likelihood notice?
* **Rebuilt well is not likely.** A flow gives every picture back, noise too. How likely does it
  find it?
"""


class Told(NamedTuple):
    """What a model says of a picture. nats: -log p(x), or None; stderr, kind, space, how: of it.
    percentile: how many in a hundred of its test pictures are likelier, or None. energy: or None.
    back: (C, H, W) uint8 what its code gives back, or None, off: how far that is, 0 to 1. code:
    its numbers, where they are few, or None. words: what the code is."""

    nats: float | None = None
    stderr: float | None = None
    kind: str = ""
    space: str = ""
    percentile: float | None = None
    energy: float | None = None
    back: np.ndarray | None = None
    off: float = 0.0
    code: tuple[float, ...] | None = None
    words: str = ""


# -- what is computed -----------------------------------------------------------------------------


def readers(context: Context, name: str, request: Any) -> list[str]:
    """The models that can say something of a picture, those first that have a code of it."""
    able = {way: fellows(context, name, request, *way) for way in WAYS}
    coded = {other for way in CODED for other in able[way]}
    known = {other for names in able.values() for other in names}
    everyone = [other for other in fellows(context, name, request) if other in known]
    return sorted(everyone, key=lambda other: other not in coded)


def told(context: Context, name: str, picture: Picture) -> Iterator[Told | None]:
    """What a model says of the picture: first of its code, then how likely it finds it."""
    return context.ask.kept_steps(
        ("compare-picture", name, picture.key), lambda: _told(context, name, picture)
    )


def _told(context: Context, name: str, picture: Picture) -> Iterator[Told | None]:
    can = set(context.store.header(name).capabilities)
    x = picture.pixels[None].astype(np.float32) / 255
    answer = rebuilt(context, name, can, x)
    if "HasEnergy" in can:
        answer = answer._replace(energy=float(context.ask(name, "energy", x)[0]))
    yield answer
    if "HasLikelihood" not in can:
        return
    from models.scores.each import likelihood_each

    found = context.ask(name, likelihood_each, x, 0)
    nats = -float(found.nats[0])
    yield answer._replace(
        nats=nats,
        stderr=None if found.stderr is None else float(found.stderr[0]),
        kind=found.kind,
        space=found.space,
        percentile=percentile(context, name, nats),
    )


def rebuilt(context: Context, name: str, can: set[str], x: np.ndarray) -> Told:
    """A picture's code and what it gives back; nothing where the model has no code of pictures."""
    code: tuple[float, ...] | None = None
    if {"Encodes", "Decodes"} <= can:
        z = context.ask(name, "encode", x)
        back = context.ask(name, "decode", z)
        words = f"{z.shape[1]} numbers"
        code = tuple(map(float, z[0])) if z.shape[1] <= MOST_BARS else None
    elif "HasLevels" in can:
        codes = context.ask(name, "encode_levels", x, Seed(0))
        back = context.ask(name, "sample_held", len(codes), list(codes), Seed(0))
        words = f"{len(codes)} levels, {sum(each[0].size for each in codes)} numbers"
    elif "QuantisesCodes" in can:
        k = context.ask(name, "encode_indices", x)
        back = context.ask(name, "decode_indices", k)
        words = f"{k.shape[1]} x {k.shape[2]} indices, {len(np.unique(k))} different"
    elif "Rebuilds" in can:
        back, words = context.ask(name, "rebuild", x), "not told"
    else:
        return Told()
    return Told(back=as_bytes(back[0]), off=rms(back, x), code=code, words=words)


def percentile(context: Context, name: str, nats: float) -> float | None:
    """How many in a hundred of the model's own test pictures are likelier, where that was
    measured."""

    def read() -> np.ndarray | None:
        from models.checkpoints.reference import read_reference

        try:
            reference = read_reference(context.store.header(name).folder)
            return None if reference is None else reference.values("likelihood", "test")
        except ValueError:  # damaged, or not measured: it says so itself, and nothing is known
            return None

    values = context.ask.kept(("compare-reference", name), read)
    return None if values is None else float(100 * np.mean(values < nats))


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The picture to one model after another."""
    header, names, source, picture = read(context, name, asked)
    board = board_of(context, name, names, picture)
    yield screen(
        cards=board.value,
        status=say("Asking the models …", 0.0, "busy"),
        code=code_of(context, names, source, picture),
    )
    yield from board.fill_in(
        "picture", "reads the picture", lambda other: told(context, other, picture)
    )
    yield board.ended(
        f"{picture.words[0].upper()}{picture.words[1:]}, to {len(names)} models of "
        f"{data_words(header)}. Compare numbers within a group alone."
    )


def read(context: Context, name: str, asked: Asked) -> tuple[Any, list[str], str, Picture]:
    """(header, models, whose samples are on the shelf, the picture). Raises ValueError."""
    header, names = header_of(context, name), readers(context, name, asked.request)
    if not names:
        raise ValueError(f"No model of {data_words(header)} here reads a picture.")
    source = source_of(context, fellows(context, name, asked.request, "Samples"))
    return header, names, source, given(context, source, asked)


def board_of(context: Context, name: str, names: list[str], picture: Picture) -> Board:
    """The board, a group for each kind of likelihood."""

    def fill(other: str, answer: Told | None) -> dict[str, Any]:
        if answer is None:
            can = set(context.store.header(other).capabilities)
            codes = {"Encodes", "HasLevels", "QuantisesCodes", "Rebuilds"} & can
            return {"places": 2 if codes else 0, "lines": ["to come"]}
        late = board.states[other] == "busy" and answer.nats is None
        lines = lines_of_card(answer) + (["how likely it is, to come"] if late else [])
        if answer.back is None:
            return {"places": 0, "lines": lines}
        difference = np.abs(answer.back.astype(np.int16) - picture.pixels).astype(np.uint8)
        names = ["what the code gives back", "where that differs"]
        pictures = np.stack([answer.back, difference])
        return {"pictures": pictures, "names": names, "code": answer.code, "lines": lines}

    def group(other: str) -> tuple[int, str, str]:
        header = context.store.header(other)
        answer, space = board.answers.get(other), ""
        if "HasLikelihood" in header.capabilities:
            measured = header.metrics.get("nll_nats", {}).get("space")
            space = (answer.space if answer else "") or str(measured)
            space = space if space in GROUPS else UNKNOWN
        return list(GROUPS).index(space), *GROUPS[space]

    board = Board(context, name, names, fill, across=2, group=group)
    return board


def lines_of_card(answer: Told) -> list[str]:
    """What a card says of a picture."""
    lines = []
    if answer.nats is not None:
        kind = {"lower bound": "at most, by a bound"}.get(answer.kind, answer.kind)
        lines.append(f"−log p(x) {with_error(answer.nats, answer.stderr)} nats, {kind}")
    if answer.percentile is not None:
        lines.append(f"{answer.percentile:.0f} % of its test pictures are likelier")
    if answer.energy is not None:
        lines.append(f"energy {answer.energy:,.1f}".replace("-", "−"))
    if answer.words:
        lines.append(f"code: {answer.words}; {100 * answer.off:.1f} % off")
    return lines


def another(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next picture on the shelf."""
    everyone = fellows(context, name, asked.request, "Samples")
    source = source_of(context, everyone)
    choice = int(asked.choice) + 1 if is_whole(asked.choice) else 0
    asked = asked.but(choice=choice % 16, source="sample")
    yield screen(shelf=shelf(context, source, asked), choice=asked.choice, source="sample")
    yield from show(context, name, asked)


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model was chosen: the pictures on the shelf, then the board."""
    everyone = fellows(context, name, asked.request, "Samples")
    yield screen(shelf=shelf(context, source_of(context, everyone), asked))
    yield from show(context, name, asked)


# -- code and files -------------------------------------------------------------------------------


def code_of(context: Context, names: list[str], source: str, picture: Picture) -> str:
    """The lines that give each model's likelihood of the picture, and what its code gives back."""
    return snippet(
        *lines_of(context, source, picture),
        names_line(context, names),
        "nats, back = {}, {}",
        "for name in names:",
        "    model = load(name)",
        "    can = capabilities(model)",
        '    if "HasLikelihood" in can:',
        "        nats[name] = -likelihood_each(model, x, 0).nats.item()",
        '    if "Encodes" in can and "Decodes" in can:',
        "        back[name] = model.decode(model.encode(x))",
        '    elif "HasLevels" in can:',
        "        codes = model.encode_levels(x, generator(0))",
        "        back[name] = model.sample_held(len(codes), codes, generator(0))",
        '    elif "QuantisesCodes" in can:',
        "        back[name] = model.decode_indices(model.encode_indices(x))",
        '    elif "Rebuilds" in can:',
        "        back[name] = model.rebuild(x)",
    )


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """What the models that are done have said, as a table."""
    header, names, _, picture = read(context, name, asked)
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(
        ["model", "nats", "standard_error", "kind", "space", "percentile", "energy", "rms"]
    )
    for other in names:
        kept = context.ask.cache.get(("compare-picture", other, picture.key))
        if kept is not None:
            off = None if kept.back is None else kept.off
            writer.writerow([
                context.store.header(other).folder.name, kept.nats, kept.stderr, kept.kind,
                kept.space, kept.percentile, kept.energy, off,
            ])  # fmt: skip
    stem = f"{header.data.get('name', 'data')}-the-same-picture.csv"
    return components.file(stem, file.getvalue().encode("utf-8-sig"), "text/csv")


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context, of_model=False)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Next example", "same-again", "same-stop")
            own = picture_controls(
                context, "same", label="Picture", selected=2, offered=("A sample", "samples")
            )
            table = gr.Button("Save the numbers as CSV", size="sm", elem_id="same-csv")
            saver = components.saver()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            cards = model_cards(label="What every model says of the picture", room=84)

    part.controls(**own.named())
    part.outputs(cards=cards, status=status, stop=halt, code=notes.code)
    part.outputs(shelf=own.view, choice=own.choice, source=own.source)
    part.arrives(arrive)
    part.on(more.click, another, main=True)
    part.on([own.source.input, own.choice.select], show)
    part.draws(own.pad, show)
    part.stops(halt)
    part.saves(export.SaveButtons({"csv": table}, saver), save)
    context.remember("compare.picture.sample", own.choice, parse=whole(0, 15))
