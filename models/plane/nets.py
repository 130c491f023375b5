"""The small networks of the plane."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def perceptron(
    inputs: int, outputs: int, width: int = 64, depth: int = 2, zero: bool = False
) -> nn.Sequential:
    """``depth`` hidden layers of ``width``, SiLU between them. zero: starts as zero everywhere."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(inputs, width), nn.SiLU()]
        inputs = width
    last = nn.Linear(inputs, outputs)
    if zero:
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


class Waves(nn.Module):
    """A number (N, 1) with its sines and cosines, (N, 7): what a network makes of it may
    then change within short distances (Tancik et al. 2020, section 4)."""

    size = 7

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scales", torch.tensor([1.0, 2.0, 4.0]), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        angle = x * self.scales
        return torch.cat([x, angle.sin(), angle.cos()], 1)


SHARP = 4.0  # points are read so much larger, so that narrow modes are learned sooner


class Timed(nn.Module):
    """A perceptron of a point and a time or noise level, or two of them, each (N,) or a number;
    (N, 2) -> (N, out). A time enters as itself and as sines and cosines (Vaswani et al. 2017,
    section 3.5).
    """

    def __init__(
        self, outputs: int = 2, width: int = 128, depth: int = 3, zero: bool = False, times: int = 1
    ) -> None:
        super().__init__()
        self.register_buffer("scales", math.pi * 2.0 ** torch.arange(4), persistent=False)
        self.body = perceptron(2 + 9 * times, outputs, width, depth, zero)

    def forward(self, x: Tensor, *times: Tensor | float) -> Tensor:
        inputs = [SHARP * x]
        for time in times:
            t = torch.as_tensor(time, dtype=x.dtype).expand(len(x))[:, None]
            angle = t * self.scales
            inputs += [t, angle.sin(), angle.cos()]
        return self.body(torch.cat(inputs, 1))
