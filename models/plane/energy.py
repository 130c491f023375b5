r"""An energy model: a number for every place, low where the data are.

$p(x) = e^{-E(x)} / Z$ with $E(x) = f(x) + \|x\|^2 / 2 s^2$, a network beside a wide Gaussian that
holds everything together (Xie et al. 2016, equation 2). The gradient of the log-likelihood needs
samples, not $Z$:

$$-\nabla_\theta \log p(x) = \nabla_\theta E(x) - E_{\tilde x \sim p} \nabla_\theta E(\tilde x)$$

(Hinton 2002, equation 3): the energy goes down at the data (positive phase) and up at the samples
(negative phase). These are chains that go on from step to step (Tieleman 2008) and walk by
Langevin's $x \leftarrow x - \frac{\epsilon^2}{2} \nabla E(x) + \epsilon \xi$ (Welling and Teh 2011,
equation 3). Each is offered a place far away now and then, without which it would never leave its
mode; for pictures no such offer would be good enough. In the plane $Z$ is a sum over a grid, so
that the density is known; of pictures nobody knows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from models.contract.config import setting
from models.contract.model import Objective
from models.plane.contract import Config as Base
from models.plane.contract import Method, grid
from models.plane.nets import Waves, perceptron

CELLS, REACH = 160, 8.0  # of the grid that Z is summed over
FRAMES = 20  # of a chain


@dataclass(frozen=True)
class Config(Base):
    width: int = setting(64, "Numbers in a hidden layer.", low=8, high=128)
    depth: int = setting(2, "Hidden layers.", low=1, high=3)
    chains: int = setting(256, "Chains of the negative phase.", low=16, high=2048)
    langevin: int = setting(
        10, "Langevin steps of every chain, a step of training.", low=1, high=100, live=True
    )
    stride: float = setting(
        0.1, "Size of a Langevin step: its noise, in units of the plane.", low=0.01, high=0.5,
        live=True,
    )  # fmt: skip
    jumps: int = setting(
        1, "Places drawn from the wide Gaussian that every chain is offered, a step of training; "
        "without them no chain leaves its mode.", low=0, high=10, live=True,
    )  # fmt: skip
    steps: int = setting(
        400, "Langevin steps of a sample, from noise.", low=1, high=4000, live=True
    )
    wide: float = setting(
        2.0, "Width of the Gaussian that holds all together, and of the noise chains start from.",
        low=0.5, high=4.0,
    )  # fmt: skip


class Energy(Method):
    TITLE = "Energy model"
    PAPER = "Tieleman 2008, Training restricted Boltzmann machines"
    DENSITY = "exact"
    FIELD = "force"
    AVERAGE = 0.99
    Config = Config

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        self.waves = Waves()
        self.net = perceptron(2 * Waves.size, 1, self.config.width, self.config.depth)
        self.register_buffer("chains", torch.zeros(self.config.chains, 2))

    def prepare(self, points: Tensor, rng: Generator) -> None:
        self.chains.copy_(self.noise(len(self.chains), rng))

    def noise(self, n: int, rng: Generator) -> Tensor:
        return self.config.wide * torch.randn(n, 2, generator=rng)

    def objectives(self, x: Tensor, rng: Generator) -> Iterator[Objective]:
        chains = self.chains
        for _ in range(self.config.jumps):
            chains = self.jump(chains, rng)
        for _ in range(self.config.langevin):
            chains = self.langevin(chains, rng)
        self.chains.copy_(chains)
        positive, negative = self.tied(x).mean(), self.tied(chains).mean()
        logs = {"data": positive, "chains": negative}
        yield Objective(list(self.net.parameters()), positive - negative, logs)

    def surface(self, x: Tensor) -> Tensor:
        """f(x), (N, 2) -> (N,), with gradients."""
        waves = [self.waves(coordinate) for coordinate in x.split(1, 1)]
        return self.net(torch.cat(waves, 1))[:, 0]

    def tied(self, x: Tensor) -> Tensor:
        """E(x), (N, 2) -> (N,), with gradients."""
        return self.surface(x) + x.square().sum(1) / (2 * self.config.wide**2)

    def force(self, x: Tensor) -> Tensor:
        """-grad E, (N, 2) -> (N, 2)."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return -torch.autograd.grad(self.tied(x).sum(), x)[0]

    def langevin(self, x: Tensor, rng: Generator) -> Tensor:
        """Where points (N, 2) are after one step."""
        stride = self.config.stride
        return x + 0.5 * stride**2 * self.force(x) + stride * torch.randn(x.shape, generator=rng)

    @torch.no_grad()
    def jump(self, x: Tensor, rng: Generator) -> Tensor:
        """Another place for each chain, of the wide Gaussian, with probability
        min(1, e^(f(here) - f(there))): p stays as it is (Tierney 1994, section 2.3.3)."""
        there = self.noise(len(x), rng)
        log_accept = self.surface(x) - self.surface(there)
        accepted = torch.rand(len(x), generator=rng).log() < log_accept
        return torch.where(accepted[:, None], there, x)

    @property
    def times(self) -> tuple[float, ...]:
        return tuple(k / FRAMES for k in range(FRAMES + 1))

    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        x = self.noise(n, rng)
        yield x
        for k in range(FRAMES):
            for _ in range(self.config.steps * k // FRAMES, self.config.steps * (k + 1) // FRAMES):
                x = self.langevin(x, rng)
            yield x

    @torch.no_grad()
    def energy(self, x: Tensor) -> Tensor:
        return self.tied(x)

    @torch.no_grad()
    def log_density(self, x: Tensor) -> Tensor:
        """-E - log Z, and Z by a sum over a grid that reaches twice as far as the box."""
        cells = -self.tied(grid(CELLS, (-REACH, REACH)))
        log_z = cells.logsumexp(0) + 2 * torch.tensor(2 * REACH / CELLS).log()
        return -self.tied(x) - log_z

    def field(self, x: Tensor, t: float) -> Tensor:
        return self.force(x)

    def corruption(self, t: float) -> tuple[float, float]:
        return 1.0, 0.0

    def extras(self, x: Tensor, rng: Generator) -> dict[str, Tensor]:
        """Where the energy goes down, and where it goes up."""
        return {"positive": x, "negative": self.chains[: len(x)]}
