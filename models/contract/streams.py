"""Random numbers by picture: picture k of a seed is the same one however many are drawn beside it.

A batch drawn from one stream is another batch where it has another size, for the numbers of picture
k begin where those of the k before it end. So a batch has a stream for each of its pictures, made
of one key and the picture's index alone, as the sampler of Karras et al. (2022) has it. Whoever
draws a large number in parts, or shares it out among processes, gives each its part of the streams.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Generator, Tensor


class Streams:
    """A stream of random numbers for each picture of a batch; it stands where a generator does.

    key: what the batch's seed gave. rows: the pictures' indices.
    """

    def __init__(self, key: int, rows: Sequence[int]) -> None:
        self.key, self.rows = key, rows

    @classmethod
    def of(cls, rng: Generator | Streams, n: int) -> Streams:
        """Streams for n pictures: one number is drawn from a generator, streams stay themselves.

        Raises ValueError where those are of another number of pictures.
        """
        if isinstance(rng, Streams):
            if len(rng) != n:
                raise ValueError(f"Random numbers for {len(rng)} pictures do not fit {n}.")
            return rng
        return cls(int(torch.randint(2**62, (), generator=rng, device=rng.device)), range(n))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: slice) -> Streams:
        """Those of some of the pictures, each from its beginning."""
        return Streams(self.key, self.rows[part])

    @cached_property
    def generators(self) -> list[Generator]:
        """One a picture. They live on the CPU: a seed means the same picture on every device."""
        return [torch.Generator().manual_seed(seed_of(self.key, row)) for row in self.rows]

    def draw(self, draw: Callable[..., Tensor], shape: Sequence[int], batch: int = 0) -> Tensor:
        """``draw`` (``torch.randn``, ``torch.rand``) of a shape of which the dimension ``batch``
        counts the pictures, each part from its picture's stream."""
        if shape[batch] != len(self):
            raise ValueError(f"Random numbers for {len(self)} pictures do not fit {shape[batch]}.")
        row = (*shape[:batch], *shape[batch + 1 :])
        drawn = torch.empty((len(self), *row))
        for part, rng in zip(drawn, self.generators, strict=True):
            draw(row, generator=rng, out=part)
        return drawn.movedim(0, batch).contiguous()


def seed_of(key: int, row: int) -> int:
    """The seed of a picture's generator: another for each row of a key.

    A generator on the CPU reads no more than 32 bits of its seed: of seeds at random, two in ten
    thousand pictures would be one in each hundredth batch. So a row is mixed with the key in steps
    of which each can be undone, and no two rows of less than 2^32 have the same.
    """
    return _mixed(_mixed(row ^ (key >> 32)) ^ key)


def _mixed(bits: int) -> int:
    """MurmurHash3's last steps (Appleby): every bit of 32 sways each, and none is lost."""
    bits &= 0xFFFFFFFF
    bits = (bits ^ (bits >> 16)) * 0x85EBCA6B & 0xFFFFFFFF
    bits = (bits ^ (bits >> 13)) * 0xC2B2AE35 & 0xFFFFFFFF
    return bits ^ (bits >> 16)
