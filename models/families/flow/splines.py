r"""Monotonic rational-quadratic splines: a flexible, exactly invertible bend of a number line.

Inside [-B, B] the map passes through K + 1 knots with given derivatives, a ratio of two quadratics
between neighbours (Gregory and Delbourgo 1982; Durkan et al. 2019, eqs. 4 to 8); outside it is the
identity. The logarithm of its derivative has a closed form, and so has its inverse: a quadratic.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# Smallest width, height and derivative of a bin, so that no division is by nearly nothing.
LEAST = 1e-3


def numbers_of_spline(bins: int) -> int:
    """How many numbers describe one spline: widths, heights and inner derivatives."""
    return 3 * bins - 1


def spline(
    x: Tensor, numbers: Tensor, bound: float, inverse: bool = False
) -> tuple[Tensor, Tensor]:
    """y = g(x) and log g'(x), each like x; with ``inverse`` x = g^-1(y) and log (g^-1)'(y).

    x: (...). numbers: (..., 3 K - 1), unconstrained. bound: B.
    """
    bins = (numbers.shape[-1] + 1) // 3
    inside = (x > -bound) & (x < bound)
    # Outside, any place inside will do: what is computed there is thrown away.
    safe = torch.where(inside, x, torch.zeros_like(x))
    w, h, d = numbers.split([bins, bins, bins - 1], -1)
    xs, ys = _knots(w, bound), _knots(h, bound)  # (..., K + 1)
    # Zero numbers must give the identity, so softplus is shifted to give 1 at 0.
    slope = LEAST + F.softplus(d + math.log(math.expm1(1 - LEAST)))
    slope = F.pad(slope, (1, 1), value=1.0)  # (..., K + 1): straight on at both ends

    knots = ys if inverse else xs
    k = torch.searchsorted(knots[..., 1:-1].contiguous(), safe[..., None].contiguous())
    x0, x1 = _at(xs, k), _at(xs, k + 1)
    y0, y1 = _at(ys, k), _at(ys, k + 1)
    d0, d1 = _at(slope, k), _at(slope, k + 1)
    width, height = x1 - x0, y1 - y0
    s = height / width
    bend = d0 + d1 - 2 * s
    if inverse:
        rise = safe - y0
        a = height * (s - d0) + rise * bend  # eqs. 6 to 8
        b = height * d0 - rise * bend
        c = -s * rise
        xi = 2 * c / (-b - torch.sqrt((b * b - 4 * a * c).clamp(min=0)))
        out = x0 + xi * width
    else:
        xi = (safe - x0) / width
        out = y0 + height * (s * xi * xi + d0 * xi * (1 - xi)) / (s + bend * xi * (1 - xi))
    xi = xi.clamp(0, 1)
    top = d1 * xi * xi + 2 * s * xi * (1 - xi) + d0 * (1 - xi) ** 2
    log_slope = 2 * s.log() + top.log() - 2 * (s + bend * xi * (1 - xi)).log()  # eq. 5
    if inverse:
        log_slope = -log_slope
    return torch.where(inside, out, x), torch.where(inside, log_slope, torch.zeros_like(x))


def _knots(raw: Tensor, bound: float) -> Tensor:
    """(..., K) -> (..., K + 1) rising from -bound to bound."""
    share = LEAST + (1 - LEAST * raw.shape[-1]) * raw.softmax(-1)
    inner = (2 * bound) * share.cumsum(-1)[..., :-1] - bound
    return torch.cat(
        [torch.full_like(inner[..., :1], -bound), inner, torch.full_like(inner[..., :1], bound)], -1
    )


def _at(values: Tensor, k: Tensor) -> Tensor:
    return values.gather(-1, k)[..., 0]
