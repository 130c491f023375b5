"""The network of an autoencoder: a picture, a few numbers, a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from models.contract.config import setting
from models.families.nets import Downsample, ResBlock, Upsample, check_halvings, group_norm


@dataclass(frozen=True)
class BottleneckConfig:
    image: tuple[int, ...] = setting((1, 28, 28), "Channels, height and width of an image.")
    latent: int = setting(32, "Numbers in a code.", low=1, high=1024)
    width: int = setting(32, "Channels at the lowest resolution.", low=8, high=1024)
    blocks: int = setting(1, "Residual blocks at the lowest resolution.", low=0, high=16)
    hidden: int = setting(256, "Units between code and feature map.", low=8, high=8192)
    halvings: int = setting(2, "How many times the side is halved.", low=1, high=5)


class Bottleneck(nn.Module):
    """x (B, C, H, W) -> h (B, D) -> (B, C, H, W), any number a pixel.

    Raises ValueError where the picture's sides cannot be halved so often.
    """

    def __init__(self, config: BottleneckConfig) -> None:
        super().__init__()
        check_halvings(config.image, config.halvings)
        C, H, W = config.image
        latent, hidden, halvings = config.latent, config.hidden, config.halvings
        width, blocks = config.width, config.blocks
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
