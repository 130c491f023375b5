"""One picture that is two things: a 6 that is a 9 upside down, or a 3 and an 8 at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.film.film import film, stop
from explorer.components.picture_table.picture_table import as_table, picture_table
from explorer.page import saves as export
from explorer.page.address import number, one_of, whole
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.judge import Reading, judge_of, read_by
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.pictures.films import mosaic
from explorer.server.abilities import classes_of, few_steps
from explorer.server.ask import Seed
from explorer.server.reading import is_number, is_whole, next_seed
from models.contract.abilities import Noises
from models.contract.knobs import checked_seed

TITLE = "Two readings"
NEEDS = ("Conditional",)
FILM = "anagram"
COUNT = 4
# Those of ``models.codes.anagrams``, which imports torch: how the second reading looks at it.
VIEWS = {
    "half turn": "turned by half",
    "mirrored": "mirrored",
    "upside down": "upside down",
    "quarter turn": "turned by a quarter",
    "upright": "the same way up",
}
FIRST, SECOND = 6, 9  # the classes at first, where there are so many
MOST_STEPS, MOST_STRENGTH = 100, 4.0

LOOK_FOR = """
* **Nothing was trained for this.** At every step the denoiser is asked twice, once of the picture
  as it is and once of it turned, each time for another class. The turned answer is turned back, and
  the mean is taken: guesses add up as scores do.
* **Which pairs go together?** 6 and 9 by half a turn, 2 and 5 in a mirror. Try 1 and 8: what does
  the model give up?
* **The same way up** there is no second look: the picture is asked to be both at once, by
  $p(x)\\,p(y_1 \\mid x)\\,p(y_2 \\mid x)$. No digit is a 3 and an 8; look at what comes of it.
* **The judge** reads each picture both ways. It was never told that a picture may be two things.
* **Strength** is how hard each class pulls. At 0 neither does, and the pictures are any digit.
"""


class Settings(NamedTuple):
    seed: int = 0
    first: int = FIRST
    second: int = SECOND
    view: str = "half turn"
    strength: float = 1.5
    steps: int = 20


class Made(NamedTuple):
    """Pictures on their way. x0: (T, N, C, H, W) uint8, the guesses so far; seen: the same as the
    second reading looks at them. readings: the judge's of the last ones, upright and so seen, or
    None. seconds: of computing. done: whether the last is the last."""

    x0: np.ndarray
    seen: np.ndarray
    readings: tuple[Reading, Reading] | None
    seconds: float
    done: bool


# -- what is computed -----------------------------------------------------------------------------


def read_settings(header: Any, asked: Asked) -> Settings:
    """Checked settings. Raises ValueError with one sentence."""
    checked_seed(asked.seed)
    classes = len(classes_of(header))
    for label in (asked.first, asked.second):
        if not is_whole(label) or not 0 <= label < classes:
            raise ValueError(f"Choose two of the {classes} classes.")
    if asked.view not in VIEWS:
        raise ValueError(f"The second reading looks at it {', '.join(VIEWS)}.")
    if not is_number(asked.strength) or not 0 <= asked.strength <= MOST_STRENGTH:
        raise ValueError(f"The strength must be a number from 0 to {MOST_STRENGTH:g}.")
    if not is_whole(asked.steps) or not 1 <= asked.steps <= MOST_STEPS:
        raise ValueError(f"Take a whole number of steps from 1 to {MOST_STEPS}.")
    return Settings(
        int(asked.seed), int(asked.first), int(asked.second), asked.view, float(asked.strength),
        int(asked.steps),
    )  # fmt: skip


def made(context: Context, name: str, settings: Settings) -> Iterator[Made]:
    """The pictures, yielding after every step."""
    key = ("denoise-anagram", name, settings)
    return context.ask.kept_steps(key, lambda: _made(context, name, settings))


def _made(context: Context, name: str, settings: Settings) -> Iterator[Made]:
    from models.codes.anagrams import anagram_steps

    judge = judge_of(context, context.store.header(name))
    labels, views = [settings.first, settings.second], ["upright", settings.view]
    frames = context.ask.steps(
        name, anagram_steps, COUNT, Seed(settings.seed), labels, views, [settings.strength] * 2,
        settings.steps,
    )  # fmt: skip
    guesses, looked, seconds = [], [], 0.0
    while True:
        begun = time.perf_counter()
        frame = next(frames)
        seconds += time.perf_counter() - begun
        turned = context.ask(name, _seen, frame.x0, settings.view)
        guesses.append(as_bytes(frame.x0))
        looked.append(as_bytes(turned))
        done = frame.step == frame.total
        readings = None
        if done and judge is not None:
            readings = (read_by(context, judge, frame.x0), read_by(context, judge, turned))
        yield Made(np.stack(guesses), np.stack(looked), readings, seconds, done)
        if done:
            return


def _seen(model: Any, x: Any, view: str) -> Any:
    from models.codes.anagrams import in_view

    return in_view(x, view)


def lacking(context: Context, name: str) -> str:
    """A sentence where the model says nothing of its noise, "" where it does."""
    header = context.store.header(name)
    if few_steps(header):
        return f"{header.title} guesses a picture, not the mean of many, which this part mixes."
    if "Conditional" in header.capabilities and isinstance(context.store.get(name), Noises):
        return ""
    return f"{header.title} cannot be asked for a class at a noise level, which this part needs."


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The pictures on their way, and how the judge reads them in the end."""
    header = context.store.header(name)
    settings = read_settings(header, asked)
    classes, told = classes_of(header), 0.0
    yield screen(code=code_of(context, name, settings))
    for way in made(context, name, settings):
        if way.done or time.monotonic() - told < 0.25:
            yield None
            continue
        told, part = time.monotonic(), len(way.x0) / (settings.steps + 1)
        status = say(f"Denoising: {part:.0%}", part, "busy")
        yield screen(film=reel(way, settings, classes), status=status)
    yield screen(
        film=reel(way, settings, classes),
        table=verdicts(way, settings, classes),
        status=say(sentence(way, settings, classes)),
    )


def again(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model is on screen: its classes, then the pictures."""
    classes = classes_of(context.store.header(name))
    choices = [(text, k) for k, text in enumerate(classes)]
    last = len(classes) - 1
    first, second = (
        int(label) if is_whole(label) and 0 <= label <= last else min(usual, last)
        for label, usual in ((asked.first, FIRST), (asked.second, SECOND))
    )
    yield screen(
        first=gr.Dropdown(choices=choices, value=first),
        second=gr.Dropdown(choices=choices, value=second),
    )
    yield from show(context, name, asked.but(first=first, second=second))


# -- values ---------------------------------------------------------------------------------------


def reel(way: Made, settings: Settings, classes: list[str]) -> dict[str, Any]:
    """The value of the film: the guesses upright, and as the second reading sees them."""
    captions = [f"step {k} of {settings.steps}" for k in range(len(way.x0))]
    rows = [
        {
            "name": f"Upright: {classes[settings.first]}",
            "note": "guess at each step",
            "sprite": images.sprite(mosaic(way.x0)),
            "captions": captions,
        },
        {
            "name": f"{VIEWS[settings.view].capitalize()}: {classes[settings.second]}",
            "note": "the same pictures",
            "sprite": images.sprite(mosaic(way.seen)),
            "captions": captions,
        },
    ]
    return {"rows": rows, "run": str(settings), "running": not way.done}


def verdicts(way: Made, settings: Settings, classes: list[str]) -> dict[str, Any]:
    """The pictures both ways, with what the judge reads below each pair."""
    n = way.x0.shape[1]
    notes = [""] * n
    if way.readings is not None:
        upright, turned = way.readings
        notes = [
            f"{classes[a]} {p:.0%}, {classes[b]} {q:.0%}"
            for a, p, b, q in zip(*upright, *turned, strict=True)
        ]
    rows = [
        ("Upright", f"asked: {classes[settings.first]}"),
        (VIEWS[settings.view].capitalize(), f"asked: {classes[settings.second]}"),
    ]
    pictures = [*way.x0[-1], *way.seen[-1]]
    axis = "the judge reads" if way.readings is not None else ""
    return as_table(pictures, [""] * n, rows, shape=way.x0.shape[2:], axis=axis, notes=notes)


def sentence(way: Made, settings: Settings, classes: list[str]) -> str:
    words = f"{settings.steps} steps in {way.seconds:.1f} s."
    if way.readings is None:
        return words
    upright, turned = way.readings
    both = (upright.labels == settings.first) & (turned.labels == settings.second)
    first, second = classes[settings.first], classes[settings.second]
    view = VIEWS[settings.view]
    return (
        f"The judge reads {both.sum()} of {len(both)} as {first}, and {view} as {second}. {words}"
    )


# -- code and files -------------------------------------------------------------------------------


def code_of(context: Context, name: str, settings: Settings) -> str:
    """The lines that give the pictures, and what the judge reads."""
    lines = [
        loading(context, name),
        call(
            "*_, frame = anagram_steps", raw("model"), COUNT, raw(f"generator({settings.seed})"),
            [settings.first, settings.second], ["upright", settings.view],
            [settings.strength] * 2, settings.steps,
        ),
        f"upright, turned = frame.x, in_view(frame.x, {settings.view!r})",
    ]  # fmt: skip
    if (judge := judge_of(context, context.store.header(name))) is not None:
        lines += [
            call("judge = load", in_code(context.store.header(judge).folder)),
            "chances = judge.classify(upright).softmax(1), judge.classify(turned).softmax(1)",
        ]
    return snippet(*lines)


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file: both readings as a sheet (png), or their way (webp, gif)."""
    settings = read_settings(context.store.header(name), asked)
    *_, way = made(context, name, settings)
    stem = f"{name}-{settings.first}-and-{settings.second}-seed-{settings.seed}"
    if kind == "png":
        sheet = images.grid_image(np.concatenate([way.x0[-1], way.seen[-1]]), COUNT, 6, 8)
        return components.file(f"{stem}.png", images.png_bytes(sheet), "image/png")
    return export.film_file(kind, stem, [mosaic(way.x0), mosaic(way.seen)])


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context, NEEDS, lacking=lacking)
    known = [(str(k), k) for k in range(10)]
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Sample again", "anagram-again", "anagram-stop")
            first = gr.Dropdown(
                known,
                value=FIRST,
                label="Upright it is",
                filterable=False,
                elem_id="anagram-first",
            )
            view = gr.Dropdown(
                [(words.capitalize(), key) for key, words in VIEWS.items()],
                value="half turn",
                label="And looked at",
                filterable=False,
                elem_id="anagram-view",
            )
            second = gr.Dropdown(
                known, value=SECOND, label="It is", filterable=False, elem_id="anagram-second"
            )
            strength = gr.Slider(
                0,
                MOST_STRENGTH,
                1.5,
                step=0.25,
                label="Strength of each class",
                elem_id="anagram-strength",
            )
            with gr.Row(elem_classes="ge-pair"):
                seed = gr.Number(0, label="Seed", precision=0, elem_id="anagram-seed")
                steps = gr.Dropdown(
                    [(str(k), k) for k in (10, 20, 50, 100)],
                    value=20,
                    label="Steps",
                    filterable=False,
                    elem_id="anagram-steps",
                )
            saver = export.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            missing = components.status()
            missing.visible = False
            with gr.Column() as stage:
                player = film(FILM, label="Two readings", below=20, largest=300, expected=2)
                table = picture_table(label="The pictures both ways, and what the judge reads")

    part.controls(seed=seed, first=first, second=second, view=view, strength=strength, steps=steps)
    part.outputs(film=player, table=table, status=status, code=notes.code, stop=halt)
    part.outputs(seed=seed, first=first, second=second, stage=stage, missing=missing)
    part.arrives(arrive)
    part.on(more.click, again, main=True)
    part.on([first.input, second.input, view.input, steps.input, seed.input], show)
    part.on(strength.release, show)
    part.stops(halt, js=stop(FILM))
    part.saves(saver, save)
    context.remember("denoise.anagram.first", first, parse=whole(0, 9))
    context.remember("denoise.anagram.second", second, parse=whole(0, 9))
    context.remember("denoise.anagram.view", view, parse=one_of(VIEWS))
    context.remember("denoise.anagram.strength", strength, parse=number(0, MOST_STRENGTH))
    context.remember("denoise.anagram.steps", steps, parse=one_of((10, 20, 50, 100), int))
    context.remember("denoise.anagram.seed", seed, parse=whole(0, 2**53 - 1))
