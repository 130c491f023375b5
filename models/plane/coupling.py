r"""A flow of affine couplings: noise bent into data, layer by layer, and back exactly.

Each layer keeps one coordinate and moves the other by what that one says (Dinh et al. 2017,
RealNVP, equations 7 and 8): $y_1 = x_1$, $y_2 = x_2 \, e^{s(x_1)} + t(x_1)$.
The change of variables (equation 3) gives the density:
$\log p(x) = \log N(z; 0, I) + \log |\det \partial z / \partial x|$.
The determinant of a layer is $e^{s}$: areas grow where $s$ is positive.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.model import Objective
from models.plane.contract import Config as Base
from models.plane.contract import Method, code_grid
from models.plane.nets import Waves, perceptron


@dataclass(frozen=True)
class Config(Base):
    layers: int = setting(8, "Couplings, each moving one coordinate.", low=2, high=16)
    width: int = setting(64, "Numbers in a hidden layer.", low=8, high=128)
    depth: int = setting(2, "Hidden layers.", low=1, high=3)


class AffineLayer(nn.Module):
    """One coupling. moved: 0 or 1, the coordinate that it moves."""

    def __init__(self, moved: int, config: Config) -> None:
        super().__init__()
        self.moved = moved
        body = perceptron(Waves.size, 2, config.width, config.depth, zero=True)
        self.net = nn.Sequential(Waves(), body)

    def forward(self, x: Tensor, inverse: bool = False) -> tuple[Tensor, Tensor]:
        """(N, 2) -> (N, 2) and log |det|, (N,), towards the data; or back to noise."""
        kept = x[:, 1 - self.moved]
        s, t = self.net(kept[:, None]).unbind(1)
        s = 2 * torch.tanh(s / 2)  # no layer stretches more than e^2
        moved = x[:, self.moved]
        moved = (moved - t) * torch.exp(-s) if inverse else moved * torch.exp(s) + t
        pair = (moved, kept) if self.moved == 0 else (kept, moved)
        return torch.stack(pair, 1), -s if inverse else s


class Coupling(Method):
    TITLE = "Flow of couplings"
    PAPER = "Dinh et al. 2017, Density estimation using Real NVP"
    DENSITY = "exact"
    AVERAGE = 0.99
    Config = Config
    Layer: ClassVar[type[nn.Module]] = AffineLayer

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        layers = range(self.config.layers)
        self.layers = nn.ModuleList(self.Layer(k % 2, self.config) for k in layers)

    def objectives(self, x: Tensor, rng: Generator) -> Iterator[Objective]:
        loss = -self._log_density(x).mean()
        yield Objective(list(self.parameters()), loss)

    def _log_density(self, x: Tensor) -> Tensor:
        total = torch.zeros(len(x))
        for layer in reversed(self.layers):
            x, log_det = layer(x, inverse=True)
            total = total + log_det
        return total - 0.5 * x.square().sum(1) - math.log(2 * math.pi)

    @torch.no_grad()
    def log_density(self, x: Tensor) -> Tensor:
        return self._log_density(x)

    @property
    def times(self) -> tuple[float, ...]:
        return tuple(k / len(self.layers) for k in range(len(self.layers) + 1))

    @torch.no_grad()
    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        x = torch.randn(n, 2, generator=rng)
        yield x
        for layer in self.layers:
            x = layer(x)[0]
            yield x

    @torch.no_grad()
    def mesh(self) -> tuple[Tensor, Tensor]:
        """After every two layers, which have moved both coordinates."""
        grid = code_grid()
        x, total = grid.reshape(-1, 2), torch.zeros(grid[..., 0].numel())
        places, areas = [x], [total]
        for k, layer in enumerate(self.layers, 1):
            x, log_det = layer(x)
            total = total + log_det
            if k % 2 == 0 or k == len(self.layers):
                places.append(x)
                areas.append(total)
        side = grid.shape[:2]
        return torch.stack(places).unflatten(1, side), torch.stack(areas).unflatten(1, side)
