"""Chance: a seed, or numbers mixed into one, gives the same draws on every device."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from models.contract.streams import Streams
from models.machine.processes import drawn


def generator(*seed: int, device: torch.device | str = "cpu") -> Generator:
    """A generator for a seed, or for a tuple of whole numbers such as (seed, step).

    The numbers are mixed by splitmix64, so that neighbouring seeds and steps give unrelated
    streams; this is what lets training resume bit for bit without storing any generator's state.
    """
    state = 0
    for part in seed:
        state = (state + (part & (2**64 - 1)) + 0x9E3779B97F4A7C15) % 2**64
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) % 2**64
        state ^= state >> 31
    return torch.Generator(device=device).manual_seed(state % 2**63)


def normal(
    shape: Sequence[int], rng: Generator | Streams, device: torch.device | str, batch: int = 0
) -> Tensor:
    """Standard normal noise drawn where the generator lives, then moved: a seed means the same
    picture on every device. batch: the dimension that counts pictures, each with a stream of its
    own where there are streams; several processes share it out."""
    return _drawn(torch.randn, shape, rng, batch).to(device)


def uniform(shape: Sequence[int], rng: Generator | Streams, device: torch.device | str) -> Tensor:
    """Uniform noise in [0, 1), drawn where the generator lives, then moved. shape: (batch, ...)."""
    return _drawn(torch.rand, shape, rng, 0).to(device)


def _drawn(draw: Callable, shape: Sequence[int], rng: Generator | Streams, batch: int) -> Tensor:
    if isinstance(rng, Streams):
        return rng.draw(draw, shape, batch)
    return drawn(draw, shape, rng, batch)


def binarised(x: Tensor, rng: Generator | Streams) -> Tensor:
    """Pixels drawn 0 or 1 with their grey level as the probability, anew each time: dynamic
    binarisation (Salakhutdinov and Murray 2008)."""
    return (uniform(x.shape, rng, x.device) < x).to(x.dtype)


def mutated(x: Tensor, part: float, rng: Generator) -> Tensor:
    """Values replaced, each with probability ``part``, by one of 256 levels, all as likely: what
    is left is the background of a picture more than what it shows (Ren et al. 2019)."""
    chosen = uniform(x.shape, rng, x.device) < part
    level = (uniform(x.shape, rng, x.device) * 256).floor() / 255
    return torch.where(chosen, level.to(x.dtype), x)
