"""A linear Gaussian model of small pictures, of which everything is known in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor, nn

from models.contract.model import GenerativeModel, Likelihood
from models.contract.numbers import log_normal
from models.contract.random import normal


@dataclass(frozen=True)
class Config:
    image: tuple[int, ...] = (1, 4, 4)
    latent: int = 2
    shift: float = 0.3  # how far the encoder's guess is from the posterior's mean
    stretch: float = 2.0  # and how many times too wide
    space: str = "uint8"
    seed: int = 0
    grey: float = 0.5
    noise: float = 0.05


class StandardNormal:
    def log_prob(self, h: Tensor) -> Tensor:
        return log_normal(h).sum(-1)


class Gaussian(GenerativeModel):
    """x = grey + W h + noise, h ~ N(0, I), with the columns of W at right angles, so that the
    posterior of h is a Gaussian of independent numbers; and an encoder that is off."""

    Config = Config

    def __init__(self, config: Config | None = None) -> None:
        config = config or Config()
        super().__init__(config)
        D = math.prod(config.image)
        rng = torch.Generator().manual_seed(config.seed)
        W = torch.linalg.qr(normal((D, config.latent), rng, "cpu"))[0]
        self.W = nn.Parameter(W * torch.tensor([0.3, 0.15])[: config.latent])
        self.prior = StandardNormal()

    # -- what tests compare with -----------------------------------------------------------------

    @property
    def mean(self) -> np.ndarray:
        return np.full(math.prod(self.image_shape), self.config.grey)

    @property
    def covariance(self) -> np.ndarray:
        W = self.W.detach().double().numpy()
        return W @ W.T + self.config.noise**2 * np.eye(len(W))

    def draw(self, n: int, rng: Generator) -> Tensor:
        """n pictures of the model, (n, C, H, W) in [0, 1] at 8-bit levels."""
        h = normal((n, self.config.latent), rng, "cpu")
        x = self._mean(h) + self.config.noise * normal((n, *self.image_shape), rng, "cpu")
        return (x.detach().clamp(0, 1) * 255).round() / 255

    # -- what a model can do ---------------------------------------------------------------------

    def _mean(self, h: Tensor) -> Tensor:
        return self.config.grey + (h @ self.W.T).unflatten(-1, self.image_shape)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (B, D) and standard deviation (D,) of p(h | x)."""
        scale, s2 = self.W.square().sum(0), self.config.noise**2
        return (x - self.config.grey).flatten(1) @ self.W / (scale + s2), (s2 / (scale + s2)).sqrt()

    def encode_distribution(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = self.posterior(x)
        return mean + self.config.shift, (self.config.stretch * std).expand_as(mean)

    def log_p_x(self, x: Tensor, h: Tensor) -> Tensor:
        return log_normal(x, self._mean(h), self.config.noise)

    def encode(self, x: Tensor) -> Tensor:
        return self.posterior(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        return self._mean(z)

    def log_likelihood(self, x: Tensor, rng: Generator, samples: int = 1) -> Likelihood:
        """Pixel by pixel: x = mean + L u, L lower triangular, says each given those before."""
        L = torch.linalg.cholesky(torch.from_numpy(self.covariance))
        away = (x.flatten(1).double() - torch.from_numpy(self.mean)).T
        u = torch.linalg.solve_triangular(L, away, upper=False).T
        pixels = log_normal(u) - L.diagonal().log()
        per_pixel = pixels.view(x.shape).float()
        return Likelihood(pixels.sum(1).float(), "exact", self.config.space, per_pixel=per_pixel)

    def energy(self, x: Tensor) -> Tensor:
        return 7.0 - self.log_likelihood(x, None).nats

    def noised(self, x: Tensor, t: float, noise: Tensor) -> Tensor:
        return x + t * noise

    def denoise(self, x_t: Tensor, t: float) -> Tensor:
        """E[x | x_t] (Wiener's filter)."""
        C = torch.from_numpy(self.covariance).float()
        gain = C @ torch.linalg.inv(C + t**2 * torch.eye(len(C)))
        return self.config.grey + ((x_t - self.config.grey).flatten(1) @ gain).view_as(x_t)
