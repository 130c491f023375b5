r"""A mixture of Gaussians, fitted by expectation and maximisation.

$p(x) = \sum_c \pi_c N(x; \mu_c, \Sigma_c)$. The E-step asks which component each point came from,
$r_{nc} = \pi_c N(x_n; \mu_c, \Sigma_c) / p(x_n)$ (Bishop 2006, equation 9.23); the M-step fits each
component to its share of the points (equations 9.24 to 9.26). Neither lowers the likelihood
(Dempster et al. 1977, theorem 1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from models.contract.config import setting
from models.plane.contract import Method, Part


@dataclass(frozen=True)
class Config:
    components: int = setting(8, "Gaussians in the mixture.", low=1, high=64)
    narrowest: float = setting(
        0.03, "Smallest width of a Gaussian: none can close in on one point.",
        low=0.001, high=1.0, live=True,
    )  # fmt: skip
    start: str = setting(
        "spread", "First means: points far from each other (k-means++), or any points.",
        choices=("spread", "any"),
    )  # fmt: skip


class GaussianMixture(Method):
    TITLE = "Gaussian mixture by EM"
    PAPER = "Dempster et al. 1977, Maximum likelihood from incomplete data via the EM algorithm"
    DENSITY = "exact"
    Config = Config

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        C = self.config.components
        self.register_buffer("weights", torch.full((C,), 1 / C))
        self.register_buffer("means", torch.zeros(C, 2))
        self.register_buffer("covariances", torch.eye(2).repeat(C, 1, 1))
        self.register_buffer("gain", torch.tensor(math.inf))  # of the last step, nats a point

    def prepare(self, points: Tensor, rng: Generator) -> None:
        """First means by k-means++ (Arthur and Vassilvitskii 2007), all as wide."""
        C, chosen = self.config.components, []
        chances = torch.ones(len(points))
        for _ in range(C):
            chosen.append(points[torch.multinomial(chances, 1, generator=rng)[0]])
            if self.config.start == "spread":
                chances = torch.cdist(points, torch.stack(chosen)).amin(1).square() + 1e-12
        self.means.copy_(torch.stack(chosen))
        self.covariances.copy_(points.var() / C * torch.eye(2).expand(C, 2, 2))

    @property
    def finished(self) -> bool:
        return bool(self.gain < 1e-6)

    @torch.no_grad()
    def improve(self, x: Tensor, rng: Generator) -> Iterator[Part]:
        before = self._log_each(x).logsumexp(1).mean()
        share = self._log_each(x).softmax(1)  # (N, C): the E-step
        yield Part("E", {"loss": -float(before)})
        count = share.sum(0) + 1e-6
        self.weights.copy_(count / count.sum())
        self.means.copy_(share.T @ x / count[:, None])
        apart = x[:, None] - self.means  # (N, C, 2)
        scatter = torch.einsum("nc,nci,ncj->cij", share, apart, apart) / count[:, None, None]
        self.covariances.copy_(self._no_narrower(scatter))
        after = self._log_each(x).logsumexp(1).mean()
        self.gain.copy_((after - before).abs())
        yield Part("M", {"loss": -float(after)})

    def _no_narrower(self, covariances: Tensor) -> Tensor:
        """The same, with no width below ``narrowest``: that is the likeliest one so wide."""
        squares, axes = torch.linalg.eigh(covariances)
        squares = squares.clamp(min=self.config.narrowest**2)
        return axes * squares[:, None] @ axes.mT

    def _log_each(self, x: Tensor) -> Tensor:
        """(N, C): log pi_c N(x; mu_c, Sigma_c)."""
        factor = torch.linalg.cholesky(self.covariances)
        inverse = torch.linalg.inv(factor)
        white = torch.einsum("cij,ncj->nci", inverse, x[:, None] - self.means)
        log_scale = factor.diagonal(dim1=1, dim2=2).log().sum(1) + math.log(2 * math.pi)
        return self.weights.log() - 0.5 * white.square().sum(2) - log_scale

    @torch.no_grad()
    def log_density(self, x: Tensor) -> Tensor:
        return self._log_each(x).logsumexp(1)

    @torch.no_grad()
    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        which, noise = torch.rand(n, generator=rng), torch.randn(n, 2, generator=rng)
        component = torch.searchsorted(self.weights.cumsum(0), which)
        component = component.clamp(max=len(self.weights) - 1)
        factor = torch.linalg.cholesky(self.covariances)[component]
        yield self.means[component] + torch.einsum("nij,nj->ni", factor, noise)

    def components(self) -> Tensor:
        xx, xy, yy = (self.covariances[:, i, j] for i, j in ((0, 0), (0, 1), (1, 1)))
        return torch.cat([self.weights[:, None], self.means, torch.stack([xx, xy, yy], 1)], 1)
