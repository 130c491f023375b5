r"""A denoising autoencoder: it reads a spoilt picture and writes the clean one.

The picture is corrupted before the encoder sees it, and the decoder has to give it back as it was
(Vincent et al. 2008),

$$\tilde x = x + \sigma \varepsilon , \qquad
\mathcal{L} = \mathbb{E}_{x, \varepsilon, \sigma} \big\lVert x - r(\tilde x) \big\rVert^2 , \qquad
r = g \circ f .$$

To copy is no longer enough: noise has to be told from picture, and the code between the two has
room for pictures only. The best answer is the mean of all clean pictures that $\tilde x$ may come
from, and for small Gaussian noise that mean lies uphill of the density (Alain and Bengio 2014,
theorem 2; Vincent 2011),

$$\frac{r(\tilde x) - \tilde x}{\sigma^2} \;\approx\; \nabla_{\tilde x} \log p_\sigma(\tilde x) .$$

So a denoising autoencoder is an estimate of the **score**, and whatever follows a score can follow
it: all samplers of diffusion models run on this one. It differs from those in two things that cost
it quality: all it knows passes through a short code, and nobody tells it how strong the noise is;
it has to see that for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from models.contract.config import setting
from models.contract.model import Objective, differentiable
from models.contract.random import normal, uniform
from models.families.autoencoder.bottleneck import Bottleneck, BottleneckConfig
from models.families.diffusion.denoiser import Denoiser
from models.families.diffusion.schedules import SCHEDULES


@dataclass(frozen=True)
class DenoisingConfig(BottleneckConfig):
    low: float = setting(
        0.05, "Lowest noise level of the training; black to white is 2.", low=1e-3, high=1.0
    )
    high: float = setting(4.0, "Highest noise level of the training.", low=1.0, high=100.0)
    centre: float = setting(0.0, "Mean grey level of the data, taken off first.", low=0.0, high=1.0)
    schedule: str = setting(
        "edm",
        "The noise schedule: edm, ddpm (linear beta), cosine, or flow (rectified flow).",
        choices=tuple(SCHEDULES),
    )
    steps: int = setting(20, "Steps a sample takes, where nothing else is asked.", low=1, high=1000)


class DenoisingAutoencoder(Denoiser):
    """A denoiser that has to put what it sees into a code, and is not told the noise level."""

    Config = DenoisingConfig
    PAPERS = ("1211.4246",)

    def __init__(self, config: DenoisingConfig) -> None:
        super().__init__(config)
        self.net = Bottleneck(config)

    def _code(self, x: Tensor) -> Tensor:
        """The code of noisy pictures x (B, C, H, W), inside: (B, D). Each is first brought to the
        same size, so that the network reads noise of every level equally well."""
        size = x.square().mean((1, 2, 3), keepdim=True).sqrt() + 1e-3
        return self.net.encode(x / size)

    def denoised(
        self,
        x: Tensor,
        level: float | Tensor,
        label: int | Tensor | None = None,
        guidance: float = 1.0,
    ) -> Tensor:
        """r(x), the guess of the clean picture, whatever the level; all inside."""
        return self.inside(torch.sigmoid(self.net.decode(self._code(x))))

    @differentiable
    def encode(self, x: Tensor) -> Tensor:
        """The code of pictures x (B, C, H, W) in [0, 1] as they are: (B, D)."""
        return self._code(self.inside(self.checked(x)))

    @torch.no_grad()
    def rebuild(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """r(x), the clean picture it takes each one for, (B, C, H, W) in [0, 1]. x: (B, C, H, W),
        which may lie outside of [0, 1] where there is noise."""
        return self.outside(self.denoised(self.inside(self.checked(x)), 0.0)).clamp(0, 1)

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """The squared error of a picture, at levels spread evenly in their logarithm."""
        c, x0 = self.config, self.inside(x)
        u = uniform((len(x),), rng, x.device)
        level = (c.low * (c.high / c.low) ** u)[:, None, None, None]
        noisy = x0 + level * normal(x.shape, rng, x.device)
        error = (self.denoised(noisy, level) - x0).square().sum((1, 2, 3)).mean() / 4
        yield Objective(list(self.parameters()), error, {"squared_error": error})
