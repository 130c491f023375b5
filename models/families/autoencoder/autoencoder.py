r"""An autoencoder: a code that a picture can be rebuilt from, and no distribution at all.

An encoder $f$ writes a picture as a few numbers, a decoder $g$ makes a picture of them again, and
both are trained to lose as little as possible,

$$\mathcal{L} = \mathbb{E}_x \big\lVert x - g(f(x)) \big\rVert^2 .$$

With fewer numbers than pixels, a **bottleneck**, the two have to find what pictures have in common;
linear networks would find the principal components (Baldi and Hornik 1989). Nothing says how codes
are spread. So this model draws a code from the smallest **box** around the codes of the training
pictures, each number uniform. Where no picture was ever encoded the decoder was never trained:
these **holes** are what a variational autoencoder's prior closes.

A **contractive** autoencoder (Rifai et al. 2011, eq. 3) also pays for every change of the code that
a small change of the picture makes,

$$\mathcal{L} + \lambda\, \mathbb{E}_x \big\lVert J_f(x) \big\rVert_F^2 , \qquad
J_f(x) = \frac{\partial f(x)}{\partial x} .$$

Rebuilding asks the code to tell pictures apart, the penalty asks it to keep still: what remains
are the directions in which pictures differ, the tangents of the sheet on which they lie. The norm
is estimated without the matrix, as $\lVert J \rVert_F^2 = \mathbb{E}_v \lVert J^\top v \rVert^2$
for $v \sim \mathcal{N}(0, I)$ (Hutchinson 1990). Codes are counted in units of their spread over a
batch, or the cheapest way to keep still would be to write in a smaller hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from models.contract.config import setting
from models.contract.knobs import TEMPERATURE, Knob, check_temperature
from models.contract.model import Frame, GenerativeModel, Objective, differentiable
from models.contract.random import normal, uniform
from models.contract.streams import Streams
from models.families.autoencoder.bottleneck import Bottleneck, BottleneckConfig
from models.machine.processes import whole

RELAXED = 0.01  # how far the box's sides come in at each step, as a part of the way


@dataclass(frozen=True)
class AutoencoderConfig(BottleneckConfig):
    contraction: float = setting(
        0.0,
        "Weight of the squared norm of the code's Jacobian; 0 leaves it out (Rifai et al. 2011).",
        low=0.0,
        high=1000.0,
        live=True,
    )


class Autoencoder(GenerativeModel):
    """Encoder, decoder, and a code without a distribution; contractive where it pays for change."""

    Config = AutoencoderConfig

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__(config)
        self.net = Bottleneck(config)
        # The box around the codes as the encoder gives them; there z is 0 and 1.
        self.register_buffer("low", -torch.ones(config.latent))
        self.register_buffer("high", torch.ones(config.latent))

    @property
    def code_prior(self) -> str:
        return "uniform"

    @differentiable
    def encode(self, x: Tensor) -> Tensor:
        """The code z of pictures x (B, C, H, W) in [0, 1]: (B, D), 0 to 1 from one side of the box
        to the other; a picture unlike those of the training may lie outside."""
        return (self.net.encode(self.checked(x)) - self.low) / (self.high - self.low)

    @differentiable
    def decode(self, z: Tensor) -> Tensor:
        """The picture of each code z (B, D), (B, C, H, W) in [0, 1]."""
        if z.dim() != 2 or z.shape[1] != self.latent:
            raise ValueError(
                f"This model's codes have {self.latent} numbers, not {tuple(z.shape)[1:]}."
            )
        return torch.sigmoid(self.net.decode(self.low + z * (self.high - self.low)))

    @torch.no_grad()
    def rebuild(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """What the decoder makes of a picture's code, (B, C, H, W) in [0, 1]."""
        return self.decode(self.encode(x))

    # -- training --------------------------------------------------------------------------------

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """The squared error of a picture, and what its code's changes cost."""
        contraction = self.config.contraction
        with torch.enable_grad():
            seen = x.requires_grad_() if contraction else x
            h = self.net.encode(seen)  # (B, D)
            error = (torch.sigmoid(self.net.decode(h)) - x.detach()).square().sum((1, 2, 3)).mean()
            loss, logs = error, {"squared_error": error}
            if contraction:
                spread = whole(h).std(0) + 1e-6  # (D,)
                v = normal(h.shape, rng, h.device)
                # The unit is a batch's: what a picture does to it changes no code.
                change = torch.autograd.grad(h, seen, v / spread, create_graph=True)[0]
                jacobian = change.square().sum((1, 2, 3)).mean()  # ||J||_F^2 of a picture
                loss, logs = loss + contraction * jacobian, logs | {"jacobian_norm": jacobian}
        if self.training:
            self._fit_box(whole(h.detach()))
        yield Objective(list(self.parameters()), loss, logs)

    @torch.no_grad()
    def _fit_box(self, h: Tensor) -> None:
        """The box grows to hold a batch of codes (B, D) and comes in slowly where none are left."""
        least, most = h.amin(0), h.amax(0)
        self.low.copy_(torch.minimum(least, self.low.lerp(least, RELAXED)))
        self.high.copy_(torch.maximum(most, self.high.lerp(most, RELAXED)))

    # -- sampling --------------------------------------------------------------------------------

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        return (TEMPERATURE,) if method == "sample_steps" else ()

    @torch.no_grad()
    def sample_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
    ) -> Iterator[Frame]:
        """One frame: codes anywhere in the box, decoded. info["z"] holds the codes, (n, D).

        temperature: the box's sides, 1 as the training codes have it, around the same middle.
        """
        check_temperature(temperature)
        u = uniform((n, self.latent), Streams.of(rng, n), self.device)
        z = 0.5 + temperature * (u - 0.5)
        yield Frame(0, 1, self.decode(z), info={"z": z, "label": None})
