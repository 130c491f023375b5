r"""What an encoder says of a picture's code: q(h given x), and what it costs."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from models.contract.abilities import HasPosterior
from models.contract.random import normal

MANY = 2048  # codes that the divergence is the mean over


class Posterior(NamedTuple):
    """mean, std: (D,) of q(h given x), independent normals. draws: (K, D) codes drawn from it. kl:
    KL(q, p) in nats, p the model's prior."""

    mean: Tensor
    std: Tensor
    draws: Tensor
    kl: float


@torch.no_grad()
def posterior_of(
    model: HasPosterior, x: Tensor, rng: Generator, draws: int, label: int | None = None
) -> Posterior:
    """The posterior of one picture x, (1, C, H, W) in [0, 1].

    KL(q, p) = E_q[log q(h) - log p(h)] (Kingma and Welling 2014, eq. 3), by the mean over many
    codes, as the prior need not be a normal one.
    """
    mean, std = (each[0] for each in model.encode_distribution(x, label))
    noise = normal((max(MANY, draws), len(mean)), rng, mean.device)
    h = mean + std * noise
    log_q = (-0.5 * noise**2 - std.log() - 0.5 * math.log(2 * math.pi)).sum(1)
    kl = (log_q - model.prior.log_prob(h)).mean()
    return Posterior(mean, std, h[:draws], float(kl))
