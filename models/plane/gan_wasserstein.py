r"""A Wasserstein GAN: a critic that tells how far the samples have to go.

A critic $f$ with slope 1 everywhere gives, at its best, the Wasserstein-1 distance,
$\max_f E_p f - E_q f$; a penalty holds the slope near 1,
$- \lambda E (\|\nabla f\| - 1)^2$ (Gulrajani et al. 2017, equation 3). It has a slope where the
samples are far from all data, too, where a discriminator is flat.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from models.contract.config import setting
from models.plane.gan import GAN
from models.plane.gan import Config as Base


@dataclass(frozen=True)
class Config(Base):
    critic_steps: int = setting(
        5, "Steps of the critic before the generator's.", low=1, high=20, live=True
    )
    penalty: float = setting(
        1.0, "Weight of the penalty on a slope of the critic that is not 1.", low=0.0, high=10.0,
        live=True,
    )  # fmt: skip


class WassersteinGAN(GAN):
    TITLE = "Wasserstein GAN"
    PAPER = "Gulrajani et al. 2017, Improved training of Wasserstein GANs"
    Config = Config

    def critic_loss(self, real: Tensor, made: Tensor, rng: Generator) -> Tensor:
        """E f(G(z)) - E f(x), and the penalty on lines between the two (their equation 3)."""
        between = torch.lerp(made, real, torch.rand(len(real), 1, generator=rng))
        # The root has no slope at 0, where a critic may well be flat.
        length = (self.slope(between).square().sum(1) + 1e-12).sqrt()
        penalty = self.config.penalty * (length - 1).square().mean()
        return self.verdict(made).mean() - self.verdict(real).mean() + penalty

    def generator_loss(self, made: Tensor) -> Tensor:
        return -made

    @torch.no_grad()
    def critic(self, x: Tensor) -> Tensor:
        """f itself, without bounds; only its differences mean something."""
        return self.verdict(x)
