r"""A masked autoregressive flow: a density over vectors (Papamakarios et al. 2017).

Each layer is a MADE read as a change of variables, $z_i = (x_i - \mu_i(x_{<i}))\, e^{-\alpha_i(x_{
<i})}$ (their eq. 4), so the Jacobian is triangular and its log-determinant $-\sum_i \alpha_i$; the
order is reversed between layers. Densities cost one pass, samples one pass a dimension.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from models.contract.numbers import log_normal
from models.contract.random import normal
from models.families.autoregressive.made import MaskedMLP


class MaskedAutoregressiveFlow(nn.Module):
    """log p(x) of vectors x (B, D), and samples."""

    def __init__(self, dimensions: int, layers: int = 5, hidden: int = 64, depth: int = 2) -> None:
        super().__init__()
        self.dimensions = dimensions
        self.layers = nn.ModuleList(MaskedMLP(dimensions, 2, hidden, depth) for _ in range(layers))

    @staticmethod
    def _mean_and_log_scale(numbers: Tensor) -> tuple[Tensor, Tensor]:
        return numbers[..., 0], 3 * torch.tanh(numbers[..., 1] / 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z (B, D) and log |det dz/dx| (B,)."""
        log_det = x.new_zeros(len(x))
        for layer in self.layers:
            mean, log_scale = self._mean_and_log_scale(layer(x))
            x = ((x - mean) * (-log_scale).exp()).flip(1)
            log_det = log_det - log_scale.sum(1)
        return x, log_det

    @torch.no_grad()
    def inverse(self, z: Tensor) -> Tensor:
        """x (B, D), one dimension after the other in each layer."""
        for layer in reversed(self.layers):
            z = z.flip(1)
            writer, x = layer.writer(len(z)), torch.empty_like(z)
            for i in range(self.dimensions):
                mean, log_scale = self._mean_and_log_scale(writer.numbers())
                x[:, i] = z[:, i] * log_scale.exp() + mean
                writer.put(x[:, i])
            z = x
        return z

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x), (B,), nats."""
        z, log_det = self(x)
        return log_normal(z).sum(1) + log_det

    def sample(self, n: int, rng: Generator) -> Tensor:
        return self.inverse(normal((n, self.dimensions), rng, next(self.parameters()).device))
