r"""A continuous flow: noise carried to data by a velocity, $dx/dt = v(x, t)$.

The log density of a carried point falls as the velocity spreads points out (Chen et al. 2018,
theorem 1): $d \log p / dt = -\nabla \cdot v$. Two coordinates have two derivatives, so the
divergence is exact here, where more need an estimate (Grathwohl et al. 2019, equation 7). Both
are summed by Runge and Kutta's fourth-order steps, and learned by the likelihood through all of
these.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.model import Objective
from models.plane.contract import Config as Base
from models.plane.contract import Method, code_grid


@dataclass(frozen=True)
class Config(Base):
    learning_rate: float = setting(
        5e-3, "How far one step goes (Adam).", low=1e-6, high=0.1, live=True
    )
    steps: int = setting(6, "Runge-Kutta steps from noise to data.", low=2, high=40, live=True)
    width: int = setting(64, "Numbers in a hidden layer.", low=8, high=128)
    depth: int = setting(2, "Hidden layers.", low=1, high=3)


class Velocity(nn.Module):
    """v(x, t) and its divergence: derivatives by both coordinates go forward with the values."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        sizes = [3, *[width] * depth, 2]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        nn.init.zeros_(self.layers[-1].weight)

    def forward(self, x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        """(N, 2) -> (N, 2) and (N,)."""
        first, *others = self.layers
        h = torch.tanh(first(torch.cat([x, torch.full_like(x[:, :1], t)], 1)))
        by = (1 - h.square())[:, None] * first.weight[:, :2].T  # (N, 2, width): by x1, by x2
        for layer in others[:-1]:
            h = torch.tanh(layer(h))
            by = (1 - h.square())[:, None] * (by @ layer.weight.T)
        last = others[-1]
        return last(h), (by * last.weight).sum((1, 2))


class ContinuousFlow(Method):
    TITLE = "Continuous flow"
    PAPER = "Chen et al. 2018, Neural ordinary differential equations"
    DENSITY = "exact"
    FIELD = "velocity"
    AVERAGE = 0.98
    Config = Config

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        self.velocity = Velocity(self.config.width, self.config.depth)

    def objectives(self, x: Tensor, rng: Generator) -> Iterator[Objective]:
        loss = -self._log_density(x).mean()
        yield Objective(list(self.parameters()), loss)

    def carried(self, x: Tensor, begin: float, end: float) -> Iterator[tuple[Tensor, Tensor]]:
        """Where points are after each step from one time to another, and the change of their log
        density so far."""
        count = self.config.steps
        dt, change = (end - begin) / count, torch.zeros(len(x))
        for k in range(count):
            t = begin + k * dt
            v1, d1 = self.velocity(x, t)
            v2, d2 = self.velocity(x + dt / 2 * v1, t + dt / 2)
            v3, d3 = self.velocity(x + dt / 2 * v2, t + dt / 2)
            v4, d4 = self.velocity(x + dt * v3, t + dt)
            x = x + dt / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
            change = change - dt / 6 * (d1 + 2 * d2 + 2 * d3 + d4)
            yield x, change

    def _log_density(self, x: Tensor) -> Tensor:
        *_, (z, change) = self.carried(x, 1.0, 0.0)
        return -0.5 * z.square().sum(1) - math.log(2 * math.pi) - change

    @torch.no_grad()
    def log_density(self, x: Tensor) -> Tensor:
        return self._log_density(x)

    @property
    def times(self) -> tuple[float, ...]:
        return tuple(k / self.config.steps for k in range(self.config.steps + 1))

    @property
    def levels(self) -> tuple[float, ...]:
        return (0.0, 0.25, 0.5, 0.75, 1.0)

    @torch.no_grad()
    def field(self, x: Tensor, t: float) -> Tensor:
        return self.velocity(x, t)[0]

    @torch.no_grad()
    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        x = torch.randn(n, 2, generator=rng)
        yield x
        yield from (x for x, _ in self.carried(x, 0.0, 1.0))

    @torch.no_grad()
    def mesh(self) -> tuple[Tensor, Tensor]:
        grid = code_grid()
        x = grid.reshape(-1, 2)
        carried = [(x, torch.zeros(len(x))), *self.carried(x, 0.0, 1.0)]
        places = torch.stack([place for place, _ in carried])
        areas = -torch.stack([change for _, change in carried])
        return places.unflatten(1, grid.shape[:2]), areas.unflatten(1, grid.shape[:2])
