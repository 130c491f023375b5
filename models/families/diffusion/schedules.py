r"""Noise schedules: how fast a picture is destroyed, and what a network may be asked to predict.

Every process here has the same forward kernel, $q(x_t \mid x_0) = \mathcal{N}(\alpha_t x_0,
\sigma_t^2 I)$ with $t$ from 0 (a picture) to 1 (noise). Dividing by $\alpha_t$ leaves one number,
the noise level $\sigma = \sigma_t / \alpha_t$ that Karras et al. (2022) count in: the processes
differ in nothing but the scale of $x_t$ and in which levels they visit when. So a network trained
under one schedule can be sampled under any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

STEPS = 1000  # T of the discrete processes
MOST_BETA = 0.999  # noise of one step at most: all of it would leave no picture to go back to
PREDICTIONS = ("edm", "eps", "x0", "v", "velocity")


@dataclass(frozen=True)
class Schedule:
    """q(x_t | x_0) = N(alpha(t) x_0, sigma(t)^2 I), t in [0, 1].

    level: t -> sigma(t) / alpha(t), rising. alpha: noise level -> alpha. time: noise level -> t.
    All take and give tensors of any shape, float64 for the tables.
    betas: (T,) for a process of discrete steps, q(x_t | x_{t-1}) = N(sqrt(1 - beta_t) x_{t-1},
    beta_t I) (Ho et al. 2020, eq. 2); None for one that only has a continuous form.
    """

    name: str
    title: str
    paper: str
    level: Callable[[Tensor], Tensor]
    alpha: Callable[[Tensor], Tensor]
    time: Callable[[Tensor], Tensor]
    betas: Tensor | None = None

    def levels(self, steps: int, low: float, high: float) -> Tensor:
        """(steps + 1,) float64 noise levels to visit, falling from at most ``high`` to 0.

        Even steps in t over the part of the schedule that lies within [low, high], which is where
        the network was trained; then straight to 0. Raises ValueError for fewer steps than one.
        """
        if steps < 1:
            raise ValueError("Sampling needs at least one step.")
        first, last = (float(self.time(torch.tensor(v, dtype=torch.float64))) for v in (high, low))
        t = torch.linspace(first, last, steps, dtype=torch.float64)
        return torch.cat([self.level(t), t.new_zeros(1)])


# ---------------------------------------------------------------------------------------------
# The schedules


def linear_betas(steps: int = STEPS) -> Tensor:
    """beta from 1e-4 to 0.02 (Ho et al. 2020, section 4), for another T so that the end is alike.

    (T,) float64.
    """
    scale = STEPS / steps
    return torch.linspace(scale * 1e-4, min(scale * 0.02, MOST_BETA), steps, dtype=torch.float64)


def cosine_betas(steps: int = STEPS, offset: float = 0.008) -> Tensor:
    """1 - alpha_bar_t / alpha_bar_{t-1}, alpha_bar a squared cosine (Nichol and Dhariwal 2021,
    eq. 17), at most 0.999. (T,) float64."""
    t = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    bar = torch.cos((t + offset) / (1 + offset) * math.pi / 2).square()
    return (1 - bar[1:] / bar[:-1]).clamp(max=MOST_BETA)


def variance_preserving(name: str, title: str, paper: str, betas: Tensor) -> Schedule:
    """The process of ``betas``, x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps
    (Ho et al. 2020, eq. 4). Between its T steps log alpha_bar goes straight, so that t is
    continuous and the table's own times give the table's own values."""
    log_bar = torch.cat([betas.new_zeros(1), torch.log1p(-betas).cumsum(0)])  # (T + 1,), falling
    times = torch.linspace(0, 1, len(log_bar), dtype=torch.float64)

    def level(t: Tensor) -> Tensor:
        return torch.expm1(-interpolate(t, times, log_bar)).clamp(min=0).sqrt()

    def time(level: Tensor) -> Tensor:
        return interpolate(torch.log1p(level.double().square()), -log_bar, times)

    return Schedule(name, title, paper, level, _preserving, time, betas)


def _preserving(level: Tensor) -> Tensor:
    return (1 + level.square()).rsqrt()


def interpolate(x: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """Piecewise linear through (xs, ys), xs rising, both (N,); constant outside. Any shape."""
    x = x.to(xs).clamp(xs[0], xs[-1])
    right = torch.searchsorted(xs, x.contiguous()).clamp(1, len(xs) - 1)
    x0, x1, y0, y1 = xs[right - 1], xs[right], ys[right - 1], ys[right]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def karras(low: float = 0.002, high: float = 80.0, rho: float = 7.0, name: str = "edm") -> Schedule:
    """sigma by Karras et al. (2022), eq. 5: short steps where little noise is left.

    They leave x_t = x_0 + sigma n unscaled, s(t) = 1 in their eq. 4. The scale is a free choice
    that no sampler here sees; ours, 1 / sqrt(1 + sigma^2), keeps x_t in the range of a picture,
    where at sigma = 80 every pixel would be cut off to black or white.
    """
    start, end = low ** (1 / rho), high ** (1 / rho)
    return Schedule(
        name, "EDM", "Karras et al. 2022",
        level=lambda t: (start + t * (end - start)) ** rho,
        alpha=_preserving,
        time=lambda level: ((level ** (1 / rho) - start) / (end - start)).clamp(0, 1),
    )  # fmt: skip


def rectified_flow() -> Schedule:
    """x_t = (1 - t) x_0 + t n, the straight line from picture to noise (Liu et al. 2023, eq. 1;
    Lipman et al. 2023, eq. 22, with their time reversed)."""
    return Schedule(
        "flow", "Rectified flow", "Liu et al. 2023",
        level=lambda t: t / (1 - t).clamp(min=1e-6),
        alpha=lambda level: 1 / (1 + level),
        time=lambda level: level / (1 + level),
    )  # fmt: skip


SCHEDULES = {
    schedule.name: schedule
    for schedule in (
        karras(),
        variance_preserving("ddpm", "DDPM, linear", "Ho et al. 2020", linear_betas()),
        variance_preserving("cosine", "DDPM, cosine", "Nichol and Dhariwal 2021", cosine_betas()),
        rectified_flow(),
    )
}


def schedule(name: str) -> Schedule:
    """The schedule of that name. Raises ValueError, naming the known ones, where there is none."""
    if name not in SCHEDULES:
        raise ValueError(f"There is no schedule '{name}'. Known: {', '.join(SCHEDULES)}.")
    return SCHEDULES[name]


# ---------------------------------------------------------------------------------------------
# What a network predicts


def skip_and_out(kind: str, level: Tensor, sigma_data: float) -> tuple[Tensor, Tensor]:
    r"""(c_skip, c_out) of D(x; sigma) = c_skip x + c_out F, where F is what the network predicts.

    x = x_0 + sigma n; D is the denoised picture (Karras et al. 2022, eq. 7 and table 1). With
    alpha_t = 1 / sqrt(1 + sigma^2) for v, 1 / (1 + sigma) for the velocity:

    eps       F = n                                              (Ho et al. 2020, eq. 14)
    x0        F = x_0
    v         F = alpha_t n - sigma_t x_0                        (Salimans and Ho 2022, appendix D)
    velocity  F = n - x_0, the line's direction                  (Liu et al. 2023, eq. 1)
    edm       F of unit variance for data of deviation sigma_data (Karras et al. 2022, eq. 8)
    """
    one = torch.ones_like(level)
    if kind == "eps":
        return one, -level
    if kind == "x0":
        return torch.zeros_like(level), one
    if kind == "v":
        return 1 / (1 + level.square()), -level * (1 + level.square()).rsqrt()
    if kind == "velocity":
        return 1 / (1 + level), -level / (1 + level)
    if kind == "edm":
        total = level.square() + sigma_data**2
        return sigma_data**2 / total, level * sigma_data * total.rsqrt()
    raise ValueError(f"There is no prediction '{kind}'. Known: {', '.join(PREDICTIONS)}.")


def convert(
    value: Tensor, x: Tensor, level: Tensor, have: str, want: str, sigma_data: float = 0.5
) -> Tensor:
    """One prediction as another: both name the same denoised picture.

    value: what ``have`` names. x: x_0 + sigma n. level: sigma > 0, broadcastable.
    """
    skip, out = skip_and_out(have, level, sigma_data)
    denoised = skip * x + out * value
    skip, out = skip_and_out(want, level, sigma_data)
    return (denoised - skip * x) / out
