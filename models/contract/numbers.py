"""Small formulas that models, scores and measurements share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def log_normal(x: Tensor, mean: Tensor | float = 0.0, std: Tensor | float = 1.0) -> Tensor:
    """log N(x; mean, std^2) of each number, in nats."""
    std = torch.as_tensor(std, dtype=x.dtype, device=x.device)
    return -0.5 * ((x - mean) / std).square() - std.log() - 0.5 * math.log(2 * math.pi)


def gaussian_kl(mean: Tensor, std: Tensor) -> Tensor:
    """KL(N(mean, std^2) || N(0, 1)) of each dimension (Kingma and Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + std.square() - 1) - std.log()


def log_mean_exp(log_w: Tensor) -> tuple[Tensor, Tensor]:
    """log 1/K sum_k w_k, and its standard error by leaving out each weight (the jackknife, Efron
    and Stein 1981). log_w: (K, ...) with K > 1. Returns two of shape (...), in double precision."""
    log_w, K = log_w.double(), len(log_w)
    whole, share = log_w.logsumexp(0), log_w.softmax(0)
    left = whole + torch.log1p(-share.clamp(max=1 - 1e-15)) - math.log(K - 1)
    return whole - math.log(K), ((K - 1) * left.var(0, correction=0)).sqrt()


def bits_per_dim(nats: Any, shape: Sequence[int]) -> Any:
    """nats / (C H W ln 2). nats: -log p an image, a number or an array; shape: (C, H, W)."""
    return nats / (math.prod(shape) * math.log(2))
