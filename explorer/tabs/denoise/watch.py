"""From noise to a picture: what is there, and what the model takes it for, at every step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from explorer.components import say
from explorer.components.curves.curves import curves
from explorer.components.film.film import film, stop
from explorer.components.readings.readings import readings
from explorer.page import saves as export
from explorer.page.address import number, one_of, whole
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import loading, snippet
from explorer.pictures import images
from explorer.pictures.films import mosaic
from explorer.server.abilities import classes_of, takes
from explorer.server.reading import ANY, next_seed
from explorer.tabs.denoise import trajectory
from explorer.tabs.denoise.trajectory import (
    ALL_SAMPLERS,
    MOST_GUIDANCE,
    OWN,
    SAMPLERS,
    SCHEDULES,
    STEPS,
    Settings,
    Trajectory,
    decibels,
    offered_steps,
    read_settings,
    samplers_of,
    steps_choices,
)
from models.contract.abilities import HasSchedule

TITLE = "Watch"
COUNTS = (1, 4, 9, 16)
FILM = "watch"

LOOK_FOR = r"""
* **Two pictures, one step.** On the left is what there is: a picture under noise. On the right is
  the model's guess of what lies under it. The sampler never jumps to the guess; it takes a small
  step towards it and asks again. A few-step student does jump, and puts less noise back.
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
    own = model.schedule.name if isinstance(model, HasSchedule) else None
    chosen = (settings.schedule or own) if takes(model, "schedule") else own
    if chosen is None or not np.isfinite(level).all():
        return None
    import torch

    from models.families.diffusion.schedules import schedule

    process = model.schedule if chosen == own else schedule(chosen)
    return process.time(torch.as_tensor(level, dtype=torch.float64)).numpy()


def code_of(context: Context, name: str, settings: Settings) -> str:
    """The lines that give the frames on screen."""
    shape = (settings.count, *context.store.header(name).config["image"])
    return snippet(
        loading(context, name),
        trajectory.loop(context, name, settings),
        f"there = [frame.x for frame in frames]  # {shape} each, from 0 to 1",
        "guess = [frame.x0 for frame in frames]",
        'levels = [frame.info["level"] for frame in frames]',
    )


# -- handlers -------------------------------------------------------------------------------------


def read(context: Context, name: str, asked: Asked) -> Settings:
    """The settings that the controls ask for. Raises ValueError with one sentence."""
    return read_settings(
        context.store.header(name), asked.seed, asked.count, asked.sampler, asked.steps,
        asked.guidance, asked.label, asked.schedule,
    )  # fmt: skip


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The film with its numbers and curves, as far as it is, until the last frame is there."""
    settings = read(context, name, asked)
    yield screen(code=code_of(context, name, settings))
    drawn, last = 0, 0.0
    for part in trajectory.run(context, name, settings):
        if part.done:
            yield screen(
                **film_parts(context, name, settings, part), status=say(_done(settings, part))
            )
            return
        # A film is sent whole each time: seldom enough that the sending stays the lesser work.
        now = time.monotonic()
        due = now - last > 0.25 and len(part.level) >= 1.3 * drawn
        if not due and now - last < 0.1:
            yield None
            continue
        share = len(part.level) / part.total
        status = say(f"Step {len(part.level) - 1} of {part.total - 1}", share, "busy")
        if due:
            drawn, last = len(part.level), now
            yield screen(**film_parts(context, name, settings, part), status=status)
        else:
            yield screen(status=status)


def film_parts(context: Context, name: str, settings: Settings, part: Trajectory) -> dict[str, Any]:
    """What the stage shows of a run, by output."""
    return {
        "film": film_value(name, settings, part),
        "numbers": reading_value(context, name, settings, part),
        "curves": curve_value(part),
    }


def _done(settings: Settings, part: Trajectory) -> str:
    pictures = "1 picture" if settings.count == 1 else f"{settings.count} pictures"
    return (
        f"{pictures} of seed {settings.seed} in {part.total - 1} steps: "
        f"{part.evaluations[-1]} evaluations, {part.seconds:.2g} s."
    )


def another(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A new model is on screen: the controls that it has, then the film."""
    classes = classes_of(context.store.header(name))
    model = context.store.get(name)
    steps, offered = offered_steps(model, context.store.header(name), asked.steps)
    asked = asked.but(label=asked.label if asked.label in range(len(classes)) else ANY, steps=steps)
    own = model.schedule.title if isinstance(model, HasSchedule) else None
    samplers = samplers_of(model)
    sampler = asked.sampler if asked.sampler in dict(samplers).values() else "dpm"
    asked = asked.but(sampler=sampler)
    yield screen(
        sampler=gr.Dropdown(
            choices=samplers or [(SAMPLERS["dpm"], "dpm")], value=sampler, visible=bool(samplers)
        ),
        steps=gr.Dropdown(
            choices=steps_choices(offered), value=steps, visible=takes(model, "steps")
        ),
        guidance=gr.Number(visible=takes(model, "guidance") and bool(classes)),
        label=gr.Dropdown(choices=label_choices(classes), value=asked.label, visible=bool(classes)),
        schedule=gr.Dropdown(choices=schedule_choices(own), visible=takes(model, "schedule")),
    )
    yield from show(context, name, asked)


def label_choices(classes: list[str]) -> list[tuple[str, int]]:
    return [("Any class", ANY), *((text, k) for k, text in enumerate(classes))]


def schedule_choices(own: str | None = None) -> list[tuple[str, str]]:
    mine = f"As trained: {own}" if own else "As trained"
    return [(mine, OWN), *((title, key) for key, title in SCHEDULES.items())]


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file. kind: "webp" or "gif", the film; "png", its frames in rows."""
    settings = read(context, name, asked)
    part = trajectory.finished(context, name, settings)
    stem = f"{name}-denoised-seed-{settings.seed}"
    return export.film_file(kind, stem, [mosaic(part.x), mosaic(part.x0)])


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Sample again", "watch-more", "watch-stop")
            with gr.Row(elem_classes="ge-pair"):
                seed = gr.Number(0, label="Seed", elem_id="watch-seed")
                label = gr.Dropdown(
                    [("Any class", ANY), *((str(k), k) for k in range(100))], value=ANY,
                    label="Class", filterable=False, elem_id="watch-class",
                )  # fmt: skip
            sampler = gr.Dropdown(
                [(title, key) for key, title in ALL_SAMPLERS.items()], value="dpm", label="Sampler",
                filterable=False, elem_id="watch-sampler",
            )  # fmt: skip
            schedule = gr.Dropdown(
                schedule_choices(), value=OWN, label="Schedule", filterable=False,
                elem_id="watch-schedule",
            )  # fmt: skip
            with gr.Row(elem_classes="ge-pair"):
                steps = gr.Dropdown(
                    steps_choices(STEPS), value=20, label="Steps", filterable=False,
                    elem_id="watch-steps",
                )  # fmt: skip
                count = gr.Dropdown(
                    [(str(k), k) for k in COUNTS], value=1, label="Pictures", filterable=False,
                    elem_id="watch-count",
                )  # fmt: skip
                guidance = gr.Number(1, label="Guidance", step=0.5, elem_id="watch-guidance")
            saver = export.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            with gr.Row(elem_classes="ge-watch"):
                view = film(FILM, label="From noise to a picture", below=206)
                numbers = readings(FILM)
            lines = curves(follows=FILM, tall=140)

    part.controls(
        seed=seed, count=count, sampler=sampler, steps=steps, guidance=guidance, label=label,
        schedule=schedule,
    )  # fmt: skip
    part.outputs(
        film=view, numbers=numbers, curves=lines, status=status, code=notes.code, stop=halt,
        seed=seed, sampler=sampler, steps=steps, guidance=guidance, label=label, schedule=schedule,
    )  # fmt: skip
    part.arrives(arrive)
    part.on([control.input for control in part.asks.values()], show)
    part.on(more.click, another, main=True)
    part.stops(halt, js=stop(FILM))
    part.saves(saver, save)

    context.remember("denoise.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("denoise.pictures", count, parse=one_of(COUNTS, int))
    context.remember("denoise.sampler", sampler, parse=one_of(ALL_SAMPLERS))
    context.remember("denoise.steps", steps, parse=one_of(STEPS, int))
    context.remember("denoise.guidance", guidance, parse=number(0, MOST_GUIDANCE))
    context.remember("denoise.class", label, parse=whole(ANY, 99))
    context.remember("denoise.schedule", schedule, parse=one_of(SCHEDULES))
