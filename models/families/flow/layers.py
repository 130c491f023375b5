r"""The layers of a flow: each an invertible map that knows by how much it stretches volume.

Every layer has ``forward(x, context) -> (z, log_det)`` and ``inverse(z, context) -> x`` on
(B, C, H, W). log_det (B, H, W) is what each place of z adds to log |det dz/dx|, in nats: all of
them together are the determinant of a picture (``total``), each is how much the space is stretched
there. context (B, E, H, W) or None is what a conditional layer may look at besides.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.families.flow.splines import numbers_of_spline, spline
from models.families.nets import ChannelNorm
from models.machine.processes import whole


class Layer(nn.Module):
    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        raise NotImplementedError


def total(x: Tensor) -> Tensor:
    """Summed over all but the batch, (B,)."""
    return x.flatten(1).sum(1)


def spread(places: Tensor, size: tuple[int, int]) -> Tensor:
    """What places of a coarser grid add, (B, h, w), evenly over the pixels they stand for,
    (B, H, W)."""
    k = size[0] // places.shape[1]
    return places.repeat_interleave(k, 1).repeat_interleave(k, 2) / k**2


class Chain(Layer):
    """Layers one after the other; their log-determinants add up."""

    def __init__(self, layers: list[Layer]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        log_det = x.new_zeros(len(x), *x.shape[2:])
        for layer in self.layers:
            x, change = layer(x, context)
            log_det = log_det + change
        return x, log_det

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        for layer in reversed(self.layers):
            z = layer.inverse(z, context)
        return z


class Logit(Layer):
    """From (0, 1) to the whole line, z = logit(a + (1 - 2 a) x) (Dinh et al. 2017, section 4.1)."""

    def __init__(self, a: float = 1e-5) -> None:
        super().__init__()
        self.a = a

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x = self.a + (1 - 2 * self.a) * x
        z = x.log() - torch.log1p(-x)
        slope = math.log(1 - 2 * self.a) - x.log() - torch.log1p(-x)
        return z, slope.sum(1)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        return (torch.sigmoid(z) - self.a) / (1 - 2 * self.a)


class Squeeze(Layer):
    """Each 2 x 2 square becomes four channels: (B, C, H, W) -> (B, 4 C, H/2, W/2)."""

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        z = F.pixel_unshuffle(x, 2)
        return z, z.new_zeros(len(z), *z.shape[2:])

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        return F.pixel_shuffle(z, 2)


class ActNorm(Layer):
    """A scale and a shift for each channel, z = (x + b) e^s, set by the first batch in training so
    that z has mean 0 and variance 1 there (Kingma and Dhariwal 2018, section 3.1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1))
        self.log_scale = nn.Parameter(torch.zeros(channels, 1, 1))
        self.register_buffer("ready", torch.zeros((), dtype=torch.bool))

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        if self.training and not self.ready:
            with torch.no_grad():
                std, mean = torch.std_mean(whole(x.float()), (0, 2, 3), keepdim=True)
                self.shift.copy_(-mean[0])
                self.log_scale.copy_(-(std[0] + 1e-6).log())
                self.ready.fill_(True)
        z = (x + self.shift) * self.log_scale.exp()
        return z, self.log_scale.sum().expand(len(x), *x.shape[2:])

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        return z * (-self.log_scale).exp() - self.shift


class ChannelMix(Layer):
    """An invertible 1 x 1 convolution, W = P L (U + diag(e^s)) with P a fixed permutation (Kingma
    and Dhariwal 2018, eq. 10; scales kept positive). It starts as a random rotation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(channels)  # part of the architecture, not of the run
        rotation, _ = torch.linalg.qr(torch.randn(channels, channels, generator=rng))
        P, L, U = torch.linalg.lu(rotation)
        diagonal = U.diagonal()
        self.register_buffer("P", P)
        self.register_buffer("sign", diagonal.sign())
        self.L = nn.Parameter(L.tril(-1))
        self.U = nn.Parameter(U.triu(1))
        self.log_s = nn.Parameter(diagonal.abs().log())

    def weight(self) -> Tensor:
        eye = torch.eye(len(self.P), dtype=self.L.dtype, device=self.L.device)
        upper = self.U.triu(1) + torch.diag(self.sign * self.log_s.exp())
        return self.P @ (self.L.tril(-1) + eye) @ upper

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        with torch.autocast(x.device.type, enabled=False):  # what is inverted must be exact
            z = torch.einsum("oc,bchw->bohw", self.weight(), x)
        return z, self.log_s.sum().expand(len(x), *x.shape[2:])

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        with torch.autocast(z.device.type, enabled=False):
            back = torch.linalg.inv(self.weight().double()).to(z.dtype)
            return torch.einsum("oc,bchw->bohw", back, z)


class Conditioner(nn.Module):
    """(B, C, H, W) -> (B, out, H, W) by a few residual blocks; it starts at zero."""

    def __init__(self, channels: int, out: int, width: int, blocks: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                ChannelNorm(width),
                nn.Conv2d(width, width, 3, padding=1),
                nn.SiLU(),
                nn.Conv2d(width, width, 1),
            )
            for _ in range(blocks)
        )
        self.last = nn.Conv2d(width, out, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        for block in self.blocks:
            h = h + block(h)
        return self.last(F.silu(h))


class Coupling(Layer):
    """Half of the channels stay, the other half is bent by what the first half says of it.

    affine: z_b = x_b e^s + t (Dinh et al. 2017, eq. 7), s bounded; spline: a rational-quadratic
    spline with identity tails (Durkan et al. 2019), after an affine map. It starts as the identity.
    """

    def __init__(
        self, channels: int, kind: str, width: int, blocks: int, bins: int = 8, context: int = 0,
        bound: float = 4.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.kept, self.bound = channels - channels // 2, bound
        self.moved = channels // 2
        self.per_value = 2 + (numbers_of_spline(bins) if kind == "spline" else 0)
        self.net = Conditioner(self.kept + context, self.moved * self.per_value, width, blocks)

    def numbers(self, a: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """log scale, shift, each (B, moved, H, W), and the spline's (..., 3 K - 1) or (..., 0)."""
        out = self.net(a if context is None else torch.cat([a, context], 1))
        out = out.unflatten(1, (self.moved, self.per_value)).movedim(2, -1)
        out = out if out.dtype == torch.float64 else out.float()
        return 2 * torch.tanh(out[..., 0] / 2), out[..., 1], out[..., 2:]

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        a, b = x[:, : self.kept], x[:, self.kept :]
        log_scale, shift, numbers = self.numbers(a, context)
        b, log_slope = b * log_scale.exp() + shift, log_scale
        if numbers.shape[-1]:
            b, bent = spline(b, numbers, self.bound)
            log_slope = log_slope + bent
        return torch.cat([a, b], 1), log_slope.sum(1)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        a, b = z[:, : self.kept], z[:, self.kept :]
        log_scale, shift, numbers = self.numbers(a, context)
        if numbers.shape[-1]:
            b, _ = spline(b, numbers, self.bound, inverse=True)
        return torch.cat([a, (b - shift) * (-log_scale).exp()], 1)
