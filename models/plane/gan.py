r"""A GAN: a generator and a discriminator that play against each other.

$d(x)$ is the chance that $x$ is real, $\sigma$ of what the network says. The discriminator makes
$E_p \log d(x) + E_z \log(1 - d(G(z)))$ large (Goodfellow et al. 2014, equation 1). For a fixed
generator the best answer is $d^* = p / (p + q)$ (proposition 1). The generator makes
$E \log d(G(z))$ large, which does not fade where the discriminator is sure (their section 3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from models.contract.config import setting
from models.contract.model import Objective
from models.plane.contract import Config as Base
from models.plane.contract import Method, code_grid
from models.plane.nets import perceptron


@dataclass(frozen=True)
class Config(Base):
    learning_rate: float = setting(
        1e-3, "How far one step of either player goes (Adam).", low=1e-6, high=0.1, live=True
    )
    width: int = setting(64, "Numbers in a hidden layer, of both players.", low=8, high=128)
    depth: int = setting(3, "Hidden layers of both players.", low=1, high=3)
    critic_steps: int = setting(
        1, "Steps of the discriminator before the generator's.", low=1, high=20, live=True
    )
    generator_steps: int = setting(
        1, "Steps of the generator after the discriminator's. With 10, the samples collapse.",
        low=1, high=20, live=True,
    )  # fmt: skip
    critic_rate: float = setting(
        1.0, "Learning rate of the discriminator, over the generator's.", low=0.01, high=10.0,
        live=True,
    )  # fmt: skip
    penalty: float = setting(
        0.0, "Weight of the penalty on the discriminator's slope at the data.", low=0.0, high=10.0,
        live=True,
    )  # fmt: skip


class GAN(Method):
    """The game with the loss that does not fade."""

    TITLE = "GAN"
    PAPER = "Goodfellow et al. 2014, Generative adversarial nets"
    BETAS = (0.5, 0.9)
    Config = Config

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        size = (self.config.width, self.config.depth)
        self.generator = perceptron(2, 2, *size)
        self.discriminator = perceptron(2, 1, *size)

    @property
    def batches(self) -> int:
        return self.config.critic_steps

    def objectives(self, x: Tensor, rng: Generator) -> Iterator[Objective]:
        c = self.config
        params = list(self.discriminator.parameters())
        for real in x.chunk(c.critic_steps):
            made = self.sample(len(real), rng)
            loss = self.critic_loss(real, made, rng)
            yield Objective(params, loss, {"discriminator": loss}, "discriminator", c.critic_rate)
        params = list(self.generator.parameters())
        for _ in range(c.generator_steps):
            made = self.generator(torch.randn(c.batch, 2, generator=rng))
            loss = self.generator_loss(self.verdict(made)).mean()
            yield Objective(params, loss, {"generator": loss}, "generator")

    def verdict(self, x: Tensor) -> Tensor:
        """(N, 2) -> (N,), without bounds."""
        return self.discriminator(x)[:, 0]

    def critic_loss(self, real: Tensor, made: Tensor, rng: Generator) -> Tensor:
        """-E log d(x) - E log(1 - d(G(z))), and R1, E |grad|^2 / 2 at the data (Mescheder et al.
        2018, equation 9)."""
        loss = F.softplus(-self.verdict(real)).mean() + F.softplus(self.verdict(made)).mean()
        if self.config.penalty == 0:
            return loss
        return loss + self.config.penalty / 2 * self.slope(real).square().sum(1).mean()

    def generator_loss(self, made: Tensor) -> Tensor:
        """-log d(G(z)) of verdicts (N,)."""
        return F.softplus(-made)

    def slope(self, x: Tensor) -> Tensor:
        """The gradient of the verdict by x, (N, 2), itself differentiable in the weights."""
        x = x.detach().requires_grad_()
        return torch.autograd.grad(self.verdict(x).sum(), x, create_graph=True)[0]

    @property
    def times(self) -> tuple[float, ...]:
        return (0.0, 1.0)

    @torch.no_grad()
    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        z = torch.randn(n, 2, generator=rng)
        yield z
        yield self.generator(z)

    @torch.no_grad()
    def critic(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.verdict(x))

    def extras(self, x: Tensor, rng: Generator) -> dict[str, Tensor]:
        """push: where the generator's loss wants each sample to go, at most half a unit far."""
        made = self.sample(len(x), rng).requires_grad_()
        loss = self.generator_loss(self.verdict(made)).sum()
        pull = -torch.autograd.grad(loss, made)[0]
        return {"push": 0.5 * pull / (1 + pull.norm(dim=1, keepdim=True))}

    def mesh(self) -> tuple[Tensor, Tensor]:
        """The grid of codes and what the generator makes of it; log |det| by its derivatives."""
        grid = code_grid()
        z = grid.reshape(-1, 2).requires_grad_()
        made = self.generator(z)
        across, along = (
            torch.autograd.grad(made[:, k].sum(), z, retain_graph=k == 0)[0] for k in (0, 1)
        )
        area = (across[:, 0] * along[:, 1] - across[:, 1] * along[:, 0]).abs()
        log_det = area.clamp(min=1e-12).log()
        stages = torch.stack([grid.reshape(-1, 2), made.detach()])
        side = grid.shape[:2]
        return (
            stages.unflatten(1, side),
            torch.stack([torch.zeros_like(log_det), log_det]).unflatten(1, side),
        )
