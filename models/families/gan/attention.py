r"""Self-attention among the places of a picture's feature map (Zhang et al. 2019).

A convolution sees the places beside one. Here a place x_j asks every place x_i of the map, and
takes what it finds there into account:

    s_ij = f(n_i) . g(n_j),   beta_ji = exp(s_ij) / sum_k exp(s_kj)          (their eq. 1)
    o_j = v(sum_i beta_ji h(x_i))                                            (their eq. 2)
    y_i = gamma o_i + x_i                                                    (their eq. 3)

f, g, h and v are 1 x 1 convolutions, a linear map at each place. gamma is learned and starts at 0:
at first a network relies on what is near, for that is easier. n is x with the channels of each
place normalised, which the paper does not do. Spectral normalisation holds f and g to 1, and the
channels of a small network are small: without it a place looked at 194 of 196 alike after 800
steps.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.families.nets import ChannelNorm

SHARE = 4  # as many channels fewer do f, g and h have; the paper has 8, of maps with many more


class SelfAttention(nn.Module):
    """x (B, C, h, w) -> y (B, C, h, w)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // SHARE)
        self.norm = ChannelNorm(channels)
        self.f = nn.Conv2d(channels, inner, 1, bias=False)
        self.g = nn.Conv2d(channels, inner, 1, bias=False)
        self.h = nn.Conv2d(channels, inner, 1, bias=False)
        self.v = nn.Conv2d(inner, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def weights(self, x: Tensor) -> Tensor:
        """beta, (B, N, N) of x (B, C, h, w), N = h w places row by row: row j says how place j
        shares its look out among all places, and sums to one."""
        n = self.norm(x)
        s = self.g(n).flatten(2).transpose(1, 2) @ self.f(n).flatten(2)  # (B, j, i)
        return s.float().softmax(-1)

    def forward(self, x: Tensor) -> Tensor:
        # The same weights, in one kernel that does not keep them: half the time on a CPU.
        n = self.norm(x)
        queries, keys, values = (
            part.flatten(2).transpose(1, 2).contiguous()[:, None]  # (B, 1, N, inner)
            for part in (self.g(n), self.f(n), self.h(x))
        )
        found = F.scaled_dot_product_attention(queries, keys, values, scale=1.0)[:, 0]
        found = found.transpose(1, 2).unflatten(2, x.shape[2:])
        return x + self.gamma * self.v(found.contiguous(memory_format=torch.channels_last))
