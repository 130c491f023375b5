r"""NADE: hidden units with shared weights, one row of them for each value (Larochelle and Murray
2011; Uria et al. 2016).

    a_i = c + W_{.,<i} x_{<i},   h_i = g(a_i),   numbers_i = b_i + V_i h_i        (eqs. 1 and 2)

a_{i+1} = a_i + W_{.,i} x_i: that recurrence is why all D conditionals cost no more than one pass
of an autoencoder when they are computed one after the other.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.contract.model import Mask
from models.families.autoregressive.made import at_least_float32


class NADE(nn.Module):
    """v (B, D) flattened values and y one-hot (B, K) -> (B, D, P) in the order of writing."""

    def __init__(
        self, values: int, per_value: int, hidden: int, order: Tensor, classes: int, block: int = 28
    ) -> None:
        super().__init__()
        self.per_value, self.block = per_value, block
        self.register_buffer("orders", order[None], persistent=False)
        self.register_buffer("layout", order, persistent=False)
        self.W = nn.Parameter(torch.randn(values, hidden) * 0.05)
        self.c = nn.Parameter(torch.zeros(hidden))
        self.V = nn.Parameter(torch.randn(values, per_value, hidden) * hidden**-0.5)
        self.b = nn.Parameter(torch.zeros(values, per_value))
        self.told = nn.Linear(classes, hidden, bias=False) if classes else None

    def pictured_masks(self, order: int = 0) -> list[Mask]:
        """None: the recurrence itself keeps the order."""
        return []

    def inner_matrices(self) -> list[nn.Parameter]:
        return []

    def start(self, n: int, y: Tensor) -> Tensor:
        """What the hidden units sum up to before the first value, (n, hidden)."""
        return self.c.expand(n, -1) + (0 if self.told is None else self.told(y))

    def forward(self, x: Tensor, y: Tensor, order: int = 0) -> Tensor:
        v = x.flatten(1)[:, self.layout]  # (B, D)
        a, out = self.start(len(v), y), []
        # Blocks of values: sums within one by a triangular product, and one sum between them.
        for v_b, W, V, b in zip(
            v.split(self.block, 1), self.W.split(self.block), self.V.split(self.block),
            self.b.split(self.block), strict=True,
        ):  # fmt: skip
            S = len(W)
            before = torch.ones(S, S, device=v.device, dtype=v.dtype).tril(-1)  # (S, S)
            masked = v_b[:, None, :] * before  # (B, S, S): row i holds the values before i
            h = F.relu(masked @ W + a[:, None])  # (B, S, hidden)
            # (S, B, hidden) @ (S, hidden, P)
            out.append((h.transpose(0, 1) @ V.transpose(1, 2)).transpose(0, 1) + b)
            a = a + v_b @ W
        return at_least_float32(torch.cat(out, 1))

    def writer(self, n: int, y: Tensor, order: int = 0) -> NADEWriter:
        return NADEWriter(self, n, y)


class NADEWriter:
    """The recurrence itself: a += W_i x_i after each value."""

    def __init__(self, net: NADE, n: int, y: Tensor) -> None:
        self.net, self.i, self.a = net, 0, net.start(n, y).clone()

    def numbers(self) -> Tensor:
        return F.linear(F.relu(self.a), self.net.V[self.i]) + self.net.b[self.i]

    def put(self, v: Tensor) -> None:
        self.a += v[:, None] * self.net.W[self.i]
        self.i += 1
