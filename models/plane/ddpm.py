r"""A diffusion model: noise is added in a thousand steps, and each step is learned to be undone.

A point under noise is $x_k = \sqrt{\bar\alpha_k} \, x + \sqrt{1 - \bar\alpha_k} \, \epsilon$ (Ho
et al. 2020, equation 4) and the network guesses the noise, $E \| \epsilon - \epsilon(x_k, k) \|^2$
(equation 14). DDPM goes back with new noise at each step (algorithm 2), DDIM without (Song et al.
2021a, equation 12): the same network, and fewer steps are enough.

In $\bar x = x / \sqrt{\bar\alpha}$ and $\sigma = \sqrt{(1 - \bar\alpha) / \bar\alpha}$, DDIM solves
$d \bar x / d\sigma = \epsilon$ (their equation 14), which is the probability flow of
Song et al. (2021b, equation 13); its divergence gives the density (equation 39), an estimate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Generator, Tensor

from models.contract.config import setting
from models.contract.model import Objective
from models.contract.numbers import log_normal
from models.plane.ode import log_density
from models.plane.timed import TimedConfig, TimedMethod

NOISINGS = 1000
BETAS = torch.linspace(1e-4, 0.02, NOISINGS, dtype=torch.float64)  # Ho et al. 2020, section 4
ALPHA_BAR = torch.cat([torch.ones(1, dtype=torch.float64), (1 - BETAS).cumprod(0)])
SIGMAS = ((1 - ALPHA_BAR) / ALPHA_BAR).sqrt()
LOG_SIGMAS = torch.linspace(math.log(0.03), math.log(20.0), 33).tolist()  # of the density


@dataclass(frozen=True)
class Config(TimedConfig):
    sampler: str = setting(
        "ddpm", "With new noise at each step (ddpm), or without (ddim).",
        choices=("ddpm", "ddim"), live=True,
    )  # fmt: skip
    steps: int = setting(60, "Steps of the sampler.", low=1, high=400, live=True)
    favour: float = setting(
        2.0, "How much oftener little noise is trained on than much; 1 is as often.",
        low=1.0, high=4.0, live=True,
    )  # fmt: skip


class DDPM(TimedMethod):
    TITLE = "Diffusion"
    PAPER = "Ho et al. 2020, Denoising diffusion probabilistic models"
    DENSITY = "estimate"
    FIELD = "score"
    Config = Config

    def objectives(self, x: Tensor, rng: Generator) -> Iterator[Objective]:
        among = torch.rand(len(x), generator=rng) ** self.config.favour
        k = 1 + (NOISINGS * among).long().clamp(max=NOISINGS - 1)
        alpha_bar = ALPHA_BAR[k, None].float()
        noise = torch.randn(x.shape, generator=rng)
        noisy = alpha_bar.sqrt() * x + (1 - alpha_bar).sqrt() * noise
        loss = (self.noise(noisy, k) - noise).square().sum(1).mean()
        yield Objective(list(self.parameters()), loss)

    def noise(self, x: Tensor, k: Tensor | float) -> Tensor:
        """The network's guess of the noise in x (N, 2) after k noisings, (N,) or a number."""
        return self.net(x, k / NOISINGS)

    @property
    def times(self) -> tuple[float, ...]:
        return tuple(k / self.config.steps for k in range(self.config.steps + 1))

    @torch.no_grad()
    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        x = torch.randn(n, 2, generator=rng)
        yield x
        for begin, end in pairwise(self.times):
            k, to = noisings(begin), noisings(end)
            a, b = float(ALPHA_BAR[k]), float(ALPHA_BAR[to])
            noise = self.noise(x, float(k))
            clean = (x - math.sqrt(1 - a) * noise) / math.sqrt(a)
            # DDIM's equation 16 with eta 1 is DDPM, whose noise has this variance; with eta 0 none.
            fresh = (1 - b) / (1 - a) * (1 - a / b) if self.config.sampler == "ddpm" else 0.0
            x = math.sqrt(b) * clean + math.sqrt(max(0.0, 1 - b - fresh)) * noise
            x = x + math.sqrt(fresh) * torch.randn(n, 2, generator=rng)
            yield x

    @property
    def levels(self) -> tuple[float, ...]:
        return (0.0, 0.3, 0.6, 0.8, 0.9, 0.96)

    def corruption(self, t: float) -> tuple[float, float]:
        alpha_bar = float(ALPHA_BAR[noisings(t)])
        return math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar)

    @torch.no_grad()
    def field(self, x: Tensor, t: float) -> Tensor:
        """The score, -noise / sqrt(1 - alpha_bar)."""
        return -self.noise(x, float(noisings(t))) / self.corruption(t)[1]

    def log_density(self, x: Tensor) -> Tensor:
        """Of points with a little noise, of sigma 0.03, by way of much."""
        wide = math.exp(LOG_SIGMAS[-1])
        return log_density(self.flow, x, LOG_SIGMAS, lambda z: log_normal(z, 0.0, wide).sum(1))

    def flow(self, x: Tensor, log_sigma: float) -> Tensor:
        """d x_bar / d log sigma = sigma noise, of points x_bar (N, 2)."""
        sigma = math.exp(log_sigma)
        after = int(torch.searchsorted(SIGMAS, sigma))
        low, high = float(SIGMAS[after - 1]), float(SIGMAS[after])
        k = after - 1 + (sigma - low) / (high - low)  # between two noisings
        return sigma * self.noise(x / math.sqrt(1 + sigma**2), k)


def noisings(t: float) -> int:
    """How many noisings a point has gone through at t, from all at 0 to none at 1."""
    return round((1 - t) * NOISINGS)
