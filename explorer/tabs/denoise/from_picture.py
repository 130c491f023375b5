"""From a picture to noise, and back from anywhere on the way: how much of it survives?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.film.film import film, stop
from explorer.components.picture_input.picture_input import draw_pad
from explorer.components.picture_rows.picture_rows import picture_rows
from explorer.page import saves as export
from explorer.page.address import number, one_of, whole
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.server.abilities import classes_of, takes
from explorer.server.ask import Seed
from explorer.server.reading import ANY, is_number, is_whole
from explorer.tabs.denoise import noising, trajectory
from explorer.tabs.denoise.noising import Picture
from explorer.tabs.denoise.trajectory import (
    OWN,
    SAMPLERS,
    STEPS,
    Settings,
    Trajectory,
    decibels,
    offered_steps,
    read_settings,
    steps_choices,
)
from explorer.tabs.denoise.watch import schedule_choices
from models.contract.abilities import HasSchedule, Restores
from models.contract.knobs import checked_seed

TITLE = "From a picture"
FILM, BACK = "noising", "restoring"
FRAMES = 41  # of the way to noise
LEVELS = np.round(np.linspace(0.2, 0.9, 8), 3)  # of the strip

LOOK_FOR = r"""
* **Destroying needs no learning.** The film on the left only mixes a picture with noise, the same
  noise all the way. Stop it where you can just still read the picture: how negative are the
  decibels? Eye and brain are good denoisers.
* **What survives, and what is made up.** From little noise the picture comes back as it was. From
  more, its fine detail is replaced by other, equally plausible detail. From almost pure noise
  comes another picture altogether. The strip shows where that turns.
* **Coarse before fine.** What the noise destroys last, position, size, slant, comes back first.
  What it destroys first, the ends of strokes, serifs, texture, is invented anew.
* **Repairing a drawing.** Draw a digit badly and restore it from the middle: what comes back is
  your digit as the training data would have written it (SDEdit, Meng et al. 2022).
* **Another class.** Ask for a class that the picture is not. Low on the way it stays what it is;
  high enough up, a 3 turns into an 8 and keeps its slant.
* **Same noise, other sampler.** *DDIM* and *Heun* go one way down from a noisy picture. *Ancestral*
  draws fresh noise: change the seed and see how differently one start can end.
"""


class Wish(NamedTuple):
    """What to do to which picture. t: the time it is restored from, 0 (picture) to 1 (noise)."""

    picture: Picture
    t: float
    settings: Settings


# -- computing ------------------------------------------------------------------------------------


def read_wish(context: Context, name: str, asked: Asked) -> Wish:
    """Checked values of the controls, and the picture. Raises ValueError with one sentence."""
    checked_seed(asked.sample, "The sample's seed")
    if not is_number(asked.t) or not 0 <= asked.t <= 1:
        raise ValueError("The time must be a number from 0 (the picture) to 1 (noise).")
    settings = read_settings(
        context.store.header(name), asked.seed, 1, asked.sampler, asked.steps, asked.guidance,
        asked.label, asked.schedule,
    )  # fmt: skip
    picture = noising.picture_of(context, name, asked.given, int(asked.sample))
    return Wish(picture, float(asked.t), settings)


def destroyed(context: Context, name: str, wish: Wish) -> dict[str, Any]:
    """The value of the film from the picture to noise."""
    times, settings = np.linspace(0, 1, FRAMES), wish.settings
    pixels = noising.noised(context, name, wish.picture, times, settings.seed, settings.schedule)
    levels = noising.levels_at(context, name, times, settings.schedule)
    ratios = decibels(levels)
    captions = [
        f"t = {t:.2f} · σ = {level:.2g} · {ratio:.0f} dB".replace("-", "−")
        for t, level, ratio in zip(times, levels, ratios, strict=True)
    ]
    row = {"name": "Towards noise", "note": "xₜ", "sprite": noising.sprite_of(pixels)}
    return {
        "rows": [{**row, "captions": captions}],
        "run": f"{name} {noising.digest(wish.picture)} {settings}",
        "at": round(wish.t * (FRAMES - 1)),
    }


def restoring(context: Context, name: str, wish: Wish, t: float) -> Iterator[Trajectory]:
    """The way back from time t, growing. Raises ValueError where the model has none."""
    model, settings = context.store.get(name), wish.settings
    if not isinstance(model, Restores):
        raise ValueError("This model cannot start from a picture: it has no way back from there.")
    x_t = noising.noised(
        context, name, wish.picture, np.array([t]), settings.seed, settings.schedule
    )
    frames = context.ask.steps(
        name, "restore_steps", x_t, t, Seed(settings.seed, 2), settings.label,
        **trajectory.arguments(model, settings, "restore_steps"),
    )  # fmt: skip
    yield from trajectory.collect(frames)


def surviving(context: Context, name: str, wish: Wish) -> Iterator[list[np.ndarray] | None]:
    """What came back from each of ``LEVELS`` so far, (C, H, W) uint8 each; None in between, where
    a newer wish may end this one."""

    def steps() -> Iterator[list[np.ndarray] | None]:
        results: list[np.ndarray] = []
        for t in LEVELS:
            for part in restoring(context, name, wish, float(t)):
                if not part.done:
                    yield None
            results = [*results, part.x[-1, 0]]
            yield results

    key = ("denoise", "surviving", name, wish.picture.pixels.tobytes(), wish.settings)
    return context.ask.kept_steps(key, steps)


# -- what is shown --------------------------------------------------------------------------------


def restored_value(context: Context, name: str, wish: Wish, part: Trajectory) -> dict[str, Any]:
    """The value of the film back: the picture, where it starts, and the way from there."""
    original = noising.as_bytes(wish.picture.pixels)
    errors = [noising.difference(frame / 255, wish.picture.pixels) for frame in part.x[:, 0]]
    start = f"t = {wish.t:.2f} · σ = {part.level[0]:.2g}"
    return {
        "rows": [
            {"name": "Original", "note": "", "sprite": images.sprite(original[None]),
             "captions": ["Yours" if wish.picture.seed is None else "A sample"]},
            {"name": "Noisy", "note": "", "sprite": images.sprite(part.x[:1, 0]),
             "captions": [start]},
            {"name": "Denoised", "note": "", "sprite": images.sprite(part.x[:, 0]),
             "captions": [f"{error:.1%} off (RMS)" for error in errors]},
        ],
        "levels": [float(v) for v in part.level],
        "run": f"{name} {noising.digest(wish.picture)} {wish.t} {wish.settings}",
        "running": not part.done,
    }  # fmt: skip


def strip_value(
    context: Context, name: str, wish: Wish, results: list[np.ndarray]
) -> dict[str, Any]:
    """The value of the strip: the picture at several times, and what came back of each so far."""
    settings = wish.settings
    noisy = noising.noised(context, name, wish.picture, LEVELS, settings.seed, settings.schedule)
    errors = [noising.difference(image / 255, wish.picture.pixels) for image in results]
    rows = [{"name": "Noisy", "note": "", "sprite": noising.sprite_of(noisy)}]
    rows.append(
        {
            "name": "What survives",
            "note": "and its difference",
            "sprite": images.sprite(np.stack(results)) if results else None,
            "captions": [f"{error:.0%}" for error in errors],
        }
    )
    return {"rows": rows, "columns": [f"t = {t:g}" for t in LEVELS]}


def code_of(context: Context, name: str, wish: Wish) -> str:
    """The lines that noise the picture and bring it back."""
    settings = wish.settings
    knobs = trajectory.arguments(context.store.get(name), settings, "restore_steps")
    noised = call(
        "noisy = model.noised", raw("picture"), wish.t, raw("noise"), schedule=settings.schedule
    )
    restored = call(
        "*_, last = model.restore_steps", raw("noisy"), wish.t,
        raw(f"generator({settings.seed}, 2)"), label=settings.label, **knobs,
    )  # fmt: skip
    return snippet(
        loading(context, name),
        noising.code_of(context, name, wish.picture),
        f"noise = normal(picture.shape, generator({settings.seed}, 1), 'cpu')",
        noised,
        restored,
        "restored = last.x  # from 0 to 1",
        "difference = (restored - picture).square().mean().sqrt()",
    )


# -- handlers -------------------------------------------------------------------------------------


def show(
    context: Context, name: str, asked: Asked, towards: bool = True
) -> Iterator[Screen | None]:
    """The film to noise, the film back, and the strip of what survives.

    towards: whether the film to noise is to be made.
    """
    wish = read_wish(context, name, asked)
    yield screen(code=code_of(context, name, wish))
    if towards:
        yield screen(there=destroyed(context, name, wish), status=say(wish.picture.note))
    words = yield from _way_back(context, name, wish)
    yield from _strip(context, name, wish)
    yield screen(status=say(f"{words} {wish.picture.note}"))


def _way_back(context: Context, name: str, wish: Wish) -> Iterator[Screen | None]:
    """The film back as it grows; returns a sentence on the result."""
    shown = time.monotonic()
    for part in restoring(context, name, wish, wish.t):
        if not part.done and time.monotonic() - shown < 0.2:
            yield None
            continue
        shown = time.monotonic()
        share = len(part.level) / part.total
        status = say(f"Denoising from t = {wish.t:.2f}", share, "busy")
        yield screen(back=restored_value(context, name, wish, part), status=status)
    error = noising.difference(part.x[-1, 0] / 255, wish.picture.pixels)
    return f"From t = {wish.t:.2f} it comes back with a difference of {error:.1%} (RMS)."


def _strip(context: Context, name: str, wish: Wish) -> Iterator[Screen | None]:
    for results in surviving(context, name, wish):
        if results is None:
            yield None
            continue
        done = len(results) / len(LEVELS)
        status = say(f"What survives from t = {LEVELS[len(results) - 1]:g}", done, "busy")
        yield screen(strip=strip_value(context, name, wish, results), status=status)


def restore(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The way back alone, from another time or from where the film to noise stands."""
    if is_number(asked.t):
        yield screen(t=round(float(asked.t), 3))
    yield from show(context, name, asked, towards=False)


def another(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A sample in place of what was drawn, or the next one."""
    follows = asked.given is None and is_whole(asked.sample) and asked.sample >= 0
    following = int(asked.sample) + 1 if follows else asked.sample
    yield screen(given=None, sample=following)
    yield from show(context, name, asked.but(given=None, sample=following))


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A new model is on screen: the controls that it has, then its films."""
    model = context.store.get(name)
    classes = classes_of(context.store.header(name))
    steps, offered = offered_steps(model, context.store.header(name), asked.steps, "restore_steps")
    asked = asked.but(label=asked.label if asked.label in range(len(classes)) else ANY, steps=steps)
    own = model.schedule.title if isinstance(model, HasSchedule) else None
    able = partial(takes, model, method="restore_steps")
    yield screen(
        label=gr.Dropdown(choices=label_choices(classes), value=asked.label, visible=bool(classes)),
        guidance=gr.Number(visible=able("guidance") and bool(classes)),
        sampler=gr.Dropdown(visible=able("sampler")),
        schedule=gr.Dropdown(choices=schedule_choices(own), visible=able("schedule")),
        steps=gr.Dropdown(choices=steps_choices(offered), value=steps, visible=able("steps")),
    )
    yield from show(context, name, asked)


def label_choices(classes: list[str]) -> list[tuple[str, int]]:
    return [("No class", ANY), *((text, k) for k, text in enumerate(classes))]


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file. "webp" or "gif": to noise and back from t; "png": the strip."""
    wish = read_wish(context, name, asked)
    stem = f"{name}-from-t-{wish.t:g}"
    settings = wish.settings
    noised = partial(noising.noised, context, name, wish.picture)
    if kind == "png":
        *_, back = surviving(context, name, wish)
        noisy = noising.as_bytes(noised(LEVELS, settings.seed, settings.schedule))
        return export.film_file(kind, stem, [noisy, np.stack(back)])
    there = np.linspace(0, wish.t, max(2, round(wish.t * (FRAMES - 1)) + 1))
    towards = noising.as_bytes(noised(there, settings.seed, settings.schedule))
    back = list(restoring(context, name, wish, wish.t))[-1].x[:, 0]
    return export.film_file(kind, stem, [np.concatenate([towards, back])])


# -- the page -------------------------------------------------------------------------------------


def _from_here(place: int) -> str:
    """JavaScript: the time is where the film to noise stands. place: of the time in the inputs."""
    return (
        f"(...values) => {{ values[{place}] = GE.films[{FILM!r}] ?? values[{place}]; "
        "return values; }"
    )


SEEK = (
    f"(t) => {{ document.dispatchEvent(new CustomEvent('ge:film-seek', {{ detail: "
    f"{{ id: {FILM!r}, at: Math.round(t * {FRAMES - 1}) }} }})); }}"
)


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            pad = draw_pad(label="Draw here, or drop or paste a picture", uploads=True)
            more = gr.Button("Use an example", size="sm", elem_id="from-more")
            t = gr.Slider(0, 1, 0.5, step=0.025, label="Start denoising at t", elem_id="from-t")
            go, halt, status = run_row("Denoise", "from-go", "from-stop")
            with gr.Row(elem_classes="ge-pair"):
                label = gr.Dropdown(
                    [("No class", ANY), *((str(k), k) for k in range(100))], value=ANY,
                    label="Class", filterable=False, elem_id="from-class",
                )  # fmt: skip
                guidance = gr.Number(1, label="Guidance", step=0.5, elem_id="from-guidance")
            saver = export.save_buttons()
            with gr.Accordion("How it is denoised", open=False, elem_classes="ge-note"):
                sampler = gr.Dropdown(
                    [(title, key) for key, title in SAMPLERS.items()], value="dpm",
                    label="Sampler", filterable=False, elem_id="from-sampler",
                )  # fmt: skip
                schedule = gr.Dropdown(
                    schedule_choices(), value=OWN, label="Schedule", filterable=False,
                    elem_id="from-schedule",
                )  # fmt: skip
                with gr.Row(elem_classes="ge-pair"):
                    steps = gr.Dropdown(
                        steps_choices(STEPS), value=10, label="Steps", filterable=False,
                        elem_id="from-steps",
                    )  # fmt: skip
                    seed = gr.Number(0, label="Seed of the noise", elem_id="from-seed")
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            with gr.Row(elem_classes="ge-there-and-back"):
                there = film(FILM, label="From the picture to noise", below=300, largest=280,
                             autoplay=False, expected=1)  # fmt: skip
                back = film(BACK, label="Back from the noisy picture", below=300, largest=280,
                            tile=90, expected=3)  # fmt: skip
            components.heading(
                "How much survives?", "What comes back from several times, and how far it is off."
            )
            strip = picture_rows(label="What survives from several times", largest=96)
    sample = components.component("from_sample", 3, html="", script=" ", elem_classes=["ge-hidden"])

    part.controls(
        given=pad, sample=sample, t=t, seed=seed, label=label, sampler=sampler,
        schedule=schedule, steps=steps, guidance=guidance,
    )  # fmt: skip
    part.outputs(
        there=there, back=back, strip=strip, status=status, code=notes.code, stop=halt,
        label=label, guidance=guidance, sampler=sampler, schedule=schedule, steps=steps,
        t=t, given=pad, sample=sample,
    )  # fmt: skip
    part.arrives(arrive)
    part.draws(pad, show)
    part.on([c.input for c in (seed, label, sampler, schedule, steps, guidance)], show)
    t.input(None, t, None, js=SEEK, api_visibility="private")
    part.on(t.input, restore, rest=0.1)
    part.on(go.click, restore, main=True, js=_from_here(3))
    part.on(more.click, another)
    part.stops(halt, js=stop(BACK))
    part.saves(saver, save)

    context.remember("denoise.from.sample", sample, parse=whole(0, 2**53 - 1))
    context.remember("denoise.from.t", t, parse=number(0, 1))
    context.remember("denoise.from.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("denoise.from.class", label, parse=whole(ANY, 99))
    context.remember("denoise.from.sampler", sampler, parse=one_of(SAMPLERS))
    context.remember("denoise.from.schedule", schedule, parse=one_of(trajectory.SCHEDULES))
    context.remember("denoise.from.steps", steps, parse=one_of(STEPS, int))
    context.remember("denoise.from.guidance", guidance, parse=number(0, 20))
