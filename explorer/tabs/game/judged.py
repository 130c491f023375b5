"""Verdicts of a discriminator as plain numbers, where it looked, and sets to compare with."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explorer.page.context import Context
from explorer.page.examples import drawn, foreign, noise, of_same_data
from explorer.pictures.bytes import as_bytes
from explorer.server.abilities import classes_of
from explorer.server.words import data_title

if TYPE_CHECKING:
    from torch import Tensor

    from models.contract.model import Model

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


def by_class(model: Model, x: Tensor, classes: int) -> Tensor:
    """Verdicts on pictures x (N, C, H, W), (N, classes); (N, 1) where there are no classes."""
    import torch

    if not classes:
        return model.verdict(x)[:, None]
    return torch.stack([model.verdict(x, k) for k in range(classes)], 1)


def judgement(context: Context, name: str, pixels: np.ndarray) -> Judgement:
    """The verdict on one picture (C, H, W) uint8, and its gradient."""
    import torch

    model, classes = context.store.get(name), len(classes_of(context.store.header(name)))
    x = torch.from_numpy(pixels[None].astype(np.float32) / 255).to(model.device).requires_grad_()
    with torch.enable_grad():
        verdicts = by_class(model, x, classes)[0]
        label = int(verdicts.argmax())
        [slope] = torch.autograd.grad(verdicts[label], x)
    told = verdicts.detach().float().cpu().numpy()
    return Judgement(
        float(told[label]),
        told if classes else None,
        label if classes else None,
        slope[0].float().cpu().numpy(),
    )


def verdicts(
    context: Context, name: str, pixels: np.ndarray, chunk: int = 32
) -> Iterator[np.ndarray]:
    """Verdicts on pictures (N, C, H, W) uint8, each as the class it passes for best, by chunks."""
    import torch

    model, classes = context.store.get(name), len(classes_of(context.store.header(name)))
    for part in torch.from_numpy(pixels.astype(np.float32) / 255).split(chunk):
        with torch.inference_mode():
            told = by_class(model, part.to(model.device), classes).amax(1)
        yield told.float().cpu().numpy()


def company(context: Context, name: str) -> Iterator[list[Judged] | None]:
    """Yields None while it judges, then all sets; the model's own samples first.

    The others: real test pictures where they are at hand, what other models made of the same data
    and of other data, noise, and single levels of grey.
    """
    key = ("game-company", name)
    if (found := context.recent.get(key)) is None:
        found = []
        for title, pixels in _sets(context, name):
            values = []
            for part in verdicts(context, name, pixels):
                values.append(part)
                yield None
            found.append(Judged(title, pixels, np.concatenate(values)))
        context.recent.put(key, found)
    yield found


def _sets(context: Context, name: str) -> Iterator[tuple[str, np.ndarray]]:
    from models.contract.random import generator

    header = context.store.header(name)
    of, shape = header.data.get("name", ""), tuple(header.config["image"])
    own = context.store.get(name).sample(OWN, generator(0)).cpu().numpy()
    yield OWN_SAMPLES, as_bytes(own)
    if (real := test_pictures(context, of, shape)) is not None:
        yield REAL_PICTURES, real
    for other in of_same_data(context, name, "Samples")[:RIVALS]:
        yield f"Made by {context.store.header(other).title}", drawn(context, other)[:OTHERS]
    seen = {of}
    for other in foreign(context, name):
        data = context.store.header(other).data.get("name", "")
        if data not in seen:
            seen.add(data)
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
