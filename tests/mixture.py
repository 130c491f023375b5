"""A distribution whose best denoiser is known: what samplers and likelihoods are held against."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Mixture:
    """Gaussians of several widths as pictures: sum_k w_k N(m_k, s_k^2 I), all float64.

    weights, deviations (K,); means (K, C, H, W).
    """

    weights: Tensor
    means: Tensor
    deviations: Tensor

    @property
    def mean(self) -> Tensor:
        return (self.weights @ self.means.flatten(1)).view(self.means.shape[1:])

    def draw(self, n: int, rng: Generator) -> Tensor:
        """(n, C, H, W)."""
        k = torch.multinomial(self.weights, n, replacement=True, generator=rng)
        noise = torch.randn((n, *self.means.shape[1:]), generator=rng, dtype=torch.float64)
        return self.means[k] + self.deviations[k][:, None, None, None] * noise

    def joint(self, x: Tensor, level: float | Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """log w_k N(x; m_k, s_k^2 + level^2) (B, K), s_k^2 + level^2 (B, K), x - m_k (B, K, D)."""
        level = torch.as_tensor(level, dtype=torch.float64).reshape(-1, 1)  # (1 or B, 1)
        away = x.double().flatten(1)[:, None] - self.means.flatten(1)
        variance = (self.deviations.square() + level.square()).expand(len(x), -1)
        log_p = -0.5 * (
            away.square().sum(2) / variance
            + away.shape[2] * (variance.log() + math.log(2 * math.pi))
        )
        return self.weights.log() + log_p, variance, away

    def log_density(self, x: Tensor, level: float | Tensor = 0.0) -> Tensor:
        """log of the density of x = x_0 + level n, (B,)."""
        return self.joint(x, level)[0].logsumexp(1)

    def denoise(self, x: Tensor, level: float | Tensor) -> Tensor:
        """E[x_0 | x_0 + level n = x]: in each Gaussian x is drawn to its mean, and the Gaussians
        count as likely as they are (B, C, H, W)."""
        log_p, variance, away = self.joint(x, level)
        kept = self.deviations.square() / variance  # (B, K)
        guess = self.means.flatten(1) + kept[:, :, None] * away
        return (log_p.softmax(1)[:, :, None] * guess).sum(1).view_as(x).to(x.dtype)

    def modes(self, x: Tensor) -> Tensor:
        """Which Gaussian each x most likely came from, (B,)."""
        return self.joint(x, 0.0)[0].argmax(1)


def three() -> Mixture:
    """Three Gaussians of unequal weights and widths in the plane, as (1, 1, 2) pictures."""
    means = torch.tensor([[-1.0, 0.6], [0.9, 0.5], [0.1, -1.2]], dtype=torch.float64)
    return Mixture(
        torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64),
        means.view(3, 1, 1, 2),
        torch.tensor([0.15, 0.25, 0.1], dtype=torch.float64),
    )
