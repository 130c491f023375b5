"""The network of an autoencoder: a picture, a few numbers, a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from models.families.nets import Downsample, ResBlock, Upsample, check_halvings, group_norm


class Bottleneck(nn.Module):
    """x (B, C, H, W) -> h (B, D) -> (B, C, H, W), any number a pixel.

    Raises ValueError where the picture's sides cannot be halved so often.
    """

    def __init__(
        self,
        image: Sequence[int],
        latent: int,
        width: int,
        blocks: int,
        hidden: int,
        halvings: int,
    ) -> None:
        super().__init__()
        check_halvings(image, halvings)
        C, H, W = image
        self.map = (width, H // 2**halvings, W // 2**halvings)
        self.down = nn.Sequential(
            Downsample(C, width, halvings), *[ResBlock(width) for _ in range(blocks)]
        )
        self.write = nn.Sequential(
            group_norm(width),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(math.prod(self.map), hidden),
            nn.SiLU(),
            nn.Linear(hidden, latent),
        )
        self.read = nn.Linear(latent, hidden)
        self.spread = nn.Linear(hidden, math.prod(self.map))
        self.up = nn.Sequential(
            *[ResBlock(width) for _ in range(blocks)], Upsample(width, C, halvings)
        )

    def encode(self, x: Tensor) -> Tensor:
        """The code of each picture, (B, D), float32."""
        return self.write(self.down(x)).float()

    def decode(self, h: Tensor) -> Tensor:
        """What is to become each pixel, (B, C, H, W), float32."""
        h = self.spread(F.silu(self.read(h)))
        return self.up(h.unflatten(1, self.map)).float()
