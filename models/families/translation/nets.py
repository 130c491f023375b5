"""The networks of a translation: from picture to picture, and from picture to a map of verdicts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.families.nets import ChannelNorm, check_halvings

SLOPE = 0.2  # of the leaky units: a discriminator passes its gradient on to the generator


class Block(nn.Module):
    """x + conv(silu(norm(conv(silu(norm(x)))))), (B, width, h, w) -> the same.

    The norm is of the channels of a place: group norms took two fifths of a step on a CPU. The last
    convolution starts at zero.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ChannelNorm(width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            ChannelNorm(width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )
        nn.init.zeros_(self.body[-1].weight)
        nn.init.zeros_(self.body[-1].bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class TranslatorNet(nn.Module):
    """x (B, C, H, W) in [0, 1] -> a picture of the other domain, the same.

    Squares of 2 x 2 pixels become channels, residual blocks work at half and at a quarter of the
    side, and what there was at half the side is added on the way up: a translation keeps places.
    """

    def __init__(self, image: tuple[int, ...], width: int, blocks: int) -> None:
        super().__init__()
        check_halvings(image, 2)
        C = image[0]
        self.read = nn.Conv2d(4 * C, width, 3, padding=1)
        self.before = Block(width)
        self.shrink = nn.Conv2d(width, 2 * width, 2, stride=2)
        self.middle = nn.Sequential(*[Block(2 * width) for _ in range(blocks)])
        self.grow = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.after = Block(width)
        last = nn.Conv2d(width, 4 * C, 3, padding=1)
        self.write = nn.Sequential(ChannelNorm(width), nn.SiLU(), last, nn.PixelShuffle(2))
        # The four pixels that stand for one start equal (Aitken et al. 2017).
        with torch.no_grad():
            last.weight.copy_(last.weight[::4].repeat_interleave(4, 0))
            last.bias.copy_(last.bias[::4].repeat_interleave(4, 0))

    def forward(self, x: Tensor) -> Tensor:
        if not len(x):  # a batch may have no picture of a domain, and none has no squares
            return x
        h = F.pixel_unshuffle(2 * x - 1, 2).contiguous(memory_format=torch.channels_last)
        across = self.before(self.read(h))  # (B, width, H / 2, W / 2)
        h = self.grow(self.middle(self.shrink(across)))
        return torch.sigmoid(self.write(self.after(across + h)).float())


class PatchNet(nn.Sequential):
    """x (B, C, H, W) in [0, 1] -> verdicts, (B, 1, H / 4, W / 4), each of a square of 18 pixels
    (Isola et al. 2017: a PatchGAN). No norm, for a square is judged by itself."""

    def __init__(self, image: tuple[int, ...], width: int) -> None:
        C = image[0]
        super().__init__(
            nn.Conv2d(C, width // 2, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width // 2, width, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(2 * x - 1).float()
