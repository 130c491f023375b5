"""The discriminator as a detector: its verdict on a picture, whom that puts it among, and why."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.heat_maps.heat_maps import heat_maps
from explorer.components.readings.readings import readings
from explorer.components.ridges.ridges import ridges
from explorer.components.signed_bars.signed_bars import signed_bars
from explorer.page import saves as export
from explorer.page.address import whole
from explorer.page.choice import Picture
from explorer.page.context import Context
from explorer.page.examples import as_shelf, chosen, example_controls, next_example
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes, packed
from explorer.server.abilities import classes_of
from explorer.tabs.game.judged import (
    OWN_SAMPLES,
    REAL_PICTURES,
    Judged,
    Judgement,
    company,
    judgement,
)

TITLE = "Detector"

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


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The verdict at once, then the company it keeps."""
    picture = chosen_of(context, name, asked)
    told = judgement(context, name, picture.pixels)
    odds = context.store.get(name).verdict_is_logit
    yield screen(
        maps=as_maps(picture, told), facts=as_facts(told, odds, None),
        bars=as_bars(context, name, told, odds),
        mark={"value": told.value, "name": f"this picture: {in_words(told.value, odds)}"},
        status=say("Judging others to compare it with …", kind="busy"),
        code=code_of(context, name, picture, told),
    )  # fmt: skip
    sets: list[Judged] = []
    for found in company(context, name):
        sets = found or sets
        if found is None:
            yield None
    status = say(sentence(context, name, picture, told, odds))
    yield screen(facts=as_facts(told, odds, sets), sets=as_sets(sets, odds), status=status)


def chosen_of(context: Context, name: str, asked: Asked) -> Picture:
    """The picture that the controls mean. Raises ValueError with one sentence."""
    return chosen(context, name, asked.source, asked.choice, asked.pad)


def following(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next example."""
    choice, shelf, source = next_example(context, name, asked.choice)
    yield screen(choice=choice, shelf=shelf, source=source)
    yield from show(context, name, asked.but(choice=choice, source=source))


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model is on screen: its examples and classes, then the verdict."""
    yield screen(
        shelf=as_shelf(context, name, asked.choice),
        classes=gr.Column(visible=bool(classes_of(context.store.header(name)))),
    )
    yield from show(context, name, asked)


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file. kind: "png", the picture and where it was looked at; "csv", the verdicts."""
    picture = chosen_of(context, name, asked)
    told = judgement(context, name, picture.pixels)
    if kind == "png":
        looked = looked_at(told)
        seen = np.broadcast_to(as_bytes(looked / brightest(looked)), picture.pixels.shape)
        sheet = images.grid_image(np.stack([picture.pixels, seen]), columns=2, scale=8, gap=8)
        return components.file(f"{name}-verdict.png", images.png_bytes(sheet), "image/png")
    *_, sets = company(context, name)
    text = as_csv(context, name, picture, told, sets)
    return components.file(f"{name}-verdicts.csv", text.encode(), "text/csv")


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
    looked = looked_at(told)
    high = brightest(looked)
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


def looked_at(told: Judgement) -> np.ndarray:
    """(H, W): how much the verdict changes with each pixel."""
    return np.abs(told.slope).sum(0)


def brightest(looked: np.ndarray) -> float:
    """Where the colours of a map end: few pixels lie above."""
    return max(float(np.quantile(looked, 0.995)), 1e-6)


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


def as_csv(
    context: Context, name: str, picture: Picture, told: Judgement, sets: Sequence[Judged]
) -> str:
    """A line a verdict: of the picture, of it as each class, and of every picture beside it."""
    classes = classes_of(context.store.header(name))
    rows = [(picture.words, "", told.value)]
    if told.by_class is not None:
        rows += [
            (f"{picture.words} as", *each) for each in zip(classes, told.by_class, strict=True)
        ]
    rows += [(each.name, k + 1, d) for each in sets for k, d in enumerate(each.values)]
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(("pictures", "which", "verdict"))
    writer.writerows((of, which, f"{d:.6g}") for of, which, d in rows)
    return file.getvalue()


def code_of(context: Context, name: str, picture: Picture, told: Judgement) -> str:
    """The lines that give the verdict and where it looked."""
    label = [] if told.label is None else [told.label]
    odds = context.store.get(name).verdict_is_logit
    real = "real = torch.sigmoid(d).item()  # the probability that it is real"
    return snippet(
        loading(context, name),
        picture.code.rstrip("\n"),
        "x = x.requires_grad_()",
        call("d = model.verdict", raw("x"), *label),
        *([real] if odds else []),
        "looked = torch.autograd.grad(d.sum(), x)[0].abs().sum(1)  # (1, H, W)",
    )


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Next example", "detector-next", "detector-stop")
            own = example_controls(context, "detector")
            with gr.Row(elem_classes="ge-saves"):
                png = gr.Button("Picture as PNG", size="sm", elem_id="detector-png")
                table = gr.Button("Verdicts as CSV", size="sm", elem_id="detector-csv")
            saver = export.SaveButtons({"png": png, "csv": table}, components.saver())
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

    part.controls(**own.named())
    part.outputs(
        maps=maps.view, facts=facts, bars=bars, mark=among.mark, sets=among.view, status=status,
        code=notes.code, stop=halt, shelf=own.view, choice=own.choice, source=own.source,
        classes=classes,
    )  # fmt: skip
    part.arrives(arrive)
    part.on([own.source.input, own.choice.select], show)
    part.draws(own.pad, show)
    part.on(more.click, following, main=True)
    part.stops(halt)
    part.saves(saver, save)

    context.remember("game.example", own.choice, parse=whole(0, 15))
