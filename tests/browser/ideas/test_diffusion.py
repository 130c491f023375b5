"""Diffusion algebra: schedules, posteriors, views and the best denoiser against numpy and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tests.browser.ideas.conftest import run_code

BETA = np.linspace(1e-4, 0.02, 1000)
ABAR = np.cumprod(1 - BETA)
X = np.linspace(-12, 12, 240_001)


def test_schedules(calculate):
    found = calculate("diffusion.abar", "linear", 1000)
    np.testing.assert_allclose(found[1:], ABAR, rtol=1e-9)
    assert found[0] == 1
    few = calculate("diffusion.abar", "linear", 10)
    np.testing.assert_allclose(few[1:], ABAR[99::100], rtol=1e-9)
    t = (np.arange(1001) / 1000 + 0.008) / 1.008
    f = np.cos(t * math.pi / 2) ** 2
    cosine = calculate("diffusion.abar", "cosine", 1000)
    np.testing.assert_allclose(cosine, np.clip(f / f[0], 1e-5, 1), atol=1e-12)
    for name in ("linear", "cosine", "even"):
        levels = calculate("diffusion.abar", name, 50)
        assert np.diff(levels).max() < 0 and levels[0] == 1 and levels[-1] > 0


def joint(a, w):
    m, s = math.sqrt(a), math.sqrt(1 - a)
    return w * stats.norm.pdf(X, -m, s), (1 - w) * stats.norm.pdf(X, m, s)


@pytest.mark.parametrize("a", [0.999, 0.5, 1e-4])
@pytest.mark.parametrize("w", [0.5, 0.2])
def test_marginal_and_best_denoiser(a, w, calculate):
    left, right = joint(a, w)
    for x in (-1.2, 0.0, 0.03, 2.5):
        i = np.abs(X - x).argmin()
        assert calculate("diffusion.marginal", x, a, w) == pytest.approx(left[i] + right[i])
        if left[i] + right[i] > 1e-300:
            guess = (right[i] - left[i]) / (left[i] + right[i])
            assert calculate("diffusion.denoised", x, a, w) == pytest.approx(guess, abs=1e-9)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = np.where(left + right > 0, right / (left + right), 0)
    error = np.trapezoid((left + right) * 4 * p * (1 - p), X)
    assert calculate("diffusion.leastError", a, w) == pytest.approx(error, abs=1e-6)
    h, x = 1e-5, 0.4
    log = [math.log(calculate("diffusion.marginal", x + d, a, w)) for d in (h, -h)]
    if a < 0.9:
        score = calculate("diffusion.score", x, a, w)
        assert score == pytest.approx((log[0] - log[1]) / (2 * h), abs=1e-4)


def test_limits(calculate):
    assert calculate("diffusion.leastError", 1, 0.5) == 0
    assert calculate("diffusion.denoised", 0.9, 1 - 1e-12, 0.2) == 1  # no noise: the nearest point
    # Pure noise: nothing but the mean of the data.
    assert calculate("diffusion.denoised", 3, 1e-12, 0.2) == pytest.approx(0.6, abs=1e-5)
    assert calculate("diffusion.leastError", 1e-12, 0.2) == pytest.approx(4 * 0.2 * 0.8, abs=1e-5)
    mean, sd = calculate("diffusion.back", 1, 0.7, 0.4, 1)
    assert mean == pytest.approx(1) and sd == 0  # the last step is x_0 itself


@pytest.mark.parametrize(("t", "x0", "xt"), [(2, 1, 0.6), (300, -1, 0.2), (1000, 0.5, -2)])
def test_one_step_back(t, x0, xt, calculate):
    a, b, beta = ABAR[t - 1], ABAR[t - 2], BETA[t - 1]
    mean, sd = calculate("diffusion.back", x0, xt, a, b)
    formula = math.sqrt(b) * beta / (1 - a) * x0
    formula += math.sqrt(1 - beta) * (1 - b) / (1 - a) * xt
    assert mean == pytest.approx(formula, abs=1e-9)
    assert sd == pytest.approx(math.sqrt((1 - b) / (1 - a) * beta), abs=1e-9)
    # And by Bayes' rule on a grid.
    prior = stats.norm.pdf(X, math.sqrt(b) * x0, math.sqrt(1 - b))
    weight = prior * stats.norm.pdf(xt, math.sqrt(1 - beta) * X, math.sqrt(beta))
    weight /= weight.sum()
    assert mean == pytest.approx((X * weight).sum(), abs=1e-6)
    assert sd == pytest.approx(math.sqrt((X**2 * weight).sum() - (X * weight).sum() ** 2), abs=1e-6)


def test_the_true_step_back_is_a_mixture(calculate):
    a, b, w, xt = 0.2, 0.6, 0.3, 0.1
    marginal = sum(
        c * stats.norm.pdf(X, v * math.sqrt(b), math.sqrt(1 - b)) for c, v in ((w, -1), (1 - w, 1))
    )
    weight = marginal * stats.norm.pdf(xt, math.sqrt(a / b) * X, math.sqrt(1 - a / b))
    weight /= np.trapezoid(weight, X)
    for x in (-0.5, 0.2, 0.9):
        i = np.abs(X - x).argmin()
        found = calculate("diffusion.backTruth", x, xt, a, b, w)
        assert found == pytest.approx(weight[i], abs=1e-6)


@pytest.mark.parametrize("a", [0.9999, 0.5, 0.001])
def test_three_views_of_one_number(a, calculate):
    xt, x0 = 0.7, -0.4
    view = calculate("diffusion.views", xt, x0, a)
    m, s = math.sqrt(a), math.sqrt(1 - a)
    assert m * x0 + s * view["eps"] == pytest.approx(xt)
    assert view["v"] == pytest.approx(m * view["eps"] - s * x0)
    assert calculate("diffusion.fromEps", xt, view["eps"], a) == pytest.approx(x0)
    assert calculate("diffusion.fromV", xt, view["v"], a) == pytest.approx(x0)
    rate = calculate("diffusion.exchange", a)
    other = calculate("diffusion.views", xt, x0 + 1e-3, a)
    assert abs(other["eps"] - view["eps"]) == pytest.approx(1e-3 * rate["eps"], rel=1e-6)
    assert abs(other["v"] - view["v"]) == pytest.approx(1e-3 * rate["v"], rel=1e-6)


def test_sampling_with_the_best_denoiser(calculate):
    code = """(() => { const r = D.sample('cosine', A[0], 0.3, A[1], 2000, 1);
      return [r.path.at(-1), r.path.length]; })()"""
    one, length = calculate(code, 1, 0, lab="diffusion")
    assert length == 2 and np.std(one) < 0.05
    assert np.mean(one) == pytest.approx(0.4, abs=0.05)  # one step: the mean of the data
    for noise in (0, 1):
        many, _ = calculate(code, 60, noise, lab="diffusion")
        many = np.array(many)
        assert (np.abs(np.abs(many) - 1) < 0.1).mean() > 0.97
        assert (many < 0).mean() == pytest.approx(0.3, abs=0.05)


def test_forward_in_many_steps_is_one_jump(calculate):
    code = "D.forward('linear', 100, Array(4000).fill(1), 2).map(x => Array.from(x))"
    path = np.array(calculate(code, lab="diffusion"))
    levels = calculate("diffusion.abar", "linear", 100)
    for k in (5, 50, 100):
        truth = stats.norm(math.sqrt(levels[k]), math.sqrt(1 - levels[k]))
        assert stats.kstest(path[k], truth.cdf).pvalue > 1e-3


def test_the_code_beside_it(calculate):
    result = run_code("diffusion")
    a, b = ABAR[299], ABAR[298]
    mean, sd = calculate("diffusion.back", 1, 0.6, a, b)
    assert result["mean"] == pytest.approx(mean, abs=1e-9)
    assert result["variance"] == pytest.approx(sd**2, abs=1e-9)
    assert result["denoised"] == pytest.approx(calculate("diffusion.denoised", 0.6, a, 0.5))
