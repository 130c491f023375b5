"""Ways to spoil a picture, so that one sees what a model makes of it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from models.contract.random import normal, uniform
from models.contract.streams import Streams

PATCH = 4  # side of the hidden squares in pixels
BLUR = 4.0  # deviation of the strongest blur in pixels

KINDS = {
    "noise": "Gaussian noise",
    "hidden": "Hidden squares",
    "blur": "Blur",
    "salt": "Salt and pepper",
}


def spoilt(x: Tensor, kind: str, amount: float, rng: Generator | Streams) -> tuple[Tensor, Tensor]:
    """Pictures x (B, C, H, W) in [0, 1], spoilt, and where they are known (bool, as x).

    kind: a key of ``KINDS``; amount: from 0, as they were, to 1. "noise": amount is the noise's
    deviation, and values may lie outside of [0, 1]. "hidden": so large a part of the squares of
    four pixels is black and not known. "blur": a Gaussian of up to four pixels. "salt": so large a
    part of the pixels is black or white. Raises ValueError for another kind or amount.
    """
    if kind not in KINDS:
        raise ValueError(f"There is no way of spoiling '{kind}'. Known: {', '.join(KINDS)}.")
    if not 0 <= amount <= 1:
        raise ValueError("Pictures can be spoilt by 0 to 100 %.")
    rng, known = Streams.of(rng, len(x)), torch.ones_like(x, dtype=torch.bool)
    B, _, H, W = x.shape
    if kind == "noise":
        return x + amount * normal(x.shape, rng, x.device), known
    if kind == "blur":
        return blurred(x, BLUR * amount), known
    if kind == "salt":
        u = uniform((B, 1, H, W), rng, x.device)
        x = torch.where(u < amount / 2, torch.zeros_like(x), x)
        return torch.where(u > 1 - amount / 2, torch.ones_like(x), x), known
    h, w = -(-H // PATCH), -(-W // PATCH)
    rank = uniform((B, h * w), rng, x.device).argsort(1).argsort(1)
    seen = (rank >= round(amount * h * w)).view(B, 1, h, w)
    seen = seen.repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)[:, :, :H, :W]
    known = seen.expand_as(x)
    return torch.where(known, x, torch.zeros_like(x)), known


def blurred(x: Tensor, deviation: float) -> Tensor:
    """x (B, C, H, W) under a Gaussian of this deviation in pixels, its edges held."""
    if deviation < 0.05:
        return x
    reach = max(1, round(3 * deviation))
    at = torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device)
    bell = (-0.5 * (at / deviation).square()).exp()
    bell = (bell / bell.sum()).view(1, 1, 1, -1)
    B, C, H, W = x.shape
    x = x.reshape(B * C, 1, H, W)
    x = F.conv2d(F.pad(x, (reach, reach, 0, 0), mode="replicate"), bell)
    x = F.conv2d(F.pad(x, (0, 0, reach, reach), mode="replicate"), bell.transpose(2, 3))
    return x.view(B, C, H, W)
