"""Maximum likelihood: the coin, the normal and the mixture against numpy and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, special, stats

from tests.browser.ideas.conftest import run_code

X = np.random.default_rng(0).normal(0.8, 1.3, 60)


@pytest.mark.parametrize("tosses", [[1, 1, 0, 1, 0], [1], [0, 0, 0], [1, 0] * 20])
def test_a_coin(tosses, calculate):
    n, heads = len(tosses), sum(tosses)
    for theta in (0.2, 0.6, 0.95):
        truth = stats.bernoulli.logpmf(tosses, theta).sum()
        assert calculate("likelihood.coinLog", tosses, theta) == pytest.approx(truth, abs=1e-9)
    assert calculate("likelihood.coinBest", tosses) == pytest.approx(heads / n)
    top = calculate("likelihood.coinTop", tosses)
    assert top == pytest.approx(calculate("likelihood.coinLog", tosses, heads / n), abs=1e-9)
    assert top == pytest.approx(-n * stats.entropy([heads, n - heads]), abs=1e-9)


def test_a_coin_at_the_ends(calculate):
    assert calculate("likelihood.coinLog", [1, 1], 1) == 0
    assert calculate("likelihood.coinLog", [1, 0], 1) == -math.inf
    assert calculate("likelihood.coinLog", [0, 0], 0) == 0


@pytest.mark.parametrize(("m", "s"), [(0.8, 1.3), (-3.0, 0.4), (0.0, 6.0)])
def test_a_normal_and_its_gradient(m, s, calculate):
    truth = stats.norm.logpdf(X, m, s).sum()
    assert calculate("likelihood.normalLogLikelihood", X.tolist(), m, s) == pytest.approx(truth)

    def mean_log(v):
        return stats.norm.logpdf(X, v[0], math.exp(v[1])).mean()

    slope = optimize.approx_fprime([m, math.log(s)], mean_log, 1e-7)
    found = calculate("likelihood.normalGradient", X.tolist(), m, s)
    assert found == pytest.approx(slope, rel=1e-4, abs=1e-5)
    assert calculate("likelihood.normalBest", X.tolist()) == pytest.approx([X.mean(), X.std()])


CLIMB = """(() => { let at = [A[1], A[2]]; const rng = M.random(1), trail = [];
  for (let k = 0; k < A[5]; k++) { at = D.step(A[0], at, A[3], A[4], rng); trail.push(at); }
  return trail; })()"""


def climb(calculate, rate, batch, steps, start=(-1.5, 2.2)):
    return np.array(calculate(CLIMB, X.tolist(), *start, rate, batch, steps, lab="likelihood"))


def test_all_points_settle_at_the_optimum_and_large_steps_jump(calculate):
    best = [X.mean(), X.std()]
    np.testing.assert_allclose(climb(calculate, 0.4, 0, 400)[-1], best, atol=1e-6)
    slow = climb(calculate, 0.001, 0, 400)[-1]
    assert abs(slow[0] - best[0]) > 0.3
    jumps = climb(calculate, 8, 0, 400)
    assert np.abs(jumps[-50:, 0] - best[0]).max() > 0.5
    for rate, kind in ((0.001, "crawls"), (0.4, "settles"), (2.5, "overshoots"), (8, "jumps")):
        assert calculate("likelihood.regime", rate, X.std()) == kind


def test_the_noise_of_small_batches_is_what_theory_says(calculate):
    """The variance of a batch's gradient, without putting back: var / b (n - b) / (n - 1)."""
    code = """(() => { const rng = M.random(3), all = [];
      for (let k = 0; k < 8000; k++) all.push(D.step(A[0], [0, 1], 1, A[1], rng)[0]);
      return all; })()"""
    n = len(X)
    for batch in (1, 8):
        means = np.array(calculate(code, X.tolist(), batch, lab="likelihood"))
        assert means.mean() == pytest.approx(X.mean(), abs=4 * means.std() / 90)
        variance = X.var() / batch * (n - batch) / (n - 1)
        assert means.var() == pytest.approx(variance, rel=0.08)
    wander = climb(calculate, 0.1, 1, 4000)[1000:, 0]
    calm = climb(calculate, 0.01, 1, 4000)[1000:, 0]
    assert wander.std() > 2 * calm.std() > 0.02


def test_one_point_has_no_best_width(calculate):
    assert calculate("likelihood.normalBest", [1.5]) == [1.5, 0]
    at = climb_one = [0.0, 1.0]
    for _ in range(3):
        at = calculate("D.step([1.5], A[0], 0.5)", at, lab="likelihood")
    assert all(math.isfinite(v) for v in at) and at != climb_one


def test_a_mixture_its_gradient_and_its_optima(calculate):
    x = calculate("likelihood.mixtureSample", 200, [-2, 2], 0.7, 1, 5)
    assert np.mean(x) == pytest.approx(-0.8, abs=0.5)
    w, means = 0.7, np.array([-0.5, 0.4])

    def log_likelihood(at):
        parts = [
            math.log(w) + stats.norm.logpdf(x, at[0]),
            math.log(1 - w) + stats.norm.logpdf(x, at[1]),
        ]
        return special.logsumexp(parts, axis=0).sum()

    found = calculate("likelihood.mixtureLog", x, means.tolist(), w)
    assert found == pytest.approx(log_likelihood(means), abs=1e-8)
    slope = optimize.approx_fprime(means, lambda v: log_likelihood(v) / len(x), 1e-7)
    assert calculate("likelihood.mixtureGradient", x, means.tolist(), w) == pytest.approx(
        slope, abs=1e-5
    )
    end = """(() => { let at = A[1];
      for (let k = 0; k < 3000; k++) at = D.mixtureStep(A[0], at, 0.5, 0.7); return at; })()"""
    good = calculate(end, x, [-3, 3], lab="likelihood")
    bad = calculate(end, x, [3, -3], lab="likelihood")
    assert log_likelihood(good) > log_likelihood(bad) + 1
    for at in (good, bad):  # both are optima: no small step improves them
        assert (
            np.abs(optimize.approx_fprime(at, lambda v: log_likelihood(v) / len(x), 1e-7)).max()
            < 1e-4
        )
    same = calculate(end, x, [1, 1], lab="likelihood")
    assert same[0] != same[1]  # unequal weights part them ...
    equal = calculate("D.mixtureStep(A[0], [1, 1], 0.5, 0.5)", x, lab="likelihood")
    assert equal[0] == pytest.approx(equal[1])  # ... equal ones never


def test_the_code_beside_it(calculate):
    result = run_code("likelihood")
    assert result["best"] == pytest.approx(0.6, abs=1e-3)
    assert result["top"] == pytest.approx(
        calculate("likelihood.coinTop", [1, 1, 0, 1, 0]), abs=1e-4
    )
