"""The discriminator as a detector: its verdict on a picture, whom that puts it among, and why."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.heat_maps.heat_maps import heat_maps
from explorer.components.readings.readings import readings
from explorer.components.ridges.ridges import ridges
from explorer.components.signed_bars.signed_bars import signed_bars
from explorer.page.address import whole
from explorer.page.choice import Picture
from explorer.page.code import import_lines, in_code
from explorer.page.context import Context
from explorer.page.examples import as_shelf, chosen, example_controls, wire_next
from explorer.page.runs import LIVE, end_while_drawing, newest_only, run_row, stoppable, stopped_at
from explorer.pictures import images
from explorer.pictures.bytes import packed
from explorer.server.abilities import classes_of
from explorer.tabs.game.judged import (
    OWN_SAMPLES,
    REAL_PICTURES,
    Judged,
    Judgement,
    company,
    judgement,
)

log = logging.getLogger(__name__)

TITLE = "Detector"
KEY = "game-detector"

LOOK_FOR = r"""
* **It knows one forger.** The discriminator learned to tell real pictures from those that *its own*
  generator made at the end of its training. Nothing ever showed it noise, clothes among digits, or
  another model's pictures: what it says of those is an accident of the same weights.
* **It is no density.** The best discriminator says $\log p(x) - \log q(x)$, the data's density over
  the generator's. Where both are nothing it may say anything. Compare with the Score tab.
* **Good games end even.** Where its own samples and real pictures lie on top of one another, it has
  nothing left to tell them by. Where they are apart, the generator can be caught.
* **Look at the samples it believes**, at the right end of the first row, and at those it does not.
* **Where it looked** is $|\partial d / \partial x|$: how much the verdict would change with that
  pixel. It is not where the picture is wrong; edges, and empty corners, are often what counts.
* **Draw a digit of your own.** Too thick or too smooth, and it says *made*, though you are real.
"""

CAVEAT = (
    "This is no measure of how likely or how good a picture is. It learned one thing: to tell real "
    "pictures from those of its own generator. Of anything else its word is worth nothing."
)


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def show(context: Context, name: str, *given: Any) -> Iterator[tuple[Any, ...] | None]:
    """Yields (maps, facts, bars, mark, sets, status, code) until all of it is on screen.

    given: source, example and pad of the picture (``examples.chosen``).
    """
    nothing = [gr.skip()] * 5
    try:
        if name not in context.store.loaded:
            yield *nothing, say("Loading the model …", kind="busy"), gr.skip()
        picture = chosen(context, name, *given)
        told = judgement(context, name, picture.pixels)
        odds = context.store.get(name).verdict_is_logit
        shown = (
            as_maps(picture, told), as_facts(told, odds, None), as_bars(context, name, told, odds),
            {"value": told.value, "name": f"this picture: {in_words(told.value, odds)}"},
        )  # fmt: skip
        code = snippet(context, name, picture, told)
        yield *shown, gr.skip(), say("Judging others to compare it with …", kind="busy"), code
        sets: list[Judged] | None = None
        for sets in company(context, name):
            if sets is None:
                yield None
    except (ValueError, RuntimeError) as error:
        if not isinstance(error, ValueError):
            log.exception("%s could not judge a picture.", name)
        yield *nothing, say(str(error), kind="problem"), gr.skip()
        return
    maps, _, bars, mark = shown
    facts = as_facts(told, odds, sets)
    status = say(sentence(context, name, picture, told, odds))
    yield maps, facts, bars, mark, as_sets(sets, odds), status, code


def arrive(context: Context, name: str, example: Any) -> Iterator[tuple[Any, ...]]:
    """A model is on screen: yields (status, shelf, column of the classes)."""
    classes = gr.Column(visible=bool(classes_of(context.store.header(name))))
    yield say("Loading the model …", kind="busy"), gr.skip(), classes
    yield say("", kind="busy"), as_shelf(context, name, example), classes


# -- values ---------------------------------------------------------------------------------------


def chance(d: float) -> float:
    """sigma(d), the probability of log odds d."""
    return 1 / (1 + math.exp(-d)) if d > -700 else 0.0


def in_words(d: float, odds: bool) -> str:
    """A verdict in words. odds: whether it is log odds."""
    if not odds:
        return f"{d:+.2f}".replace("-", "−")
    percent = 100 * chance(d)
    if percent < 0.1 or percent > 99.9:
        return "below 0.1 % real" if percent < 50 else "over 99.9 % real"
    return f"{percent:.{1 if percent < 10 or percent > 90 else 0}f} % real"


def as_maps(picture: Picture, told: Judgement) -> dict[str, Any]:
    """The picture, and over it how much the verdict changes with each pixel."""
    _, H, W = picture.pixels.shape
    sprite = images.sprite(picture.pixels[None])
    looked = np.abs(told.slope).sum(0)
    high = max(float(np.quantile(looked, 0.995)), 1e-6)
    return {
        "h": H, "w": W, "unit": "", "digits": 2 if high >= 0.1 else 4, "high": high, "count": 2,
        "words": "# a whole step of grey",
        "legend": "Change of the verdict with a pixel",
        "maps": [
            {"name": "What it sees", "note": picture.words, "picture": sprite},
            {"name": "Where it looked", "note": "what would sway it, not what is wrong",
             "picture": sprite, "over": True, "values": packed(looked)},
        ],
    }  # fmt: skip


def as_facts(told: Judgement, odds: bool, sets: Sequence[Judged] | None) -> dict[str, Any]:
    """The verdict in numbers."""
    items = [("Verdict", f"{told.value:+.2f}".replace("-", "−"))]
    if odds:
        items.insert(
            0, ("Probability that it is real", in_words(told.value, odds).removesuffix(" real"))
        )
    words = {OWN_SAMPLES: "its own samples", REAL_PICTURES: "real test pictures"}
    for each in sets or []:
        if each.name in words:
            below = 100 * (each.values < told.value).mean()
            items.append((f"Above {words[each.name]}", f"{below:.0f} % of them"))
    return {"items": [{"name": term, "values": [text]} for term, text in items]}


def as_bars(context: Context, name: str, told: Judgement, odds: bool) -> dict[str, Any] | None:
    """The verdict as each class; None where there are none."""
    if told.by_class is None:
        return None
    rows = [
        {"name": text, "value": float(d), "text": in_words(float(d), odds)}
        for text, d in zip(classes_of(context.store.header(name)), told.by_class, strict=True)
    ]
    return {"rows": rows, "chosen": told.label}


def as_sets(sets: Sequence[Judged], odds: bool) -> dict[str, Any]:
    """The value of the histograms."""
    rows = []
    for each in sets:
        middle = in_words(float(np.median(each.values)), odds)
        rows.append({
            "name": each.name, "note": f"{len(each.values)}, median {middle}",
            "values": packed(each.values), "sprite": images.sprite(each.pixels),
        })  # fmt: skip
    ends = ("surely made", "surely real") if odds else ("less real", "more real")
    return {"low": ends[0], "high": ends[1], "odds": odds, "sets": rows}


def sentence(context: Context, name: str, picture: Picture, told: Judgement, odds: bool) -> str:
    """The verdict in a sentence."""
    words = f"{picture.words[0].upper()}{picture.words[1:]}: "
    words += in_words(told.value, odds) if odds else f"a score of {in_words(told.value, odds)}"
    if told.label is not None:
        words += f", as {classes_of(context.store.header(name))[told.label]}"
    return words + ("." if odds else ", which is no probability: this game has none.")


def snippet(context: Context, name: str, picture: Picture, told: Judgement) -> str:
    """The lines that give the verdict and where it looked."""
    label = "" if told.label is None else f", {told.label}"
    lines = [
        *import_lines("import torch", "from models import load", *picture.imports), "",
        f"model = load({in_code(context.store.header(name).folder)!r})",
        picture.code.rstrip("\n"),
        "x = x.requires_grad_()",
        f"d = model.verdict(x{label})",
    ]  # fmt: skip
    if context.store.get(name).verdict_is_logit:
        lines.append("real = torch.sigmoid(d).item()  # the probability that it is real")
    lines.append("looked = torch.autograd.grad(d.sum(), x)[0].abs().sum(1)  # (1, H, W)")
    return "\n".join(lines) + "\n"


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            bar = run_row("Next example", "detector-next", "detector-stop")
            following, halt, status = bar
            own = example_controls(context, "detector")
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]):
            with gr.Row(elem_classes="ge-seen-and-facts"):
                maps = heat_maps("detector-maps", label="The picture, and where it looked",
                                 largest=224)  # fmt: skip
                facts = readings("")
            components.heading("Among others", CAVEAT)
            among = ridges("detector", label="Verdicts on sets of pictures")
            with gr.Column(visible=False) as classes:
                components.heading("As each class", "How real it is, if it were meant as that.")
                bars = signed_bars(label="The verdict as each class")

    inputs = [context.picker, *own.inputs]
    outputs = [maps.view, facts, bars, among.mark, among.view, status, notes.code, halt]
    handler = stoppable(partial(show, context))
    ends = stopped_at(5, 7)
    draw = context.timely(newest_only(KEY, handler, ends))
    arrived = context.on_show(
        partial(arrive, context), [own.choice], [status, own.view, classes], **LIVE
    )
    pressed = wire_next(context, following, own)
    for event in (arrived.then, pressed.then, own.source.input, own.choice.select, own.pad.draw):
        event(draw, inputs, outputs, **LIVE)
    end_while_drawing(own.pad, KEY)
    bar.wire_stop(KEY)
    context.remember("game.example", own.choice, parse=whole(0, 15))
