"""Densities of the plane that are known in closed form, with their samplers.

``Mixture`` is Gaussians, as many as one likes: a curve with noise about it is a mixture along it.
``Bent`` moves a mixture by a map that keeps areas, so that the density moves along unchanged.
``Squares`` is uniform on squares, their edges softened by Gaussian noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Generator, Tensor
from torch.special import log_ndtr

Map = Callable[[Tensor], Tensor]


class Density:
    """A density of points of the plane, known everywhere. ``modes`` (k, 2) are its peaks, or (0, 2)
    where it has ridges instead; ``spread`` is how far a point of a mode lies from it."""

    modes: Tensor
    spread: float

    def log_density(self, x: Tensor) -> Tensor:
        """(N, 2) -> (N,), nats; with gradients by x."""
        raise NotImplementedError

    def sample(self, n: int, rng: Generator) -> Tensor:
        """(n, 2)."""
        raise NotImplementedError

    def posterior_mean(self, x: Tensor, a: float, s: float) -> Tensor:
        """E[y | x] of the point y that became x = a y + s noise, (N, 2): by sums over a fine grid,
        where there is no closed form. It gives the score of x, (a E[y | x] - x) / s^2, by Tweedie's
        formula (Efron 2011, equation 1.4), and the velocity of a flow."""
        nodes, log_weights = self._nodes
        means = []
        for part in x.split(128):
            log_near = -0.5 * torch.cdist(part, a * nodes).square() / s**2 + log_weights
            means.append(log_near.softmax(1) @ nodes)
        return torch.cat(means)

    def score(self, x: Tensor, a: float = 1.0, s: float = 0.0) -> Tensor:
        """The gradient of log p of the points a y + s noise, (N, 2) -> (N, 2)."""
        if s > 0:
            return (a * self.posterior_mean(x, a, s) - x) / s**2
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.autograd.grad(self.log_density(x).sum(), x)[0]

    @cached_property
    def _nodes(self) -> tuple[Tensor, Tensor]:
        """Places where there is density, and the log of their weights."""
        line = torch.linspace(-6, 6, 301)
        nodes = torch.cartesian_prod(line, line)
        log_p = self.log_density(nodes)
        there = log_p > log_p.max() - 16
        return nodes[there], log_p[there]


@dataclass(frozen=True, eq=False)
class Mixture(Density):
    """Gaussians. weights: (C,), means: (C, 2), covariances: (C, 2, 2); modes: (k, 2)."""

    weights: Tensor
    means: Tensor
    covariances: Tensor
    modes: Tensor
    spread: float = 0.0

    @classmethod
    def round(
        cls, means: Tensor, spread: float, weights: Tensor | None = None, peaks: bool = False
    ) -> Mixture:
        """Round Gaussians, all as wide; peaks: whether each of them is a mode."""
        if weights is None:
            weights = torch.ones(len(means))
        eye = torch.eye(2).expand(len(means), 2, 2)
        modes = means if peaks else means[:0]
        return cls(weights / weights.sum(), means, spread**2 * eye, modes, spread)

    def log_density(self, x: Tensor) -> Tensor:
        return self._log_each(x, self.covariances).logsumexp(1)

    def _log_each(self, x: Tensor, covariances: Tensor, a: float = 1.0) -> Tensor:
        """(N, C): log w_c N(x; a m_c, S_c)."""
        squares = covariances[:, 0, 0]
        if bool((covariances == squares[:, None, None] * torch.eye(2)).all()):  # round: sooner done
            white = torch.cdist(x, a * self.means).square() / squares
            return self.weights.log() - 0.5 * white - squares.log() - math.log(2 * math.pi)
        factor = torch.linalg.cholesky(covariances)
        inverse = torch.linalg.inv(factor)  # (C, 2, 2)
        white = torch.einsum("cij,ncj->nci", inverse, x[:, None] - a * self.means)
        log_scale = factor.diagonal(dim1=1, dim2=2).log().sum(1) + math.log(2 * math.pi)
        return self.weights.log() - 0.5 * white.square().sum(2) - log_scale

    def sample(self, n: int, rng: Generator) -> Tensor:
        component = torch.multinomial(self.weights, n, replacement=True, generator=rng)
        factor = torch.linalg.cholesky(self.covariances)[component]
        noise = torch.randn(n, 2, generator=rng)
        return self.means[component] + torch.einsum("nij,nj->ni", factor, noise)

    def posterior_mean(self, x: Tensor, a: float, s: float) -> Tensor:
        """In closed form: each Gaussian's own posterior mean, by how likely x is of it."""
        noisy = a**2 * self.covariances + s**2 * torch.eye(2)
        share = self._log_each(x, noisy, a).softmax(1)
        gain = a * self.covariances @ torch.linalg.inv(noisy)  # (C, 2, 2)
        # m + G (x - a m), the share of each taken first.
        centre = self.means - a * torch.einsum("cij,cj->ci", gain, self.means)
        return share @ centre + torch.einsum("nc,cij,nj->ni", share, gain, x)


@dataclass(frozen=True, eq=False)
class Bent(Density):
    """A density moved by a map of which the determinant is one everywhere. bend: (N, 2) -> (N, 2);
    unbend: its inverse."""

    straight: Mixture
    bend: Map
    unbend: Map

    @property
    def modes(self) -> Tensor:
        return self.bend(self.straight.modes)

    @property
    def spread(self) -> float:
        return self.straight.spread

    def log_density(self, x: Tensor) -> Tensor:
        return self.straight.log_density(self.unbend(x))

    def sample(self, n: int, rng: Generator) -> Tensor:
        return self.bend(self.straight.sample(n, rng))


@dataclass(frozen=True, eq=False)
class Squares(Density):
    """Uniform on squares of one size about ``modes`` (k, 2), plus N(0, softness^2)."""

    modes: Tensor
    side: float
    softness: float

    @property
    def spread(self) -> float:
        return self.side / 4

    def log_density(self, x: Tensor) -> Tensor:
        offset = x[:, None] - self.modes  # (N, k, 2)
        # Where it is far out on the right, the same on the left: log_ndtr is exact there.
        far = -offset.abs() / self.softness
        half = self.side / 2 / self.softness
        upper, lower = log_ndtr(far + half), log_ndtr(far - half)
        line = upper + torch.log1p(-torch.exp(lower - upper))
        log_each = line.sum(2) - 2 * math.log(self.side)
        return log_each.logsumexp(1) - math.log(len(self.modes))

    def sample(self, n: int, rng: Generator) -> Tensor:
        square = torch.randint(len(self.modes), (n,), generator=rng)
        within = (torch.rand(n, 2, generator=rng) - 0.5) * self.side
        return self.modes[square] + within + self.softness * torch.randn(n, 2, generator=rng)


def turned(x: Tensor, angle: Tensor) -> Tensor:
    """Points (N, 2), each turned about the origin by an angle of its own (N,)."""
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos * x[:, 0] - sin * x[:, 1], sin * x[:, 0] + cos * x[:, 1]], 1)
