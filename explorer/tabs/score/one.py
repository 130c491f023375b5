"""One picture: how likely it is, how strange it is, and where in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
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
from explorer.page.address import one_of, whole
from explorer.page.choice import Picture
from explorer.page.code import import_lines, in_code
from explorer.page.context import Context
from explorer.page.examples import as_shelf, chosen, example_controls, wire_next
from explorer.page.runs import LIVE, end_while_drawing, newest_only, run_row, stoppable, stopped_at
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes, packed
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

log = logging.getLogger(__name__)

TITLE = "One picture"
ONE = "score-one"

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
  $\log Z$ by an estimate, whose error all its pictures share. The word stands beside the number.
"""


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def show(context: Context, name: str, *values: Any) -> Iterator[tuple[Any, ...] | None]:
    """Yields (maps, facts, verdict, status, code, there) until all of it is on screen.

    values: source, example and pad of the picture (``examples.chosen``), score, seed, threshold.
    """
    nothing = [gr.skip()] * 3
    try:
        if name not in context.store.loaded:
            yield *nothing, say("Loading the model …", kind="busy"), gr.skip(), False
        picture, score, seed, _ = read(context, name, *values)
        code = snippet(context, name, picture, score, seed)
        first = as_maps(context, name, picture)
        status = say("Reading the picture …", kind="busy")
        yield first, gr.skip(), gr.skip(), status, code, False
        found = measured(context, name, picture, score, seed)
        crowds: list[Crowd] | None = None
        for crowds in comparison(context, name, score, seed):
            if crowds is None:
                words = say("Scoring others to compare it with …", kind="busy")
                yield gr.skip(), gr.skip(), gr.skip(), words, gr.skip(), False
        told = as_verdict(context, name, picture, score, found, crowds or [], seed)
        status = say("How likely is it? …", kind="busy")
        yield as_maps(context, name, picture, found), gr.skip(), told, status, gr.skip(), False
        likely = likelihood(context, name, picture, found, seed)
        facts = as_facts(context, name, likely, found)
        maps = as_maps(context, name, picture, found, likely)
        yield maps, facts, gr.skip(), say("What would it put there? …", kind="busy"), code, False
        made = None
        for made in answer(context, name, picture, seed):
            if made is None:
                yield None
        maps = as_maps(context, name, picture, found, likely, made)
    except (ValueError, RuntimeError) as error:
        if not isinstance(error, ValueError):
            log.exception("%s could not score a picture.", name)
        yield *nothing, say(str(error), kind="problem"), gr.skip(), False
        return
    yield maps, facts, told, say(sentence(context, name, picture, likely)), code, True


def read(
    context: Context, name: str, source: Any, example: Any, given: Any, score: Any, seed: Any,
    threshold: Any,
) -> tuple[Picture, str, int, float]:  # fmt: skip
    """(picture, score, seed, share of false alarms). Raises ValueError with one sentence."""
    seed = read_seed(seed)
    picture = chosen(context, name, source, example, given)
    return picture, read_score(context, name, score), seed, read_choice(threshold)[0]


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
    import torch

    from models.contract.random import generator

    model, can = context.store.get(name), context.store.header(name).capabilities
    x = torch.from_numpy(picture.pixels[None].astype(np.float32) / 255).to(model.device)
    if "Completes" in can:
        key = ("score-completed", name, picture.key, seed)
        if (kept := context.scores.get(key)) is None:
            known = torch.ones_like(x, dtype=torch.bool)
            known[:, :, x.shape[2] // 2 :] = False
            for step in model.complete_steps(x, known, generator(seed)):
                frame = step
                yield None
            kept = context.scores.put(key, frame.x[0].float().cpu().numpy())
        yield "Lower half, completed", "the upper is as it was", kept
    elif {"Encodes", "Decodes"} <= set(can):
        back = model.decode(model.encode(x))[0].float().cpu().numpy()
        rms = float(np.sqrt(np.square(back - picture.pixels / 255).mean()))
        yield "Its code gives back", f"{100 * rms:.1f} % off", back


def beside_it(
    context: Context, wanted: Any, name: str, *values: Any
) -> Iterator[tuple[Any, ...] | None]:
    """Yields (table, status): the same picture under every model of its size.

    values: those of ``show``. wanted: nothing is done where this is not true.
    """
    if not wanted:
        return
    try:
        picture, _, seed, alarm = read(context, name, *values)
    except (ValueError, RuntimeError) as error:
        yield gr.skip(), say(str(error), kind="problem")
        return
    yield from beside.table(context, name, picture, seed, alarm)


def arrive(context: Context, name: str, example: Any, score: Any) -> Iterator[tuple[Any, ...]]:
    """A model is on screen: yields (status, shelf, score)."""
    yield say("Loading the model …", kind="busy"), gr.skip(), gr.skip()
    try:
        control = score_control(context, name, score)
    except (ValueError, RuntimeError) as error:
        yield say(str(error), kind="problem"), as_shelf(context, name, example), gr.skip()
        return
    yield say("", kind="busy"), as_shelf(context, name, example), control


def score_control(context: Context, name: str, score: Any) -> Any:
    """The scores that a model has, and the one to take."""
    from models.scores.registry import SCORES

    score = read_score(context, name, score)
    choices = [(SCORES[key].title, key) for key in offered(context, name)]
    usual = default_score(context, name)
    choices = [(f"{title} (the usual one)" if key == usual else title, key)
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
            "name": "Where it is strange", "note": title, "picture": sprite, "over": True,
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
    for words, each in (("adds up to the score", found), ("adds up to −log p(x)", likely)):
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


def sentence(context: Context, name: str, picture: Picture, likely: Found | None) -> str:
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


def snippet(context: Context, name: str, picture: Picture, score: str, seed: int) -> str:
    """The lines that give the score, the likelihood and the percentile."""
    header = context.store.header(name)
    device = context.store.device_asked
    placed = "" if device in ("auto", "cpu") else f", device={device!r}"
    folder = in_code(header.folder)
    stored = reference(context, name)
    ours = "from models import background_of, generator, load, read_header, read_reference, score"
    lines = [
        *import_lines(ours, *picture.imports),
        "",
        f"model = load({folder!r}{placed})",
        f"header = read_header({folder!r})",
        "reference = read_reference(header.folder)  # scores of whole data sets, or None",
        "background = background_of(header, [header.folder.parent])",
        picture.code.rstrip("\n"),
        f"names = {list(dict.fromkeys((score, LIKELIHOOD)))!r}",
        f"found = score_each(model, x.to(model.device), names, {seed}, reference, background)",
        f"strangeness = found[{score!r}].values.item()  # higher is stranger",
        f"nats = -found[{LIKELIHOOD!r}].likelihood.nats.item()",
    ]
    if stored is not None and "test" in stored.sets:
        lines += [
            f'own = reference.values({score!r}, "test")',
            "percentile = (own <= strangeness).mean()",
        ]
    return "\n".join(lines) + "\n"


def save_pictures(context: Context, name: str, *values: Any) -> tuple[Any, Any]:
    """(file, status): the picture, its map and the model's answer side by side. values: of show."""
    try:
        picture, score, seed, _ = read(context, name, *values)
        found = measured(context, name, picture, score, seed)
        likely = likelihood(context, name, picture, found, seed)
        *_, made = [None, *answer(context, name, picture, seed)]
    except (ValueError, RuntimeError) as error:
        return gr.skip(), say(str(error), kind="problem")
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
    return components.file(f"{name}-{score}-pictures.png", data, "image/png"), say("Saved.")


def save_numbers(context: Context, name: str, *values: Any) -> tuple[Any, Any]:
    """(file, status): every score of this model, and the likelihood under the others, as CSV."""
    try:
        picture, _, seed, alarm = read(context, name, *values)
        rows = beside.rows_for_file(context, name, picture, seed, alarm)
    except (ValueError, RuntimeError) as error:
        return gr.skip(), say(str(error), kind="problem")
    return components.file(f"{name}-scores.csv", beside.as_csv(rows), "text/csv"), say("Saved.")


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    from models.scores.registry import SCORES

    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            bar = run_row("Next example", "one-next", "one-stop")
            following, halt, status = bar
            own = example_controls(context, "one")
            score = gr.Dropdown([(s.title, key) for key, s in SCORES.items()], value=None,
                                label="Score", info=" ", filterable=False,
                                elem_id="one-score", elem_classes="ge-score")  # fmt: skip
            seed = gr.Number(0, label="Seed", precision=0, elem_id="one-seed",
                             info="Of the noise that estimates use.")  # fmt: skip
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
                "Numbers of one space are comparable, numbers of two are not. The percentile is "
                "among each model's own test pictures.",
            )
            said = components.status()
            table = score_table(label="The same picture under every model")
            there = gr.State(False)

    values = [*own.inputs, score, seed, judge.choice]
    inputs = [context.picker, *values]
    outputs = [maps.view, facts, judge.view, status, notes.code, there, halt]

    def live(handler: Any, key: str, at: int, button: int, ends: Sequence[str] = ()) -> Any:
        return context.timely(newest_only(key, handler, stopped_at(at, button), ends))

    draw = live(stoppable(partial(show, context)), ONE, 3, 6, ends=(beside.KEY,))
    compare = newest_only(beside.KEY, stoppable(partial(beside_it, context)), stopped_at(1, 2))
    arrived = context.on_show(
        partial(arrive, context), [own.choice, score], [status, own.view, score], **LIVE,
    )  # fmt: skip
    pressed = wire_next(context, following, own)
    changed = gr.on([own.source.input, own.choice.select, seed.input, score.input], draw, inputs,
                    outputs, **LIVE)  # fmt: skip
    drawn = own.pad.draw(draw, inputs, outputs, **LIVE)
    end_while_drawing(own.pad, ONE, beside.KEY)
    score.input(lambda value: gr.Dropdown(info=help_of(value)), score, score, **context.light)
    for event in (arrived.then(draw, inputs, outputs, **LIVE),
                  pressed.then(draw, inputs, outputs, **LIVE), changed, drawn):  # fmt: skip
        event.then(compare, [there, *inputs], [table, said, halt], **LIVE)
    judge.choice.pick(compare, [there, *inputs], [table, said, halt], **LIVE)
    for key, line in ((ONE, status), (beside.KEY, said)):
        bar.wire_stop(key, status=line)
    png.click(partial(save_pictures, context), inputs, [saver, status], **context.heavy)
    csv.click(partial(save_numbers, context), inputs, [saver, status], **context.heavy)
    context.remember("score.example", own.choice, parse=whole(0, 15))
    context.remember("score.by", score, parse=one_of(SCORES))
    context.remember("score.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("score.threshold", judge.choice, parse=choice_text)
