"""Noise schedules and predictions against their definitions, by hand and by simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from models.contract.random import generator
from models.families.diffusion.schedules import (
    PREDICTIONS,
    SCHEDULES,
    STEPS,
    convert,
    cosine_betas,
    interpolate,
    linear_betas,
    schedule,
    skip_and_out,
)

DISCRETE = [name for name, s in SCHEDULES.items() if s.betas is not None]
TIMES = torch.linspace(0.001, 0.999, 500, dtype=torch.float64)


def close(a, b, **limits):
    torch.testing.assert_close(a, b, **{"rtol": 1e-9, "atol": 1e-12, **limits})


# -- the forward process ---------------------------------------------------------------------------


def test_the_betas_are_the_papers():
    linear = linear_betas()
    assert len(linear) == STEPS and linear[0] == 1e-4 and linear[-1] == 0.02
    close(linear.diff(), torch.full((STEPS - 1,), (0.02 - 1e-4) / (STEPS - 1)).double(), rtol=1e-6)
    cosine = cosine_betas()
    for t in (1, 2, 500, 998):

        def bar(k):
            return math.cos((k / STEPS + 0.008) / 1.008 * math.pi / 2) ** 2

        assert cosine[t - 1].item() == pytest.approx(1 - bar(t) / bar(t - 1), rel=1e-9)
    assert cosine.max() == 0.999, "clipped where the picture is gone"
    assert linear_betas(10)[-1] == 0.999, "no step may remove more than there is"
    # Another number of steps: alike at the end.
    ends = [torch.log1p(-linear_betas(T)).sum().item() for T in (500, 1000, 2000)]
    assert max(ends) - min(ends) < 0.15


@pytest.mark.parametrize("name", DISCRETE)
def test_one_step_after_another_gives_the_closed_form(name):
    """Moments of q(x_t | x_{t-1}) = N(sqrt(1 - beta) x_{t-1}, beta), carried through every step."""
    process = schedule(name)
    mean, variance = 1.0, 0.0  # of x_t given x_0 = 1
    means, variances = [], []
    for beta in process.betas.tolist():
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
        means.append(mean)
        variances.append(variance)
    means, variances = torch.tensor(means).double(), torch.tensor(variances).double()
    t = torch.arange(1, STEPS + 1, dtype=torch.float64) / STEPS
    level = process.level(t)
    alpha = process.alpha(level)
    close(alpha, means, rtol=1e-5, atol=1e-6)
    close((alpha * level).square(), variances, rtol=1e-5)
    close(alpha.square(), (1 - process.betas).cumprod(0), rtol=1e-8)  # Ho et al. 2020, eq. 4
    assert process.level(torch.zeros(1, dtype=torch.float64)) == 0


@pytest.mark.parametrize("name", DISCRETE)
def test_walking_a_picture_forwards_gives_the_closed_form(name):
    process, rng, n = schedule(name), generator(0), 10_000
    x0, x = 0.7, torch.full((n,), 0.7, dtype=torch.float64)
    for k, beta in enumerate(process.betas[:200].tolist(), 1):
        noise = torch.randn(n, generator=rng, dtype=torch.float64)
        x = math.sqrt(1 - beta) * x + math.sqrt(beta) * noise
        if k in (50, 200):
            level = process.level(torch.tensor(k / STEPS).double())
            alpha = process.alpha(level)
            deviation = float(alpha * level)
            # Four standard errors of a mean and of a deviation.
            assert abs(x.mean() - alpha * x0) < 4 * deviation / math.sqrt(n)
            assert abs(x.std() / deviation - 1) < 4 / math.sqrt(2 * n)


# -- levels and times ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEDULES)
def test_time_and_level_are_each_other_s_inverse(name):
    process = schedule(name)
    level = process.level(TIMES)
    assert (level.diff() > 0).all() and (level > 0).all()
    close(process.time(level), TIMES, rtol=1e-6)
    close(process.level(process.time(level)), level, rtol=1e-6)
    alpha = process.alpha(level)
    assert (alpha > 0).all() and (alpha <= 1).all() and (alpha.diff() <= 0).all()
    assert process.level(TIMES.view(5, 100)).shape == (5, 100)


@pytest.mark.parametrize("name", [*DISCRETE, "edm"])
def test_a_variance_preserving_process_preserves_variance(name):
    level = schedule(name).level(TIMES)
    alpha = schedule(name).alpha(level)
    close(alpha.square() + (alpha * level).square(), torch.ones_like(TIMES))


def test_the_flow_goes_straight_from_picture_to_noise():
    level = schedule("flow").level(TIMES)
    alpha = schedule("flow").alpha(level)
    close(alpha, 1 - TIMES)
    close(alpha * level, TIMES)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 7, 1000])
def test_the_levels_of_a_sampler_fall_to_zero(name, steps):
    levels = schedule(name).levels(steps, 0.01, 80.0)
    assert levels.shape == (steps + 1,) and levels.dtype == torch.float64
    assert levels[0].item() == pytest.approx(80.0, rel=1e-6) and levels[-1] == 0
    assert (levels.diff() < 0).all()
    if steps > 1:
        assert levels[-2].item() == pytest.approx(0.01, rel=1e-6)
        strides = schedule(name).time(levels[:-1]).diff()
        close(strides, strides.mean().expand(steps - 1), rtol=1e-6)


@pytest.mark.parametrize("steps", [0, -3])
def test_no_steps_are_refused(steps):
    with pytest.raises(ValueError, match="at least one step"):
        schedule("edm").levels(steps, 0.01, 80.0)


def test_the_levels_of_edm_are_karras_equation_five():
    N, low, high, rho = 18, 0.002, 80.0, 7
    expected = [
        (high ** (1 / rho) + i / (N - 1) * (low ** (1 / rho) - high ** (1 / rho))) ** rho
        for i in range(N)
    ]
    close(schedule("edm").levels(N, low, high), torch.tensor([*expected, 0.0]).double(), rtol=1e-5)
    # Cut to where a network was trained, it is their equation between those levels.
    low = 0.05
    expected = [
        (high ** (1 / rho) + i / (N - 1) * (low ** (1 / rho) - high ** (1 / rho))) ** rho
        for i in range(N)
    ]
    close(schedule("edm").levels(N, low, high), torch.tensor([*expected, 0.0]).double(), rtol=1e-5)


def test_an_unknown_schedule_is_refused_by_naming_the_known():
    with pytest.raises(ValueError, match="edm, ddpm, cosine, flow"):
        schedule("warp")


def test_interpolation_agrees_with_numpy():
    xs = torch.rand(20, generator=generator(0), dtype=torch.float64).sort().values
    ys = torch.rand(20, generator=generator(1), dtype=torch.float64)
    x = torch.linspace(-0.5, 1.5, 101, dtype=torch.float64)
    expected = torch.from_numpy(np.interp(x.numpy(), xs.numpy(), ys.numpy()))
    close(interpolate(x, xs, ys), expected)


# -- predictions -----------------------------------------------------------------------------------

SIGMA_DATA = 0.6


def example():
    """x_0, n, a level for each picture (B, 1, 1, 1), and x_0 + level n."""
    x0 = torch.rand(6, 1, 4, 4, generator=generator(0), dtype=torch.float64) * 2 - 1
    n = torch.randn(6, 1, 4, 4, generator=generator(1), dtype=torch.float64)
    level = torch.tensor([0.01, 0.1, 0.5, 1.0, 10.0, 80.0]).double()[:, None, None, None]
    return x0, n, level, x0 + level * n


def by_hand(kind: str, x0, n, level):
    """What a network of that kind predicts, as its paper defines it."""
    if kind == "eps":
        return n
    if kind == "x0":
        return x0
    if kind == "v":  # alpha_t n - sigma_t x_0, the variance being preserved
        angle = torch.atan(level)  # sigma_t / alpha_t = tan
        return angle.cos() * n - angle.sin() * x0
    if kind == "velocity":  # d x_t / dt of x_t = (1 - t) x_0 + t n
        return n - x0
    # Karras et al. 2022, eq. 8: the target of the network, with the c of their table 1.
    skip = SIGMA_DATA**2 / (level**2 + SIGMA_DATA**2)
    out = level * SIGMA_DATA / (level**2 + SIGMA_DATA**2).sqrt()
    return (x0 - skip * (x0 + level * n)) / out


@pytest.mark.parametrize("kind", PREDICTIONS)
def test_a_perfect_prediction_denoises_perfectly(kind):
    x0, n, level, x = example()
    skip, out = skip_and_out(kind, level, SIGMA_DATA)
    close(skip * x + out * by_hand(kind, x0, n, level), x0, atol=1e-10)


@pytest.mark.parametrize(("have", "want"), list(itertools.product(PREDICTIONS, PREDICTIONS)))
def test_predictions_convert_into_one_another(have, want):
    x0, n, level, x = example()
    value = by_hand(have, x0, n, level)
    converted = convert(value, x, level, have, want, SIGMA_DATA)
    close(converted, by_hand(want, x0, n, level), rtol=1e-7, atol=1e-8)
    close(convert(converted, x, level, want, have, SIGMA_DATA), value, rtol=1e-6, atol=1e-7)


def test_predictions_agree_with_the_papers_own_formulas_under_their_own_scaling():
    x0, n, level, x = example()
    for name in DISCRETE:  # x_t = alpha x_0 + sigma n, alpha^2 + sigma^2 = 1
        alpha = schedule(name).alpha(level)
        sigma, x_t = alpha * level, alpha * x
        close(x_t, alpha * x0 + sigma * n, atol=1e-9)
        close((x_t - sigma * convert(x0, x, level, "x0", "eps")) / alpha, x0, atol=1e-9)
        v = convert(x0, x, level, "x0", "v")
        close(alpha * x_t - sigma * v, x0, atol=1e-9)  # Salimans and Ho 2022, appendix D
        close(sigma * x_t + alpha * v, n, atol=1e-9)
    t = schedule("flow").time(level)
    x_t = schedule("flow").alpha(level) * x
    close(x_t, (1 - t) * x0 + t * n, atol=1e-9)
    close(x_t - t * convert(x0, x, level, "x0", "velocity"), x0, atol=1e-9)


def test_the_target_of_edm_has_unit_variance_at_every_level():
    rng = generator(3)
    x0 = SIGMA_DATA * torch.randn(200_000, generator=rng, dtype=torch.float64)
    n = torch.randn(200_000, generator=rng, dtype=torch.float64)
    for level in (0.01, 0.5, 80.0):
        target = by_hand("edm", x0, n, torch.tensor(level).double())
        assert target.std().item() == pytest.approx(1, abs=4 / math.sqrt(2 * 200_000))


def test_an_unknown_prediction_is_refused():
    with pytest.raises(ValueError, match="no prediction 'score'"):
        skip_and_out("score", torch.ones(1), 0.5)
