"""Samplers against a distribution whose best denoiser, density and flow are known."""

from __future__ import annotations

import functools
import math
from collections import deque
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from models.contract.random import generator, normal
from models.families.diffusion import samplers, schedules
from models.families.diffusion.likelihood import ode_log_density
from models.families.diffusion.samplers import DETERMINISTIC, SAMPLERS, TITLES, dormand_prince
from tests.mixture import Mixture, three

LOW, HIGH = 0.01, 20.0


def levels(steps: int, schedule: str = "edm", low: float = LOW, high: float = HIGH):
    return schedules.schedule(schedule).levels(steps, low, high)


def start(n: int, seed: int = 0, high: float = HIGH) -> torch.Tensor:
    return high * torch.randn((n, 1, 1, 2), generator=generator(seed), dtype=torch.float64)


def last(name: str, x, levels, seed: int = 1, denoise=None, **knobs) -> torch.Tensor:
    steps = SAMPLERS[name](denoise or three().denoise, x, levels, generator(seed), **knobs)
    return deque(steps, maxlen=1)[0].x


# -- the mixture itself, since all else leans on it ------------------------------------------------


def test_the_denoiser_of_the_mixture_is_the_score_of_its_density():
    mixture = three()
    x = torch.randn((50, 1, 1, 2), generator=generator(0), dtype=torch.float64).requires_grad_()
    for level in (0.05, 0.5, 5.0):
        (score,) = torch.autograd.grad(mixture.log_density(x, level).sum(), x)
        tweedie = x + level**2 * score
        torch.testing.assert_close(mixture.denoise(x, level), tweedie)
    grid = torch.cartesian_prod(*[torch.linspace(-3, 3, 301, dtype=torch.float64)] * 2)
    mass = mixture.log_density(grid.view(-1, 1, 1, 2)).exp().sum() * 0.02**2
    assert mass.item() == pytest.approx(1, abs=1e-3)


# -- what comes out --------------------------------------------------------------------------------

CORRECT = {
    # As many steps as bring the error of the step well below what 2,000 samples can show.
    "dpm": (40, {}),
    "heun": (30, {}),
    "heun, churn": (40, {"churn": 10.0}),
    "euler": (200, {}),
    "euler, churn": (200, {"churn": 20.0}),
    "ddim": (200, {}),
    "ddim, half": (250, {"eta": 0.5}),
    "ddpm": (400, {}),
    "langevin": (120, {"corrections": 3}),
    # On its own it must keep up with the levels: many short steps at each.
    "langevin, alone": (40, {"corrections": 20, "snr": 0.3, "predict": False}),
    "ode": (2, {"tolerance": 1e-4}),
}


@pytest.mark.parametrize("which", CORRECT)
def test_samples_are_distributed_as_the_data(which):
    """Each at p > 1e-3, seeds fixed: modes by chi-square; place and width by Kolmogorov-Smirnov."""
    steps, knobs = CORRECT[which]
    mixture, n = three(), 2000
    x = last(which.split(",")[0], start(n), levels(steps), **knobs)
    assert torch.isfinite(x).all()
    truth = mixture.draw(100_000, generator(7))
    modes, expected = (torch.bincount(mixture.modes(v), minlength=3).double() for v in (x, truth))
    assert stats.chisquare(modes, expected / expected.sum() * n).pvalue > 1e-3
    for angle in (0.0, 0.7, 1.6, 2.4):
        direction = torch.tensor([math.cos(angle), math.sin(angle)]).double()
        ours, theirs = ((v.flatten(1) @ direction).numpy() for v in (x, truth))
        assert stats.ks_2samp(ours, theirs).pvalue > 1e-3
    for k in range(3):
        away = (x[mixture.modes(x) == k] - mixture.means[k]).flatten()
        # A deviation is known to 1 / sqrt(2 n) of itself; four of these, and 3 % for overlap and
        # for the last step to 0, which is taken at once.
        allowed = 0.03 + 4 / math.sqrt(2 * len(away))
        width = away.square().mean().sqrt().item() / mixture.deviations[k].item()
        assert width == pytest.approx(1, abs=allowed)


def test_every_sampler_is_tested_and_has_a_title():
    assert {which.split(",")[0] for which in CORRECT} == set(SAMPLERS) == set(TITLES)
    assert set(DETERMINISTIC) < set(SAMPLERS)


def test_langevin_steps_keep_the_distribution_of_many_dimensions_too():
    wide = Mixture(
        torch.ones(1).double(), torch.zeros(1, 1, 8, 8).double(), torch.full((1,), 0.5).double()
    )
    x = 0.5 * math.sqrt(1 + 1 / 0.25) * normal((400, 1, 8, 8), generator(0), "cpu").double()
    # At level 1 the noised data has deviation sqrt(0.25 + 1), and a chain that starts there stays.
    path = SAMPLERS["langevin"](wide.denoise, x, [1.0, 0.0], generator(1), corrections=50, snr=0.2)
    there = next(iter(path)).x
    assert not torch.allclose(there, x, atol=0.5)
    # A discretised chain is too wide by e / (4 variance) of itself, e = 2 snr^2: 1.6 %.
    expected = math.sqrt(1.25) * (1 + 2 * 0.2**2 / (4 * 1.25))
    assert there.std().item() == pytest.approx(expected, abs=4 / math.sqrt(2 * 400 * 64) * 1.2)


# -- how fast the error falls ----------------------------------------------------------------------

# Above 0.3 the denoiser of the mixture below is smooth; the last step, to 0, is one of first order
# whatever the sampler, so the error is measured before it.
SMOOTH = Mixture(
    torch.tensor([0.6, 0.4]).double(),
    torch.tensor([[-0.8, 0.3], [0.7, -0.4]]).double().view(2, 1, 1, 2),
    torch.tensor([0.6, 0.5]).double(),
)


@functools.lru_cache
def reference() -> torch.Tensor:
    return before_the_end("heun", 600)


def before_the_end(name: str, steps: int) -> torch.Tensor:
    path = SAMPLERS[name](
        SMOOTH.denoise, start(32, high=10.0), levels(steps, low=0.3, high=10.0), generator(0)
    )
    return list(path)[-2].x


@pytest.mark.parametrize(("name", "order"), [("euler", 1), ("ddim", 1), ("heun", 2), ("dpm", 2)])
def test_the_error_falls_with_the_order_of_the_sampler(name, order):
    counts = [20, 40, 80, 160]
    errors = [
        (before_the_end(name, n + 1) - reference()).square().mean().sqrt().item() for n in counts
    ]
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.2), errors
    assert all(a > 1.7 * b for a, b in pairwise(errors))


def test_a_second_order_sampler_needs_fewer_evaluations_than_a_first():
    errors = {
        name: (before_the_end(name, steps) - reference()).abs().mean()
        for name, steps in (("euler", 41), ("heun", 21), ("dpm", 41))  # 40 evaluations each
    }
    assert 3 * errors["heun"] < errors["euler"] and 3 * errors["dpm"] < errors["euler"]


def test_the_adaptive_error_falls_with_the_tolerance():
    found = []
    for tolerance in (1e-2, 1e-4, 1e-6):
        path = list(
            samplers.ode(
                SMOOTH.denoise, start(32, high=10.0), [10.0, 0.3, 0.0], generator(0), tolerance
            )
        )
        error = (path[-2].x - reference()).abs().max().item()
        # A step's error is kept, not their sum; the reference itself is good to about 1e-6.
        assert error < 10 * tolerance + 5e-6
        found.append((error, path[-1].evaluations))
    assert found[0][0] > found[1][0] > found[2][0] and found[0][1] < found[1][1] < found[2][1]


# -- each against its paper ------------------------------------------------------------------------


def test_ddim_of_eta_one_is_the_ancestral_chain_of_ddpm():
    """Ho et al. 2020, eq. 6-7, written in alpha_bar and beta, over all steps of a short process."""
    betas = schedules.linear_betas(25)
    bar = (1 - betas).cumprod(0)
    sigma = ((1 - bar) / bar).sqrt().flip(0)
    x_T = torch.randn((8, 1, 1, 2), generator=generator(0), dtype=torch.float64)
    rng, denoise = generator(1), three().denoise
    x = x_T
    for t in reversed(range(25)):
        x0 = denoise(x / bar[t].sqrt(), float(((1 - bar[t]) / bar[t]).sqrt()))
        before = bar[t - 1] if t else torch.ones(()).double()
        mean = before.sqrt() * betas[t] / (1 - bar[t]) * x0
        mean = mean + (1 - betas[t]).sqrt() * (1 - before) / (1 - bar[t]) * x
        variance = (1 - before) / (1 - bar[t]) * betas[t]
        x = mean + (variance.sqrt() * normal(x.shape, rng, "cpu") if t else 0)
    begin, way = x_T / bar[-1].sqrt(), [*sigma, 0.0]
    for name, knobs in (("ddim", {"eta": 1.0}), ("ddpm", {})):
        torch.testing.assert_close(last(name, begin, way, 1, **knobs), x, rtol=1e-6, atol=1e-6)


def test_dpm_solver_is_the_algorithm_of_its_paper():
    """Lu et al. 2022b, algorithm 2, under the variance-preserving scaling it is written for."""
    way = levels(12, "cosine")[:-1]
    alpha = schedules.schedule("cosine").alpha(way)
    sigma, lam = alpha * way, -way.log()
    denoise = three().denoise
    begin = start(16)
    x = alpha[0] * begin

    def model(x, i):  # x_theta
        return denoise(x / alpha[i], float(way[i]))

    Q = [model(x, 0)]
    h = lam.diff()  # h[i - 1] = lambda_i - lambda_{i-1}
    x = sigma[1] / sigma[0] * x - alpha[1] * torch.expm1(-h[0]) * Q[0]
    for i in range(2, len(way)):
        Q.append(model(x, i - 1))
        r = h[i - 2] / h[i - 1]
        D = (1 + 1 / (2 * r)) * Q[i - 1] - 1 / (2 * r) * Q[i - 2]
        x = sigma[i] / sigma[i - 1] * x - alpha[i] * torch.expm1(-h[i - 1]) * D
    ours = list(samplers.dpm_solver(denoise, begin, [*way, 0.0], None))
    torch.testing.assert_close(alpha[-1] * ours[-2].x, x, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(ours[-1].x, ours[-2].x0)  # first order at the end: the guess


def test_heun_with_churn_is_algorithm_two_of_karras():
    way, denoise = levels(10).tolist(), three().denoise
    churn, rng = 4.0, generator(1)
    x = start(8)
    for t, s in pairwise(way):
        gamma = min(churn / 10, math.sqrt(2) - 1)
        hat = t + gamma * t
        x = x + math.sqrt(hat**2 - t**2) * normal(x.shape, rng, "cpu")
        d = (x - denoise(x, hat)) / hat
        there = x + (s - hat) * d
        if s != 0:
            d_there = (there - denoise(there, s)) / s
            there = x + (s - hat) * (0.5 * d + 0.5 * d_there)
        x = there
    torch.testing.assert_close(last("heun", start(8), way, 1, churn=churn), x)


def test_ddim_without_noise_is_eulers_method():
    way = levels(15)
    torch.testing.assert_close(last("ddim", start(8), way), last("euler", start(8), way))


def test_deterministic_samplers_leave_the_generator_alone():
    for name in DETERMINISTIC:
        rng = generator(5)
        before = rng.get_state()
        list(SAMPLERS[name](three().denoise, start(4), levels(6), rng))
        assert torch.equal(rng.get_state(), before), name
        one, other = (last(name, start(4), levels(6), seed) for seed in (1, 2))
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["euler", "heun"])
def test_no_churn_is_the_default(name):
    assert torch.equal(last(name, start(4), levels(6), churn=0.0), last(name, start(4), levels(6)))
    assert not torch.equal(
        last(name, start(4), levels(6), churn=1.0), last(name, start(4), levels(6))
    )


@pytest.mark.parametrize("name", ["ddpm", "langevin"])
def test_stochastic_samplers_depend_on_their_seed_alone(name):
    one, again, other = (last(name, start(4), levels(6), seed) for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


@pytest.mark.parametrize("which", CORRECT)
def test_steps_count_up_levels_fall_and_evaluations_are_counted(which):
    asked = 0

    def denoise(x, level):
        nonlocal asked
        asked += 1
        assert isinstance(level, float) or level.shape == (len(x),)
        return three().denoise(x, level)

    name, knobs = which.split(",")[0], CORRECT[which][1]
    x = start(3)
    path = list(SAMPLERS[name](denoise, x, levels(8), generator(0), **knobs))
    assert [step.index for step in path] == list(range(len(path)))
    assert all(0 <= step.index <= step.total for step in path)
    assert path[-1].index == path[-1].total and path[-1].evaluations == asked
    assert all(a.evaluations <= b.evaluations for a, b in pairwise(path))
    if not knobs.get("churn"):
        assert all(a.level > b.level for a, b in pairwise(path))
    if name != "langevin" and not knobs.get("churn"):
        assert torch.equal(path[0].x, x)
    for step in path[:-1]:
        level = step.level if step.levels is None else step.levels
        torch.testing.assert_close(step.x0, three().denoise(step.x, level))
    assert path[-1].level == 0


# -- refused ---------------------------------------------------------------------------------------

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize(
    "wrong", [[], [1.0], [0.0], [1.0, 2.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.5], [NAN, 0.0],
              [1.0, NAN, 0.0], [INF, 1.0, 0.0], [1.0, -1.0, 0.0]],
)  # fmt: skip
def test_levels_that_do_not_fall_to_zero_are_refused(name, wrong):
    with pytest.raises(ValueError, match="must fall to 0"):
        last(name, start(2), wrong)


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        *[("ddim", {"eta": value}) for value in (2.0, -0.1, NAN)],
        *[(name, {"churn": value}) for name in ("heun", "euler") for value in (-1.0, NAN, INF)],
        *[("ode", {"tolerance": value}) for value in (0.0, -1e-3, 2.0, NAN)],
        *[("langevin", {"corrections": value}) for value in (0, -1, NAN)],
        *[("langevin", {"snr": value}) for value in (0.0, -0.1, 2.0, NAN)],
    ],
)
def test_settings_out_of_range_are_refused_with_a_sentence(name, knobs):
    with pytest.raises(ValueError) as error:
        last(name, start(2), levels(4), **knobs)
    assert str(error.value).endswith(".") and "\n" not in str(error.value)
    # The adaptive sampler has nothing to integrate where there is one level, but the same limits.
    with pytest.raises(ValueError):
        last(name, start(2), levels(1), **knobs)


def test_an_unknown_sampler_is_refused_by_naming_the_known():
    with pytest.raises(ValueError, match="dpm, heun, euler, ddim, ddpm, langevin, ode"):
        samplers.sampler("magic")


@pytest.mark.parametrize("name", SAMPLERS)
def test_one_step_is_enough_to_get_a_guess(name):
    x = start(2)
    path = list(SAMPLERS[name](three().denoise, x, [HIGH, 0.0], generator(0)))
    torch.testing.assert_close(path[-1].x, path[-2].x0)


# -- the integrator --------------------------------------------------------------------------------


def rotation(s, y):  # y'' = -y: (cos, -sin)
    return torch.stack([y[:, 1], -y[:, 0]], 1)


def solved(slope, y, begin, end, tolerance):
    return list(dormand_prince(slope, y, begin, end, tolerance))


@pytest.mark.parametrize("end", [3.0, -3.0])
def test_the_integrator_follows_a_closed_form_both_ways(end):
    y = torch.tensor([[1.0, 0.0], [2.0, 0.0]]).double()
    path = solved(rotation, y, 0.0, end, 1e-9)
    for s, now, slope, _left in path:
        expected = y[:, :1] * torch.tensor([math.cos(s), -math.sin(s)], dtype=torch.float64)
        torch.testing.assert_close(now, expected, atol=1e-7, rtol=0)
        torch.testing.assert_close(slope, rotation(s, now))
    assert path[-1][0] == end and path[-1][3] == 0
    assert all(a[3] >= 1 for a in path[:-1])


def test_the_integrator_is_of_fifth_order():
    y = torch.tensor([[1.0, 0.0]]).double()
    truth = torch.tensor([[math.cos(10), -math.sin(10)]], dtype=torch.float64)
    runs = [solved(rotation, y, 0.0, 10.0, tolerance) for tolerance in 10.0 ** -np.arange(4, 11)]
    steps = [len(run) - 1 for run in runs]
    errors = [(run[-1][1] - truth).norm().item() for run in runs]
    order = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert 4.5 < order < 5.7, (steps, errors)


def test_the_integrator_agrees_with_scipy():
    def slope(s, y):
        return torch.stack([y[:, 0] * math.cos(5 * s), s - y[:, 1] ** 2], 1)

    y = torch.tensor([[1.0, 0.5]]).double()
    theirs = integrate.solve_ivp(
        lambda s, y: slope(s, torch.from_numpy(y)[None])[0].numpy(),
        (0.0, 4.0), y[0].numpy(), method="RK45", rtol=1e-10, atol=1e-10,
    )  # fmt: skip
    ours = solved(slope, y, 0.0, 4.0, 1e-9)
    expected = torch.from_numpy(theirs.y[:, -1])[None]
    torch.testing.assert_close(ours[-1][1], expected, atol=1e-7, rtol=0)
    # Both are Dormand and Prince's: one step of ours, bare, is one of scipy's table.
    from scipy.integrate import RK45

    k = samplers._A
    for row, (mine, its) in enumerate(zip(k[1:6], RK45.A[1:], strict=True), 1):
        np.testing.assert_allclose(mine, its[:row])
    np.testing.assert_allclose(k[6], RK45.B)
    np.testing.assert_allclose(samplers._C[:6], RK45.C)
    np.testing.assert_allclose(np.abs(samplers._E), np.abs(RK45.E), atol=1e-15)


def test_the_integrator_gives_up_with_words_and_goes_nowhere_at_once():
    y = torch.ones(1, 1).double()
    with pytest.raises(RuntimeError, match="stiff"):
        solved(lambda s, y: y / (1 - s), y, 0.0, 2.0, 1e-6)  # it has a pole at 1
    with pytest.raises(RuntimeError, match="stiff"):
        solved(lambda s, y: y * math.nan, y, 0.0, 1.0, 1e-3)
    with pytest.raises(RuntimeError, match="too many steps"):
        list(dormand_prince(rotation, torch.ones(1, 2).double(), 0.0, 1e4, 1e-8, most=20))
    assert [s for s, *_ in solved(rotation, torch.ones(1, 2).double(), 1.0, 1.0, 1e-3)] == [1.0]


# -- noise and picture are two ends of one path; its volume is the density -------------------------


def test_the_ode_backwards_and_forwards_returns_the_picture():
    mixture = three()
    x = mixture.draw(16, generator(3)) + LOW * normal((16, 1, 1, 2), generator(4), "cpu")

    def slope(s, y):
        x = y.view(-1, 1, 1, 2)
        return (x - mixture.denoise(x, math.exp(s))).flatten(1)

    ends = math.log(LOW), math.log(HIGH)
    noise = solved(slope, x.flatten(1), *ends, 1e-6)[-1][1]
    back = solved(slope, noise, *reversed(ends), 1e-6)[-1][1]
    torch.testing.assert_close(back, x.flatten(1), atol=1e-3, rtol=0)
    # And the sampler that walks this way arrives there too.
    path = list(samplers.ode(mixture.denoise, noise.view_as(x), levels(5), generator(0), 1e-6))
    torch.testing.assert_close(path[-2].x, x, atol=1e-3, rtol=0)


@pytest.mark.parametrize("low", [0.05, 0.01])
def test_the_ode_gives_the_exact_density(low):
    mixture = three()
    x = mixture.draw(24, generator(3)) + low * normal((24, 1, 1, 2), generator(4), "cpu")
    # Up to where the noised mixture is a normal distribution to four digits.
    found = ode_log_density(
        mixture.denoise, x, low, 2000.0, generator(0), 1e-4, sigma_data=0.8, exact=True
    )
    torch.testing.assert_close(found, mixture.log_density(x, low), atol=1e-3, rtol=0)


def test_hutchinsons_estimate_is_unbiased():
    mixture, draws = three(), 400
    x = mixture.draw(3, generator(3)) + 0.1 * normal((3, 1, 1, 2), generator(4), "cpu")
    many = x.repeat(draws, 1, 1, 1)
    found = ode_log_density(mixture.denoise, many, 0.1, 2000.0, generator(1), 1e-3, 0.8)
    found = found.view(draws, 3)
    stderr = found.std(0) / math.sqrt(draws)
    truth = mixture.log_density(x, 0.1)
    assert (stderr > 1e-4).all(), "it is random"
    assert ((found.mean(0) - truth).abs() < 4 * stderr + 2e-3).all()


@pytest.mark.parametrize("deviation", [0.002, 0.03])
def test_the_density_of_as_many_pixels_as_a_digit_has_is_right_at_the_usual_tolerance(deviation):
    # One narrow Gaussian in black and white. All directions are alike, so that one sign of each
    # pixel gives the whole trace. A tolerance in units of the picture missed by 25 to 40 nats.
    means = torch.where(torch.rand(1, 1, 28, 28, generator=generator(0)) < 0.2, 1.6, -0.4).double()
    mixture = Mixture(torch.ones(1).double(), means, torch.full((1,), deviation).double())
    x = mixture.draw(2, generator(1)) + 0.01 * normal((2, 1, 28, 28), generator(2), "cpu")
    found = ode_log_density(mixture.denoise, x, 0.01, 2000.0, generator(0), 2e-3, sigma_data=0.8)
    torch.testing.assert_close(found, mixture.log_density(x, 0.01), atol=1.0, rtol=0)


@pytest.mark.parametrize("tolerance", [0.0, NAN, 3.0])
def test_a_density_needs_a_tolerance(tolerance):
    with pytest.raises(ValueError, match="tolerance"):
        ode_log_density(three().denoise, start(1), 0.1, 10.0, generator(0), tolerance)
