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
from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from models.contract.knobs import (
    GUIDANCE,
    LABEL,
    MOST_DRAWS,
    MOST_STEPS,
    SAMPLES,
    STEPS,
    TEMPERATURE,
    Knob,
    check_temperature,
    with_default,
)
from models.contract.model import Frame, GenerativeModel, Likelihood, Objective, checked_mask
from models.contract.random import normal, uniform
from models.contract.streams import Streams
from models.families.diffusion import samplers, schedules
from models.families.diffusion.config import DiffusionConfig
from models.families.diffusion.likelihood import dequantised_log_likelihood, variational_bound
from models.families.diffusion.samplers import Step
from models.families.diffusion.schedules import SCHEDULES, Schedule
from models.families.nets import UNet

GUIDANCE_MOST = GUIDANCE.high


class Diffusion(GenerativeModel):
    """A denoiser of every noise level, and the ways through its levels (Karras et al. 2022).

    Inside, pictures are centred and twice as wide, x = 2 (image - centre), so that black to white
    is 2 as in the papers, and noisy ones are x_0 + sigma n. Outside, ``x_t`` is the schedule's
    alpha_t x_0 + sigma_t n moved back to the units of a picture.
    """

    Config = DiffusionConfig

    def __init__(self, config: DiffusionConfig) -> None:
        if config.low >= config.high:
            raise ValueError("The lowest noise level must lie below the highest.")
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

    @property
    def schedule(self) -> Schedule:
        return SCHEDULES[self.config.schedule]

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

    def _denoiser(self, label: int | Tensor | None, guidance: float) -> Callable:
        if not 0 <= guidance <= GUIDANCE_MOST:  # false for nan too
            raise ValueError(f"Guidance must be a number from 0 to {GUIDANCE_MOST:g}.")
        return lambda x, level: self.denoised(x, level, label, guidance)

    @torch.no_grad()
    def denoise(
        self,
        x_t: Tensor,
        t: Tensor,
        label: int | Tensor | None = None,
        guidance: float = 1.0,
        schedule: str | None = None,
    ) -> Tensor:
        """The guess of the picture under the noise, (B, C, H, W) in [0, 1].

        x_t: (B, C, H, W), alpha_t x_0 + sigma_t n in the units of a picture, not clamped (see
        ``noised``). t: (B,) or a number, from 0 (picture) to 1 (noise), of the schedule.
        """
        x_t = self.checked(x_t)
        level = self._level(t, len(x_t), schedule)
        alpha = self._schedule(schedule).alpha(level).float()[:, None, None, None]
        x = self.inside(x_t) / alpha
        return self.outside(self._denoiser(label, guidance)(x, level.float())).clamp(0, 1)

    def noised(self, x: Tensor, t: float | Tensor, noise: Tensor, schedule: str | None = None):
        """x_t = alpha_t x_0 + sigma_t noise, in the units of a picture, (B, C, H, W) not clamped.

        x: (B, C, H, W) in [0, 1]. t: (B,) or a number in [0, 1]. noise: standard normal, as x.
        """
        level = self._level(t, len(x), schedule)
        alpha = self._schedule(schedule).alpha(level)[:, None, None, None].float()
        noisy = self.inside(self.checked(x)) + level[:, None, None, None].float() * noise
        return self.outside(alpha * noisy)

    @property
    def level_range(self) -> tuple[float, float]:
        """The lowest and the highest noise level that the model was trained on."""
        return self.config.low, self.config.high

    def _schedule(self, name: str | None) -> Schedule:
        return schedules.schedule(name or self.config.schedule)

    def _level(self, t: float | Tensor, n: int, schedule: str | None) -> Tensor:
        t = torch.as_tensor(t, dtype=torch.float64).expand(n).to(torch.float64)
        if not bool(((t >= 0) & (t <= 1)).all()):
            raise ValueError("The time must be from 0 (the picture) to 1 (noise).")
        level = self._schedule(schedule).level(t)
        return level.clamp(self.config.low, self.config.high).to(self.device, torch.float32)

    def inside(self, x: Tensor) -> Tensor:
        """A picture as the network sees it: centred, black to white 2."""
        return 2 * (x - self.config.centre)

    def outside(self, x: Tensor) -> Tensor:
        """Back in the units of a picture; not clamped."""
        return x / 2 + self.config.centre

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

    # -- sampling --------------------------------------------------------------------------------

    def levels(
        self, steps: int | None = None, schedule: str | None = None, high: float | None = None
    ) -> Tensor:
        """(steps + 1,) noise levels from the highest (or a lower one, ``high``) to 0."""
        c = self.config
        steps, high = c.steps if steps is None else steps, c.high if high is None else high
        if high <= c.low * (1 + 1e-3):  # no room for steps between
            steps, high = min(steps, 1), c.low
        return self._schedule(schedule).levels(steps, c.low, high)

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        """Those of every sampler; what one of them has besides (eta, churn, ...) is the sampler's
        own affair, see ``models.families.diffusion.samplers``."""
        label, guidance = ((LABEL,), (GUIDANCE,)) if self.class_count else ((), ())
        sampler = Knob(
            "sampler", "choice", "The way from noise to picture.", "dpm",
            choices=tuple(samplers.SAMPLERS),
        )  # fmt: skip
        schedule = Knob(
            "schedule", "choice", "How fast the picture drowns in noise; its own unless given.",
            None, choices=tuple(SCHEDULES),
        )  # fmt: skip
        walk = (sampler, STEPS, *guidance, schedule)
        repeats = Knob("repeats", "whole", "How often each step is taken.", 4, 1, 100)
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
            "sample_steps": (TEMPERATURE, *walk),
            "restore_steps": (*label, *walk),
            "complete_steps": (*label, with_default(STEPS, 40), repeats, *guidance),
            "log_likelihood": effort,
            "denoise": (*label, *guidance, schedule),
            "noised": (schedule,),
            "encode": (*label, STEPS),
            "decode": (*label, STEPS),
        }
        return declared.get(method, ())

    @torch.no_grad()
    def sample_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
        sampler: str = "dpm",
        steps: int | None = None,
        guidance: float = 1.0,
        schedule: str | None = None,
        start: Tensor | None = None,
        **knobs: float,
    ) -> Iterator[Frame]:
        """From noise to pictures; one frame a step, x_t as the schedule scales it, x0 the guess.

        temperature: scales the noise at the start. sampler: a name of ``samplers.SAMPLERS``, knobs
        its own (eta, churn, corrections, snr, tolerance). start: (n, D) codes to start from in
        place of fresh noise. info: "z" the codes (n, D), "label", "level" (sigma), "evaluations".
        Raises ValueError for a setting out of its range.
        """
        check_temperature(temperature)
        rng, levels = Streams.of(rng, n), self.levels(steps, schedule)
        z = normal((n, self.latent), rng, self.device) if start is None else self._codes(start)
        z = temperature * z
        label = self.label_or_drawn(label, n, rng)
        noise = levels[0] * z.view(n, *self.config.image)
        denoise = self._denoiser(label, guidance)
        for step in samplers.sampler(sampler)(denoise, noise.float(), levels, rng, **knobs):
            yield self._frame(step, schedule, {"z": z, "label": label})

    @torch.no_grad()
    def restore_steps(
        self,
        x_t: Tensor,
        t: float,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        sampler: str = "dpm",
        steps: int | None = None,
        guidance: float = 1.0,
        schedule: str | None = None,
        **knobs: float,
    ) -> Iterator[Frame]:
        """From a noisy picture to a clean one: the last part of ``sample_steps``' way (Meng et al.
        2022, algorithm 1).

        x_t: (B, C, H, W), what ``noised`` gives at time t, not clamped. t: from 0 (the picture) to
        1 (noise). Frames and knobs as of ``sample_steps``, but no label is drawn where none is
        given: the picture says what it is. Raises ValueError for a setting out of its range.
        """
        level = self._level(float(t), 1, schedule)
        levels = self.levels(steps, schedule, high=float(level))
        x = self.inside(self.checked(x_t).to(self.device)) / self._schedule(schedule).alpha(level)
        rng, denoise = Streams.of(rng, len(x)), self._denoiser(label, guidance)
        for step in samplers.sampler(sampler)(denoise, x.float(), levels, rng, **knobs):
            yield self._frame(step, schedule, {"label": label})

    def _frame(self, step: Step, schedule: str | None, info: dict) -> Frame:
        level = torch.tensor([step.level]) if step.levels is None else step.levels
        alpha = self._schedule(schedule).alpha(level.double())[:, None, None, None].to(step.x)
        return Frame(
            step.index,
            step.total,
            self.outside(alpha * step.x).clamp(0, 1),
            self.outside(step.x0).clamp(0, 1),
            {**info, "level": step.level, "evaluations": step.evaluations},
        )

    def _codes(self, z: Tensor) -> Tensor:
        if z.dim() != 2 or z.shape[1] != self.latent:
            raise ValueError(
                f"This model's codes have {self.latent} numbers, not {tuple(z.shape)[1:]}."
            )
        return z.to(self.device)

    # -- codes: noise and picture are two ends of one path ---------------------------------------

    @torch.no_grad()
    def decode(
        self, z: Tensor, label: int | Tensor | None = None, steps: int | None = None
    ) -> Tensor:
        """The picture that a noise leads to, (B, C, H, W) in [0, 1]: the ODE from noise to picture.

        z: (B, D), standard normal. It is what ``sample`` does, without its randomness.
        """
        return self._run(self._codes(z), label, steps)

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

    # -- in-painting -----------------------------------------------------------------------------

    @torch.no_grad()
    def complete_steps(
        self,
        x: Tensor,
        known: Tensor,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        steps: int = 40,
        repeats: int = 4,
        guidance: float = 1.0,
    ) -> Iterator[Frame]:
        """Fills in what is not known, noise to picture (Lugmayr et al. 2022, algorithm 1).

        x: (B, C, H, W) in [0, 1]. known: bool, of the same shape or (B, 1, H, W): True where x is
        to stay. At every level the known part is the picture's own, noised; each step is taken
        ``repeats`` times, with noise put back in between, so that both parts come to agree.
        Raises ValueError where the mask hides nothing, or everything.
        """
        x = self.inside(self.checked(x))
        known = checked_mask(known, x)
        rng = Streams.of(rng, len(x))
        denoise, levels = self._denoiser(label, guidance), self.levels(steps)
        for step in samplers.fill_in(denoise, x, known, levels, rng, repeats):
            yield self._frame(step, None, {"label": label})
