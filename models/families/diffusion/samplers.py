r"""Samplers: ways from noise to a picture, one generator function each.

All walk the same path. With $x = x_0 + \sigma n$, the probability-flow ODE

$$\frac{dx}{d\sigma} = \frac{x - D(x; \sigma)}{\sigma} = -\sigma\, \nabla_x \log p_\sigma(x)$$

(Karras et al. 2022, eq. 1 and 3) carries noise of level $\sigma_{max}$ to pictures as $\sigma$
falls; stochastic samplers put fresh noise in as they go. They differ in how they step, and so in
how many evaluations of the denoiser $D$ they need for the same picture.

Every sampler is called ``sampler(denoise, x, levels, rng, ...)``. ``denoise(x, level)`` is D, on
(B, C, H, W) and a float, or (B,) of them (``ode``). x is the start, at ``levels[0]``; levels fall
to 0. Each yields a ``Step`` for the start of every step and one, at level 0, for the end. ``rng``,
a generator or the streams of the batch's pictures, is drawn from in the order of the steps; the
deterministic ones leave it alone, so one seed means the same noise to all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor

from models.contract.random import normal
from models.contract.streams import Streams

Denoiser = Callable[[Tensor, float | Tensor], Tensor]


class Step(NamedTuple):
    """x at ``level`` and the guess x0 = D(x; level) there; ``evaluations`` of D so far.

    levels: (B,), where each picture is at one of its own; ``level`` is then their geometric mean.
    """

    index: int
    total: int
    level: float
    x: Tensor
    x0: Tensor
    evaluations: int
    levels: Tensor | None = None


class _Counted:
    """A denoiser that knows how often it was asked."""

    def __init__(self, denoise: Denoiser) -> None:
        self.denoise, self.evaluations = denoise, 0

    def __call__(self, x: Tensor, level: float) -> Tensor:
        self.evaluations += 1
        return self.denoise(x, level)


def _prepared(denoise: Denoiser, levels: Sequence[float] | Tensor) -> tuple[_Counted, list[float]]:
    levels = [float(level) for level in levels]
    falls = all(a > b for a, b in pairwise(levels))
    if len(levels) < 2 or levels[-1] != 0 or not falls or not math.isfinite(levels[0]):
        raise ValueError("The noise levels must fall to 0, in one step or more.")
    return _Counted(denoise), levels


def ancestral(
    denoise: Denoiser, x: Tensor, levels: Sequence[float] | Tensor, rng: Generator | Streams
) -> Iterator[Step]:
    """Steps of the reverse chain, x_{t-1} ~ q(x_{t-1} | x_t, x_0 = D) (Ho et al. 2020, eq. 6-7).

    With all T levels of a discrete schedule this is DDPM; with fewer, its respaced form.
    """
    yield from ddim(denoise, x, levels, rng, eta=1.0)


def ddim(
    denoise: Denoiser,
    x: Tensor,
    levels: Sequence[float] | Tensor,
    rng: Generator | Streams,
    eta: float = 0.0,
) -> Iterator[Step]:
    """x_s = D + sqrt(s^2 - c^2) n + c z, c^2 = eta^2 s^2 (t^2 - s^2) / t^2 (Song et al. 2021a,
    eq. 12 and 16, in noise levels t > s). eta = 0 is deterministic, eta = 1 is DDPM."""
    if not 0 <= eta <= 1:
        raise ValueError("eta goes from 0 (no fresh noise) to 1 (DDPM).")
    denoise, levels = _prepared(denoise, levels)
    total = len(levels) - 1
    for index, (t, s) in enumerate(pairwise(levels)):
        x0 = denoise(x, t)
        yield Step(index, total, t, x, x0, denoise.evaluations)
        fresh = eta * s * math.sqrt(1 - (s / t) ** 2)
        kept = math.sqrt(max(0.0, s**2 - fresh**2))
        x = x0 + (kept / t) * (x - x0)
        if fresh > 0:
            x = x + fresh * normal(x.shape, rng, x.device)
    yield Step(total, total, 0.0, x, x, denoise.evaluations)


def euler(
    denoise: Denoiser,
    x: Tensor,
    levels: Sequence[float] | Tensor,
    rng: Generator | Streams,
    churn: float = 0.0,
) -> Iterator[Step]:
    """Euler's method on the ODE, first order: one evaluation a step; churn as in ``heun``."""
    yield from _karras(denoise, x, levels, rng, churn, correct=False)


def heun(
    denoise: Denoiser,
    x: Tensor,
    levels: Sequence[float] | Tensor,
    rng: Generator | Streams,
    churn: float = 0.0,
) -> Iterator[Step]:
    """Heun's method, second order: two evaluations a step, but one in the last
    (Karras et al. 2022, algorithm 1; with churn > 0, algorithm 2)."""
    yield from _karras(denoise, x, levels, rng, churn, correct=True)


def _karras(denoise, x, levels, rng, churn, correct) -> Iterator[Step]:
    if not 0 <= churn < math.inf:
        raise ValueError("churn must be 0 (no fresh noise) or a positive number.")
    denoise, levels = _prepared(denoise, levels)
    total = len(levels) - 1
    for index, (t, s) in enumerate(pairwise(levels)):
        # Noise is added first: gamma, their eq. in algorithm 2, S_noise = 1, at every level.
        gamma = min(churn / total, math.sqrt(2) - 1)
        if gamma > 0:
            raised = t * (1 + gamma)
            x = x + math.sqrt(raised**2 - t**2) * normal(x.shape, rng, x.device)
            t = raised
        x0 = denoise(x, t)
        yield Step(index, total, t, x, x0, denoise.evaluations)
        slope = (x - x0) / t
        there = x + (s - t) * slope
        if correct and s > 0:
            slope_there = (there - denoise(there, s)) / s
            there = x + (s - t) * (slope + slope_there) / 2
        x = there
    yield Step(total, total, 0.0, x, x, denoise.evaluations)


def dpm_solver(
    denoise: Denoiser, x: Tensor, levels: Sequence[float] | Tensor, rng: Generator | Streams
) -> Iterator[Step]:
    """DPM-Solver++(2M): second order with one evaluation a step, the last step's guess serving
    twice (Lu et al. 2022b, algorithm 2, in noise levels; lambda = -log sigma)."""
    denoise, levels = _prepared(denoise, levels)
    total = len(levels) - 1
    before = h_before = None
    for index, (t, s) in enumerate(pairwise(levels)):
        x0 = denoise(x, t)
        yield Step(index, total, t, x, x0, denoise.evaluations)
        if s == 0:
            x = x0  # exp(-h) = 0: what is left is the guess, in first order (lower_order_final)
            break
        h = math.log(t / s)
        guess = x0
        if before is not None:
            r = h_before / h
            guess = (1 + 1 / (2 * r)) * x0 - 1 / (2 * r) * before
        x = (s / t) * x - math.expm1(-h) * guess
        before, h_before = x0, h
    yield Step(total, total, 0.0, x, x, denoise.evaluations)


def predictor_corrector(
    denoise: Denoiser,
    x: Tensor,
    levels: Sequence[float] | Tensor,
    rng: Generator | Streams,
    corrections: int = 1,
    snr: float = 0.16,
    predict: bool = True,
) -> Iterator[Step]:
    """Annealed Langevin dynamics, with a step of the reverse chain down to each next level.

    At a level t, ``corrections`` times x <- x + e score + sqrt(2 e) z, e = 2 (snr t)^2 (Song et al.
    2021b, algorithm 3). ``predict=False`` leaves the steps between levels out: the annealed
    Langevin dynamics of Song and Ermon (2019, algorithm 1), each level starting where the last one
    ended.

    Their algorithm 5 has |z| / |score|, measured at every step, in place of t. For pictures that is
    the same to some per cent, since the score is nearly -n / t. But a step that depends on where x
    is and on the noise to be added no longer leaves p_t as it is: in two dimensions the samples
    came out a quarter too wide.
    """
    if not corrections >= 1:
        raise ValueError("Langevin dynamics need at least one step at each level.")
    if not 0 < snr <= 1:
        raise ValueError("snr, the length of a Langevin step, must be above 0, at most 1.")
    denoise, levels = _prepared(denoise, levels)
    total = len(levels) - 1
    for index, (t, s) in enumerate(pairwise(levels)):
        for _ in range(corrections):
            score = (denoise(x, t) - x) / t**2
            size = 2 * (snr * t) ** 2
            x = x + size * score + math.sqrt(2 * size) * normal(x.shape, rng, x.device)
        x0 = denoise(x, t)
        yield Step(index, total, t, x, x0, denoise.evaluations)
        if s == 0:
            x = x0
        elif predict:
            fresh = s * math.sqrt(1 - (s / t) ** 2)
            kept = math.sqrt(max(0.0, s**2 - fresh**2))
            x = x0 + (kept / t) * (x - x0) + fresh * normal(x.shape, rng, x.device)
    yield Step(total, total, 0.0, x, x, denoise.evaluations)


def ode(
    denoise: Denoiser,
    x: Tensor,
    levels: Sequence[float] | Tensor,
    rng: Generator | Streams,
    tolerance: float = 1e-3,
) -> Iterator[Step]:
    """The probability-flow ODE with steps as short as ``tolerance`` asks, in log sigma.

    Of ``levels`` only the first and the last above 0 count; from there the guess is taken. Six
    evaluations a step (Dormand and Prince 1980), so the total is an estimate until the end. Each
    picture takes the steps that it needs: it would be another beside others if all took the same.
    """
    check_tolerance(tolerance)
    denoise, levels = _prepared(denoise, levels)
    start, end = levels[0], levels[-2]
    shape, index = x.shape, 0

    def slope(s: Tensor, y: Tensor) -> Tensor:
        x = y.view(shape)
        return (x - denoise(x, s.exp())).flatten(1)  # dx/dlog sigma

    if end < start:
        ends = math.log(start), math.log(end)
        for s, y, change, left in dormand_prince_alone(slope, x.flatten(1), *ends, tolerance):
            x = y.view(shape)
            if left == 0:
                break
            level, x0, own = math.exp(float(s.mean())), x - change.view(shape), s.exp()
            yield Step(index, index + left, level, x, x0, denoise.evaluations, own)
            index += 1
    x0 = denoise(x, end)
    yield Step(index, index + 1, end, x, x0, denoise.evaluations)
    yield Step(index + 1, index + 1, 0.0, x0, x0, denoise.evaluations)


def fill_in(
    denoise: Denoiser,
    x: Tensor,
    known: Tensor,
    levels: Sequence[float] | Tensor,
    rng: Generator | Streams,
    repeats: int = 4,
) -> Iterator[Step]:
    """Noise to a picture that is x where ``known`` (Lugmayr et al. 2022, algorithm 1).

    x: (B, C, H, W). known: bool, the same shape. At every level the known part is x with noise of
    that level; each step of the reverse chain is taken ``repeats`` times, with the noise put back
    in between, so that both parts come to agree.
    """
    if repeats < 1:
        raise ValueError("Each step must be taken at least once.")
    denoise, levels = _prepared(denoise, levels)
    total = len(levels) - 1
    now = levels[0] * normal(x.shape, rng, x.device)
    for index, (t, s) in enumerate(pairwise(levels)):
        for again in range(repeats if s > 0 else 1):
            now = torch.where(known, x + t * normal(x.shape, rng, x.device), now)
            x0 = denoise(now, t)
            if again == 0:
                yield Step(index, total, t, now, x0, denoise.evaluations)
            fresh = s * math.sqrt(1 - (s / t) ** 2)
            kept = math.sqrt(max(0.0, s**2 - fresh**2))
            below = x0 + (kept / t) * (now - x0) + fresh * normal(x.shape, rng, x.device)
            if again < repeats - 1 and s > 0:
                now = below + math.sqrt(t**2 - s**2) * normal(x.shape, rng, x.device)
        now = below
    done = torch.where(known, x, now)
    yield Step(total, total, 0.0, done, done, denoise.evaluations)


# ---------------------------------------------------------------------------------------------
# An integrator of ordinary differential equations

# Dormand and Prince (1980), table 2: RK5(4)7M. The last row of A is b, so the last slope of a step
# is the first of the next.
_A = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_C = (0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1)
_E = (71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)  # b - b*


def check_tolerance(tolerance: float) -> None:
    if not 0 < tolerance <= 1:  # false for nan too
        raise ValueError("The tolerance must be a number above 0, at most 1.")


def dormand_prince(
    slope: Callable[[float, Tensor], Tensor],
    y: Tensor,
    start: float,
    end: float,
    tolerance: float,
    units: Callable[[float], Tensor] | None = None,
    most: int = 2000,
) -> Iterator[tuple[float, Tensor, Tensor, int]]:
    """Integrates dy/ds = slope(s, y) from start to end; y is (B, N).

    Yields (s, y, the slope there, steps that are still to come at the present length) before each
    step and at the end. The error of a step is kept below ``tolerance`` in the root mean square of
    the worst row, measured in 1 + |y| or in ``units`` of s, (N,). Raises RuntimeError where
    ``most`` steps do not suffice.
    """
    s, direction = start, math.copysign(1.0, end - start)
    first = slope(s, y)
    h = 0.05 * abs(end - start) or 1.0
    for _ in range(most):
        left = abs(end - s)
        yield s, y, first, math.ceil(left / h - 1e-9)
        if left == 0:
            return
        while True:
            last = h >= left * (1 - 1e-9)
            step = direction * min(h, left)
            new, next_first, error = _stepped(slope, s, y, first, step, step)
            unit = units(s) if units else 1 + torch.maximum(y.abs(), new.abs())
            size = float((error / (tolerance * unit)).square().mean(1).sqrt().max())
            factor = 5.0 if size == 0 else min(5.0, max(0.2, 0.9 * size**-0.2))
            if size <= 1:
                break
            if abs(step) < 1e-6 * abs(end - start) or not math.isfinite(size):
                raise RuntimeError("The differential equation is too stiff at this tolerance.")
            h = abs(step) * factor
        s, y, first = end if last else s + step, new, next_first
        h = abs(step) * factor if not last else h
    raise RuntimeError("The differential equation needs too many steps at this tolerance.")


def dormand_prince_alone(
    slope: Callable[[Tensor, Tensor], Tensor],
    y: Tensor,
    start: float,
    end: float,
    tolerance: float,
    most: int = 2000,
) -> Iterator[tuple[Tensor, Tensor, Tensor, int]]:
    """``dormand_prince``, each row with steps of its own: it moves as it would alone.

    slope(s (B,), y (B, N)). Yields (s (B,), y, the slopes there, steps still to come for the
    slowest) whenever a row has moved; one that is at the end waits there for the others.
    """
    s = torch.full((len(y), 1), start, dtype=torch.float64, device=y.device)
    direction = math.copysign(1.0, end - start)
    h = torch.full_like(s, 0.05 * abs(end - start) or 1.0)
    first = slope(s[:, 0], y)
    for _ in range(most):
        left = (end - s).abs()
        yield s[:, 0], y, first, math.ceil(float((left / h).max()) - 1e-9)
        if not left.any():
            return
        kept = torch.zeros_like(left, dtype=torch.bool)
        while not kept.any():
            last = h >= left * (1 - 1e-9)
            step = direction * torch.minimum(h, left)  # 0 where a row is at the end
            new, next_first, error = _stepped(
                lambda s, y: slope(s[:, 0], y), s, y, first, step, step.to(y.dtype)
            )
            unit = 1 + torch.maximum(y.abs(), new.abs())
            size = (error / (tolerance * unit)).square().mean(1, keepdim=True).sqrt().to(s)
            kept = (size <= 1) & (left > 0)
            short = step.abs() < 1e-6 * abs(end - start)
            if ((left > 0) & ~kept & (short | ~size.isfinite())).any():
                raise RuntimeError("The differential equation is too stiff at this tolerance.")
            h = torch.where(last & kept, h, step.abs() * (0.9 * size**-0.2).clamp(0.2, 5.0))
            h = torch.where(left > 0, h, 1.0)
        s = torch.where(kept, torch.where(last, end, s + step), s)
        y, first = torch.where(kept, new, y), torch.where(kept, next_first, first)
    raise RuntimeError("The differential equation needs too many steps at this tolerance.")


def _stepped(
    slope: Callable, s: Any, y: Tensor, first: Tensor, step: Any, length: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """y after a step from s, the slope there and the step's error; ``length``: the step as y's own
    kind of number."""
    slopes = [first]
    for c, row in zip(_C[1:], _A[1:], strict=True):
        moved = sum(a * k for a, k in zip(row, slopes, strict=True) if a)
        new = y + length * moved
        slopes.append(slope(s + c * step, new))
    error = length * sum(e * k for e, k in zip(_E, slopes, strict=True) if e)
    return new, slopes[-1], error


SAMPLERS = {
    "dpm": dpm_solver,
    "heun": heun,
    "euler": euler,
    "ddim": ddim,
    "ddpm": ancestral,
    "langevin": predictor_corrector,
    "ode": ode,
}

TITLES = {
    "dpm": "DPM-Solver++(2M)",
    "heun": "Heun (EDM)",
    "euler": "Euler",
    "ddim": "DDIM",
    "ddpm": "Ancestral (DDPM)",
    "langevin": "Predictor-corrector",
    "ode": "Adaptive ODE",
}

DETERMINISTIC = ("dpm", "heun", "euler", "ddim", "ode")


def sampler(name: str) -> Callable[..., Iterator[Step]]:
    """The sampler of that name. Raises ValueError, naming the known ones, where there is none."""
    if name not in SAMPLERS:
        raise ValueError(f"There is no sampler '{name}'. Known: {', '.join(SAMPLERS)}.")
    return SAMPLERS[name]
