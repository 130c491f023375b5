r"""A variational autoencoder whose code is a line, or a plane: bent into the plane of the data.

$p(x) = \int N(z; 0, I) \, N(x; f(z), \sigma^2 I) \, dz$. An encoder guesses the codes of a point,
$q(z \mid x) = N(\mu(x), \mathrm{diag}\, s^2(x))$, and both learn by the bound (Kingma and Welling
2014, equation 3): $\log p(x) \ge E_q \log p(x \mid z) - \beta \, KL(q(z \mid x) \,\|\, p(z))$ at
$\beta = 1$. With so few numbers the integral itself can be summed, and bound and evidence
compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.model import Objective
from models.contract.numbers import log_normal
from models.plane.contract import Config as Base
from models.plane.contract import Method, code_grid
from models.plane.nets import perceptron

NODES = {1: 801, 2: 48}  # along each axis of the code, of the sum for the evidence


@dataclass(frozen=True)
class Config(Base):
    learning_rate: float = setting(
        5e-3, "How far one step goes (Adam).", low=1e-6, high=0.1, live=True
    )
    beta: float = setting(
        1.0, "Weight of the KL term: 1 is the bound itself.", low=0.0, high=20.0, live=True
    )
    width: int = setting(64, "Numbers in a hidden layer.", low=8, high=128)
    depth: int = setting(2, "Hidden layers.", low=1, high=3)


class LineVAE(Method):
    TITLE = "VAE, code of one number"
    PAPER = "Kingma and Welling 2014, Auto-encoding variational Bayes"
    DENSITY = "lower bound"
    AVERAGE = 0.99
    Config = Config
    code: ClassVar[int] = 1

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        size = self.config.width, self.config.depth
        self.encoder = perceptron(2, 2 * self.code, *size)
        self.decoder = perceptron(self.code, 2, *size)
        self.log_spread = nn.Parameter(torch.tensor(-1.2))  # log sigma of p(x | z)

    def objectives(self, x: Tensor, rng: Generator) -> Iterator[Objective]:
        mean, log_variance = self._encode(x)
        noise = torch.randn(mean.shape, generator=rng)
        log_likelihood = self._log_given(x, mean + noise * (0.5 * log_variance).exp()).mean()
        kl = _kl(mean, log_variance).mean()
        logs = {"reconstruction": -log_likelihood, "kl": kl, "spread": self.log_spread.exp()}
        loss = -log_likelihood + self.config.beta * kl
        yield Objective(list(self.parameters()), loss, logs)

    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 4)

    def _log_given(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x | z), (..., 2) and (..., D) -> (...)."""
        spread = self.log_spread.clamp(-4, 2).exp()
        return log_normal(x, self.decoder(z), spread).sum(-1)

    @torch.no_grad()
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self._encode(x)

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z)

    @torch.no_grad()
    def bound(self, x: Tensor) -> Tensor:
        """The ELBO, its expectation by Gauss-Hermite quadrature with 12 nodes, or 6 x 6."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(12 // self.code)
        axes = [torch.tensor(nodes, dtype=x.dtype)] * self.code
        at = torch.cartesian_prod(*axes).reshape(-1, self.code)
        mass = [torch.tensor(weights / math.sqrt(2 * math.pi), dtype=x.dtype)] * self.code
        share = torch.cartesian_prod(*mass).reshape(-1, self.code).prod(1)
        mean, log_variance = self._encode(x)
        z = mean[:, None] + at * (0.5 * log_variance).exp()[:, None]  # (N, nodes, D)
        return (self._log_given(x[:, None], z) * share).sum(1) - _kl(mean, log_variance)

    @torch.no_grad()
    def log_density(self, x: Tensor) -> Tensor:
        """The evidence: the sum over codes as likely as each other, the midpoint rule in
        u = Phi(z)."""
        count = NODES[self.code]
        line = torch.special.ndtri((torch.arange(count) + 0.5) / count)
        places = self.decoder(torch.cartesian_prod(*[line] * self.code).reshape(-1, self.code))
        spread = self.log_spread.clamp(-4, 2).exp()
        scale = math.log(len(places)) + 2 * spread.log() + math.log(2 * math.pi)
        parts = [-0.5 * (torch.cdist(part, places) / spread).square() for part in x.split(1024)]
        return torch.cat([part.logsumexp(1) for part in parts]) - scale

    @property
    def times(self) -> tuple[float, ...]:
        return (0.0, 0.8, 1.0)

    @torch.no_grad()
    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        """The code, on the axis where it is one number; decoded; and with the decoder's noise."""
        z = torch.randn(n, 2, generator=rng)[:, : self.code]
        noise = torch.randn(n, 2, generator=rng)
        yield nn.functional.pad(z, (0, 2 - self.code))
        x = self.decoder(z)
        yield x
        yield x + self.log_spread.clamp(-4, 2).exp() * noise

    @torch.no_grad()
    def mesh(self) -> tuple[Tensor, None]:
        line = torch.linspace(-3, 3, 121)
        return self.decoder(line[:, None])[None, :, None], None


class PlaneVAE(LineVAE):
    TITLE = "VAE, code of two numbers"
    code = 2

    @torch.no_grad()
    def mesh(self) -> tuple[Tensor, None]:
        grid = code_grid()
        return torch.stack([grid, self.decoder(grid)]), None


def _kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, e^log_variance) || N(0, I)), (N,) (Kingma and Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
