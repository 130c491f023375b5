r"""A diffusion model: destroy pictures with noise, learn to undo a little of it, start at noise.

The forward process needs no learning. Noise is added in small steps, $q(x_t \mid x_{t-1}) =
\mathcal{N}(\sqrt{1-\beta_t}\, x_{t-1}, \beta_t I)$ (Ho et al. 2020, eq. 2), and any number of them
at once is again one Gaussian,

$$q(x_t \mid x_0) = \mathcal{N}(\sqrt{\bar\alpha_t}\, x_0, (1-\bar\alpha_t) I), \qquad
\bar\alpha_t = \prod_{s \le t} (1-\beta_s)$$

(their eq. 4). At the end nothing of the picture is left. Going back means knowing which pictures
could have led to $x_t$, and for small steps their mean is enough. So one network is trained, at
every noise level, to guess the picture under the noise,

$$\min_D\; \mathbb{E}_{x_0,\, n,\, \sigma}\; \lambda(\sigma)\, \| D(x_0 + \sigma n; \sigma) - x_0
\|^2$$

(Karras et al. 2022, eq. 2; $\sigma = \sqrt{1-\bar\alpha_t} / \sqrt{\bar\alpha_t}$). Guessing the
noise, the picture, or a mix of both are the same task in other words: each tells the others.

**Why that is a generative model.** The best guess is a mean over all pictures, and it points
uphill: $\nabla_x \log p_\sigma(x) = (D(x; \sigma) - x) / \sigma^2$, the score of the noised data
(Tweedie's formula; Vincent 2011). Following it while the noise falls,

$$\frac{dx}{d\sigma} = -\sigma\, \nabla_x \log p_\sigma(x),$$

carries a sample of pure noise to a sample of the data (Song et al. 2021b, eq. 13). This is an
ordinary differential equation: with no randomness on the way, each noise belongs to one picture and
back, and the change of volume along the path gives the picture's likelihood (their eq. 39). Adding
noise on the way as well gives DDPM and Langevin samplers.

**Guidance.** A model that knows the class can be pushed towards it,
$D_w = D(x) + w\,(D(x \mid y) - D(x))$: $w = 1$ is the class as it is, more is the class exaggerated
(Ho and Salimans 2022, eq. 6, $w$ here being their $1 + w$).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from models.contract.model import Objective
from models.contract.random import normal, uniform
from models.families.diffusion import schedules
from models.families.diffusion.config import DiffusionConfig
from models.families.diffusion.ode import OdeDenoiser
from models.families.nets import UNet


class Diffusion(OdeDenoiser):
    """A denoiser of every noise level, and the ways through its levels (Karras et al. 2022)."""

    Config = DiffusionConfig
    PAPERS = ("2006.11239", "2206.00364")

    def __init__(self, config: DiffusionConfig) -> None:
        super().__init__(config)
        self.net = UNet(
            config.image,
            config.width,
            config.halvings,
            config.blocks,
            config.middle,
            config.heads,
            config.patch,
            max(0, config.num_classes),
            config.dropout,
        )

    # -- the denoiser ----------------------------------------------------------------------------

    def predict(self, x: Tensor, level: Tensor, label: Tensor) -> Tensor:
        """F, what the network says (see ``schedules.skip_and_out``), (B, C, H, W) float32.

        x: x_0 + sigma n. level: (B,). label: (B,), num_classes for none.
        """
        scale = (level.square() + self.config.sigma_data**2).rsqrt()[:, None, None, None]
        return self.net(scale * x, level.log() / 4, label).float()  # c_in, c_noise

    def denoised(
        self,
        x: Tensor,
        level: float | Tensor,
        label: int | Tensor | None = None,
        guidance: float = 1.0,
    ) -> Tensor:
        """D(x; sigma), the guess of x_0; all inside, not in the units of a picture.

        guidance: 1 is the class as it is, 0 no class, more exaggerates it, at twice the cost
        (Ho and Salimans 2022, eq. 6).
        """
        level = torch.as_tensor(level, dtype=torch.float32, device=x.device).expand(len(x))
        none = torch.full((len(x),), self.class_count, device=x.device)
        label = none if label is None or guidance == 0 else self.checked_label(label, len(x))
        both = guidance not in (0, 1) and not torch.equal(label, none)
        if both:
            out = self.predict(x.repeat(2, 1, 1, 1), level.repeat(2), torch.cat([label, none]))
            given, free = out.chunk(2)
            out = free + guidance * (given - free)
        else:
            out = self.predict(x, level, label)
        skip, scale = schedules.skip_and_out(
            self.config.prediction, level[:, None, None, None], self.config.sigma_data
        )
        return skip * x + scale * out

    # -- training --------------------------------------------------------------------------------

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """The network's own target in squared error at random levels: lambda = 1 / c_out^2."""
        c, B = self.config, len(x)
        x0 = self.inside(x)
        level = self.training_levels(B, rng).to(x.device)  # (B,)
        noise = normal(x.shape, rng, x.device)
        label = torch.full((B,), max(0, c.num_classes), device=x.device)
        if c.num_classes and y is not None:
            kept = uniform((B,), rng, x.device) >= c.drop_label
            label = torch.where(kept, y.to(label), label)
        sigma = level[:, None, None, None]
        noisy = x0 + sigma * noise
        skip, out = schedules.skip_and_out(c.prediction, sigma, c.sigma_data)
        target = (x0 - skip * noisy) / out
        loss = (self.predict(noisy, level, label) - target).square().mean()
        yield Objective(list(self.parameters()), loss, {"denoising_error": loss})

    def training_levels(self, n: int, rng: Generator) -> Tensor:
        """(n,) noise levels to train on."""
        c = self.config
        if c.noise == "lognormal":
            return (c.noise_mean + c.noise_spread * normal((n,), rng, "cpu")).exp()
        t = uniform((n,), rng, "cpu")
        return self.schedule.level(t.double()).clamp(c.low, c.high).float()

    # -- where codes are alike ---------------------------------------------------------------------

    @torch.no_grad()
    def embed(self, z: Tensor, label: Tensor | None = None, level: float = 1.5) -> Tensor:
        """What the network knows of the picture that a noise leads to, (N, F).

        Noises have no neighbours to speak of: all codes are equally far apart. The features at
        the network's lowest resolution, a mean over each half, tell pictures apart that it had
        to tell apart to denoise them (Xiang et al. 2023).
        """
        x = self.inside(self.decode(z, label))
        levels = torch.full((len(x),), level, device=x.device)
        none = torch.full((len(x),), self.class_count, device=x.device)
        scale = (level**2 + self.config.sigma_data**2) ** -0.5
        features = self.net.features(scale * x, levels.log() / 4, none).float()
        return F.adaptive_avg_pool2d(features, (2, 1)).flatten(1)
