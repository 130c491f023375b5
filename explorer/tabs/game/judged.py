"""Verdicts of a discriminator as plain numbers, where it looked, and sets to compare with."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from explorer.page.context import Context
from explorer.page.examples import drawn, foreign, noise, of_same_data
from explorer.pictures.bytes import as_bytes
from explorer.server.abilities import classes_of
from explorer.server.ask import Seed
from explorer.server.words import data_title

log = logging.getLogger(__name__)

OWN_SAMPLES, REAL_PICTURES = "Its own samples", "Real test pictures"
OWN, REAL, OTHERS = 256, 256, 64  # pictures of each set
RIVALS = 2  # other models of the same data
LEVELS = 32  # pictures of one level of grey, from black to white


class Judgement(NamedTuple):
    """What the discriminator says of one picture.

    value: its verdict, that of the class it passes for best where there are classes. by_class:
    (K,) for every class, None without. label: that class, or None. slope: (C, H, W), the gradient
    of the verdict by the picture's pixels, each from 0 to 1.
    """

    value: float
    by_class: np.ndarray | None
    label: int | None
    slope: np.ndarray


class Judged(NamedTuple):
    """A set of pictures with their verdicts. pixels: (N, C, H, W) uint8; values: (N,)."""

    name: str
    pixels: np.ndarray
    values: np.ndarray


def judgement(context: Context, name: str, pixels: np.ndarray) -> Judgement:
    """The verdict on one picture (C, H, W) uint8, and its gradient."""
    from models.scores.verdicts import verdict_slope

    classes = len(classes_of(context.store.header(name)))
    told, slope = context.ask(name, verdict_slope, _as_floats(pixels[None]), classes, tape=True)
    label = int(told.argmax())
    if not classes:
        return Judgement(float(told[0]), None, None, slope)
    return Judgement(float(told[label]), told, label, slope)


def verdicts(
    context: Context, name: str, pixels: np.ndarray, chunk: int = 32
) -> Iterator[np.ndarray]:
    """Verdicts on pictures (N, C, H, W) uint8, each as the class it passes for best, by chunks."""
    from models.scores.verdicts import verdicts as of_all

    classes = len(classes_of(context.store.header(name)))
    for k in range(0, len(pixels), chunk):
        yield context.ask(name, of_all, _as_floats(pixels[k : k + chunk]), classes).max(1)


def _as_floats(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float32) / 255


def company(context: Context, name: str) -> Iterator[list[Judged] | None]:
    """Yields None while it judges, then all sets; the model's own samples first.

    The others: real test pictures where they are at hand, what other models made of the same data
    and of other data, noise, and single levels of grey.
    """

    def begin() -> Iterator[list[Judged] | None]:
        found = []
        for title, pixels in _sets(context, name):
            values = []
            for part in verdicts(context, name, pixels):
                values.append(part)
                yield None
            found.append(Judged(title, pixels, np.concatenate(values)))
        yield found

    others = [*_rivals(context, name), *_strangers(context, name)]
    return context.ask.kept_steps(("game-company", name, *others), begin)


def _rivals(context: Context, name: str) -> list[str]:
    """Other models of the same data."""
    return of_same_data(context, name, "Samples")[:RIVALS]


def _strangers(context: Context, name: str) -> list[str]:
    """Models of other data, one of each."""
    seen, found = {context.store.header(name).data.get("name", "")}, []
    for other in foreign(context, name):
        data = context.store.header(other).data.get("name", "")
        if data not in seen:
            seen.add(data)
            found.append(other)
    return found


def _sets(context: Context, name: str) -> Iterator[tuple[str, np.ndarray]]:
    header = context.store.header(name)
    of, shape = header.data.get("name", ""), tuple(header.config["image"])
    yield OWN_SAMPLES, as_bytes(context.ask(name, "sample", OWN, Seed(0)))
    if (real := test_pictures(context, of, shape)) is not None:
        yield REAL_PICTURES, real
    for other in _rivals(context, name):
        yield f"Made by {context.store.header(other).title}", drawn(context, other)[:OTHERS]
    for other in _strangers(context, name):
        data = context.store.header(other).data.get("name", "")
        yield f"{data_title(data)}, made", drawn(context, other)[:OTHERS]
    yield "Noise", noise(shape, OTHERS)
    levels = np.linspace(0, 255, LEVELS).round().astype(np.uint8)
    yield "One level of grey", np.broadcast_to(levels[:, None, None, None], (LEVELS, *shape)).copy()


def test_pictures(context: Context, of: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """(N, C, H, W) uint8 of a data set's test pictures; None where they are not at hand."""
    from models.data import datasets

    try:
        found = datasets.load(of, "test", context.data_dir, download=False)
    except (datasets.DataError, OSError) as error:
        log.info("No test pictures of %s: %s", of, error)
        return None
    chosen = np.linspace(0, len(found) - 1, min(REAL, len(found))).astype(int)
    pixels = found.images[chosen].numpy()
    return pixels if pixels.shape[1:] == shape else None
