"""The anomaly scores, one function each: what a model's answers say of how strange a picture is.

Each takes the ``Evidence`` on a batch, which asks the model once for what several scores need, and
gives a ``Scored``. Higher is stranger in all of them.
"""

from __future__ import annotations

import math
from functools import cached_property

import torch
from torch import Generator, Tensor

from models.checkpoints.reference import Reference
from models.contract.abilities import HasPosterior, Observes
from models.contract.model import Likelihood, Model
from models.contract.numbers import log_normal
from models.contract.random import generator, normal
from models.scores.code_length import code_lengths, shortest
from models.scores.registry import Scored

DRAWS = 8  # codes drawn of a posterior for a likelihood: what differs between pictures is far more
TIMES = (0.3, 0.4, 0.5, 0.6)  # of a denoiser's schedule, 0 the picture and 1 noise
NOISES = 2  # noises drawn a level
# Levels at which a denoiser's bound is looked at, a quarter of what one picture's own number gets:
# for digits they leave an error of 30 nats, beside 170 by which two digits differ.
BOUND_LEVELS = 16
# One code a step: two changed no AUROC by more than 0.006 (50 images a set) and took twice as long.
REGRET_STEPS, REGRET_RATE, REGRET_DRAWS = 40, 0.05, 1
BOUND_DRAWS = 16  # codes that the two bounds of a regret are measured with, the same for both


class Evidence:
    """What a model says of a batch, asked at most once each.

    x: (B, C, H, W), as the model observes it. Each question has its own randomness, of one seed
    that is drawn from ``rng``: no answer depends on which others were asked for.
    """

    def __init__(
        self,
        model: Model,
        x: Tensor,
        rng: Generator,
        reference: Reference | None = None,
        background: Model | None = None,
    ) -> None:
        self.model, self.reference, self.background = model, reference, background
        self.seed = int(torch.randint(2**62, (), generator=rng, device=rng.device))
        x = model.checked(x.to(model.device))
        if isinstance(model, Observes):
            self.x = model.observed(x, self.rng(0))
        else:
            self.x = (x * 255).round() / 255

    def rng(self, question: int) -> Generator:
        return generator(self.seed, question)

    @cached_property
    def likelihood(self) -> Likelihood:
        return self._likelihood(self.model, 1)

    @cached_property
    def background_likelihood(self) -> Likelihood:
        found = self._likelihood(self.background, 2)
        if found.space != self.likelihood.space:
            raise ValueError(
                f"Likelihoods of '{self.likelihood.space}' and '{found.space}' pixels cannot be "
                "compared: the background model is of another kind."
            )
        return found

    def _likelihood(self, model: Model, question: int) -> Likelihood:
        effort = {}
        if isinstance(model, HasPosterior):
            effort["samples"] = DRAWS
        if model.takes(
            "method", "log_likelihood"
        ):  # a tenth of the ODE's time, and with a part for each pixel
            effort |= {"method": "bound", "draws": BOUND_LEVELS}
        with torch.no_grad():
            return model.log_likelihood(self.x, self.rng(question), **effort)

    @cached_property
    def code_lengths(self) -> dict[str, Tensor]:
        """Bits, (B,), by codec, on the model's device."""
        return {name: bits.to(self.x.device) for name, bits in code_lengths(self.x).items()}

    @cached_property
    def reconstruction(self) -> Tensor:
        """Squared error of each pixel, (B, C, H, W)."""
        with torch.no_grad():
            back = self.model.decode(self.model.encode(self.x))
        return (back - self.x).square()

    @cached_property
    def denoising(self) -> Tensor:
        """Squared error of each pixel at each of ``TIMES``, (T, B, C, H, W), a mean over noises."""
        rng, errors = self.rng(3), []
        x = self.x.repeat(NOISES, 1, 1, 1)
        for t in TIMES:
            noise = normal(x.shape, rng, x.device)
            with torch.no_grad():
                back = self.model.denoise(self.model.noised(x, t, noise), t)
            errors.append((back - x).square().unflatten(0, (NOISES, -1)).mean(0))
        return torch.stack(errors)

    def fitted(self, name: str) -> Tensor:
        """What the reference holds under that name, on the model's device."""
        return torch.from_numpy(self.reference.fitted[name]).to(self.x.device)


def likelihood(evidence: Evidence) -> Scored:
    """-log p(x), or what bounds or estimates it; nats."""
    found = evidence.likelihood
    return Scored(-found.nats.float(), _negative(found.per_pixel), likelihood=found)


def typicality(evidence: Evidence) -> Scored:
    """|-log p(x) - H|, H the mean of -log p over training images (Nalisnick et al. 2019b,
    with a batch of one picture); nats."""
    found, entropy = evidence.likelihood, evidence.fitted("entropy")
    values = (-found.nats.float() - entropy).abs()
    return Scored(values, details={"entropy": entropy.expand_as(values)}, likelihood=found)


def complexity(evidence: Evidence) -> Scored:
    """-log p(x) - L(x) ln 2, L in bits (Serrà et al. 2020); nats.

    details: the length in bits by each codec, "png" and "webp"; the shorter is L.
    """
    found, lengths = evidence.likelihood, evidence.code_lengths
    values = -found.nats.float() - math.log(2) * shortest(lengths)
    return Scored(values, details=dict(lengths), likelihood=found)


def ratio(evidence: Evidence) -> Scored:
    """log p_background(x) - log p(x) (Ren et al. 2019, negated); nats.

    details: "background", -log p_background(x).
    """
    found, other = evidence.likelihood, evidence.background_likelihood
    pixels = None
    if found.per_pixel is not None and other.per_pixel is not None:
        pixels = (other.per_pixel - found.per_pixel).float()
    values = (other.nats - found.nats).float()
    return Scored(values, pixels, {"background": -other.nats.float()}, found)


def regret(evidence: Evidence) -> Scored:
    """The bound with a posterior fitted to this picture, less the encoder's (Xiao et al.
    2020); nats.

    Adam climbs the bound in the mean and log standard deviation of q(h | x), the decoder fixed,
    with fresh noise each step; both bounds are then measured with the same noise. It can come out
    slightly negative. details: "bound" and "fitted_bound".
    """
    model, x, rng = evidence.model, evidence.x, evidence.rng(4)
    with torch.no_grad():
        mean, std = model.encode_distribution(x)  # (B, D)
    noise = normal((BOUND_DRAWS, *mean.shape), rng, x.device)
    before = posterior_bound(model, x, mean, std, noise).detach()
    mean_fit, log_std = mean.clone().requires_grad_(), std.log().requires_grad_()
    optimizer = torch.optim.Adam([mean_fit, log_std], REGRET_RATE)
    with torch.enable_grad():
        for _ in range(REGRET_STEPS):
            draws = normal((REGRET_DRAWS, *mean.shape), rng, x.device)
            loss = -posterior_bound(model, x, mean_fit, log_std.exp(), draws).sum()
            mean_fit.grad, log_std.grad = torch.autograd.grad(loss, [mean_fit, log_std])
            optimizer.step()
    after = posterior_bound(model, x, mean_fit, log_std.exp(), noise).detach()
    pixels = (after - before).float()
    details = {"bound": before.sum((1, 2, 3)), "fitted_bound": after.sum((1, 2, 3))}
    return Scored(pixels.sum((1, 2, 3)), pixels, details)


def posterior_bound(model: Model, x: Tensor, mean: Tensor, std: Tensor, noise: Tensor) -> Tensor:
    """E_q log p(x | h) + log p(h) - log q(h) for q = N(mean, std^2), as x, in nats.

    What the code costs belongs to no pixel and is spread evenly. mean, std: (B, D). noise: (K, B,
    D), standard normal. Differentiable in mean and std.
    """
    K = len(noise)
    h = mean + std * noise  # (K, B, D)
    x_k = x.expand(K, *x.shape).flatten(0, 1)
    pixels = model.log_p_x(x_k, h.flatten(0, 1)).unflatten(0, (K, -1)).mean(0)
    code = (model.prior.log_prob(h) - log_normal(h, mean, std).sum(-1)).mean(0)  # (B,)
    return pixels + (code / x[0].numel())[:, None, None, None]


def reconstruction(evidence: Evidence) -> Scored:
    """|x - decode(encode(x))|^2, levels from 0 to 1 (An and Cho 2015, for a deterministic code)."""
    pixels = evidence.reconstruction.float()
    return Scored(pixels.flatten(1).sum(1), pixels)


def denoising(evidence: Evidence) -> Scored:
    """The mean over noise levels of the squared error after denoising, in standard deviations from
    its mean on training images (Graham et al. 2023, with one step in place of a chain and
    without LPIPS). Without a reference, the plain mean.

    details: the squared error at each time, "error_0.2" and so on.
    """
    errors = evidence.denoising.float()  # (T, B, C, H, W)
    totals = errors.flatten(2).sum(2)  # (T, B)
    details = {f"error_{t:g}": total for t, total in zip(TIMES, totals, strict=True)}
    if evidence.reference is not None and "denoising_mean" in evidence.reference.fitted:
        mean, std = (
            evidence.fitted(f"denoising_{name}").view(-1, 1, 1, 1, 1) for name in ("mean", "std")
        )
        errors = (errors - mean / errors[0, 0].numel()) / std
    pixels = errors.mean(0)
    return Scored(pixels.flatten(1).sum(1), pixels, details)


def energy(evidence: Evidence) -> Scored:
    """The model's energy, higher is less likely; -log p(x) up to a constant."""
    with torch.no_grad():
        return Scored(evidence.model.energy(evidence.x).float())


def _negative(pixels: Tensor | None) -> Tensor | None:
    return None if pixels is None else -pixels.float()
