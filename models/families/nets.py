"""The layers that families share, and nothing else.

All work on ``(B, C, H, W)``. Downsampling happens early: width at full resolution is what a CPU
pays for, so most of the depth sits at a quarter of the side, where a 28 x 28 image is 7 x 7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def group_norm(channels: int) -> nn.GroupNorm:
    """Groups of at least eight channels; no running statistics, so no train/eval difference."""
    groups = max(1, channels // 8)
    while channels % groups:
        groups -= 1
    return nn.GroupNorm(groups, channels)


def check_halvings(image: Sequence[int], halvings: int) -> None:
    """Raises ValueError where the sides of pictures (C, H, W) cannot be halved so often."""
    _, H, W = image
    if H % 2**halvings or W % 2**halvings:
        raise ValueError(
            f"Images of {H} x {W} cannot be halved {halvings} times; use fewer halvings."
        )


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

    def __init__(
        self, in_channels: int, width: int, halvings: int, activation: nn.Module | None = None
    ) -> None:
        layers: list[nn.Module] = []
        channels = in_channels
        for i in reversed(range(halvings)):
            out = max(1, width // 2**i)
            layers += [nn.Conv2d(channels, out, 4, stride=2, padding=1), activation or nn.SiLU()]
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


# ---------------------------------------------------------------------------------------------
# A U-Net that is told a noise level and a class


class ChannelNorm(nn.LayerNorm):
    """Normalises the channels of each place, (B, C, H, W), as ConvNeXt does (Liu et al. 2022).

    With channels innermost in memory this is a third of the time of a group norm in bfloat16 on a
    CPU, where group norms took a quarter of a training step.
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class LevelEmbedding(nn.Module):
    """A number, (B,), as sines and cosines (Vaswani et al. 2017, section 3.5), and a class, (B,),
    as a learned vector; both through a small network -> (B, width). Class ``classes`` is none."""

    def __init__(self, width: int, classes: int, frequencies: int = 64) -> None:
        super().__init__()
        # log(sigma) / 4 spans about 3: from half a turn over that to fine differences.
        scales = torch.exp(torch.linspace(math.log(0.5), math.log(64.0), frequencies // 2))
        self.register_buffer("scales", scales)
        self.body = nn.Sequential(nn.Linear(frequencies, width), nn.SiLU(), nn.Linear(width, width))
        self.classes = nn.Embedding(classes + 1, width) if classes else None

    def forward(self, level: Tensor, label: Tensor) -> Tensor:
        angle = level[:, None] * self.scales  # (B, frequencies / 2)
        out = self.body(torch.cat([angle.sin(), angle.cos()], 1))
        if self.classes is not None:
            out = out + self.classes(label)
        return F.silu(out)


class LevelBlock(nn.Module):
    """A residual block that the embedding scales and shifts (Dhariwal and Nichol 2021, section 3).

    (B, in, H, W), (B, E) -> (B, out, H, W). The last convolution starts at zero.
    """

    def __init__(self, inside: int, outside: int, embedding: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(inside)
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1)
        self.norm2 = ChannelNorm(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1)
        self.modulate = nn.Linear(embedding, 2 * outside)
        self.dropout = nn.Dropout(dropout)
        self.skip = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.modulate(e)[:, :, None, None].chunk(2, 1)
        h = F.silu(torch.addcmul(shift, self.norm2(h), 1 + scale))
        return self.skip(x) + self.conv2(self.dropout(h))


class Attention(nn.Module):
    """x + attention among all places of a small map (Vaswani et al. 2017, eq. 1).

    (B, width, h, w) -> the same. The product is written out: on a CPU the fused kernel's backward
    pass is the slower one in bfloat16.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{width} channels cannot be shared among {heads} attention heads.")
        self.heads = heads
        self.norm = ChannelNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        B, D, h, w = x.shape
        tokens = self.norm(x).permute(0, 2, 3, 1).reshape(B, h * w, D)
        q, k, v = (
            part.view(B, h * w, self.heads, D // self.heads).transpose(1, 2)
            for part in self.qkv(tokens).chunk(3, 2)
        )  # 3 x (B, heads, h w, D / heads)
        weights = (q @ k.transpose(2, 3) * (D // self.heads) ** -0.5).softmax(-1)
        mixed = (weights.to(v.dtype) @ v).transpose(1, 2).reshape(B, h * w, D)
        return x + self.out(mixed).view(B, h, w, D).permute(0, 3, 1, 2)


class UNet(nn.Module):
    """Down to a small map, up again, each resolution handed across (Ronneberger et al. 2015).

    Squares of ``patch`` x ``patch`` pixels become channels first, so that no convolution runs at
    full resolution, which is what a CPU would spend its time on.

    x (B, C, H, W), level (B,), label (B,) with ``classes`` for none -> (B, C, H, W)
    """

    def __init__(
        self,
        image: tuple[int, ...],
        width: int,
        halvings: int,
        blocks: int,
        middle: int,
        heads: int,
        patch: int,
        classes: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        C, H, W = image
        side = patch * 2**halvings
        if H % side or W % side:
            raise ValueError(
                f"Images of {H} x {W} cannot be cut into squares of {side}; use a smaller patch or "
                "fewer halvings."
            )
        self.patch = patch
        widths = [width * 2**k for k in range(halvings + 1)]
        E = 4 * width
        self.embed = LevelEmbedding(E, classes)
        self.read = nn.Conv2d(C * patch**2, width, 3, padding=1)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for here, below in pairwise(widths):
            self.down.append(
                nn.ModuleList(LevelBlock(here, here, E, dropout) for _ in range(blocks))
            )
            self.shrink.append(nn.Conv2d(here, below, 2, stride=2))
            self.grow.append(nn.ConvTranspose2d(below, here, 2, stride=2))
            self.up.append(
                nn.ModuleList(
                    LevelBlock(2 * here if k == 0 else here, here, E, dropout)
                    for k in range(blocks)
                )
            )
        last = widths[-1]
        self.middle = nn.ModuleList(LevelBlock(last, last, E, dropout) for _ in range(middle))
        self.attention = nn.ModuleList(
            Attention(last, heads) if heads else nn.Identity() for _ in range(middle)
        )
        self.write = nn.Sequential(
            ChannelNorm(width), nn.SiLU(), nn.Conv2d(width, C * patch**2, 3, padding=1)
        )
        nn.init.zeros_(self.write[-1].weight)
        nn.init.zeros_(self.write[-1].bias)

    def features(self, x: Tensor, level: Tensor, label: Tensor) -> Tensor:
        """What the network knows of the picture at its lowest resolution, (B, F, h, w)."""
        return self._to_middle(x, self.embed(level, label))[0]

    def forward(self, x: Tensor, level: Tensor, label: Tensor) -> Tensor:
        e = self.embed(level, label)  # (B, E)
        h, across = self._to_middle(x, e)
        for grow, blocks in zip(reversed(self.grow), reversed(self.up), strict=True):
            h = torch.cat([grow(h), across.pop()], 1)
            for block in blocks:
                h = block(h, e)
        return F.pixel_shuffle(self.write(h), self.patch)

    def _to_middle(self, x: Tensor, e: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The map at the lowest resolution, and each resolution's on the way, for the way up."""
        x = F.pixel_unshuffle(x, self.patch).contiguous(memory_format=torch.channels_last)
        h = self.read(x)  # (B, width, H / patch, W / patch)
        across = []
        for blocks, shrink in zip(self.down, self.shrink, strict=True):
            for block in blocks:
                h = block(h, e)
            across.append(h)
            h = shrink(h)
        for block, attention in zip(self.middle, self.attention, strict=True):
            h = attention(block(h, e))
        return h, across
