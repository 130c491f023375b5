"""From noise to a picture: what is there, and what the model takes it for, at every step."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from explorer.components import say
from explorer.components.curves.curves import curves
from explorer.components.film.film import film, stop
from explorer.components.readings.readings import readings
from explorer.page import saves
from explorer.page.address import number, one_of, whole
from explorer.page.context import Context
from explorer.page.runs import LIVE, newest_only, run_row
from explorer.pictures import images
from explorer.pictures.films import mosaic
from explorer.server.abilities import classes_of, takes
from explorer.server.reading import ANY, next_seed
from explorer.tabs.denoise import trajectory
from explorer.tabs.denoise.trajectory import (
    MOST_GUIDANCE,
    OWN,
    SAMPLERS,
    SCHEDULES,
    STEPS,
    Settings,
    Trajectory,
    decibels,
    read_settings,
)

log = logging.getLogger(__name__)

TITLE = "Watch"
COUNTS = (1, 4, 9, 16)
FILM = "watch"

LOOK_FOR = r"""
* **Two pictures, one step.** On the left is what there is: a picture under noise. On the right is
  the model's guess of what lies under it. The sampler never jumps to the guess; it takes a small
  step towards it and asks again.
* **Early guesses are averages.** Under much noise nearly every picture is possible, and the best
  guess of all of them is their mean: a grey blur. Pause at the first frames and see.
* **When is it decided?** Step through with the arrow keys. First the rough shape settles, then the
  strokes, then the edges. Find the frame after which you could name the picture, and read its
  signal-to-noise ratio: at 0 dB signal and noise are equally strong.
* **Where the steps go.** The points on the curve are the steps. Another *schedule* walks the same
  way with other stops. The noise level falls from 80 to 0.01, yet all the visible work lies
  between about 10 and 0.1: try the schedules with 8 steps and see which waste theirs.
* **How few are enough?** With one step the result is the first guess: the average. With 4 it is a
  picture, with 20 a good one. *Heun* asks the model twice a step; compare by evaluations.
* **Chance.** *Ancestral* and *Predictor-corrector* add fresh noise on the way, so the picture is
  decided later than with the others, which follow one line from the noise.
* **Guidance** above 1 exaggerates the class. At 6 and more look at several pictures at once: they
  grow alike.
"""


# -- what is shown --------------------------------------------------------------------------------


def film_value(name: str, settings: Settings, part: Trajectory) -> dict[str, Any]:
    """The film's value: what is there beside what the model takes it for."""
    titles = (("Noisy picture", "xₜ"), ("Model’s guess", "of x₀"))
    return {
        "rows": [
            {"name": title, "note": note, "sprite": images.sprite(mosaic(frames))}
            for (title, note), frames in zip(titles, (part.x, part.x0), strict=True)
        ],
        "levels": _numbers(part.level),
        "run": f"{name} {settings}",
        "running": not part.done,
    }


def curve_value(part: Trajectory) -> dict[str, Any]:
    """The noise level and the signal-to-noise ratio over the steps taken so far."""
    steps = list(range(len(part.level)))
    plot = {"x": steps, "x_name": "step", "range": [0, max(1, part.total - 1)]}
    level, ratio = _numbers(part.level), _numbers(decibels(part.level))
    return {
        "plots": [
            {**plot, "title": "Noise level", "note": "σ", "lines": [{"name": "σ", "y": level}]},
            {**plot, "title": "Signal over noise", "note": "log-SNR in dB", "unit": "dB",
             "lines": [{"name": "SNR", "y": ratio}]},
        ],
        "chosen": 0,
    }  # fmt: skip


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(f"{v:.5g}") if np.isfinite(v) else None for v in values]


def reading_value(context: Context, name: str, settings: Settings, part: Trajectory) -> dict:
    """The numbers beside the film, a text a frame."""
    items = [
        ("Step", [f"{k} of {part.total - 1}" for k in range(len(part.level))]),
        ("Noise level σ", [f"{v:.3g}" for v in part.level]),
        ("Signal over noise", [_decibels(v) for v in decibels(part.level)]),
    ]
    if (times := times_of(context.store.get(name), settings, part.level)) is not None:
        items.append(("Time t", [f"{t:.2f}" for t in times]))
    items.append(("Evaluations", [str(v) for v in part.evaluations]))
    return {"items": [{"name": title, "values": values} for title, values in items]}


def _decibels(value: float) -> str:
    return "no noise" if np.isinf(value) else f"{value:.1f} dB".replace("-", "−")


def times_of(model: Any, settings: Settings, level: np.ndarray) -> np.ndarray | None:
    """(T,) the schedule's time at noise levels; None where the model has no schedule."""
    own = getattr(getattr(model, "schedule", None), "name", None)
    chosen = (settings.schedule or own) if takes(model, "schedule") else own
    if chosen is None or not np.isfinite(level).all():
        return None
    import torch

    from models.families.diffusion.schedules import schedule

    return schedule(chosen).time(torch.as_tensor(level, dtype=torch.float64)).numpy()


def snippet(context: Context, name: str, settings: Settings) -> str:
    """The lines that give the frames on screen."""
    loading, more = trajectory.call(context, name, settings)
    shape = (settings.count, *context.store.header(name).config["image"])
    arguments = [f"{settings.count}, generator({settings.seed})", *([more] if more else [])]
    return (
        "import torch\n\nfrom models import generator, load\n\n"
        f"{loading}"
        "with torch.no_grad():\n"
        "    frames = list(model.sample_steps(\n"
        f"        {', '.join(arguments)},\n"
        "    ))\n"
        f"there = [frame.x for frame in frames]  # {shape} each, from 0 to 1\n"
        "guess = [frame.x0 for frame in frames]\n"
        'levels = [frame.info["level"] for frame in frames]\n'
    )


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def show(context: Context, name: str, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """Yields (film, readings, curves, status, code, Stop button) until the last frame is there."""
    idle = gr.Button(interactive=False)
    try:
        settings = read_settings(context.store.header(name), *controls)
    except ValueError as error:
        yield *[gr.skip()] * 3, say(str(error), kind="problem"), gr.skip(), idle
        return
    if name not in context.store.loaded:
        yield *[gr.skip()] * 3, say("Loading the model …", kind="busy"), gr.skip(), gr.skip()
    try:
        code: Any = snippet(context, name, settings)
        drawn, last = 0, 0.0
        for part in trajectory.run(context, name, settings):
            if part.done:
                yield *_shown(context, name, settings, part), say(_done(settings, part)), code, idle
                return
            # A film is sent whole each time: seldom enough that the sending stays the lesser work.
            now = time.monotonic()
            due = now - last > 0.25 and len(part.level) >= 1.3 * drawn
            if not due and now - last < 0.1:
                continue
            if due:
                drawn, last = len(part.level), now
            told = _shown(context, name, settings, part) if due else [gr.skip()] * 3
            share = len(part.level) / part.total
            status = say(f"Step {len(part.level) - 1} of {part.total - 1}", share, "busy")
            yield *told, status, code, gr.Button(interactive=True)
            code = gr.skip()
    except (ValueError, RuntimeError) as error:
        log.info("Watching %s failed: %s", name, error)
        yield *[gr.skip()] * 3, say(str(error), kind="problem"), gr.skip(), idle


def _shown(context: Context, name: str, settings: Settings, part: Trajectory) -> tuple:
    return (
        film_value(name, settings, part),
        reading_value(context, name, settings, part),
        curve_value(part),
    )


def _done(settings: Settings, part: Trajectory) -> str:
    pictures = "1 picture" if settings.count == 1 else f"{settings.count} pictures"
    return (
        f"{pictures} of seed {settings.seed} in {part.total - 1} steps: "
        f"{part.evaluations[-1]} evaluations, {part.seconds:.2g} s."
    )


def stopped() -> tuple[Any, Any]:
    """(status, Stop button) once a person has stopped the run."""
    return say("Stopped. What was there by then can be played."), gr.update(interactive=False)


def another(context: Context, name: str, seed: Any, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """The next seed: yields what ``show`` does, and that seed."""
    following: Any = next_seed(seed)
    for outputs in show(context, name, following, *controls):
        yield *outputs, following
        following = gr.skip()


def arrive(context: Context, name: str, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """A new model is on screen: yields what ``show`` does, and the five controls that depend on
    it: sampler, steps, guidance, class, schedule."""
    header = context.store.header(name)
    if name not in context.store.loaded:
        busy = say("Loading the model …", kind="busy")
        yield *[gr.skip()] * 3, busy, *[gr.skip()] * 7
    model = context.store.get(name)
    seed, count, sampler, steps, guidance, label, schedule = controls
    classes = classes_of(header)
    label = label if label in range(len(classes)) else ANY
    own = getattr(getattr(model, "schedule", None), "title", None)
    updates = (
        gr.Dropdown(visible=takes(model, "sampler")),
        gr.Dropdown(visible=takes(model, "steps")),
        gr.Number(visible=takes(model, "guidance") and bool(classes)),
        gr.Dropdown(choices=label_choices(classes), value=label, visible=bool(classes)),
        gr.Dropdown(choices=schedule_choices(own), visible=takes(model, "schedule")),
    )
    for outputs in show(context, name, seed, count, sampler, steps, guidance, label, schedule):
        yield *outputs, *updates
        updates = (gr.skip(),) * 5


def label_choices(classes: list[str]) -> list[tuple[str, int]]:
    return [("Any class", ANY), *((text, k) for k, text in enumerate(classes))]


def schedule_choices(own: str | None = None) -> list[tuple[str, str]]:
    mine = f"As trained: {own}" if own else "As trained"
    return [(mine, OWN), *((title, key) for key, title in SCHEDULES.items())]


def save(context: Context, kind: str, name: str, *controls: Any) -> tuple[Any, Any]:
    """(file for the saver, status). kind: "webp" or "gif", the film; "png", its frames in rows."""
    try:
        settings = read_settings(context.store.header(name), *controls)
        part = trajectory.finished(context, name, settings)
    except (ValueError, RuntimeError) as error:
        return gr.skip(), say(str(error), kind="problem")
    stem = f"{name}-denoised-seed-{settings.seed}"
    return saves.film_file(kind, stem, [mosaic(part.x), mosaic(part.x0)]), gr.skip()


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            bar = run_row("Another seed", "watch-more", "watch-stop")
            more, halt, status = bar
            with gr.Row(elem_classes="ge-pair"):
                seed = gr.Number(0, label="Seed", elem_id="watch-seed")
                label = gr.Dropdown(
                    [("Any class", ANY), *((str(k), k) for k in range(100))], value=ANY,
                    label="Class", filterable=False, elem_id="watch-class",
                )  # fmt: skip
            sampler = gr.Dropdown(
                [(title, key) for key, title in SAMPLERS.items()], value="dpm", label="Sampler",
                filterable=False, elem_id="watch-sampler",
            )  # fmt: skip
            schedule = gr.Dropdown(
                schedule_choices(), value=OWN, label="Schedule", filterable=False,
                elem_id="watch-schedule",
            )  # fmt: skip
            with gr.Row(elem_classes="ge-pair"):
                steps = gr.Dropdown(
                    [(str(k), k) for k in STEPS], value=20, label="Steps", filterable=False,
                    elem_id="watch-steps",
                )  # fmt: skip
                count = gr.Dropdown(
                    [(str(k), k) for k in COUNTS], value=1, label="Pictures", filterable=False,
                    elem_id="watch-count",
                )  # fmt: skip
                guidance = gr.Number(1, label="Guidance", step=0.5, elem_id="watch-guidance")
            saver = saves.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            with gr.Row(elem_classes="ge-watch"):
                view = film(FILM, label="From noise to a picture", below=206)
                numbers = readings(FILM)
            lines = curves(follows=FILM, tall=140)

    controls = [seed, count, sampler, steps, guidance, label, schedule]
    inputs = [context.picker, *controls]
    shown = [view, numbers, lines, status, notes.code, halt]
    fitted = [sampler, steps, guidance, label, schedule]
    live = partial(newest_only, FILM, stopped=dict(zip((3, 5), stopped(), strict=True)))
    context.on_show(live(partial(arrive, context)), controls, [*shown, *fitted], **LIVE)
    gr.on([c.input for c in controls], live(partial(show, context)), inputs, shown, **LIVE)
    more.click(live(partial(another, context)), inputs, [*shown, seed], **LIVE)
    bar.wire_stop(FILM, stop(FILM))
    saver.wire(partial(save, context), inputs, status, context)

    context.remember("denoise.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("denoise.pictures", count, parse=one_of(COUNTS, int))
    context.remember("denoise.sampler", sampler, parse=one_of(SAMPLERS))
    context.remember("denoise.steps", steps, parse=one_of(STEPS, int))
    context.remember("denoise.guidance", guidance, parse=number(0, MOST_GUIDANCE))
    context.remember("denoise.class", label, parse=whole(ANY, 99))
    context.remember("denoise.schedule", schedule, parse=one_of(SCHEDULES))
