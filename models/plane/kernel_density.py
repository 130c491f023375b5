r"""A kernel density: a little Gaussian on each training point.

$p(x) = \frac{1}{N} \sum_n N(x; x_n, h^2 I)$ (Parzen 1962, equation 1.4). Its one number is the
width $h$. Fitted to the likelihood of the points that the Gaussians lie on, $h$ goes to zero and
the density becomes spikes; each point is left out of its own density instead (Duin 1976, equation
7).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.model import Objective
from models.plane.contract import Config as Base
from models.plane.contract import Method

NARROWEST = 0.005


@dataclass(frozen=True)
class Config(Base):
    learning_rate: float = setting(
        0.05, "How far one step changes the log of the width.", low=1e-4, high=0.5, live=True
    )
    batch: int = setting(
        128, "Points a step that the width is fitted to.", low=2, high=5000, live=True
    )
    bandwidth: float = setting(
        1.0, "Width of the Gaussians at the start, in units of the plane.",
        low=NARROWEST, high=4.0, live=True,
    )  # fmt: skip
    fit: str = setting(
        "left out", "How the width is found: each point left out of its own density, not left out "
        "(overfits), or fixed.", choices=("left out", "all points", "fixed"), live=True,
    )  # fmt: skip


class KernelDensity(Method):
    TITLE = "Kernel density"
    PAPER = "Parzen 1962, On estimation of a probability density function and mode"
    DENSITY = "exact"
    Config = Config

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        self.log_bandwidth = nn.Parameter(torch.tensor(math.log(self.config.bandwidth)))
        self.register_buffer("points", torch.zeros(1, 2), persistent=False)

    def prepare(self, points: Tensor, rng: Generator) -> None:
        self.points = points

    def tune(self, values: dict[str, object]) -> None:
        super().tune(values)
        if "bandwidth" in values:
            self.log_bandwidth.data.fill_(math.log(self.config.bandwidth))

    def objectives(self, x: Tensor, rng: Generator) -> Iterator[Objective]:
        fit = self.config.fit
        loss = -self._log_density(x, leave_out=fit != "all points").mean()
        rate = 0.0 if fit == "fixed" else 1.0
        yield Objective([self.log_bandwidth], loss, {"bandwidth": self.bandwidth}, rate=rate)

    @property
    def bandwidth(self) -> Tensor:
        return self.log_bandwidth.exp().clamp(min=NARROWEST)

    def _log_density(self, x: Tensor, leave_out: bool = False) -> Tensor:
        square = torch.cdist(x, self.points, compute_mode="donot_use_mm_for_euclid_dist").square()
        log_each = -0.5 * square / self.bandwidth**2
        if leave_out:  # a training point is the one at distance zero
            log_each = log_each.masked_fill(square == 0, -torch.inf)
        others = len(self.points) - int(leave_out)
        scale = math.log(others) + 2 * self.bandwidth.log() + math.log(2 * math.pi)
        return log_each.logsumexp(1) - scale

    @torch.no_grad()
    def log_density(self, x: Tensor) -> Tensor:
        return torch.cat([self._log_density(part) for part in x.split(1024)])

    @torch.no_grad()
    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        which, noise = torch.rand(n, generator=rng), torch.randn(n, 2, generator=rng)
        yield self.points[(which * len(self.points)).long()] + self.bandwidth * noise
