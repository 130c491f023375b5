"""Words: a text written symbol by symbol, and any text read by what surprises in it."""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer.components import say
from explorer.components.text_view.text_view import text_view
from explorer.page.address import number, one_of, whole
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.server.ask import Seed
from explorer.server.reading import NotYet, next_seed
from models.contract.abilities import ShowsAttention
from models.contract.knobs import checked_seed

TITLE = "Words"
NEEDS = {"WritesText"}

FIRST = "def mean(values):\n    "
WRITE, READ = "write", "read"
LONGEST = 3000  # characters of a text that is brought
MOST = 1000  # characters that are written
SHOWN = 8  # alternatives of a place
HOTTEST = 2.0
EVERY = 0.3  # seconds between two states of a text that is being written
NO_HEAD = ""

LOOK_FOR = r"""
* **A distribution over texts.** The bars are $p(x_t \mid x_{<t})$ for the next character. One is
  drawn, and becomes a part of what the next is given. It is what the Pixels tab does with pictures.
* **Where is it surprised?** Deep colour is many bits: $-\log_2 p$ of the character that stands
  there. The first letter of a name is dear, the rest of the word is nearly free. Indentation after
  a colon costs nothing.
* **Bits are a file's size.** The mean number of bits, times the number of characters, is what an
  arithmetic coder would need. The model's card compares it with gzip, bz2 and an n-gram model.
* **Temperature.** At 0 the likeliest character is taken each time, and soon the text repeats
  itself: the likeliest next step is not the way to a likely text. Above 1 words fall apart.
* **Top-k and top-p** cut the tail of unlikely characters off, of which there are so many that one
  is drawn now and then, and spoils what follows.
* **Read a text of your own.** Put a mistake into it: change a name the second time it is used, or
  leave out a bracket. The colour shows where the model expected something else.
* **Where it looks.** Choose a head and point at a character. Some heads look at the character just
  before, some at the last one of the same kind, some at where the line began.
"""


class Wish(NamedTuple):
    """A text to go on with or to read. new: how many characters are to be written, 0 to read."""

    text: str
    new: int
    seed: int
    temperature: float
    top_k: int
    top_p: float


# -- what is computed -----------------------------------------------------------------------------


def read_wish(asked: Asked) -> Wish:
    """The checked wish. Raises ValueError with one sentence."""
    text = str(asked.text or "").replace("\r\n", "\n").replace("\t", "    ")
    if len(text) > LONGEST:
        raise ValueError(
            f"A text may have {LONGEST:,} characters here; this one has {len(text):,}."
        )
    if asked.does == READ:
        if not text:
            raise NotYet("There is no text to read yet: write or paste one.")
        return Wish(text, 0, 0, 1.0, 0, 1.0)
    return Wish(
        text, _within(asked.length, 1, MOST, "The number of new characters"),
        checked_seed(asked.seed), float(asked.temperature), int(asked.top_k), float(asked.top_p),
    )  # fmt: skip


def _within(value: Any, low: int, high: int, what: str) -> int:
    if not isinstance(value, int | float) or value != int(value) or not low <= value <= high:
        raise ValueError(f"{what} must be a whole number from {low} to {high:,}.")
    return int(value)


def writing(context: Context, name: str, wish: Wish) -> Iterator[np.ndarray]:
    """The symbols, (T,), as they grow; the last is the whole text."""

    def begin() -> Iterator[np.ndarray]:
        given = context.ask(name, "read_text", wish.text)
        if not wish.new:
            yield given
            return
        steps = context.ask.steps(
            name, "text_steps", 1, len(given) + wish.new, Seed(wish.seed), given,
            temperature=wish.temperature, top_k=wish.top_k, top_p=wish.top_p,
        )  # fmt: skip
        for k in steps:
            yield k[0]

    yield from context.ask.kept_steps(("words", name, wish), begin)


class Reading(NamedTuple):
    """What a model held likely in a text of T symbols. bits: (T,) float32. likeliest: (T + 1,
    SHOWN) uint8 and chances, float32: of the place before each symbol, and after the last."""

    bits: np.ndarray
    likeliest: np.ndarray
    chances: np.ndarray


def reading(context: Context, name: str, k: np.ndarray) -> Reading:
    nats = context.ask(name, "text_predict", k[None])[0]
    order = np.argsort(-nats, axis=1, kind="stable")[:, :SHOWN]
    bits = -nats[np.arange(len(k)), k] / math.log(2)
    chances = np.exp(np.take_along_axis(nats, order, 1))
    return Reading(bits.astype("f4"), order.astype("u1"), chances.astype("f4"))


def heads_of(context: Context, name: str) -> list[tuple[str, str]]:
    """The heads to look at as choices: none, or "LAYER.HEAD", counted from 1."""
    choices = [("Nothing: colour by surprise", NO_HEAD)]
    if isinstance(context.store.get(name), ShowsAttention):
        layers = context.ask(name, "attention", np.zeros((1, 1), np.int64))
        choices += [
            (f"Layer {layer}, head {head}", f"{layer}.{head}")
            for layer, a in enumerate(layers, 1)
            for head in range(1, a.shape[1] + 1)
        ]
    return choices


def looked(context: Context, name: str, k: np.ndarray, head: str) -> np.ndarray | None:
    """(T + 1, T + 1) uint8, 255 the most of a row: where a head looks; None for no head. Of a text
    longer than what is seen at once, the end alone; before it rows are zero."""
    layer, _, column = str(head).partition(".")
    if not (layer.isdecimal() and column.isdecimal()):
        return None
    context_length = context.ask(name, _context)
    begin = max(0, len(k) - (context_length - 1))
    layers = context.ask(name, "attention", k[None, begin:])
    if not 1 <= int(layer) <= len(layers) or not 1 <= int(column) <= layers[0].shape[1]:
        return None
    a = layers[int(layer) - 1][0, int(column) - 1]
    a = a / np.maximum(a.max(1, keepdims=True), 1e-9)
    whole_text = np.zeros((len(k) + 1, len(k) + 1), np.uint8)
    whole_text[begin:, begin:] = np.rint(255 * a)
    return whole_text


def _context(model: ShowsAttention) -> int:
    return model.context


# -- what is shown --------------------------------------------------------------------------------


def packed(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def view_of(
    context: Context, name: str, wish: Wish, k: np.ndarray, found: Reading, head: str
) -> dict[str, Any]:
    """The value of the text view."""
    seen = looked(context, name, k, head)
    layer, _, column = str(head).partition(".")
    return {
        "text": context.ask(name, "say_text", k),
        "given": len(wish.text) if wish.new else 0,
        "bits": packed(found.bits),
        "symbols": "".join(context.store.get(name).symbols),
        "likeliest": packed(found.likeliest),
        "chances": packed(found.chances),
        "attention": "" if seen is None else packed(seen),
        "head": "" if seen is None else f"head {column} of layer {layer}",
    }


def words(wish: Wish, found: Reading, seconds: float) -> str:
    """What was written or read, in numbers."""
    written = found.bits[len(wish.text) :] if wish.new else found.bits
    mean = float(written.mean())
    if wish.new:
        took = f", in {seconds:.1f} s" if seconds else ""
        return f"{wish.new} characters, {mean:.2f} bits each on average{took}."
    total = float(written.sum())
    return (
        f"Your {len(written)} characters: {mean:.2f} bits each on average, {math.ceil(total / 8)} "
        f"bytes in all where the file has {len(written)}."
    )


def code_of(context: Context, name: str, wish: Wish) -> str:
    """The lines that write and read the text."""
    lines = [loading(context, name), f"given = model.read_text({wish.text!r})"]
    if wish.new:
        steps = call(
            "texts = model.text_steps", 1, len(wish.text) + wish.new,
            raw(f"generator({wish.seed})"), raw("given"), temperature=wish.temperature,
            top_k=wish.top_k, top_p=wish.top_p,
        )  # fmt: skip
        lines += [steps, "for k in texts:\n    pass", "print(model.say_text(k[0]))"]
    else:
        lines += ["k = given[None]"]
    return snippet(
        *lines,
        "bits = -model.text_log_likelihood(k) / np.log(2)  # of each character given those before",
        "print(bits.mean().item())",
    )


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The text as it is written, or read."""
    wish = read_wish(asked)
    began = told = time.perf_counter()
    steps, k = 0, None
    for k in writing(context, name, wish):
        steps += 1
        now = time.perf_counter()
        if now - told < EVERY:
            yield None
            continue
        told = now
        share = 1 - (len(wish.text) + wish.new - len(k)) / max(1, wish.new)
        yield screen(
            view=view_of(context, name, wish, k, reading(context, name, k), NO_HEAD),
            status=say(f"Writing: {share:.0%}", share, "busy"),
        )
    found = reading(context, name, k)
    seconds = time.perf_counter() - began if steps > 1 else 0.0
    yield screen(
        view=view_of(context, name, wish, k, found, asked.head),
        status=say(words(wish, found, seconds)), code=code_of(context, name, wish),
    )  # fmt: skip


def another(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed; where the text is only read, the same again."""
    if asked.does == WRITE:
        asked = asked.but(seed=next_seed(asked.seed))
        yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model is on screen: its heads, then a text."""
    choices = heads_of(context, name)
    head = asked.head if asked.head in [value for _, value in choices] else NO_HEAD
    yield screen(head=gr.Dropdown(choices, value=head, visible=len(choices) > 1), **face(asked))
    yield from show(context, name, asked.but(head=head))


def turn(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """Between writing and reading."""
    yield screen(**face(asked))
    yield from show(context, name, asked)


def face(asked: Asked) -> dict[str, Any]:
    """What only writing needs comes and goes."""
    writes = asked.does == WRITE
    words = "Sample again" if writes else "Read it"
    return {"settings": gr.Column(visible=writes), "more": gr.Button(words)}


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The tab."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Sample again", "words-more", "words-stop")
            text = gr.Textbox(FIRST, label="The beginning, or a text of yours", lines=5,
                              max_lines=12, elem_id="words-text")  # fmt: skip
            does = gr.Radio([("Go on writing", WRITE), ("Only read it", READ)], value=WRITE,
                            label="The model is to", elem_id="words-does")  # fmt: skip
            with gr.Column(elem_classes="ge-within") as settings:
                with gr.Row(elem_classes="ge-pair"):
                    seed = gr.Number(0, label="Seed", precision=0, elem_id="words-seed")
                    length = gr.Number(320, label="New characters", precision=0,
                                       elem_id="words-length")  # fmt: skip
                heat = gr.Slider(0, HOTTEST, 0.8, step=0.05, label="Temperature",
                                 elem_id="words-temperature")  # fmt: skip
                top_k = gr.Slider(0, 40, 0, step=1, label="Top-k (0 for all)",
                                  elem_id="words-top-k")  # fmt: skip
                top_p = gr.Slider(0.05, 1, 1, step=0.05, label="Top-p", elem_id="words-top-p")
            head = gr.Dropdown([("Nothing: colour by surprise", NO_HEAD)], value=NO_HEAD,
                               label="Show where it looks", filterable=False,
                               elem_id="words-head")  # fmt: skip
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            view = text_view(label="The text, coloured by surprise; arrow keys go through it")

    part.controls(
        text=text, does=does, seed=seed, length=length, temperature=heat, top_k=top_k,
        top_p=top_p, head=head,
    )  # fmt: skip
    part.outputs(
        view=view, status=status, stop=halt, code=notes.code, seed=seed, head=head,
        settings=settings, more=more,
    )  # fmt: skip
    part.arrives(arrive)
    part.on(more.click, another, main=True)
    part.on(text.input, show, rest=0.7)
    part.on([c.input for c in (seed, length, heat, top_k, top_p, head)], show)
    part.on(does.input, turn)
    part.stops(halt)

    context.remember("words.text", text)
    context.remember("words.does", does, parse=one_of((WRITE, READ)))
    context.remember("words.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("words.length", length, parse=whole(1, MOST))
    context.remember("words.temperature", heat, parse=number(0, HOTTEST))
    context.remember("words.top-k", top_k, parse=whole(0, 40))
    context.remember("words.top-p", top_p, parse=number(0.05, 1))
    context.remember("words.head", head)
