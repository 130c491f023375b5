"""What a discriminator is shown of a picture, real or generated: moved, and with a hole in it.

A discriminator that sees few pictures often learns them by heart. Distorting the real ones alone
would teach the generator to distort. *DiffAugment* (Zhao et al. 2020, eqs. 2 and 3) distorts both
alike, each time it looks, and lets the generator's gradient through.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from models.contract.random import uniform

MOVED = 1 / 8  # of a side, at most, to either side
HOLE = 1 / 2  # the side of the hole, of the picture's


def augmented(x: Tensor, rng: Generator) -> Tensor:
    """Pictures x (B, C, H, W), each moved by whole pixels, black where nothing is, and with a black
    hole at some place, which may lie partly outside. Differentiable in x."""
    B, _, H, W = x.shape
    u = uniform((4, B), rng, x.device)
    shifts = [
        (u[k] * (2 * round(MOVED * n) + 1)).long() - round(MOVED * n) for k, n in ((0, H), (1, W))
    ]
    rows, columns = (
        torch.arange(n, device=x.device) - shift[:, None]
        for n, shift in zip((H, W), shifts, strict=True)
    )  # (B, H) and (B, W): where each place's level comes from
    there = _within(rows, H)[:, :, None] & _within(columns, W)[:, None, :]
    at = rows.clamp(0, H - 1)[:, :, None] * W + columns.clamp(0, W - 1)[:, None, :]
    moved = x.flatten(2).gather(2, at.flatten(1)[:, None].expand(-1, x.shape[1], -1))
    whole = ~(_hole(u[2], H, x.device)[:, :, None] & _hole(u[3], W, x.device)[:, None, :])
    return moved.view_as(x) * (there & whole)[:, None]


def _within(places: Tensor, n: int) -> Tensor:
    return (places >= 0) & (places < n)


def _hole(u: Tensor, n: int, device: torch.device) -> Tensor:
    """(B, n) where the hole is along a side of n pixels, its middle anywhere on it."""
    size = round(HOLE * n)
    start = (u * n).long() - size // 2
    along = torch.arange(n, device=device) - start[:, None]
    return (along >= 0) & (along < size)
