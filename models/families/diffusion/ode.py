"""Denoisers whose probability-flow ODE ties each noise to one picture: codes, and likelihoods.

What a family has to give is ``denoised`` alone, so this holds for any network: the change of
variables along the path needs its derivatives and nothing else of it.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
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
from models.contract.model import Likelihood
from models.families.diffusion import samplers
from models.families.diffusion.denoiser import Denoiser
from models.families.diffusion.likelihood import dequantised_log_likelihood, variational_bound


class OdeDenoiser(Denoiser):
    """A denoiser whose noise is the code of the picture that it leads to.

    Its config has ``sigma_data`` besides what ``Denoiser`` asks for, the deviation of the data.
    """

    noise_is_code = True

    @property
    def latent(self) -> int:
        """Numbers in a code: the noise has as many as a picture has pixels."""
        return math.prod(self.config.image)

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
