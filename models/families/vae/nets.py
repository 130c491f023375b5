"""The networks of a variational autoencoder: encoder, decoder, and the map of a learned prior."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.contract.numbers import log_normal
from models.families.nets import Downsample, ResBlock, Upsample, group_norm
from models.families.pixels import LIKELIHOODS

if TYPE_CHECKING:
    from models.families.vae.vae import VAEConfig


class Encoder(nn.Module):
    """x (B, C, H, W), y one-hot (B, K) -> mean, standard deviation, each (B, D)."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        C, H, W = config.image
        h, w = H // 2**config.halvings, W // 2**config.halvings
        self.body = nn.Sequential(
            Downsample(C, config.width, config.halvings),
            *[ResBlock(config.width, config.dropout) for _ in range(config.blocks)],
            group_norm(config.width),
            nn.SiLU(),
            nn.Flatten(),
        )
        self.hidden = nn.Linear(config.width * h * w + max(0, config.num_classes), config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.code = nn.Linear(config.hidden, 2 * config.latent)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        h = self.body(x)  # (B, width * h * w)
        h = self.dropout(F.silu(self.hidden(torch.cat([h, y], 1))))  # (B, hidden)
        mean, spread = self.code(h).float().chunk(2, 1)  # 2 x (B, D)
        return mean, F.softplus(spread + 0.5) + 1e-4


class Decoder(nn.Module):
    """h (B, D), y one-hot (B, K) -> the numbers that each pixel's distribution needs."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        C, H, W = config.image
        self.map = (config.width, H // 2**config.halvings, W // 2**config.halvings)
        per_pixel = LIKELIHOODS[config.likelihood]
        self.hidden = nn.Linear(config.latent + max(0, config.num_classes), config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.spread = nn.Linear(config.hidden, math.prod(self.map))
        self.body = nn.Sequential(
            *[ResBlock(config.width, config.dropout) for _ in range(config.blocks)],
            Upsample(config.width, per_pixel * C, config.halvings),
        )

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        h = self.dropout(F.silu(self.hidden(torch.cat([h, y], 1))))  # (B, hidden)
        h = self.spread(h).unflatten(1, self.map)  # (B, width, h, w)
        return self.body(h.contiguous(memory_format=torch.channels_last)).float()


class Coupling(nn.Module):
    """z_b = h_b exp(s(h_a)) + t(h_a), z_a = h_a (Dinh et al. 2017, eq. 7), on vectors.

    Scales stay between e^-2 and e^2. It starts as the identity.
    """

    def __init__(self, dimensions: int, hidden: int, order: Tensor) -> None:
        super().__init__()
        self.split = dimensions - dimensions // 2
        self.register_buffer("order", order)
        self.net = nn.Sequential(
            nn.Linear(self.split, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, 2 * (dimensions // 2)),
        )
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def _scale_and_shift(self, a: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self.net(a).float().chunk(2, -1)
        return 2 * torch.tanh(log_scale / 2), shift

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """h (..., D) -> z (..., D) and log |det dz/dh| (...)."""
        h = h[..., self.order]
        a, b = h[..., : self.split], h[..., self.split :]
        log_scale, shift = self._scale_and_shift(a)
        return torch.cat([a, b * log_scale.exp() + shift], -1), log_scale.sum(-1)

    def inverse(self, z: Tensor) -> Tensor:
        a, b = z[..., : self.split], z[..., self.split :]
        log_scale, shift = self._scale_and_shift(a)
        h = torch.cat([a, (b - shift) * (-log_scale).exp()], -1)
        return h[..., self.order.argsort()]


class Prior(nn.Module):
    """The map g between what the decoder reads, h, and the standard normal code z."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        orders = torch.Generator().manual_seed(0)  # part of the architecture, not of the run
        self.layers = nn.ModuleList(
            Coupling(
                config.latent, config.prior_hidden, torch.randperm(config.latent, generator=orders)
            )
            for _ in range(config.prior_layers)
        )

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor | float]:
        """h (..., D) -> z = g(h) (..., D) and log |det dz/dh| (...)."""
        log_det: Tensor | float = 0.0
        for layer in self.layers:
            h, change = layer(h)
            log_det = log_det + change
        return h, log_det

    def inverse(self, z: Tensor) -> Tensor:
        """z (..., D) -> h (..., D)."""
        for layer in reversed(self.layers):
            z = layer.inverse(z)
        return z

    def log_prob(self, h: Tensor) -> Tensor:
        """log p(h), (...), in nats."""
        z, log_det = self(h)
        return log_normal(z).sum(-1) + log_det
