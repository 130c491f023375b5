"""The way from noise to a picture, as arrays: checked settings, running a sampler, laying out.

Which knobs a model's ``sample_steps`` takes is read from its signature (``takes``), so that every
model that samples in steps and denoises can be watched.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from explorer.page.context import Context
from explorer.page.snippet import call, raw
from explorer.pictures.bytes import as_bytes
from explorer.server.abilities import own_steps, read_label, takes
from explorer.server.ask import Seed
from explorer.server.reading import ANY, is_number, is_whole
from models.contract.knobs import checked_seed, named

log = logging.getLogger(__name__)

# ``models.samplers.TITLES`` and the titles of ``models.schedules.SCHEDULES``: said again because
# importing those imports torch, and the page is up before torch is. A test holds them equal.
SAMPLERS = {
    "dpm": "DPM-Solver++(2M)",
    "heun": "Heun (EDM)",
    "euler": "Euler",
    "ddim": "DDIM",
    "ddpm": "Ancestral (DDPM)",
    "langevin": "Predictor-corrector",
    "ode": "Adaptive ODE",
}
# Besides these, of a model that has it, the very steps that its own program takes.
ALL_SAMPLERS = {**SAMPLERS, "scheduler": "As its scheduler does"}
SCHEDULES = {
    "edm": "EDM",
    "ddpm": "DDPM, linear",
    "cosine": "DDPM, cosine",
    "flow": "Rectified flow",
}
STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 14, 20, 30, 40, 50, 70, 100)
OWN = ""  # the schedule that the model was trained with
MOST, MOST_STEPS, MOST_GUIDANCE = 64, 1000, 20.0


class Settings(NamedTuple):
    """What one run is made of. label: a class, or None for any. schedule: None for the model's own.

    knobs: further ones of the sampler, as (name, value) pairs in the order of their names.
    """

    seed: int = 0
    count: int = 1
    sampler: str = "dpm"
    steps: int = 20
    guidance: float = 1.0
    label: int | None = None
    schedule: str | None = None
    knobs: tuple[tuple[str, float], ...] = ()


class Trajectory(NamedTuple):
    """A run, or as much of it as is done: T moments of N pictures.

    x: (T, N, C, H, W) uint8, the noisy pictures as the schedule scales them. x0: likewise, the
    model's guess of the end at each moment. level: (T,) noise levels, falling to 0. evaluations:
    (T,) evaluations of the model up to each guess. z: (N, D), or None; labels: (N,), or None.
    seconds: what the computing took. total: how many moments there will be. done: whether all are.
    """

    x: np.ndarray
    x0: np.ndarray
    level: np.ndarray
    evaluations: np.ndarray
    z: np.ndarray | None
    labels: np.ndarray | None
    seconds: float
    total: int
    done: bool


# -- settings -------------------------------------------------------------------------------------


def read_settings(
    header: Any,
    seed: Any = 0,
    count: Any = 1,
    sampler: Any = "dpm",
    steps: Any = 20,
    guidance: Any = 1.0,
    label: Any = ANY,
    schedule: Any = OWN,
    **knobs: Any,
) -> Settings:
    """Checked settings from the controls' values. Raises ValueError with one sentence."""
    checked_seed(seed)
    if not is_whole(count) or not 1 <= count <= MOST:
        raise ValueError(f"Ask for 1 to {MOST} pictures at once.")
    if sampler not in ALL_SAMPLERS:
        raise ValueError(f"There is no sampler '{sampler}'.")
    if not is_whole(steps) or not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"Sampling takes a whole number of steps from 1 to {MOST_STEPS}.")
    if not is_number(guidance) or not 0 <= guidance <= MOST_GUIDANCE:
        raise ValueError(f"Guidance must be a number from 0 to {MOST_GUIDANCE:g}.")
    if schedule not in (None, OWN, *SCHEDULES):
        raise ValueError(f"There is no noise schedule '{schedule}'.")
    for knob, value in knobs.items():
        if not is_number(value) or value < 0:
            raise ValueError(f"'{knob}' must be 0 or a positive number.")
    return Settings(
        int(seed), int(count), sampler, int(steps), float(guidance), read_label(header, label),
        schedule or None, tuple(sorted((knob, float(value)) for knob, value in knobs.items())),
    )  # fmt: skip


def arguments(model: Any, settings: Settings, method: str = "sample_steps") -> dict[str, Any]:
    """The settings that this method of the model takes, as keyword arguments."""
    wanted = {
        "sampler": settings.sampler,
        "steps": settings.steps,
        "guidance": settings.guidance,
        "schedule": settings.schedule,
    }
    found = {key: value for key, value in wanted.items() if takes(model, key, method)}
    if "sampler" in found:
        found.update(settings.knobs)
    return {key: value for key, value in found.items() if value is not None}


def offered_steps(
    model: Any, header: Any, asked: Any, method: str = "sample_steps"
) -> tuple[int, list[int]]:
    """How many steps to begin with, ``asked`` where the model's method takes as many, and those of
    ``STEPS`` that it takes."""
    knob = named(model.knobs(method)).get("steps")
    offered = [k for k in STEPS if knob is None or k <= knob.high]
    return asked if asked in offered else min(offered[-1], own_steps(header)), offered


def samplers_of(model: Any) -> list[tuple[str, str]]:
    """The items of a list of the samplers that the model takes."""
    knob = named(model.knobs()).get("sampler")
    return [(title, key) for key, title in ALL_SAMPLERS.items() if knob and key in knob.choices]


def steps_choices(offered: Sequence[int]) -> list[tuple[str, int]]:
    """The items of a list of numbers of steps."""
    return [(str(k), k) for k in offered]


# -- running --------------------------------------------------------------------------------------


def run(context: Context, name: str, settings: Settings) -> Iterator[Trajectory]:
    """Samples with the model, yielding the trajectory so far after every step.

    A run that was finished before is there at once, in one piece. Raises ValueError where the
    model refuses a setting.
    """
    knobs = arguments(context.store.get(name), settings)
    frames = partial(
        context.ask.steps, name, "sample_steps", settings.count, Seed(settings.seed),
        settings.label, **knobs,
    )  # fmt: skip
    return context.ask.kept_steps(("denoise", name, settings), lambda: collect(frames()))


def finished(context: Context, name: str, settings: Settings) -> Trajectory:
    """The whole trajectory."""
    return list(run(context, name, settings))[-1]


def collect(frames: Iterator[Any]) -> Iterator[Trajectory]:
    """Frames of a model, as arrays, as trajectories that grow. The time between them is not
    counted."""
    x, x0, level, evaluations = [], [], [], []
    seconds = 0.0
    while True:
        begun = time.perf_counter()
        if (frame := next(frames, None)) is None:
            return
        seconds += time.perf_counter() - begun
        x.append(as_bytes(frame.x))
        x0.append(x[-1] if frame.x0 is None else as_bytes(frame.x0))
        level.append(float(frame.info.get("level", math.nan)))
        evaluations.append(int(frame.info.get("evaluations", frame.step)))
        labels = frame.info.get("label")
        yield Trajectory(
            np.stack(x), np.stack(x0), np.array(level), np.array(evaluations),
            frame.info.get("z"), None if labels is None else np.atleast_1d(labels), seconds,
            max(frame.total + 1, len(x)), frame.step >= frame.total,
        )  # fmt: skip


# -- showing --------------------------------------------------------------------------------------


def decibels(level: np.ndarray) -> np.ndarray:
    """Signal over noise, 10 log10(alpha^2 / sigma^2), at noise levels; inf at 0."""
    with np.errstate(divide="ignore"):
        return -20 * np.log10(np.asarray(level, np.float64))


def loop(context: Context, name: str, settings: Settings) -> str:
    """For code to show: the frames of a run, as a list."""
    knobs = arguments(context.store.get(name), settings)
    return call(
        "frames = list(model.sample_steps", settings.count, raw(f"generator({settings.seed})"),
        label=settings.label, **knobs,
    ) + ")"  # fmt: skip
