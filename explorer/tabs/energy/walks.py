"""Energies of pictures and of crowds, the way downhill, and chains, as arrays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from explorer.page.choice import Picture, samples
from explorer.page.context import Context
from explorer.page.examples import crowds
from explorer.page.judge import judge_of, read_by
from explorer.pictures.bytes import as_bytes
from explorer.server.ask import Seed
from explorer.server.previews import real_pictures

MOST = 0.1  # that a pixel changes by in a step downhill
PART = 32  # pictures whose energies are worked out at once
CROWD = 64  # pictures of a set
PHASE, PHASE_STEPS = 16, 40  # chains and their steps, of the negative phase
SURE = 0.9


class Descent(NamedTuple):
    """Steps downhill so far. x: (T, C, H, W) in [0, 1], the picture first. energy: (T,) nats."""

    x: np.ndarray
    energy: np.ndarray


class Crowd(NamedTuple):
    """A set of pictures with their energies. pixels: (N, C, H, W) uint8; values: (N,) nats."""

    key: str
    name: str
    pixels: np.ndarray
    values: np.ndarray


class Walk(NamedTuple):
    """N chains, or as much of their way as is done: T moments.

    x, x0: (T, N, C, H, W) uint8, the chains and the pictures that they would be without noise.
    step: (T,). level: (T,) noise levels, nan of a model without. energy, clean: (T, N) nats of x as
    it is, and of x0. read, sure: (T, N), the judge's class and how sure it is, or None. seconds:
    what the computing took. total: the last step.
    """

    x: np.ndarray
    x0: np.ndarray
    step: np.ndarray
    level: np.ndarray
    energy: np.ndarray
    clean: np.ndarray
    read: np.ndarray | None
    sure: np.ndarray | None
    seconds: float
    total: int

    @property
    def done(self) -> bool:
        return int(self.step[-1]) >= self.total


def as_floats(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float32) / 255


# -- one picture ----------------------------------------------------------------------------------


def slope_at(context: Context, name: str, x: np.ndarray) -> tuple[float, np.ndarray]:
    """The energy of a picture x (C, H, W) in [0, 1], nats, and its gradient, (C, H, W)."""
    from models.scores.energies import energy_slope

    energy, slope = context.ask(name, energy_slope, x[None], tape=True)
    return float(energy[0]), slope[0]


def descent(context: Context, name: str, picture: Picture, steps: int) -> Iterator[Descent]:
    """The way downhill from a picture, yielded as it grows, at least the picture itself."""
    from models.scores.energies import downhill

    def first() -> tuple[np.ndarray, float]:
        x = as_floats(picture.pixels)
        return x, slope_at(context, name, x)[0]

    way = [context.ask.kept(("energy-down", name, picture.key, 0), first)]
    for k in range(1, steps + 1):
        yield _descent(way)

        def further() -> tuple[np.ndarray, float]:
            x, energy = context.ask(name, downhill, way[-1][0][None], MOST, tape=True)
            return x[0], float(energy[0])

        way.append(context.ask.kept(("energy-down", name, picture.key, k), further))
    yield _descent(way)


def _descent(way: list[tuple[np.ndarray, float]]) -> Descent:
    x, energy = zip(*way, strict=True)
    return Descent(np.stack(x), np.array(energy))


# -- crowds and phases ----------------------------------------------------------------------------


def data_of(context: Context, name: str) -> tuple[np.ndarray, str]:
    """(N, C, H, W) uint8 pictures to begin at, and what they are: test pictures where some are
    shipped, else the model's own samples."""
    real = real_pictures(context.store, name)
    return (samples(context, name)[0], "own samples") if real is None else (real, "test pictures")


def company(context: Context, name: str) -> Iterator[list[Crowd] | None]:
    """Yields None while it computes, then all sets, the data first: clean, at the positive phase,
    the chains of the negative phase, then other sets."""

    def begin() -> Iterator[list[Crowd] | None]:
        found: list[Crowd] = []
        data, words = data_of(context, name)
        sets = [("data", words[0].upper() + words[1:], data[:CROWD])]
        sets += [each for each in crowds(context, name, CROWD) if words[0] != "o"
                 or each[0] != "samples"]  # fmt: skip
        for key, title, pixels in sets:
            values = []
            for k in range(0, len(pixels), PART):
                values.append(context.ask(name, "energy", as_floats(pixels[k : k + PART])))
                yield None
            found.append(Crowd(key, title, pixels, np.concatenate(values)))
        if runs_chains(context, name):
            yield from _phases(context, name, data[:PHASE], found)
        yield found

    return context.ask.kept_steps(("energy-company", name), begin)


def _phases(
    context: Context, name: str, data: np.ndarray, found: list[Crowd]
) -> Iterator[list[Crowd] | None]:
    """Adds the two phases, behind the data: where chains from the data begin, and where they are
    some steps later."""
    first = last = None
    for frame in context.ask.steps(
        name, "chain_steps", as_floats(data), Seed(0), steps=PHASE_STEPS
    ):
        first, last = first or frame, frame
        yield None
    for place, (key, title, frame) in enumerate(
        (
            ("positive", "Positive phase: data", first),
            ("negative", "Negative phase: chains", last),
        )
    ):
        found.insert(1 + place, Crowd(key, title, as_bytes(frame.x), frame.info["energy"]))


def runs_chains(context: Context, name: str) -> bool:
    """Whether the model walks in its energy."""
    from models.contract.abilities import RunsChains

    return isinstance(context.store.get(name), RunsChains)


# -- chains ---------------------------------------------------------------------------------------


def walk(
    context: Context, name: str, key: Any, start: np.ndarray | int, seed: int, knobs: dict[str, Any]
) -> Iterator[Walk]:
    """The chains as they go on. key: names the start, for what is kept. start: (N, C, H, W) in
    [0, 1], or how many from noise. knobs: of the model's ``chain_steps``."""

    def begin() -> Iterator[Walk]:
        frames = context.ask.steps(name, "chain_steps", start, Seed(seed), **knobs)
        return _collect(context, name, frames)

    wish = ("energy-chains", name, key, seed, *sorted(knobs.items()))
    return context.ask.kept_steps(wish, begin)


def _collect(context: Context, name: str, frames: Iterator[Any]) -> Iterator[Walk]:
    judge = judge_of(context, context.store.header(name))
    x, x0, step, level, energy, clean, read, sure = ([] for _ in range(8))
    seconds = 0.0
    while True:
        begun = time.perf_counter()
        if (frame := next(frames, None)) is None:
            return
        seconds += time.perf_counter() - begun
        cleaned = frame.x if frame.x0 is None else frame.x0
        x.append(as_bytes(frame.x))
        x0.append(as_bytes(cleaned))
        step.append(frame.step)
        level.append(float(frame.info.get("sigma", np.nan)))
        energy.append(frame.info["energy"])
        clean.append(context.ask(name, "energy", cleaned))
        if judge is not None:
            reading = read_by(context, judge, cleaned)
            read.append(reading.labels)
            sure.append(reading.sure)
        yield Walk(
            np.stack(x), np.stack(x0), np.array(step), np.array(level), np.stack(energy),
            np.stack(clean), np.stack(read) if read else None, np.stack(sure) if sure else None,
            seconds, frame.total,
        )  # fmt: skip
