"""The layers that families share, and nothing else.

All work on ``(B, C, H, W)``. Downsampling happens early: width at full resolution is what a CPU
pays for, so most of the depth sits at a quarter of the side, where a 28 x 28 image is 7 x 7.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def group_norm(channels: int) -> nn.GroupNorm:
    """Groups of at least eight channels; no running statistics, so no train/eval difference."""
    groups = max(1, channels // 8)
    while channels % groups:
        groups -= 1
    return nn.GroupNorm(groups, channels)


class ResBlock(nn.Module):
    """x + conv(silu(norm(conv(silu(norm(x)))))), pre-activation (He et al. 2016b, fig. 4e).

    The last convolution starts at zero, so a deep stack starts as the identity.
    """

    def __init__(self, channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = group_norm(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = group_norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        return x + self.conv2(self.dropout(F.silu(self.norm2(h))))


class Downsample(nn.Sequential):
    """Image to feature map: halve the side ``halvings`` times, doubling channels up to ``width``.

    (B, in, H, W) -> (B, width, H / 2**halvings, W / 2**halvings)
    """

    def __init__(self, in_channels: int, width: int, halvings: int) -> None:
        layers: list[nn.Module] = []
        channels = in_channels
        for i in reversed(range(halvings)):
            out = max(1, width // 2**i)
            layers += [nn.Conv2d(channels, out, 4, stride=2, padding=1), nn.SiLU()]
            channels = out
        # The residual blocks normalise and activate for themselves.
        super().__init__(*layers[:-1])


class Upsample(nn.Sequential):
    """Feature map to image: the mirror of ``Downsample``.

    (B, width, h, w) -> (B, out, h * 2**halvings, w * 2**halvings)
    """

    def __init__(self, width: int, out_channels: int, halvings: int) -> None:
        layers: list[nn.Module] = [group_norm(width), nn.SiLU()]
        channels = width
        for i in range(halvings):
            last = i == halvings - 1
            out = out_channels if last else max(1, channels // 2)
            layers.append(nn.ConvTranspose2d(channels, out, 4, stride=2, padding=1))
            if not last:
                layers.append(nn.SiLU())
            channels = out
        super().__init__(*layers)
