r"""A flow of spline couplings: a layer moves one coordinate by a curve that the other chooses.

The curve is a monotonic spline of $K$ pieces $g = \alpha(\xi) / \beta(\xi)$, each a quotient of
quadratics through its two knots with given slopes (Durkan et al. 2019, equation 4, after Gregory
and Delbourgo 1982); its slope (equation 5) is the determinant, and it is undone by solving a
quadratic (equations 6 to 8). Beyond $\pm 4$ it is the identity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.contract.config import setting
from models.plane.contract import Config as Base
from models.plane.coupling import Coupling
from models.plane.nets import Waves, perceptron

REACH, LEAST = 4.0, 1e-3  # where the spline ends; the least width, height and slope of a piece
SAME = math.log(math.expm1(1 - LEAST))  # what makes a slope of one


@dataclass(frozen=True)
class Config(Base):
    learning_rate: float = setting(
        3e-3, "How far one step goes (Adam).", low=1e-6, high=0.1, live=True
    )
    layers: int = setting(4, "Couplings, each moving one coordinate.", low=2, high=16)
    pieces: int = setting(12, "Pieces of a spline.", low=2, high=32)
    width: int = setting(64, "Numbers in a hidden layer.", low=8, high=128)
    depth: int = setting(2, "Hidden layers.", low=1, high=3)


class SplineLayer(nn.Module):
    """One coupling. moved: 0 or 1, the coordinate that it moves."""

    def __init__(self, moved: int, config: Config) -> None:
        super().__init__()
        self.moved, self.pieces = moved, config.pieces
        numbers = 3 * config.pieces - 1
        body = perceptron(Waves.size, numbers, config.width, config.depth, zero=True)
        self.net = nn.Sequential(Waves(), body)

    def forward(self, x: Tensor, inverse: bool = False) -> tuple[Tensor, Tensor]:
        """(N, 2) -> (N, 2) and log |det|, (N,), towards the data; or back to noise."""
        kept, moved = x[:, 1 - self.moved], x[:, self.moved]
        numbers = self.net(kept[:, None])
        widths, heights, slopes = numbers.split([self.pieces, self.pieces, self.pieces - 1], dim=1)
        slopes = F.pad(LEAST + F.softplus(slopes + SAME), (1, 1), value=1.0)
        moved, log_slope = spline(moved, _knots(widths), _knots(heights), slopes, inverse)
        pair = (moved, kept) if self.moved == 0 else (kept, moved)
        return torch.stack(pair, 1), log_slope


class Spline(Coupling):
    TITLE = "Flow of splines"
    PAPER = "Durkan et al. 2019, Neural spline flows"
    Config = Config
    Layer = SplineLayer


def _knots(numbers: Tensor) -> Tensor:
    """(N, K) free numbers -> (N, K + 1) knots from -REACH to REACH, ascending."""
    share = LEAST + (1 - LEAST * numbers.shape[1]) * numbers.softmax(1)
    inner = F.pad(share.cumsum(1)[:, :-1], (1, 0))
    return F.pad(2 * REACH * inner - REACH, (0, 1), value=REACH)


def spline(
    x: Tensor, across: Tensor, up: Tensor, slopes: Tensor, inverse: bool
) -> tuple[Tensor, Tensor]:
    """The curve through knots (across, up), (N, K + 1) each, with slopes there, at x (N,); or its
    inverse. Returns the value and the log of the slope of what was done, (N,) each."""
    outside = x.abs() >= REACH
    inside = x.masked_fill(outside, 0.0)
    k = torch.searchsorted((up if inverse else across).detach(), inside[:, None], right=True) - 1
    k = k.clamp(0, across.shape[1] - 2)

    def at(values: Tensor, step: int = 0) -> Tensor:
        return values.gather(1, k + step)[:, 0]

    left, low, first, second = at(across), at(up), at(slopes), at(slopes, 1)
    width, height = at(across, 1) - left, at(up, 1) - low
    s = height / width
    bend = first + second - 2 * s
    if inverse:
        rise = inside - low
        a = height * (s - first) + rise * bend
        b = height * first - rise * bend
        c = -s * rise
        root = (b.square() - 4 * a * c).clamp(min=0).sqrt()
        xi = (2 * c / (-b - root)).clamp(0, 1)
    else:
        xi = (inside - left) / width
    both = xi * (1 - xi)
    below = s + bend * both
    if inverse:
        value = left + xi * width
    else:
        value = low + height * (s * xi.square() + first * both) / below
    slope = s.square() * (second * xi.square() + 2 * s * both + first * (1 - xi).square())
    log_slope = slope.log() - 2 * below.log()
    log_slope = (-log_slope if inverse else log_slope).masked_fill(outside, 0.0)
    return torch.where(outside, x, value), log_slope
