"""From a picture to noise, and back from anywhere on the way: how much of it survives?"""

from __future__ import annotations

import logging
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
from explorer.page import saves
from explorer.page.address import number, one_of, whole
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.runs import LIVE, newest_only, run_row
from explorer.pictures import images
from explorer.server.abilities import classes_of, takes
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
    read_settings,
)
from explorer.tabs.denoise.watch import schedule_choices

log = logging.getLogger(__name__)

TITLE = "From a picture"
FILM, BACK = "noising", "restoring"
FRAMES = 41  # of the way to noise
LEVELS = np.round(np.linspace(0.2, 0.9, 8), 3)  # of the strip
REST = 0.35  # seconds a drawing must rest before it is restored

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


def read_wish(
    context: Context, name: str, given: Any, sample: Any, t: Any, seed: Any, label: Any,
    sampler: Any, schedule: Any, steps: Any, guidance: Any,
) -> Wish:  # fmt: skip
    """Checked values of the controls, and the picture. Raises ValueError with one sentence."""
    if not is_whole(sample) or not 0 <= sample < 2**53:
        raise ValueError("The sample's seed must be a whole number from 0 on, such as 7.")
    if not is_number(t) or not 0 <= t <= 1:
        raise ValueError("The time must be a number from 0 (the picture) to 1 (noise).")
    header = context.store.header(name)
    settings = read_settings(header, seed, 1, sampler, steps, guidance, label, schedule)
    return Wish(noising.picture_of(context, name, given, int(sample)), float(t), settings)


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
    import torch

    from models.contract.random import generator

    model, settings = context.store.get(name), wish.settings
    if not hasattr(model, "restore_steps"):
        raise ValueError("This model cannot start from a picture: it has no way back from there.")
    x_t = noising.noised(
        context, name, wish.picture, np.array([t]), settings.seed, settings.schedule
    )
    frames = model.restore_steps(
        torch.from_numpy(x_t).to(model.device), t, generator(settings.seed, 2), settings.label,
        **trajectory.arguments(model, settings, "restore_steps"),
    )  # fmt: skip
    yield from trajectory.collect(frames)


def surviving(context: Context, name: str, wish: Wish) -> Iterator[list[np.ndarray] | None]:
    """What came back from each of ``LEVELS`` so far, (C, H, W) uint8 each; None in between, where
    a newer wish may end this one. Kept in ``context.recent`` once all are there."""
    key = ("denoise", "surviving", name, wish.picture.pixels.tobytes(), wish.settings)
    if (kept := context.recent.get(key)) is not None:
        yield kept
        return
    results: list[np.ndarray] = []
    for t in LEVELS:
        for part in restoring(context, name, wish, float(t)):
            if not part.done:
                yield None
        results = [*results, part.x[-1, 0]]
        yield results
    context.recent.put(key, results)


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


def snippet(context: Context, name: str, wish: Wish) -> str:
    """The lines that noise the picture and bring it back."""
    needed, lines = noising.code_of(context, name, wish.picture)
    model, settings = context.store.get(name), wish.settings
    knobs = trajectory.arguments(model, settings, "restore_steps")
    label = {} if settings.label is None else {"label": settings.label}
    said = "".join(f", {key}={value!r}" for key, value in {**label, **knobs}.items())
    schedule = f", schedule={settings.schedule!r}" if settings.schedule else ""
    imports = "".join(f"import {module}\n" for module in sorted([*needed, "torch"]))
    return (
        f"{imports}\nfrom models import generator, load, normal\n\n"
        f"model = load({in_code(context.store.header(name).folder)!r})\n"
        f"{lines}"
        f"noise = normal(picture.shape, generator({settings.seed}, 1), 'cpu')\n"
        f"noisy = model.noised(picture, {wish.t:g}, noise{schedule})\n"
        "with torch.no_grad():\n"
        "    *_, last = model.restore_steps(\n"
        f"        noisy, {wish.t:g}, generator({settings.seed}, 2){said}\n"
        "    )\n"
        "restored = last.x  # from 0 to 1\n"
        "difference = (restored - picture).square().mean().sqrt()\n"
    )


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def show(
    context: Context, name: str, *controls: Any, rest: float = 0.0, towards: bool = True
) -> Iterator[tuple[Any, ...] | None]:
    """Yields (film to noise, film back, strip, status, code, Stop) until the strip is there, and
    None in between, where a newer wish may end this one.

    rest: seconds to wait before the way back, as a drawing may go on. towards: whether the film to
    noise is to be made.
    """
    if name not in context.store.loaded:
        yield *[gr.skip()] * 3, say("Loading the model …", kind="busy"), gr.skip(), gr.skip()
    try:
        wish = read_wish(context, name, *controls)
        code = snippet(context, name, wish)
        noise = destroyed(context, name, wish) if towards else gr.skip()
        if towards:
            yield noise, gr.skip(), gr.skip(), say(wish.picture.note), code, gr.skip()
        if rest:
            time.sleep(rest)
            yield None
        words = yield from _way_back(context, name, wish, code)
        yield from _strip(context, name, wish)
        told = say(f"{words} {wish.picture.note}")
        yield *[gr.skip()] * 3, told, gr.skip(), gr.Button(interactive=False)
    except (ValueError, RuntimeError) as error:
        log.info("%s from a picture: %s", name, error)
        problem = say(str(error), kind="problem")
        yield *[gr.skip()] * 3, problem, gr.skip(), gr.Button(interactive=False)


def _way_back(context: Context, name: str, wish: Wish, code: str) -> Iterator[Any]:
    """Yields as ``show`` does; returns a sentence on the result."""
    told = time.monotonic()
    for part in restoring(context, name, wish, wish.t):
        if not part.done and time.monotonic() - told < 0.2:
            yield None
            continue
        told = time.monotonic()
        share = len(part.level) / part.total
        status = say(f"Denoising from t = {wish.t:.2f}", share, "busy")
        back = restored_value(context, name, wish, part)
        yield gr.skip(), back, gr.skip(), status, code, gr.Button(interactive=True)
    error = noising.difference(part.x[-1, 0] / 255, wish.picture.pixels)
    return f"From t = {wish.t:.2f} it comes back with a difference of {error:.1%} (RMS)."


def _strip(context: Context, name: str, wish: Wish) -> Iterator[Any]:
    for results in surviving(context, name, wish):
        if results is None:
            yield None
            continue
        done = len(results) / len(LEVELS)
        status = say(f"What survives from t = {LEVELS[len(results) - 1]:g}", done, "busy")
        strip = strip_value(context, name, wish, results)
        yield gr.skip(), gr.skip(), strip, status, gr.skip(), gr.Button(interactive=True)


def drawn(context: Context, name: str, *controls: Any) -> Iterator[Any]:
    """The picture changed, perhaps in the middle of a stroke: yields what ``show`` does."""
    yield from show(context, name, *controls, rest=REST)


def again(context: Context, name: str, *controls: Any) -> Iterator[Any]:
    """The way back alone, from another time: yields what ``show`` does."""
    yield from show(context, name, *controls, rest=0.1, towards=False)


def from_here(context: Context, name: str, *controls: Any) -> Iterator[Any]:
    """The way back from where the film to noise stands: yields what ``show`` does, and t."""
    t = controls[2]
    place: Any = round(float(t), 3) if is_number(t) else gr.skip()
    for outputs in again(context, name, *controls):
        yield None if outputs is None else (*outputs, place)
        place = gr.skip() if outputs else place


def another(
    context: Context, name: str, given: Any, sample: Any, *controls: Any
) -> Iterator[tuple[Any, ...]]:
    """A sample in place of what was drawn, the next one: yields what ``show`` does, pad, seed."""
    follows = given is None and is_whole(sample) and sample >= 0
    following: Any = int(sample) + 1 if follows else sample
    pad: Any = None
    for outputs in show(context, name, None, following, *controls):
        yield None if outputs is None else (*outputs, pad, following)
        pad = following = gr.skip()


def arrive(context: Context, name: str, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """A new model is on screen: yields what ``show`` does, and class, guidance, sampler, schedule
    and steps as they fit it."""
    header = context.store.header(name)
    if name not in context.store.loaded:
        busy = say("Loading the model …", kind="busy")
        yield *[gr.skip()] * 3, busy, *[gr.skip()] * 7
    model = context.store.get(name)
    classes = classes_of(header)
    values = list(controls)
    values[4] = values[4] if values[4] in range(len(classes)) else ANY
    own = getattr(getattr(model, "schedule", None), "title", None)
    able = partial(takes, model, method="restore_steps")
    updates = (
        gr.Dropdown(choices=label_choices(classes), value=values[4], visible=bool(classes)),
        gr.Number(visible=able("guidance") and bool(classes)),
        gr.Dropdown(visible=able("sampler")),
        gr.Dropdown(choices=schedule_choices(own), visible=able("schedule")),
        gr.Dropdown(visible=able("steps")),
    )
    for outputs in show(context, name, *values):
        yield None if outputs is None else (*outputs, *updates)
        updates = (gr.skip(),) * 5


def label_choices(classes: list[str]) -> list[tuple[str, int]]:
    return [("No class", ANY), *((text, k) for k, text in enumerate(classes))]


def stopped() -> tuple[Any, Any]:
    """(status, Stop button) once a person has stopped the run."""
    return say("Stopped."), gr.update(interactive=False)


def save(context: Context, kind: str, name: str, *controls: Any) -> tuple[Any, Any]:
    """(file for the saver, status). "webp" or "gif": to noise and back from t; "png": the strip."""
    try:
        wish = read_wish(context, name, *controls)
        stem = f"{name}-from-t-{wish.t:g}"
        settings = wish.settings
        noised = partial(noising.noised, context, name, wish.picture)
        if kind == "png":
            *_, back = surviving(context, name, wish)
            noisy = noising.as_bytes(noised(LEVELS, settings.seed, settings.schedule))
            rows = [noisy, np.stack(back)]
            return saves.film_file(kind, stem, rows), gr.skip()
        there = np.linspace(0, wish.t, max(2, round(wish.t * (FRAMES - 1)) + 1))
        towards = noising.as_bytes(noised(there, settings.seed, settings.schedule))
        back = list(restoring(context, name, wish, wish.t))[-1].x[:, 0]
    except (ValueError, RuntimeError) as error:
        return gr.skip(), say(str(error), kind="problem")
    return saves.film_file(kind, stem, [np.concatenate([towards, back])]), gr.skip()


# -- the page -------------------------------------------------------------------------------------


# The time is where the film to noise stands.
FROM_HERE = f"(...values) => {{ values[3] = GE.films[{FILM!r}] ?? values[3]; return values; }}"
SEEK = (
    f"(t) => {{ document.dispatchEvent(new CustomEvent('ge:film-seek', {{ detail: "
    f"{{ id: {FILM!r}, at: Math.round(t * {FRAMES - 1}) }} }})); }}"
)


def build(context: Context) -> None:
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            pad = draw_pad(label="Draw here, or drop or paste a picture", uploads=True)
            more = gr.Button("Use a sample", size="sm", elem_id="from-more")
            t = gr.Slider(0, 1, 0.5, step=0.025, label="Restored from time t", elem_id="from-t")
            bar = run_row("Denoise from here", "from-go", "from-stop")
            go, halt, status = bar
            with gr.Row(elem_classes="ge-pair"):
                label = gr.Dropdown(
                    [("No class", ANY), *((str(k), k) for k in range(100))], value=ANY,
                    label="Class", filterable=False, elem_id="from-class",
                )  # fmt: skip
                guidance = gr.Number(1, label="Guidance", step=0.5, elem_id="from-guidance")
            saver = saves.save_buttons()
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
                        [(str(k), k) for k in STEPS], value=10, label="Steps", filterable=False,
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

    controls = [pad, sample, t, seed, label, sampler, schedule, steps, guidance]
    inputs = [context.picker, *controls]
    shown = [there, back, strip, status, notes.code, halt]
    fitted = [label, guidance, sampler, schedule, steps]
    live = partial(newest_only, BACK, stopped=dict(zip((3, 5), stopped(), strict=True)))
    settings = [seed, label, sampler, schedule, steps, guidance]
    context.on_show(live(partial(arrive, context)), controls, [*shown, *fitted], **LIVE)
    pad.draw(live(partial(drawn, context)), inputs, shown, **LIVE)
    gr.on([c.input for c in settings], live(partial(show, context)), inputs, shown, **LIVE)
    t.input(None, t, None, js=SEEK, api_visibility="private")
    t.input(live(partial(again, context)), inputs, shown, **LIVE)
    go.click(live(partial(from_here, context)), inputs, [*shown, t], js=FROM_HERE, **LIVE)
    more.click(live(partial(another, context)), inputs, [*shown, pad, sample], **LIVE)
    bar.wire_stop(BACK, stop(BACK))
    saver.wire(partial(save, context), inputs, status, context)

    context.remember("denoise.from.sample", sample, parse=whole(0, 2**53 - 1))
    context.remember("denoise.from.t", t, parse=number(0, 1))
    context.remember("denoise.from.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("denoise.from.class", label, parse=whole(ANY, 99))
    context.remember("denoise.from.sampler", sampler, parse=one_of(SAMPLERS))
    context.remember("denoise.from.schedule", schedule, parse=one_of(trajectory.SCHEDULES))
    context.remember("denoise.from.steps", steps, parse=one_of(STEPS, int))
    context.remember("denoise.from.guidance", guidance, parse=number(0, 20))
