"""A picture written value by value, as arrays: checked settings, writing, changing, laying out.

Only the protocol ``models.base.WritesPixels`` is used: a place is an index into the flattened
picture, a step the number of values written by then.
"""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from textwrap import indent
from typing import Any, NamedTuple

import numpy as np

from explorer.components.pixel_player.pixel_player import colours
from explorer.page.changes import Change
from explorer.page.context import Context
from explorer.page.snippet import call, loading, raw, snippet
from explorer.server.abilities import classes_of, read_label
from explorer.server.reading import is_number, is_whole
from models.contract.knobs import checked_seed

HOTTEST = 10.0
# Seconds between two looks at what is written so far.
PAUSE = 0.12


class Settings(NamedTuple):
    """What one written picture is made of. label: a class, or None for any. order: its index."""

    seed: int = 0
    label: int | None = None
    temperature: float = 1.0
    order: int = 0


class Written(NamedTuple):
    """A picture, or as much of it as there is: K of D values, in the order of writing.

    places: (D,) where each goes. levels: (K,) whole numbers from 0. nats: (K,) -log p of each given
    those before it, at temperature 1. label: the class it was written for. seconds: of computing.
    """

    places: np.ndarray
    levels: np.ndarray
    nats: np.ndarray
    label: int | None
    seconds: float

    @property
    def done(self) -> bool:
        return len(self.levels) == len(self.places)

    def by_place(self) -> np.ndarray:
        """(D,) levels in the order of the flattened picture, 0 where it is not written."""
        flat = np.zeros(len(self.places), np.int64)
        flat[self.places[: len(self.levels)]] = self.levels
        return flat


# -- settings -------------------------------------------------------------------------------------


def read_settings(
    header: Any, orders: Sequence[str], seed: Any, label: Any, temperature: Any, order: Any
) -> Settings:
    """Checked settings from the controls' values. Raises ValueError with one sentence."""
    checked_seed(seed)
    if not is_number(temperature) or not 0 < temperature <= HOTTEST:
        raise ValueError(
            f"The temperature must be a number above 0, up to {HOTTEST:g}; "
            "small ones take the likeliest value."
        )
    if not is_whole(order) or not 0 <= order < len(orders):
        raise ValueError(f"This model writes in these orders only: {', '.join(orders)}.")
    return Settings(int(seed), read_label(header, label), float(temperature), int(order))


def in_order(changes: Sequence[Change], places: np.ndarray) -> tuple[Change, ...]:
    """The changes that still stand once the last is made: those of values written before it."""
    step = {int(place): k for k, place in enumerate(places)}
    kept: list[Change] = []
    for change in changes:
        kept = [c for c in kept if step[c.place] < step[change.place]]
        kept.append(change)
    return tuple(kept)


# -- writing --------------------------------------------------------------------------------------


def places_of(context: Context, name: str, order: int) -> np.ndarray:
    """(D,): the places of a flattened picture in the order of writing."""
    return context.ask.kept(("order", name, order), lambda: context.ask(name, "order", order))


def run(
    context: Context, name: str, settings: Settings, changes: tuple[Change, ...] = ()
) -> Iterator[Written | None]:
    """Writes a picture, yielding what there is of it now and then and once it is done.

    After every other value it yields None, so that it can be ended there. Each change goes on from
    the picture before it, with the same chance for every value that is written anew. What was
    finished before is there at once. Raises ValueError where the model refuses a setting.
    """
    key = ("pixels", name, settings, changes)
    return context.ask.kept_steps(key, lambda: _steps(context, name, settings, changes))


def _steps(
    context: Context, name: str, settings: Settings, changes: tuple[Change, ...]
) -> Iterator[Written | None]:
    model = context.store.get(name)
    label, u = chance(context, name, settings)
    places = places_of(context, name, settings.order)
    more: dict[str, Any] = {}
    if changes:
        before = yield from quietly(run(context, name, settings, changes[:-1]))
        flat = before.by_place()
        flat[changes[-1].place] = changes[-1].level
        step = int(np.flatnonzero(places == changes[-1].place)[0])
        known = np.zeros(len(places), bool)
        known[places[: step + 1]] = True
        more = {"x": as_picture(model, flat), "known": known.reshape(1, *model.image_shape)}
    frames = context.ask.steps(
        name, "write_steps", u, label, settings.temperature, settings.order, every=1, **more
    )
    spent, told = 0.0, time.monotonic()
    while True:
        begun = time.perf_counter()
        frame = next(frames)
        spent += time.perf_counter() - begun
        done = frame.step == frame.total
        if not done and time.monotonic() - told <= PAUSE:
            yield None
            continue
        told = time.monotonic()
        yield _written(model, places, frame, label, spent)
        if done:
            return


def quietly(steps: Iterator[Any]) -> Generator[None, None, Any]:
    """Yields None for each step, so that it can be ended there, and returns the last."""
    last = None
    for step in steps:
        last = step
        yield None
    return last


def finished(
    context: Context, name: str, settings: Settings, changes: tuple[Change, ...] = ()
) -> Written:
    """The whole picture."""
    *_, last = run(context, name, settings, changes)
    return last


def chance(context: Context, name: str, settings: Settings) -> tuple[int | None, np.ndarray]:
    """The class, drawn where any will do, and the uniforms of one picture, (1, D): in the order in
    which ``sample_steps`` draws them, so that a seed means the same picture there."""
    from models import Streams, generator, uniform

    header, rng = context.store.header(name), Streams.of(generator(settings.seed), 1)
    label, classes = settings.label, len(classes_of(header))
    if label is None and classes:
        label = int(uniform((1,), rng, "cpu") * classes)
    return label, uniform((1, math.prod(header.config["image"])), rng, "cpu").numpy()


def as_picture(model: Any, flat: np.ndarray) -> np.ndarray:
    """Levels by place as a picture, (1, C, H, W) in [0, 1]."""
    x = flat.astype(np.float32) / np.float32(model.levels - 1)
    return x.reshape(1, *model.image_shape)


def _written(
    model: Any, places: np.ndarray, frame: Any, label: int | None, seconds: float
) -> Written:
    there = places[: frame.step]
    values = frame.x.flatten()[there] * (model.levels - 1)
    nats = -frame.info["nats"].flatten()[there]
    return Written(places, np.rint(values).astype(np.int64), nats, label, seconds)


def bits_per_value(model: Any, nats: float, values: int) -> float | None:
    """Bits a value, which is bits/dim for 8-bit pictures; None where levels are not bytes."""
    return nats / math.log(2) / values if model.levels == 256 else None


# -- laying out -----------------------------------------------------------------------------------


def packed(array: Any, kind: Any) -> str:
    """The bytes of an array as base64, little-endian, as the page's typed arrays read them."""
    little = np.dtype(kind).newbyteorder("<")
    return base64.b64encode(np.ascontiguousarray(array, little).tobytes()).decode("ascii")


def most_nats(levels: int, channels: int) -> float:
    """Where the colours of surprise end: one in twenty for black and white, else about as much as
    a value that could have been any."""
    return 3.0 if levels == 2 else channels * float(math.ceil(math.log(levels)))


def film(part: Written, shape: Sequence[int], levels: int, most: int = 60) -> list[np.ndarray]:
    """The writing as two films for a file, (T, 3, H, W) uint8 each: the picture with what is not
    written in grey, and its surprise."""
    C, H, W = shape
    K = len(part.levels)
    stops = np.unique(np.linspace(0, K, min(most, K + 1)).round().astype(int))
    pictures = np.full((len(stops), C, H * W), 112, np.uint8)
    heat = np.full((len(stops), 3, H * W), 112, np.uint8)
    bright = np.rint(part.levels * 255 / (levels - 1)).astype(np.uint8)
    channel, pixel = np.divmod(part.places, H * W)
    for t, k in enumerate(stops):
        sums, seen = np.zeros(H * W), np.zeros(H * W, bool)
        np.add.at(sums, pixel[:k], part.nats[:k])
        seen[pixel[:k]] = True
        pictures[t][:, seen] = 0
        pictures[t][channel[:k], pixel[:k]] = bright[:k]
        heat[t][:, seen] = colours(sums[seen] / most_nats(levels, C)).T
    pictures = pictures.reshape(-1, C, H, W)
    return [np.repeat(pictures, 3 // C, axis=1), heat.reshape(-1, 3, H, W)]


# -- code -----------------------------------------------------------------------------------------


def code_of(
    context: Context, name: str, settings: Settings, changes: tuple[Change, ...], label: int | None
) -> str:
    """The lines that give the picture on screen and the nats of its values."""
    model, classes = context.store.get(name), classes_of(context.store.header(name))
    C, H, W = model.image_shape
    given: dict[str, Any] = {
        "temperature": None if settings.temperature == 1 else settings.temperature,
        "order": settings.order or None,
    }
    write = partial(call, "*_, frame = model.write_steps", raw("u"))
    if label is not None:
        write = partial(write, raw("label"))
    lines = [loading(context, name), f"rng = Streams.of(generator({settings.seed}), 1)"]
    if settings.label is None and label is not None:
        lines.append(f'label = int(uniform((1,), rng, "cpu") * {len(classes)})')
    elif label is not None:
        lines.append(f"label = {label}")
    lines += [f"u = uniform((1, {C * H * W}), rng, model.device)", write(**given, every=W)]
    if changes:
        again = write(**given, x=raw("x"), known=raw("known"), every=W)
        lines += [
            f"places = model.order({settings.order}).tolist()",
            f"for place, level in {[tuple(c) for c in changes]}:",
            "    x = frame.x.clone()",
            f"    x.view(-1)[place] = level / {model.levels - 1}",
            "    known = torch.zeros_like(x, dtype=torch.bool)",
            "    known.view(-1)[places[: places.index(place) + 1]] = True",
            indent(again, "    "),
        ]
    lines += [
        f"picture = frame.x  # (1, {C}, {H}, {W}), from 0 to 1",
        'nats = -frame.info["nats"]  # of each value; they sum to -log p of the picture',
    ]
    return snippet(*lines)
