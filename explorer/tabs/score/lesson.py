"""Fashion against MNIST: which does a model of clothes find likelier, clothes or digits?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.picture_table.picture_table import as_table, picture_table
from explorer.components.scatter.scatter import scatter
from explorer.components.verdict.verdict import verdict
from explorer.page.address import one_of
from explorer.page.context import Context
from explorer.page.examples import alike, drawn
from explorer.page.part import LOADING, Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import loading, snippet
from explorer.pictures import images
from explorer.pictures.bytes import packed
from explorer.server.abilities import walks
from explorer.server.reading import NotYet, is_number
from explorer.tabs.score.scored import LIKELIHOOD, Found, in_turn, joined, reference, taken

TITLE = "Fashion against MNIST"
OWN, OTHER = "fashion-mnist", "mnist"
COMPLEXITY = "complexity"
GUESSES = {"clothes": "The clothes it was trained on", "digits": "The digits it never saw",
           "alike": "Both alike"}  # fmt: skip
COUNT = 64
SHOWN = 8
NAMES = {"clothes": "Clothes", "digits": "Digits"}

LOOK_FOR = r"""
* **Guess first.** Nearly everyone says clothes. So did the literature until 2018.
* **It is no bug.** The model is trained to give clothes all the probability it has. But a density
  is a matter of *each* picture: a plain picture is one of few, a checked shirt one of very many,
  and the many have to share. Digits are plainer than any shirt.
* **Likely pictures need not be typical.** A sample of the model never looks like a digit: digits
  are likelier one by one, but there are so few of them that all together weigh next to nothing.
* **The code knows.** PNG, which has seen neither, needs fewer bits for a digit too. Take that away
  (Serrà et al. 2020), and what remains is what the model knows of clothes.
* **Real and sampled.** What was scored just now are samples of models; the curves of real clothes
  and real digits are test pictures, measured beforehand. Switch them on and off.
"""


class Batch(NamedTuple):
    """Pictures of both kinds and their scores. pixels: (N, C, H, W) uint8, clothes, then digits.
    complexity: that score, with the likelihood and the code lengths, of as many as there are."""

    pixels: np.ndarray
    half: int
    complexity: Found | None

    def of(self, values: np.ndarray) -> dict[str, np.ndarray]:
        return {"clothes": values[: self.half], "digits": values[self.half :]}


# -- what is computed -----------------------------------------------------------------------------


def able(context: Context) -> list[str]:
    """Models of clothes that say how likely 256 levels are, from headers alone: the exact ones
    first, then bounds, then estimates; of a kind those that clothes surprise least; those that
    take long last."""
    kinds = ("exact", "lower bound", "estimate")

    def measured(name: str) -> dict[str, Any]:
        return context.store.header(name).metrics.get("nll_nats") or {}

    def order(name: str) -> tuple[bool, int, float]:
        kind = measured(name).get("kind")
        place = kinds.index(kind) if kind in kinds else len(kinds)
        return walks(context.store.header(name)), place, measured(name).get("value", 1e9)

    found = [
        name for name in context.store.having({"HasLikelihood"})
        if context.store.header(name).data.get("name") == OWN
        and measured(name).get("space") == "uint8"
    ]  # fmt: skip
    return sorted(found, key=order)


def sampler(context: Context, name: str, data: str) -> str | None:
    """The model whose samples stand for a data set: of the same size, and if there is one, of 256
    levels; one that draws each value, as others leave traces that a likelihood notices (a
    denoiser's ground is not quite black); one that real pictures surprise least, whose samples are
    the best made; itself."""

    def order(other: str) -> tuple[bool, bool, float, bool]:
        header = context.store.header(other)
        measured = header.metrics.get("nll_nats") or {}
        writes = "WritesPixels" in header.capabilities
        grey, nats = measured.get("space") == "uint8", measured.get("value")
        return not grey, not writes, nats if is_number(nats) else 1e9, other != name

    of_size = alike(context, name, "Samples")
    found = [other for other in of_size if context.store.header(other).data.get("name") == data]
    return min(found, key=order, default=None)


def pictures(context: Context, name: str) -> tuple[Batch, list[str]]:
    """Both kinds, not scored yet, and the models that they are samples of. Raises ValueError."""
    sides, by = [], []
    for data in (OWN, OTHER):
        other = sampler(context, name, data)
        if other is None:
            what = "clothes" if data == OWN else "digits"
            raise ValueError(f"No model here draws {what} of this size, which this part compares.")
        sides.append(drawn(context, other)[:COUNT])
        by.append(other)
    return Batch(np.concatenate(sides), len(sides[0]), None), by


def scores(context: Context, name: str, batch: Batch) -> Iterator[Batch]:
    """The batch with as many scores as there are yet; the last has all."""

    def steps() -> Iterator[Batch]:
        # In turns, so that both kinds grow together.
        N, half = len(batch.pixels), batch.half
        turns = np.argsort(
            np.r_[np.arange(half) / half, np.arange(N - half) / (N - half)], kind="stable"
        )
        parts = []
        for part in in_turn(context, name, batch.pixels[turns], [COMPLEXITY], crowd=True):
            parts.append(part[COMPLEXITY])
            found = joined(parts)
            if len(found.values) < N:
                yield batch._replace(complexity=found)
        yield batch._replace(complexity=taken(found, np.argsort(turns)))

    yield from context.ask.kept_steps(("score-lesson", name), steps)


# -- handlers -------------------------------------------------------------------------------------


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The part is on screen: the pictures, of the model in the header where that is one of clothes.

    What a link brings stays until another model is chosen in the header.
    """
    known = able(context)
    if not known:
        raise ValueError(
            "No model here was trained on Fashion-MNIST and tells how likely 256 levels are."
        )
    model = asked.model if asked.model in known else None
    if name in known and (model is None or asked.followed not in ("", name)):
        model = name
    model = model or known[0]
    changes = {} if model == asked.model else {"answer": gr.Column(visible=False)}
    yield screen(model=model, followed=name, **changes)
    yield screen(model=model, followed=name, **changes, **shown_of(context, model))


def choose(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """Another model of clothes was chosen: its pictures, and no answer yet."""
    yield screen(answer=gr.Column(visible=False), **shown_of(context, asked.model))


def shown_of(context: Context, model: str) -> dict[str, Any]:
    """Both kinds of pictures and what to do, by output. Raises ValueError."""
    batch, by = pictures(context, model)
    titles = [context.store.header(each).title for each in by]
    words = f"Clothes by {titles[0]}, digits by {titles[1]}. Guess, then reveal."
    return {"pictures": as_pictures(batch), "status": say(words)}


def as_pictures(batch: Batch) -> dict[str, Any]:
    """The value of the table of pictures: a row of each kind."""
    rows = [batch.pixels[:SHOWN], batch.pixels[batch.half : batch.half + SHOWN]]
    shown = [picture for row in rows for picture in row]
    return as_table(
        shown, [""] * SHOWN,
        [("Clothes", "like those it was trained on"), ("Digits", "never seen")],
        shape=batch.pixels.shape[1:],
    )  # fmt: skip


def reveal(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The answer and its three figures, once all is scored."""
    model = asked.model
    if model not in able(context):
        raise ValueError("Choose a model of Fashion-MNIST that tells how likely pictures are.")
    if asked.guess not in GUESSES:
        raise NotYet("Make a guess first. (Until 2018 the experts got it wrong.)")
    if model not in context.store.loaded:
        yield screen(status=say(LOADING, kind="busy"))
    unscored, by = pictures(context, model)
    N = len(unscored.pixels)
    for batch in scores(context, model, unscored):
        n = len(batch.complexity.values)
        yield screen(status=say(f"{n} of {N} pictures scored", n / N, "busy"))
    title = context.store.header(model).title
    real = real_separation(context, model)
    yield screen(
        text=answer(title, asked.guess, separation(batch), real),
        likely=as_figure(context, model, batch, LIKELIHOOD),
        points=as_points(batch),
        corrected=as_figure(context, model, batch, COMPLEXITY),
        status=say(f"{N} pictures scored by {title}."),
        code=code_of(context, model, by),
        answer=gr.Column(visible=True),
    )


class Separation(NamedTuple):
    """AUROC of digits against clothes, by -log p(x) and by that less the code length."""

    likelihood: float
    complexity: float


def separation(batch: Batch) -> Separation:
    """Of what was scored now."""
    values = (batch.complexity.likelihood.nats, batch.complexity.values)
    return Separation(*(_auroc(*batch.of(each).values()) for each in values))


def real_separation(context: Context, model: str) -> Separation | None:
    """Of real test pictures, where these were measured."""
    stored = reference(context, model)
    names = (LIKELIHOOD, COMPLEXITY)
    if stored is None or any((s, d) not in stored.measured for s in names for d in ("test", OTHER)):
        return None
    pairs = ((stored.values(name, "test"), stored.values(name, OTHER)) for name in names)
    return Separation(*(_auroc(*pair) for pair in pairs))


def _auroc(clothes: np.ndarray, digits: np.ndarray) -> float:
    from models.evaluation.metrics import auroc

    return auroc(digits, clothes, n=2).value


def answer(title: str, guess: str, now: Separation, real: Separation | None) -> str:
    """What came out, in Markdown: of real pictures where they were measured, else of samples."""
    best = real or now
    likelier = 1 - best.likelihood
    truth = "digits" if likelier > 0.6 else "clothes" if likelier < 0.4 else "alike"
    verdicts = {
        "digits": "**The digits, which it never saw.**",
        "clothes": "**The clothes it was trained on.**",
        "alike": "**Neither: it can hardly tell them apart.**",
    }
    right = "You guessed it." if guess == truth else f"You said: {GUESSES[guess].lower()}."
    whose = "real test pictures" if real else "the samples scored just now"
    also = f" (of the samples scored just now: in {100 * (1 - now.likelihood):.0f})" if real else ""
    return (
        f"{verdicts[truth]} {right} Of {whose}, a digit is likelier to {title} than a piece of "
        f"clothing in **{100 * likelier:.0f} of 100** pairs{also}. As a detector of digits, "
        f"likelihood has an AUROC of **{best.likelihood:.3f}**, where tossing a coin has 0.5. With "
        f"the code length taken away it is **{best.complexity:.3f}**."
    )


def as_figure(context: Context, model: str, batch: Batch, score: str) -> dict[str, Any]:
    """The value of a figure: both kinds scored now, and real pictures first where measured."""
    from models.scores.registry import SCORES

    values = batch.complexity.likelihood.nats if score == LIKELIHOOD else batch.complexity.values
    sets = [
        {
            "key": key,
            "name": f"{NAMES[key]}, scored now",
            "short": f"{key} scored now",
            "values": packed(each),
        }
        for key, each in batch.of(values).items()
    ]
    shown: list[str] = []
    if real_separation(context, model) is not None:
        shown = list(NAMES)
        stored = reference(context, model)
        sets = [
            {"key": kind, "name": words, "short": words.lower(),
             "values": packed(stored.values(score, kind))}
            for kind, words in (("test", "Real clothes"), (OTHER, "Real digits"))
        ] + sets  # fmt: skip
    return {
        "title": SCORES[score].title, "unit": SCORES[score].unit, "value": None, "mark": "",
        "note": SCORES[score].paper, "run": f"{model} {score}", "against": sets[1]["key"],
        "sets": sets, "shown": shown, "file": f"{model}-{score}-fashion-mnist.png",
    }  # fmt: skip


def as_points(batch: Batch) -> dict[str, Any]:
    """The value of the points: code length across, surprise up, both in bits a pixel."""
    from models.contract.numbers import bits_per_dim

    shape = batch.pixels.shape[1:]
    found = batch.complexity
    bits = np.minimum(*(found.details[codec] for codec in ("png", "webp")))
    across = bits / np.prod(shape)
    up = bits_per_dim(found.likelihood.nats, shape)
    sides = zip(NAMES, batch.of(across).values(), batch.of(up).values(),
                batch.of(batch.pixels).values(), strict=True)  # fmt: skip
    return {
        "x_name": "Code length, bits a pixel", "y_name": "−log p(x), bits a pixel",
        "diagonal": "dashed: the model is as good as the code",
        "groups": [
            {"name": NAMES[key], "x": x.round(4).tolist(), "y": y.round(4).tolist(),
             "sprite": images.sprite(pixels)}
            for key, x, y, pixels in sides
        ],
    }  # fmt: skip


def code_of(context: Context, model: str, by: Sequence[str]) -> str:
    """The lines that give both batches' scores."""
    clothes, digits = by
    return snippet(
        loading(context, model),
        loading(context, clothes, "clothes"),
        loading(context, digits, "digits"),
        f"a, b = (each.sample({COUNT}, generator(0)).to(model.device) for each in "
        "(clothes, digits))",
        f'names = ["{LIKELIHOOD}", "{COMPLEXITY}"]',
        "a, b = (score(model, x, names, generator(0)) for x in (a, b))",
        "for name in names:  # higher is stranger: 0.5 is a coin, below it the wrong way round",
        "    print(name, auroc(b[name].values.cpu(), a[name].values.cpu()))",
    )


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    known = able(context)
    titles = [(context.store.header(name).title, name) for name in known]
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            guess = gr.Radio(
                [(words, key) for key, words in GUESSES.items()], value=None,
                label="Which will it find likelier?", elem_id="lesson-guess",
                elem_classes="ge-list",
            )  # fmt: skip
            go, halt, status = run_row("Reveal", "lesson-reveal", "lesson-stop")
            # None until the part is on screen: then it is the header's model where that fits.
            model = gr.Dropdown(
                titles, value=None, label="A model of clothes", filterable=False,
                elem_id="lesson-model",
                info="It has learned Fashion-MNIST, and has never seen a digit.",
            )  # fmt: skip
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]):
            components.heading(
                "A model has seen sixty thousand clothes, and not one digit",
                "It says of any picture how likely that is. Which of these two rows will it find "
                "likelier?",
            )
            shown = picture_table(label="Clothes and digits", room=96)
            with gr.Column(visible=False, elem_id="lesson-answer") as reveals:
                text = gr.Markdown("", elem_classes="ge-answer")
                components.heading(
                    "1. The likelihoods",
                    "Left is likelier. If likelihood told what belongs, the digits would lie on "
                    "the right.",
                )
                likely = verdict("lesson-likely", tall=230)
                components.heading(
                    "2. What digits have in common: they are simple",
                    "A point is a picture. Across: how long it is in the shorter of PNG and WebP, "
                    "which have seen neither data set. Up: how surprised the model is.",
                )
                points = scatter()
                components.heading(
                    "3. Likelihood, less the code length",
                    "How much better than the codec the model is. Now it counts what the model "
                    "knows, and no longer how simple the picture is.",
                )
                corrected = verdict("lesson-corrected", tall=230)

    part.controls(model=model, guess=guess, followed=gr.State(""))
    part.outputs(
        pictures=shown, text=text, likely=likely.view, points=points, corrected=corrected.view,
        status=status, code=notes.code, answer=reveals, stop=halt, model=model,
        followed=part.asks["followed"],
    )  # fmt: skip
    part.arrives(arrive, loads=False)
    part.on(model.input, choose, loads=False)
    part.on(go.click, reveal, main=True, loads=False)
    part.stops(halt)
    if known:
        context.remember("score.lesson.model", model, parse=one_of(known))
    context.remember("score.lesson.guess", guess, parse=one_of(GUESSES))
