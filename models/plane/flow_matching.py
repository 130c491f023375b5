r"""Flow matching: a velocity that carries noise to data, learned without solving anything.

A point of noise $z$ and one of the data $x$ are joined by a straight line,
$x_t = (1 - t) z + t x$, walked at the velocity $x - z$. Many lines cross at a place; the network
learns their mean there,

$$E \, \| v(x_t, t) - (x - z) \|^2$$

(Lipman et al. 2023, equations 14 and 23 with no noise at the end; Liu et al. 2023, equation 1),
and that mean carries all noise to the data (Lipman et al. 2023, theorem 1). The density is exact,
by the divergence along the path, up to the steps of the solver.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from models.contract.config import setting
from models.contract.model import Objective
from models.contract.numbers import log_normal
from models.plane.contract import code_grid
from models.plane.ode import carried, log_density
from models.plane.timed import TimedConfig, TimedMethod

FINE = torch.linspace(1, 0, 25).tolist()  # the times at which a density is followed to noise


@dataclass(frozen=True)
class Config(TimedConfig):
    steps: int = setting(20, "Steps of the sampler, each a midpoint.", low=1, high=40, live=True)


class FlowMatching(TimedMethod):
    TITLE = "Flow matching"
    PAPER = "Lipman et al. 2023, Flow matching for generative modeling"
    DENSITY = "exact"
    FIELD = "velocity"
    Config = Config

    def objectives(self, x: Tensor, rng: Generator) -> Iterator[Objective]:
        yield Objective(list(self.net.parameters()), self.loss(x, rng))

    def loss(self, x: Tensor, rng: Generator) -> Tensor:
        z, t = torch.randn(len(x), 2, generator=rng), torch.rand(len(x), generator=rng)
        return (self.net(torch.lerp(z, x, t[:, None]), t) - (x - z)).square().sum(1).mean()

    @property
    def times(self) -> tuple[float, ...]:
        return tuple(k / self.config.steps for k in range(self.config.steps + 1))

    @property
    def levels(self) -> tuple[float, ...]:
        return (0.0, 0.2, 0.4, 0.6, 0.8, 0.95)

    def corruption(self, t: float) -> tuple[float, float]:
        return t, 1 - t

    @torch.no_grad()
    def field(self, x: Tensor, t: float) -> Tensor:
        return self.net(x, t)

    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        yield from carried(self.net, torch.randn(n, 2, generator=rng), self.times)

    def log_density(self, x: Tensor) -> Tensor:
        return log_density(self.net, x, FINE, lambda z: log_normal(z).sum(1))

    def mesh(self) -> tuple[Tensor, None]:
        """A grid of noise at five moments of its way."""
        grid = code_grid()
        stages = list(carried(self.net, grid.reshape(-1, 2), torch.linspace(0, 1, 21).tolist()))
        return torch.stack(stages[::5]).unflatten(1, grid.shape[:2]), None
