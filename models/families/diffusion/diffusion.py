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

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from models.contract.knobs import (
    LABEL,
    MOST_DRAWS,
    MOST_STEPS,
    SAMPLES,
    STEPS,
    Knob,
    with_default,
)
from models.contract.model import Likelihood, Objective
from models.contract.random import normal, uniform
from models.families.diffusion import samplers, schedules
from models.families.diffusion.config import DiffusionConfig
from models.families.diffusion.denoiser import Denoiser
from models.families.diffusion.likelihood import dequantised_log_likelihood, variational_bound
from models.families.nets import UNet


class Diffusion(Denoiser):
    """A denoiser of every noise level, and the ways through its levels (Karras et al. 2022)."""

    Config = DiffusionConfig
    PAPERS = ("2006.11239", "2206.00364")
    noise_is_code = True

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

    @property
    def latent(self) -> int:
        """Numbers in a code: the noise has as many as a picture has pixels."""
        return math.prod(self.config.image)

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

    # -- what it can do --------------------------------------------------------------------------

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        label = (LABEL,) if self.class_count else ()
        effort = (
            # From the spread of the draws comes the error: there must be two.
            with_default(SAMPLES, 2, low=2),
            Knob("method", "choice", "What measures it.", "ode", choices=("ode", "bound")),
            *label,
            Knob("tolerance", "number", "Error of a step of the ODE.", 2e-3, 0, 1, above=True),
            Knob("draws", "whole", "Levels that the bound is looked at.", 64, 1, MOST_DRAWS),
            Knob("bound_steps", "whole", "Levels of the bound.", 1000, 2, MOST_STEPS),
        )
        declared = {
            "log_likelihood": effort,
            "encode": (*label, STEPS),
            "decode": (*label, STEPS),
        }
        return declared.get(method) or super().knobs(method)

    # -- codes: noise and picture are two ends of one path ---------------------------------------

    @torch.no_grad()
    def decode(
        self, z: Tensor, label: int | Tensor | None = None, steps: int | None = None
    ) -> Tensor:
        """The picture that a noise leads to, (B, C, H, W) in [0, 1]: the ODE from noise to picture.

        z: (B, D), standard normal. It is what ``sample`` does, without its randomness.
        """
        return self._run(self.checked_noise(z), label, steps)

    def _run(self, z: Tensor, label: int | Tensor | None, steps: int | None) -> Tensor:
        levels = self.levels(steps)
        x = (levels[0] * z.view(-1, *self.config.image)).float()
        *_, last = samplers.dpm_solver(self._denoiser(label, 1.0), x, levels, None)
        return self.outside(last.x).clamp(0, 1)

    @torch.no_grad()
    def encode(
        self, x: Tensor, label: int | Tensor | None = None, steps: int | None = None
    ) -> Tensor:
        """The noise that leads to a picture, (B, D): the same ODE backwards, by Heun's method.

        x: (B, C, H, W) in [0, 1].
        """
        levels = self.levels(steps)[:-1].flip(0).tolist()  # rising
        denoise = self._denoiser(label, 1.0)
        x = self.inside(self.checked(x))
        for s, t in pairwise(levels):
            slope = (x - denoise(x, s)) / s
            there = x + (t - s) * slope
            x = x + (t - s) * (slope + (there - denoise(there, t)) / t) / 2
        return (x / levels[-1]).flatten(1)

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

    # -- likelihoods -----------------------------------------------------------------------------

    @torch.no_grad()
    def log_likelihood(
        self,
        x: Tensor,
        rng: Generator,
        samples: int = 2,
        method: str = "ode",
        label: int | Tensor | None = None,
        tolerance: float = 2e-3,
        draws: int = 64,
        bound_steps: int = 1000,
    ) -> Likelihood:
        """log P(x) of the 8-bit picture, dequantised by noise of the lowest level.

        x: (B, C, H, W) in [0, 1], read as 8-bit levels. method "ode": ``samples`` draws of the
        probability-flow ODE with Hutchinson's trace, kind "estimate" (of a number below log P(x) on
        average, see ``models.families.diffusion.likelihood``), stderr from the spread of the draws.
        "bound": the discrete variational bound over ``bound_steps`` levels of the schedule, of
        which ``draws`` are looked at in each of ``samples`` draws, kind "lower bound"; it has a
        part for each pixel. details: "elbo" (B,), that bound, under both methods.
        """
        if samples < 2:
            raise ValueError("A likelihood needs two draws or more, for its standard error.")
        if method not in ("ode", "bound"):
            raise ValueError(f"There is no method '{method}'. Known: ode, bound.")
        c = self.config
        x = self.inside((self.checked(x) * 255).round() / 255)
        black, white = -2 * c.centre, 2 * (1 - c.centre)
        # All draws in one batch.
        x_k = x.repeat(samples, 1, 1, 1)
        label = None if label is None else self.checked_label(label, len(x)).repeat(samples)
        denoise = self._denoiser(label, 1.0)
        levels = self.levels(bound_steps)[:-1]
        pixels = variational_bound(denoise, x_k, levels, black, white, rng, draws)
        pixels = pixels.view(samples, *x.shape)
        bound = pixels.sum((2, 3, 4))  # (samples, B)
        if method == "bound":
            nats, per_pixel = bound, pixels.mean(0)
        else:
            nats, per_pixel = (
                dequantised_log_likelihood(
                    denoise, x_k, c.low, c.high, black, white, rng, tolerance, c.sigma_data
                ).view(samples, -1),
                None,
            )
        return Likelihood(
            nats.mean(0),
            "lower bound" if method == "bound" else "estimate",
            "uint8",
            nats.std(0) / math.sqrt(samples),
            per_pixel,
            {"elbo": bound.mean(0)},
            how=f"Gaussian dequantisation at sigma = {c.low:g}, "
            + (f"{bound_steps} levels" if method == "bound" else f"ODE, {samples} draws"),
        )
