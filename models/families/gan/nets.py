"""The networks of a GAN: a generator from noise to picture, a discriminator from picture to number.

Both do most of their work at a quarter of the side, where a 28 x 28 picture is 7 x 7. Neither keeps
running statistics: a batch's mean would tell the discriminator more than a picture does, and make
a penalty on its gradient by one picture meaningless (Gulrajani et al. 2017, section 4).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from models.families.gan.attention import SelfAttention
from models.families.nets import ChannelNorm, Downsample, LevelBlock

SLOPE = 0.2  # of the leaky units: a discriminator passes its gradient on to the generator


def normalise(network: nn.Module) -> None:
    """Divides the weights of every layer by their largest singular value, followed by one step of
    the power method each time it trains (Miyato et al. 2018, algorithm 1)."""
    for module in list(network.modules()):
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            if not module.weight.any():  # a block's last layer, which has no direction yet
                nn.init.orthogonal_(module.weight)
            spectral_norm(module)


class GeneratorNet(nn.Module):
    """z (B, D), y one-hot (B, K) -> (B, C, H, W) in [0, 1].

    Code and class make a small map, and they scale and shift the channels of every block after it.
    The last doubling of the side is done by channels that become pixels (Shi et al. 2016), so that
    no convolution runs at full resolution.
    """

    def __init__(
        self,
        image: tuple[int, ...],
        latent: int,
        classes: int,
        width: int,
        halvings: int,
        blocks: int,
        attention: int = 0,
        spectral: bool = False,
    ) -> None:
        super().__init__()
        C, H, W = image
        self.map = (width, H // 2**halvings, W // 2**halvings)
        self.register_buffer("scale", torch.ones(latent), persistent=False)  # of a code's numbers
        E = 2 * width
        # Without blocks there is nothing to scale.
        self.embed = nn.Sequential(nn.Linear(latent + classes, E), nn.SiLU()) if blocks else None
        self.spread = nn.Linear(latent + classes, width * self.map[1] * self.map[2])
        self.stages = nn.ModuleList()
        for k in range(halvings):
            here = max(8, width // 2**k)
            stage = nn.ModuleList(LevelBlock(here, here, E) for _ in range(blocks))
            if attention == halvings - k:
                stage.insert(blocks // 2, SelfAttention(here))
            if k + 1 < halvings:
                stage.append(nn.ConvTranspose2d(here, max(8, here // 2), 2, stride=2))
            self.stages.append(stage)
        last = nn.Conv2d(here, 4 * C, 3, padding=1)
        self.write = nn.Sequential(ChannelNorm(here), nn.SiLU(), last, nn.PixelShuffle(2))
        # The four pixels that stand for one start equal (Aitken et al. 2017): else a chequerboard
        # gives the generator away from the first step on.
        with torch.no_grad():
            last.weight.copy_(last.weight[::4].repeat_interleave(4, 0))
            last.bias.copy_(last.bias[::4].repeat_interleave(4, 0))
            for stage in self.stages[:-1]:
                stage[-1].weight.copy_(stage[-1].weight[:, :, :1, :1].expand(-1, -1, 2, 2))
        if spectral:
            normalise(self)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        h, e = self.early(z, y)
        for k, stage in enumerate(self.stages):
            for layer in stage:
                if isinstance(layer, nn.ConvTranspose2d):
                    h = layer(h)
                elif k:  # those of the first stage are done
                    h = layer(h, e) if isinstance(layer, LevelBlock) else layer(h)
        return torch.sigmoid(self.write(h).float())

    def early(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor | None]:
        """What the blocks of the lowest resolution make of a code, (B, width, h, w), and what
        scales and shifts the channels of the later ones, (B, E) or None."""
        z = torch.cat([z * self.scale, y], 1)
        e = None if self.embed is None else self.embed(z)
        h = self.spread(z).unflatten(1, self.map)
        h = h.contiguous(memory_format=torch.channels_last)
        for layer in self.stages[0]:
            if not isinstance(layer, nn.ConvTranspose2d):
                h = layer(h, e) if isinstance(layer, LevelBlock) else layer(h)
        return h, e


class LeakyBlock(nn.Module):
    """x + conv(f(conv(f(x)))) with leaky units f and no norm. (B, width, h, w) -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.leaky_relu(x, SLOPE))
        return x + self.conv2(F.leaky_relu(h, SLOPE))


class Reader(nn.Sequential):
    """A picture (B, C, H, W) in [0, 1] -> what leaky units make of it, (B, hidden)."""

    def __init__(
        self,
        image: tuple[int, ...],
        width: int,
        halvings: int,
        blocks: int,
        hidden: int,
        attention: int = 0,
    ) -> None:
        C, H, W = image
        super().__init__(
            Downsample(C, width, halvings, nn.LeakyReLU(SLOPE)),
            *[LeakyBlock(width) for _ in range(blocks)],
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
            nn.Linear(width * (H // 2**halvings) * (W // 2**halvings), hidden),
            nn.LeakyReLU(SLOPE),
        )
        if attention == halvings:
            self.insert(1 + blocks // 2, SelfAttention(width))
        elif attention:
            # Each halving is a convolution and its units.
            self[0].insert(
                2 * attention, SelfAttention(max(1, width // 2 ** (halvings - attention)))
            )

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(2 * x - 1)


class DiscriminatorNet(nn.Module):
    """A picture, with its code where ``latent`` is not 0, -> the verdict d.

    d(x, y) = psi . phi(x) + y . V phi(x)        (Miyato and Koyama 2018, eq. 3)

    y is the one-hot class; without one, the first term is all. Only differences of verdicts count
    in some games, so that there is no constant to be learned at the end.
    """

    def __init__(
        self,
        image: tuple[int, ...],
        classes: int,
        width: int,
        halvings: int,
        blocks: int,
        hidden: int,
        latent: int = 0,
        spectral: bool = False,
        attention: int = 0,
    ) -> None:
        super().__init__()
        self.reader = Reader(image, width, halvings, blocks, hidden, attention)
        if latent:
            self.code = nn.Sequential(nn.Linear(latent, hidden), nn.LeakyReLU(SLOPE))
            self.both = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.LeakyReLU(SLOPE))
        self.psi = nn.Linear(hidden, 1, bias=False)
        self.V = nn.Linear(hidden, classes, bias=False) if classes else None
        if spectral:
            normalise(self)

    def features(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        """phi, (B, hidden). x: (B, C, H, W) in [0, 1]; z: (B, latent) where codes are judged."""
        h = self.reader(x)
        return h if z is None else self.both(torch.cat([h, self.code(z)], 1))

    def judge(self, features: Tensor, y: Tensor) -> Tensor:
        """d, (B,). features: (B, hidden); y: (B, K) one-hot, or zeros for no class."""
        d = self.psi(features).float().squeeze(1)
        return d if self.V is None else d + (y * self.V(features)).float().sum(1)

    def forward(self, x: Tensor, y: Tensor, z: Tensor | None = None) -> Tensor:
        return self.judge(self.features(x, z), y)


class EncoderNet(nn.Module):
    """x (B, C, H, W) in [0, 1], y one-hot (B, K) -> z (B, D)."""

    def __init__(
        self,
        image: tuple[int, ...],
        latent: int,
        classes: int,
        width: int,
        halvings: int,
        blocks: int,
        hidden: int,
    ) -> None:
        super().__init__()
        self.reader = Reader(image, width, halvings, blocks, hidden)
        self.write = nn.Linear(hidden + classes, latent)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.write(torch.cat([self.reader(x), y], 1)).float()
