r"""What a denoiser says of a picture's probability, two ways.

Both start by adding a little noise, $x_\epsilon = x + \epsilon n$ with $\epsilon$ the lowest level
trained on, which makes a density out of 256 grey levels. That is a bound, like any dequantisation
by a distribution $q(x_\epsilon \mid x)$,

$$\log P(x) \ge \mathbb{E}_q \big[ \log P(x \mid x_\epsilon) + \log p_\epsilon(x_\epsilon) - \log
q(x_\epsilon \mid x) \big]$$

(Ho et al. 2019, eq. 6), with $P(x \mid x_\epsilon)$ the Gaussian around the denoised picture that
Ho et al. (2020, eq. 13) cut into levels. The density $p_\epsilon$ of the noised data then comes
from the probability-flow ODE, or the whole expression is bounded by a chain of discrete steps.

The functions take any denoiser, so that they can be held against densities known in closed form;
the bound asks it with a level for each picture, (B,). Pictures are as the network sees them:
centred, black to white 2.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise

import torch
from torch import Generator, Tensor

from models.contract.numbers import log_normal
from models.contract.random import normal
from models.families.diffusion.samplers import Denoiser, check_tolerance, dormand_prince

HALF_LEVEL = 1 / 255  # half a grey level, where black to white is 2


def discretised_normal(
    x: Tensor, mean: Tensor, deviation: float, black: float, white: float
) -> Tensor:
    """log P of each pixel's grey level: the mass of N(mean, deviation^2) within half a level of x,
    whole tails beyond black and white (Ho et al. 2020, eq. 13). Shapes as x."""
    inf = torch.full_like(x, math.inf)
    upper = torch.where(x > white - HALF_LEVEL, inf, (x + HALF_LEVEL - mean) / deviation)
    lower = torch.where(x < black + HALF_LEVEL, -inf, (x - HALF_LEVEL - mean) / deviation)
    # Both on the left of 0, where the logarithm of the normal distribution is accurate.
    flip = upper + lower > 0
    a, b = torch.where(flip, -upper, lower), torch.where(flip, -lower, upper)
    log_a, log_b = torch.special.log_ndtr(a), torch.special.log_ndtr(b)
    return log_b + torch.log1p(-torch.exp(log_a - log_b).clamp(max=1 - 1e-7))


def ode_log_density(
    denoise: Denoiser,
    x: Tensor,
    low: float,
    high: float,
    rng: Generator,
    tolerance: float = 1e-3,
    sigma_data: float = 0.5,
    exact: bool = False,
) -> Tensor:
    r"""log p_low(x) in nats, (B,), by the probability-flow ODE up to level ``high``.

    log p_low(x_low) = log p_high(x_high) + int div f ds,  f = dx/ds = x - D, s = log sigma

    (Song et al. 2021b, eq. 39), p_high a normal distribution of variance high^2 + sigma_data^2.
    The divergence is e^T (df/dx) e with e of random signs, drawn once an image (Hutchinson 1990;
    Grathwohl et al. 2019, eq. 8): unbiased. ``exact`` takes the whole trace, a pass for each pixel.

    ``tolerance`` is the error of a step in a pixel, in units of the noise there: at the low levels,
    where the density is decided, a picture's own units are a hundred times too coarse.
    """
    check_tolerance(tolerance)
    shape, B, N = x.shape, len(x), x[0].numel()
    signs = torch.where(normal(shape, rng, x.device) > 0, 1.0, -1.0).to(x.dtype)

    def slope(s: float, y: Tensor) -> Tensor:
        with torch.enable_grad():
            x = y[:, :-1].view(shape).detach().requires_grad_()
            f = x - denoise(x, math.exp(s))
            if exact:
                flat = f.flatten(1)
                divergence = sum(
                    torch.autograd.grad(flat[:, i].sum(), x, retain_graph=True)[0].flatten(1)[:, i]
                    for i in range(flat.shape[1])
                )
            else:
                (pulled,) = torch.autograd.grad(f, x, signs)
                divergence = (pulled * signs).flatten(1).sum(1)
        return torch.cat([f.detach().flatten(1), divergence.detach()[:, None]], 1)

    def units(s: float) -> Tensor:
        # The last number is the density's: a tenth of a nat a pixel counts as an error of 1. The
        # root takes out what the mean over N + 1 numbers would make of it.
        pixels = torch.full((N,), math.exp(s), dtype=x.dtype, device=x.device)
        return torch.cat([pixels, x.new_full((1,), 0.1 * N / math.sqrt(N + 1))])

    y = torch.cat([x.flatten(1), x.new_zeros(B, 1)], 1)
    path = dormand_prince(slope, y, math.log(low), math.log(high), tolerance, units)
    y = deque(path, maxlen=1)[0][1]
    end = log_normal(y[:, :-1], 0.0, math.sqrt(high**2 + sigma_data**2)).flatten(1).sum(1)
    return end + y[:, -1]


def dequantised_log_likelihood(
    denoise: Denoiser,
    x: Tensor,
    low: float,
    high: float,
    black: float,
    white: float,
    rng: Generator,
    tolerance: float = 1e-3,
    sigma_data: float = 0.5,
) -> Tensor:
    """One unbiased draw, (B,), of the bound of this module's text, p_low by the ODE; nats."""
    noisy = x + low * normal(x.shape, rng, x.device)
    pixels = discretised_normal(x, denoise(noisy, low).detach(), low, black, white)
    density = ode_log_density(denoise, noisy, low, high, rng, tolerance, sigma_data)
    return pixels.flatten(1).sum(1) + density - log_normal(noisy, x, low).flatten(1).sum(1)


def variational_bound(
    denoise: Denoiser,
    x: Tensor,
    levels: Tensor,
    black: float,
    white: float,
    rng: Generator,
    draws: int = 64,
) -> Tensor:
    r"""One unbiased draw of each pixel's share of the discrete bound on log P(x), as x, in nats.

    log P(x) >= E log P(x | x_1) - sum_t KL(q(x_{t-1} | x_t, x) || p(x_{t-1} | x_t)) - KL(q(x_T | x)
    || p(x_T))                                                   (Ho et al. 2020, eq. 5)

    Each KL of the sum is 1/2 (1 / s^2 - 1 / t^2) |x - D(x_t)|^2 for neighbouring levels s < t
    (Kingma et al. 2021, eq. 14). levels: (T,), falling, without the 0; p(x_T) = N(0, levels[0]^2).
    The sum is not walked through: it is cut into ``draws`` equal parts and one term of each, chosen
    at random for each picture, stands for its part.
    """
    if draws < 1:
        raise ValueError("The bound needs at least one draw.")
    levels = levels.double().cpu()
    t, s = levels[:-1], levels[1:]
    weights = 0.5 * (1 / s.square() - 1 / t.square())
    total = -0.5 * (x / float(levels[0])).square()  # the prior's KL
    edges = torch.linspace(0, len(t), min(draws, len(t)) + 1).round().long().tolist()
    for start, end in pairwise(edges):
        # One for each picture: what the choice does to the sum then shows in the spread of draws.
        chosen = torch.randint(start, end, (len(x),), generator=rng, device=rng.device).cpu()
        level, weight = (v[chosen].to(x)[:, None, None, None] for v in (t, weights))
        noisy = x + level * normal(x.shape, rng, x.device)
        total = total - (end - start) * weight * (x - denoise(noisy, level.flatten())).square()
    low = float(levels[-1])
    guess = denoise(x + low * normal(x.shape, rng, x.device), low)
    return total + discretised_normal(x, guess, low, black, white)
