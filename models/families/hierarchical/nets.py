"""The networks of a hierarchical VAE: up from the picture, down from one point, level by level.

Without norms, as in the very deep VAE (Child 2021): the last convolution of a branch starts at
zero, so a deep stack starts as the identity, and noise passes through at its own scale.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Convolution(nn.Module):
    """A convolution that keeps its size, its weights one matrix (out, k k in): so that Muon, which
    steps by orthogonal matrices, can have them. The matrix is the kernel with channels innermost.
    """

    def __init__(self, inside: int, outside: int, side: int, gain: float = 1.0) -> None:
        super().__init__()
        self.inside, self.side = inside, side
        n = side * side * inside
        self.matrix = nn.Parameter(torch.randn(outside, n) * (gain / math.sqrt(n)))
        self.bias = nn.Parameter(torch.zeros(outside))

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.matrix.view(-1, self.side, self.side, self.inside).permute(0, 3, 1, 2)
        return F.conv2d(x, kernel, self.bias, padding=self.side // 2)


class Branch(nn.Module):
    """Two convolutions, each after a SiLU. (B, in, h, w) -> (B, out, h, w)."""

    def __init__(
        self, inside: int, middle: int, outside: int, side: int, gain: float = 0.0
    ) -> None:
        super().__init__()
        self.first = Convolution(inside, middle, side, math.sqrt(2))
        self.last = Convolution(middle, outside, side, gain)

    def forward(self, h: Tensor) -> Tensor:
        return self.last(F.silu(self.first(F.silu(h))))


class Residual(Branch):
    """h + a branch of it, which starts at zero."""

    def __init__(self, width: int, side: int, dropout: float = 0.0) -> None:
        super().__init__(width, width, width, side)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, h: Tensor) -> Tensor:
        return h + self.dropout(super().forward(h))


class Up(nn.Module):
    """From the picture to one point: features at every resolution, coarsest first.

    x (B, C, H, W) in [-1, 1] -> a list of (B, width, h, w).
    """

    def __init__(
        self, channels: int, sides: list[tuple[int, int]], widths: list[int], blocks: int
    ) -> None:
        super().__init__()
        self.read = Convolution(channels, widths[-1], 3)
        self.blocks = nn.ModuleList(
            nn.Sequential(*[Residual(width, kernel(side)) for _ in range(blocks)])
            for side, width in zip(sides, widths, strict=True)
        )
        # Halvings, and last the whole map into one point.
        self.shrink = nn.ModuleList(
            nn.Conv2d(below, above, to_side, stride=to_side)
            for below, above, to_side in zip(widths[1:], widths[:-1], strides(sides), strict=True)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        h = self.blocks[-1](self.read(x))
        features = [h]
        for shrink, blocks in zip(reversed(self.shrink), reversed(self.blocks[:-1]), strict=True):
            h = blocks(shrink(h))
            features.append(h)
        return features[::-1]


class Level(nn.Module):
    """One group of latent variables (B, depth, h, w), and the two distributions of it.

    prior: h (B, width, h, w) -> mean and standard deviation of p(z | above), and h with what else
    the prior says. posterior: h and the picture's features -> where q(z | x, above) is, in the
    prior's own units: the shift of its mean and the factor of its deviation (Vahdat and
    Kautz 2020, section 3.2). put: h once it has read z.
    """

    def __init__(
        self, width: int, depth: int, side: tuple[int, int], blocks: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        k = kernel(side)
        self.shape, self.width = (depth, *side), width
        self.to_prior = Branch(width, width, 2 * depth + width, k, gain=0.1)
        self.to_posterior = Branch(2 * width, width, 2 * depth, k, gain=0.1)
        self.read = Convolution(depth, width, 1)
        self.blocks = nn.Sequential(*[Residual(width, k, dropout) for _ in range(blocks)])

    def prior(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        d = self.shape[0]
        mean, spread, more = self.to_prior(h).split([d, d, self.width], 1)
        return mean.float(), spread.float().clamp(-5, 5).exp(), h + more

    def posterior(self, h: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        shift, spread = self.to_posterior(torch.cat([h, features], 1)).float().chunk(2, 1)
        return shift, spread.clamp(-6, 3).exp()

    def put(self, h: Tensor, z: Tensor) -> Tensor:
        return self.blocks(h + self.read(z.to(h.dtype)))


class Grow(nn.Module):
    """To the next finer resolution: each place becomes a square of them, with a bias of its own."""

    def __init__(self, above: int, below: int, side: tuple[int, int], factor: tuple) -> None:
        super().__init__()
        self.map = nn.ConvTranspose2d(above, below, factor, stride=factor)
        self.place = nn.Parameter(torch.zeros(below, *side))

    def forward(self, h: Tensor) -> Tensor:
        return self.map(h) + self.place


def kernel(side: tuple[int, int]) -> int:
    """The side of a convolution's square: one point has no neighbours."""
    return 1 if side == (1, 1) else 3


def strides(sides: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """How many finer places each place stands for, from each resolution to the next finer one."""
    return [(h // above_h, w // above_w) for (above_h, above_w), (h, w) in pairwise(sides)]
