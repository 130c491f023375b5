r"""One coordinate, then the other: $p(x) = p(x_1) \, p(x_2 \mid x_1)$.

Each factor is a mixture of Gaussians, $\sum_k \pi_k N(x; \mu_k, \sigma_k^2)$; the numbers of the
second are what a network makes of $x_1$, a mixture density network (Bishop 1994, equations 22 to
26), as in RNADE (Uria et al. 2013, equation 10). The product of the two is exact, and both are
trained by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.model import Objective
from models.contract.numbers import log_normal
from models.plane.contract import Config as Base
from models.plane.contract import Method
from models.plane.nets import perceptron

NARROWEST = 0.02


@dataclass(frozen=True)
class Config(Base):
    learning_rate: float = setting(
        5e-3, "How far one step goes (Adam).", low=1e-6, high=0.1, live=True
    )
    components: int = setting(10, "Gaussians in each factor.", low=1, high=32)
    width: int = setting(64, "Numbers in a hidden layer.", low=8, high=128)
    depth: int = setting(2, "Hidden layers.", low=1, high=3)


class Autoregressive(Method):
    TITLE = "Autoregressive, x1 then x2"
    PAPER = "Uria et al. 2013, RNADE: the real-valued neural autoregressive density-estimator"
    DENSITY = "exact"
    AVERAGE = 0.98
    Config = Config

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        K = self.config.components
        # Logits, means and log widths; the means start spread over what is looked at.
        start = torch.cat([torch.zeros(K), torch.linspace(-2.5, 2.5, K), torch.full((K,), -0.7)])
        self.first = nn.Parameter(start.clone())
        self.net = perceptron(1, 3 * K, self.config.width, self.config.depth)
        self.net[-1].bias.data.copy_(start)

    def objectives(self, x: Tensor, rng: Generator) -> Iterator[Objective]:
        first, second = self._log_factors(x)
        loss = -(first + second).mean()
        logs = {"x1": -first.mean(), "x2 given x1": -second.mean()}
        yield Objective(list(self.parameters()), loss, logs)

    def _factors(self, x1: Tensor) -> tuple[Tensor, Tensor]:
        """The numbers of p(x1), (1, 3K), and of p(x2 | x1), (N, 3K)."""
        return self.first[None], self.net(x1[:, None])

    def _log_factors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """log p(x1) and log p(x2 | x1), (N,) each."""
        x1, x2 = x.unbind(1)
        of_first, of_second = self._factors(x1)
        return _log_mixture(x1, of_first), _log_mixture(x2, of_second)

    @torch.no_grad()
    def log_density(self, x: Tensor) -> Tensor:
        return sum(self._log_factors(x))

    @property
    def times(self) -> tuple[float, ...]:
        return (0.0, 0.5, 1.0)

    @torch.no_grad()
    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        """Noise; x1 in its place, with x2 still noise; both in their places."""
        which, noise = torch.rand(n, 2, generator=rng), torch.randn(n, 2, generator=rng)
        yield noise
        x1 = _drawn(self.first[None].expand(n, -1), which[:, 0], noise[:, 0])
        yield torch.stack([x1, noise[:, 1]], 1)
        x2 = _drawn(self._factors(x1)[1], which[:, 1], noise[:, 1])
        yield torch.stack([x1, x2], 1)


def _parted(numbers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log weights, means and widths (N, K) of (N, 3K) numbers."""
    logits, means, log_widths = numbers.chunk(3, dim=1)
    return logits.log_softmax(1), means, NARROWEST + log_widths.clamp(max=3).exp()


def _log_mixture(x: Tensor, numbers: Tensor) -> Tensor:
    log_weights, means, widths = _parted(numbers)
    return (log_weights + log_normal(x[:, None], means, widths)).logsumexp(1)


def _drawn(numbers: Tensor, which: Tensor, noise: Tensor) -> Tensor:
    """(N,) of mixtures: the component by a uniform number, then a normal one."""
    log_weights, means, widths = _parted(numbers)
    above = log_weights.exp().cumsum(1) < which[:, None]
    k = above.sum(1, keepdim=True).clamp(max=means.shape[1] - 1)
    return (means.gather(1, k) + widths.gather(1, k) * noise[:, None])[:, 0]
