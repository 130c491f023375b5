"""One picture: how likely it is, how strange it is, and where in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.heat_maps.heat_maps import heat_maps
from explorer.components.pixel_player.pixel_player import colours
from explorer.components.readings.readings import readings
from explorer.components.score_table.score_table import score_table
from explorer.components.verdict.verdict import choice_text, read_choice, verdict
from explorer.page import saves as export
from explorer.page.address import one_of, whole
from explorer.page.choice import Picture
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.examples import as_shelf, example_controls, example_in, next_example
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes, packed
from explorer.server.ask import Seed
from explorer.tabs.score import beside
from explorer.tabs.score.scored import (
    LIKELIHOOD,
    SPACES,
    Crowd,
    Found,
    bits_per_dim,
    comparison,
    default_score,
    help_of,
    measured,
    offered,
    read_score,
    read_seed,
    reference,
)

TITLE = "One picture"

LOOK_FOR = r"""
* **Likely is not ordinary.** Take *Likelihood* as the score and try stripes, one level of grey, or
  a digit on a model of clothes. Simple pictures are likely, whatever they show.
* **Where is it strange?** The map shows what each pixel contributes to the score. Bright lines
  along an edge are ordinary; a bright patch in the middle of a shirt is not.
* **Its own samples may be strange.** A VAE shows the mean of what it would draw: smoother than any
  picture it was trained on.
* **The threshold is a bargain.** Drag it. Further left it catches more strangers and more of the
  model's own pictures; the ROC curve is the list of all such bargains, and the area under it is the
  chance that a stranger looks stranger than one of its own.
* **Turn a picture upside down.** Few scores mind. What would have to be in a model for it to?
* **Compare models in one space only.** Nats of black-and-white pictures and of 256 levels measure
  different things; bits per dimension exist for the latter.
* **Exact, bound, estimate.** An autoregressive model says $\log p(x)$ itself; a VAE, a flow and a
  diffusion model say something below it, by a little. A Boltzmann machine knows its energies, and
  $\log Z$ by an estimate, whose error all its pictures share; a deep energy model knows its energy
  alone, which is then its score. The word stands beside the number.
"""


ALONE, ALL = "one", "all"  # which models read the picture

# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The picture, its score among those of others, its likelihood, and the model's answer."""
    yield screen(there=False)
    picture, score, seed, _ = read(context, name, asked)
    code = code_of(context, name, picture, score, seed)
    status = say("Reading the picture …", kind="busy")
    yield screen(maps=as_maps(context, name, picture), status=status, code=code)
    found = measured(context, name, picture, score, seed)
    crowds: list[Crowd] | None = None
    for crowds in comparison(context, name, score, seed):
        if crowds is None:
            yield screen(status=say("Scoring others to compare it with …", kind="busy"))
    placed = as_verdict(context, name, picture, score, found, crowds or [], seed)
    maps, status = as_maps(context, name, picture, found), say("How likely is it? …", kind="busy")
    yield screen(maps=maps, verdict=placed, status=status)
    likely = likelihood(context, name, picture, found, seed)
    facts = as_facts(context, name, likely, found)
    maps = as_maps(context, name, picture, found, likely)
    status = say("What would it put there? …", kind="busy")
    yield screen(maps=maps, facts=facts, verdict=placed, status=status)
    made = None
    for made in answer(context, name, picture, seed):
        if made is None:
            yield None
    maps = as_maps(context, name, picture, found, likely, made)
    yield screen(
        maps=maps, facts=facts, verdict=placed, status=say(sentence(picture, likely)), code=code,
        there=True,
    )  # fmt: skip


def read(context: Context, name: str, asked: Asked) -> tuple[Picture, str, int, float]:
    """(picture, score, seed, share of false alarms). Raises ValueError with one sentence."""
    seed = read_seed(asked.seed)
    picture = example_in(context, name, asked)
    return picture, read_score(context, name, asked.score), seed, read_choice(asked.threshold)[0]


def likelihood(
    context: Context, name: str, picture: Picture, found: Found, seed: int
) -> Found | None:
    """The likelihood of a picture, None where the model has none."""
    if LIKELIHOOD not in offered(context, name):
        return None
    return measured(context, name, picture, LIKELIHOOD, seed)


def answer(
    context: Context, name: str, picture: Picture, seed: int
) -> Iterator[tuple[str, str, np.ndarray] | None]:
    """What the model makes of the picture: (name, note, picture (C, H, W) in [0, 1]), None between.

    The lower half, written anew, where it completes pictures; else what its code gives back.
    """
    can = context.store.header(name).capabilities
    x = picture.pixels[None].astype(np.float32) / 255
    if "Completes" in can:
        yield from context.ask.kept_steps(
            ("score-completed", name, picture.key, seed), lambda: completed(context, name, x, seed)
        )
    elif {"Encodes", "Decodes"} <= set(can):
        back = context.ask(name, "decode", context.ask(name, "encode", x))[0]
        rms = float(np.sqrt(np.square(back - x[0]).mean()))
        yield "Its code gives back", f"{100 * rms:.1f} % off", back


def completed(
    context: Context, name: str, x: np.ndarray, seed: int
) -> Iterator[tuple[str, str, np.ndarray] | None]:
    """``answer`` of a model that writes the lower half anew. x: (1, C, H, W) in [0, 1]."""
    known = np.ones(x.shape, bool)
    known[:, :, x.shape[2] // 2 :] = False
    for step in context.ask.steps(name, "complete_steps", x, known, Seed(seed)):
        frame = step
        yield None
    yield "Lower half, completed", "the upper is as it was", frame.x[0]


def beside_it(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The same picture under every model of its size; nothing where none was scored, or nobody
    wants it: it takes as long as all models together."""
    if asked.readers != ALL:
        yield screen(table=None, said=say(""))
        return
    if not asked.there:
        return
    picture, _, seed, alarm = read(context, name, asked)
    yield from beside.table(context, name, picture, seed, alarm)


def another(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next example on the shelf."""
    choice, shelf, source = next_example(context, name, asked.choice)
    yield screen(choice=choice, shelf=shelf, source=source)
    yield from show(context, name, asked.but(choice=choice, source=source))


def explain(context: Context, name: str, asked: Asked) -> Screen:
    """What the chosen score is."""
    return screen(score=gr.Dropdown(info=help_of(asked.score)))


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model is on screen: its examples and scores, then the chosen picture."""
    yield screen(there=False, shelf=as_shelf(context, name, asked.choice))
    yield screen(score=score_control(context, name, asked.score))
    yield from show(context, name, asked)


def score_control(context: Context, name: str, score: Any) -> Any:
    """The scores that a model has, and the one to take."""
    from models.scores.registry import SCORES

    score = read_score(context, name, score)
    choices = [(SCORES[key].title, key) for key in offered(context, name)]
    usual = default_score(context, name)
    choices = [(f"{title} (default)" if key == usual else title, key)
               for title, key in choices]  # fmt: skip
    return gr.Dropdown(choices=choices, value=score, info=help_of(score))


# -- values ---------------------------------------------------------------------------------------


def as_maps(
    context: Context, name: str, picture: Picture, found: Found | None = None,
    likely: Found | None = None, made: tuple[str, str, np.ndarray] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The picture, what each pixel contributes, and what the model would put there."""
    _, H, W = picture.pixels.shape
    sprite = images.sprite(picture.pixels[None])
    maps = [{"name": "What the model sees", "note": picture.words, "picture": sprite}]
    high = 1.0
    if (told := mapped(found, likely)) is not None:
        title, per_pixel = told
        heat = per_pixel.sum(0)
        high = max(float(np.quantile(heat, 0.995)), 1e-6)
        maps.append({
            "name": "Which pixels surprise it", "note": title, "picture": sprite, "over": True,
            "values": packed(heat),
        })  # fmt: skip
    if made is not None:
        maps.append({"name": made[0], "note": made[1], "picture": images.sprite(made[2][None])})
    return {
        "h": H, "w": W, "unit": "", "digits": 2, "high": high, "maps": maps, "count": 3,
        "legend": None if told is None else "Contribution of a pixel",
    }  # fmt: skip


def mapped(found: Found | None, likely: Found | None) -> tuple[str, np.ndarray] | None:
    """(words, (C, H, W)) of the map to show: the score's own, else the likelihood's."""
    for words, each in (("their sum is the score", found), ("their sum is −log p(x)", likely)):
        if each is not None and each.per_pixel is not None:
            return words, each.per_pixel[0]
    return None


def as_facts(context: Context, name: str, likely: Found | None, found: Found) -> dict[str, Any]:
    """The likelihood in numbers, and what kind of numbers they are."""
    told = likely.likelihood if likely is not None else None
    items = []
    if told is not None:
        nats, shape = float(told.nats[0]), context.store.header(name).config["image"]
        error = 0.0 if told.stderr is None else float(told.stderr[0])
        words = {"lower bound": "at most, by a bound", "estimate": "estimated"}
        term = f"−log p(x), {words.get(told.kind, told.kind)}"
        items.append((term, f"{nats:,.1f} nats"))
        if error:
            items.append(("Standard error", f"± {error:.2g} nats"))
        if told.space == "uint8":
            items.append(("Bits per dimension", f"{bits_per_dim(nats, shape):.3f}"))
        items.append(("Measured on", SPACES.get(told.space, told.space)))
    for codec, words in (("png", "As PNG"), ("webp", "As WebP")):
        if codec in found.details:
            items.append((words, f"{float(found.details[codec][0]):,.0f} bits"))
    return {"items": [{"name": term, "values": [text]} for term, text in items]}


def as_verdict(
    context: Context, name: str, picture: Picture, score: str, found: Found,
    crowds: Sequence[Crowd], seed: int,
) -> dict[str, Any]:  # fmt: skip
    """The value of the figure: the picture among the sets."""
    from models.scores.registry import SCORES

    stored = reference(context, name) is not None and crowds and crowds[0].key == "test"
    note = "" if stored else "No test pictures were measured for this model; scored just now."
    return {
        "title": SCORES[score].title, "unit": SCORES[score].unit, "note": note,
        "value": float(found.values[0]), "mark": "this picture",
        "run": f"{name} {score} {'stored' if stored else seed}", "file": f"{name}-{score}.png",
        "against": against(context, name, crowds), "sets": as_sets(crowds),
    }  # fmt: skip


def as_sets(crowds: Sequence[Crowd]) -> list[dict[str, Any]]:
    return [
        {"key": c.key, "name": c.name, "short": c.short, "values": packed(c.values)} for c in crowds
    ]


def against(context: Context, name: str, crowds: Sequence[Crowd]) -> str:
    """The set told apart at first: another data set of the same size, else the first there is."""
    own = {context.store.header(name).data.get("name", ""), "train", "test", "samples"}
    return next((crowd.key for crowd in crowds if crowd.key not in own), "")


def sentence(picture: Picture, likely: Found | None) -> str:
    """What was scored, for the status."""
    words = f"{picture.words[0].upper()}{picture.words[1:]}."
    told = likely.likelihood if likely is not None else None
    if told is not None and told.space == "binary":
        grey = ((picture.pixels > 2) & (picture.pixels < 253)).mean()
        if grey > 0.01:
            words += (" This model knows black and white only: the numbers are means over "
                      f"{_draws()} draws of the greys.")  # fmt: skip
    return words


def _draws() -> int:
    from models.scores.each import DRAWS

    return DRAWS


# -- code and files -------------------------------------------------------------------------------


def code_of(context: Context, name: str, picture: Picture, score: str, seed: int) -> str:
    """The lines that give the score, the likelihood and the percentile."""
    folder = in_code(context.store.header(name).folder)
    stored = reference(context, name)
    likely = LIKELIHOOD in offered(context, name)
    names = list(dict.fromkeys((score, LIKELIHOOD))) if likely else [score]
    percentile = []
    if stored is not None and "test" in stored.sets:
        percentile = [
            call("own = reference.values", score, "test"),
            "percentile = (own <= strangeness).mean()",
        ]
    return snippet(
        loading(context, name),
        call("header = read_header", folder),
        "reference = read_reference(header.folder)  # scores of whole data sets, or None",
        "background = background_of(header, [header.folder.parent])",
        picture.code.rstrip("\n"),
        call(
            "found = score_each", raw("model"), raw("x.to(model.device)"), names, seed,
            raw("reference"), raw("background"),
        ),
        f"strangeness = found[{score!r}].values.item()  # higher is stranger",
        *([f"nats = -found[{LIKELIHOOD!r}].likelihood.nats.item()"] if likely else []),
        *percentile,
    )  # fmt: skip


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file. "png": the picture, its map and the model's answer side by side; "csv": every
    score of this model, and the likelihood under the others."""
    picture, score, seed, alarm = read(context, name, asked)
    if kind == "csv":
        rows = beside.rows_for_file(context, name, picture, seed, alarm)
        return components.file(f"{name}-scores.csv", beside.as_csv(rows), "text/csv")
    found = measured(context, name, picture, score, seed)
    likely = likelihood(context, name, picture, found, seed)
    *_, made = [None, *answer(context, name, picture, seed)]
    C, H, W = picture.pixels.shape
    sheet = [np.repeat(picture.pixels, 3 // C, 0)]
    if (told := mapped(found, likely)) is not None:
        heat = told[1].sum(0)
        shades = colours(heat.ravel() / max(float(np.quantile(heat, 0.995)), 1e-6))
        sheet.append(shades.T.reshape(3, H, W))
    if made is not None:
        sheet.append(np.repeat(as_bytes(made[2]), 3 // C, 0))
    scale = max(1, round(224 / W))
    data = images.png_bytes(images.grid_image(np.stack(sheet), columns=3, scale=scale, gap=8))
    return components.file(f"{name}-{score}-pictures.png", data, "image/png")


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    from models.scores.registry import SCORES

    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Next example", "one-next", "one-stop")
            own = example_controls(context, "one")
            score = gr.Dropdown([(s.title, key) for key, s in SCORES.items()], value=None,
                                label="Score", info=" ", filterable=False,
                                elem_id="one-score", elem_classes="ge-score")  # fmt: skip
            seed = gr.Number(0, label="Seed", precision=0, elem_id="one-seed",
                             info="Fixes the random numbers behind estimates.")  # fmt: skip
            with gr.Row(elem_classes="ge-saves"):
                png = gr.Button("Pictures as PNG", size="sm", elem_id="one-png")
                csv = gr.Button("Numbers as CSV", size="sm", elem_id="one-csv")
            saver = components.saver()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            with gr.Row(elem_classes="ge-seen-and-facts"):
                maps = heat_maps("one-maps", label="The picture, its map, the model's answer",
                                 largest=200)  # fmt: skip
                facts = readings("")
            judge = verdict("one-verdict", tall=220)
            components.heading(
                "The same picture under every model",
                "Compare numbers within a group only: each has its own unit. The percentile is "
                "among each model's own test pictures.",
            )
            readers = gr.Radio(
                [("This model alone", ALONE), ("Every model of this size", ALL)], value=ALONE,
                label="Who reads it", elem_id="one-readers",
                info="Every model takes some seconds.",
            )  # fmt: skip
            said = components.status()
            table = score_table(label="The same picture under every model")
            there = gr.State(False)

    part.controls(
        **own.named(), score=score, seed=seed, threshold=judge.choice, there=there,
        readers=readers,
    )  # fmt: skip
    part.outputs(
        maps=maps.view, facts=facts, verdict=judge.view, status=status, code=notes.code,
        there=there, stop=halt, table=table, said=said, shelf=own.view, choice=own.choice,
        source=own.source, score=score,
    )  # fmt: skip
    for event in (
        part.arrives(arrive),
        part.on(more.click, another, main=True),
        part.on([own.source.input, seed.input, score.input], show, ends=("table",)),
        part.on(own.choice.select, show, ends=("table",)),
        part.draws(own.pad, show, ends=("table",)),
    ):
        part.on(event.then, beside_it, run="table", status="said")
    part.on(judge.choice.pick, beside_it, run="table", status="said")
    part.on(readers.input, beside_it, run="table", status="said")
    part.on(score.input, explain)
    part.stops(halt, runs=("main", "table"))
    part.saves(export.SaveButtons({"png": png, "csv": csv}, saver), save)
    context.remember("score.example", own.choice, parse=whole(0, 15))
    context.remember("score.by", score, parse=one_of(SCORES))
    context.remember("score.readers", readers, parse=one_of((ALONE, ALL)))
    context.remember("score.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("score.threshold", judge.choice, parse=choice_text)
