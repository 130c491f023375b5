"""Scores and chains: against derivatives, closed forms, and their own long runs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

from tests.browser.ideas.conftest import run_code

D = {"means": [-2, 2], "widths": [0.6, 0.9], "weights": [0.7, 0.3]}


def log_density(x, sigma=0.0, d=D):
    logs = [math.log(w) + stats.norm.logpdf(x, m, math.hypot(s, sigma))
            for m, s, w in zip(d["means"], d["widths"], d["weights"], strict=True)]  # fmt: skip
    return special.logsumexp(logs, axis=0)


@pytest.mark.parametrize("sigma", [0, 0.5, 4])
@pytest.mark.parametrize("x", [-40.0, -2.2, 0.0, 0.7, 30.0])
def test_density_and_score(x, sigma, calculate):
    noisy = calculate("langevin.noisy", D, sigma)
    assert calculate("langevin.logDensity", noisy, x) == pytest.approx(log_density(x, sigma))
    assert calculate("langevin.density", noisy, x) == pytest.approx(np.exp(log_density(x, sigma)))
    h = 1e-5
    slope = (log_density(x + h, sigma) - log_density(x - h, sigma)) / (2 * h)
    assert calculate("langevin.score", noisy, x) == pytest.approx(slope, rel=1e-6, abs=1e-5)


def test_tweedie(calculate):
    """x + sigma^2 score is the mean of what was there before the noise."""
    x, sigma = 0.4, 0.8
    z = np.linspace(-10, 10, 200_001)
    weight = np.exp(log_density(z)) * stats.norm.pdf(x, z, sigma)
    truth = np.trapezoid(z * weight, z) / np.trapezoid(weight, z)
    score = calculate("D.score(D.noisy(A[0], A[2]), A[1])", D, x, sigma, lab="langevin")
    assert x + sigma**2 * score == pytest.approx(truth, abs=1e-6)


RUN = """(() => {
  const rng = M.random(4), xs = Float64Array.from({ length: A[4] }, () => rng.normal());
  let taken = 0;
  for (let k = 0; k < A[3]; k++) taken += D.move(A[0], xs, A[1], A[2], rng, A[5]);
  return [Array.from(xs), taken / A[3]]; })()"""
NORMAL = {"means": [0.5], "widths": [0.8], "weights": [1]}


@pytest.mark.parametrize("step", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_uncorrected_chains_end_where_theory_says(step, temperature, calculate):
    xs, taken = calculate(RUN, NORMAL, step, temperature, 400, 3000, False, lab="langevin")
    theory = calculate("langevin.endVariance", 0.8, step, temperature)
    a = 1 - step / 0.64
    assert theory == pytest.approx(2 * step * temperature / (1 - a * a)) and taken == 1
    assert np.var(xs) == pytest.approx(theory, rel=0.12)
    assert np.mean(xs) == pytest.approx(0.5, abs=5 * math.sqrt(theory / 3000))


def test_limits_of_the_step(calculate):
    assert calculate("langevin.endVariance", 0.8, 1.3) == math.inf  # runs away
    assert calculate("langevin.endVariance", 0.8, 1e-6) == pytest.approx(0.64, rel=1e-5)
    xs, _ = calculate(RUN, NORMAL, 0.1, 0, 400, 50, False, lab="langevin")
    assert xs == pytest.approx([0.5] * 50)  # without noise: uphill to the mode


def test_corrected_chains_are_right_at_any_step(calculate):
    xs, taken = calculate(RUN, NORMAL, 0.9, 1, 400, 3000, True, lab="langevin")
    assert stats.kstest(xs, stats.norm(0.5, 0.8).cdf).pvalue > 1e-3 and taken < 0.98
    two = {"means": [-1, 1], "widths": [0.6, 0.6], "weights": [0.7, 0.3]}
    xs, _ = calculate(RUN, two, 0.4, 1, 600, 3000, True, lab="langevin")
    assert np.mean(np.array(xs) < 0) == pytest.approx(
        0.7 * stats.norm.cdf(1 / 0.6) + 0.3 * stats.norm.cdf(-1 / 0.6), abs=0.04
    )


def test_where_they_end_as_a_density(calculate):
    code = "D.endDensity(A[0], A[1], 1, -6, 7, 401, 400)"
    for step in (0.1, 0.9):
        end = calculate(code, NORMAL, step, lab="langevin")
        xs, p = np.array(end["xs"]), np.array(end["p"])
        sd = math.sqrt(calculate("langevin.endVariance", 0.8, step))
        assert np.trapezoid(p, xs) == pytest.approx(1, abs=1e-3)
        assert np.abs(p - stats.norm.pdf(xs, 0.5, sd)).max() < 2e-3


def test_far_modes_are_not_crossed_and_noise_levels_cure_it(calculate):
    code = """(() => { const scene = D.SCENES.two, rng = M.random(1), n = 400;
      const xs = Float64Array.from({ length: n }, () => -2.2), ys = new Float64Array(n);
      for (const sigma of A[0]) for (let k = 0; k < 20; k++)
        D.planeMove(scene, xs, ys, sigma, D.stepFor(scene, sigma, 0.1), 1, rng);
      return [D.shares(scene, xs, ys), D.variation(D.shares(scene, xs, ys), scene.weights)]; })()"""
    shares, error = calculate(code, [0.0] * 12, lab="langevin")
    assert shares[0] > 0.99 and error > 0.18
    levels = calculate("langevin.levels", 6, 0.05, 12)
    assert levels[0] == 6 and levels[-1] == pytest.approx(0.05)
    assert np.allclose(np.diff(np.log(levels)), np.diff(np.log(levels))[0])
    _, error = calculate(code, levels, lab="langevin")
    assert error < 0.1
    assert calculate("langevin.levels", 6, 0.05, 1) == [6]


@pytest.mark.parametrize("name", ["two", "ring", "five"])
@pytest.mark.parametrize("sigma", [0, 1.5])
def test_the_plane(name, sigma, calculate):
    scene = calculate("D.SCENES[A[0]]", name, lab="langevin")
    v = scene["width"] ** 2 + sigma**2
    assert sum(scene["weights"]) == pytest.approx(1)

    def log_p(x, y):
        parts = [
            math.log(w) + stats.multivariate_normal.logpdf([x, y], c, v)
            for c, w in zip(scene["centres"], scene["weights"], strict=True)
        ]
        return special.logsumexp(parts)

    for x, y in ((0.3, -0.7), (5.0, 4.0)):
        assert calculate("langevin.planeDensity", scene, x, y, sigma) == pytest.approx(
            math.exp(log_p(x, y)), rel=1e-9
        )
        h = 1e-5
        slope = [(log_p(x + h, y) - log_p(x - h, y)) / (2 * h),
                 (log_p(x, y + h) - log_p(x, y - h)) / (2 * h)]  # fmt: skip
        found = calculate("langevin.planeScore", scene, x, y, sigma)
        assert found == pytest.approx(slope, rel=1e-5, abs=1e-5)


def test_the_code_beside_it(calculate):
    result = run_code("langevin")
    assert result["theory"] == pytest.approx(calculate("langevin.endVariance", 0.8, 0.1))
    assert result["variance"] == pytest.approx(result["theory"], rel=0.05)
