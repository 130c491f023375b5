r"""A GAN that collapses: the game as it is written, with a generator that moves too often.

The game is $\min_G \max_D \; E_p \log d(x) + E_z \log(1 - d(G(z)))$ (Goodfellow et al. 2014,
equation 1). Whose turn it is matters: where the generator moves much more often than the
discriminator, it puts all it has on the one place that $d$ likes best, and moves on when $d$ has
followed (Metz et al. 2017, section 2.2). That is mode collapse; fewer ``generator_steps`` cure it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from models.contract.config import setting
from models.plane.gan import GAN
from models.plane.gan import Config as Base


@dataclass(frozen=True)
class Config(Base):
    generator_steps: int = setting(
        10, "Steps of the generator after the discriminator's. With 1, the collapse is cured.",
        low=1, high=20, live=True,
    )  # fmt: skip


class MinimaxGAN(GAN):
    """The game as it is written, with a generator that moves ten times as often: it collapses."""

    TITLE = "GAN, minimax, that collapses"
    Config = Config

    def generator_loss(self, made: Tensor) -> Tensor:
        """log(1 - d(G(z))), which is flat where d is near zero."""
        return -F.softplus(made)
