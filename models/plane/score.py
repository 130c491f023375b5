r"""Score matching: the slope of the log density, learned at many noise levels.

The score $s(x, \sigma)$ is the gradient of $\log p_\sigma$, of the data with noise of width
$\sigma$. Denoising gives it: $x + \sigma \epsilon$ is pulled back to where it came from,

$$E \, \| \sigma s(x + \sigma \epsilon, \sigma) + \epsilon \|^2$$

(Vincent 2011, equation 9; Song and Ermon 2019, equations 5 and 6). Where there are no data nothing
is learned of a density without noise; the wide levels reach everywhere.

Samples walk by annealed Langevin steps, level by level down (Song and Ermon 2019, algorithm 1).
The density is that of the probability flow, $dx / d\sigma = -\sigma s$ (Song et al. 2021,
equations 13 and 39): an estimate, as no field that was learned is quite a gradient.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.distributions import MultivariateNormal

from models.contract.config import setting
from models.contract.model import Objective
from models.plane.ode import log_density
from models.plane.timed import TimedConfig, TimedMethod

DATA = 1.4  # about how wide sets are, each coordinate
FINE = 30  # steps of the probability flow


@dataclass(frozen=True)
class Config(TimedConfig):
    lowest: float = setting(0.05, "The smallest noise level.", low=0.001, high=0.5)
    highest: float = setting(4.0, "The largest noise level.", low=1.0, high=20.0)
    levels_down: int = setting(
        20, "Noise levels that a sample is led down.", low=1, high=40, live=True
    )
    langevin: int = setting(10, "Langevin steps at each level.", low=1, high=100, live=True)
    stride: float = setting(
        0.5, "Size of a Langevin step, in units of the noise level.", low=0.01, high=1.4, live=True
    )


class DenoisingScore(TimedMethod):
    TITLE = "Denoising score matching"
    PAPER = "Song and Ermon 2019, Generative modeling by estimating gradients of the data"
    DENSITY = "estimate"
    FIELD = "score"
    Config = Config

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("covariance", DATA**2 * torch.eye(2))

    def prepare(self, points: Tensor, rng: Generator) -> None:
        self.mean.copy_(points.mean(0))
        self.covariance.copy_(torch.cov(points.T))

    def widest(self) -> MultivariateNormal:
        """Nearly the data with noise of the largest level: their mean and covariance are its."""
        noise = self.config.highest**2 * torch.eye(2)
        return MultivariateNormal(self.mean, self.covariance + noise)

    def objectives(self, x: Tensor, rng: Generator) -> Iterator[Objective]:
        sigma = self.sigma(torch.rand(len(x), generator=rng))
        noise = torch.randn(x.shape, generator=rng)
        loss = self.loss(x + sigma[:, None] * noise, sigma, noise, rng)
        yield Objective(list(self.parameters()), loss)

    def loss(self, noisy: Tensor, sigma: Tensor, noise: Tensor, rng: Generator) -> Tensor:
        return (self.scaled(noisy, sigma) + noise).square().sum(1).mean()

    def sigma(self, t: Tensor) -> Tensor:
        """The noise level at t, from the largest at 0 to the smallest at 1, by equal factors."""
        lowest, highest = self.config.lowest, self.config.highest
        return highest * (lowest / highest) ** t

    def scaled(self, x: Tensor, sigma: Tensor) -> Tensor:
        """sigma s(x, sigma), (N, 2); sigma: (N,). The network adds to the score of a Gaussian as
        wide as the data (Karras et al. 2022, table 1)."""
        t = (self.config.highest / sigma).log() / math.log(self.config.highest / self.config.lowest)
        sigma = sigma[:, None]
        wide = (sigma.square() + DATA**2).sqrt()
        return DATA / wide * self.net(x / wide, t) - sigma * x / wide.square()

    @property
    def times(self) -> tuple[float, ...]:
        return tuple(k / self.config.levels_down for k in range(self.config.levels_down + 1))

    @torch.no_grad()
    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        x = self.mean + torch.randn(n, 2, generator=rng) @ self.widest().scale_tril.T
        yield x
        for level in torch.linspace(0, 1, self.config.levels_down + 1)[1:]:
            sigma = self.sigma(level)
            r = self.config.stride
            for _ in range(self.config.langevin):
                # alpha = (r sigma)^2 of algorithm 1, so that alpha s / 2 is r^2 sigma / 2 (sigma s)
                pull = 0.5 * r**2 * sigma * self.scaled(x, sigma.expand(n))
                x = x + pull + r * sigma * torch.randn(n, 2, generator=rng)
            yield x

    @property
    def levels(self) -> tuple[float, ...]:
        return (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

    def corruption(self, t: float) -> tuple[float, float]:
        return 1.0, float(self.sigma(torch.tensor(t)))

    @torch.no_grad()
    def field(self, x: Tensor, t: float) -> Tensor:
        sigma = self.sigma(torch.tensor(t)).expand(len(x))
        return self.scaled(x, sigma) / sigma[:, None]

    def log_density(self, x: Tensor) -> Tensor:
        """Of points with noise of the smallest level, by way of the largest."""
        ends = math.log(self.config.lowest), math.log(self.config.highest)
        log_sigmas = torch.linspace(*ends, FINE + 1).tolist()
        return log_density(self.flow, x, log_sigmas, self.widest().log_prob)

    def flow(self, x: Tensor, log_sigma: float) -> Tensor:
        """dx / d log sigma of the probability flow."""
        sigma = torch.full((len(x),), math.exp(log_sigma))
        return -sigma[:, None] * self.scaled(x, sigma)
