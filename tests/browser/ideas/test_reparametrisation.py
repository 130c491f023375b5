"""Three estimators of one gradient, against scipy."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from tests.browser.ideas.conftest import run_code

F = {
    "hill": (lambda x: -((x - 2) ** 2), lambda x: -2 * (x - 2)),
    "high": (lambda x: 10 - (x - 2) ** 2, lambda x: -2 * (x - 2)),
    "waves": (lambda x: np.sin(3 * x) - 0.15 * (x - 2) ** 2,
              lambda x: 3 * np.cos(3 * x) - 0.3 * (x - 2)),
    "step": (lambda x: (x > 1) * 1.0, lambda x: 0.0 * x),
}  # fmt: skip
CASES = [(0.5, 0.7), (-2.0, 0.1), (2.0, 2.0)]


def expect(g, m, s):
    cuts = [m - 10 * s, *([1.0] if m - 10 * s < 1 < m + 10 * s else []), m + 10 * s]
    pieces = itertools.pairwise(cuts)
    return sum(
        integrate.quad(
            lambda x: g(x) * stats.norm.pdf(x, m, s),
            a,
            b,
            limit=300,
            points=[m] if a < m < b else None,
        )[0]
        for a, b in pieces
    )


@pytest.mark.parametrize("name", F)
@pytest.mark.parametrize(("m", "s"), CASES)
def test_value_gradient_and_moments(name, m, s, calculate):
    f, slope = F[name]
    value = calculate("reparametrisation.value", name, m, s)
    assert value == pytest.approx(expect(f, m, s), abs=1e-7)
    h = 1e-4
    numeric = (expect(f, m + h, s) - expect(f, m - h, s)) / (2 * h)
    truth = calculate("reparametrisation.gradient", name, m, s)
    assert truth == pytest.approx(numeric, abs=1e-5)
    b = calculate("reparametrisation.bestBaseline", name, m, s)
    kinds = {
        "score": lambda x: f(x) * (x - m) / s**2,
        "baseline": lambda x: (f(x) - b) * (x - m) / s**2,
        "reparametrised": slope,
    }
    for kind, g in kinds.items():
        found = calculate("reparametrisation.moments", kind, name, m, s)
        mean = expect(g, m, s)
        sd = math.sqrt(max(0, expect(lambda x, g=g: g(x) ** 2, m, s) - mean**2))
        assert found["mean"] == pytest.approx(mean, abs=1e-6)
        assert found["sd"] == pytest.approx(sd, rel=1e-6, abs=1e-5)
        if name != "step" or kind != "reparametrised":
            assert mean == pytest.approx(truth, abs=1e-6)  # unbiased
        # No other baseline scatters less.
        other = expect(lambda x: ((f(x) - b - 0.3) * (x - m) / s**2) ** 2, m, s)
        assert other >= expect(lambda x: kinds["baseline"](x) ** 2, m, s)


def test_a_quadratic_in_closed_form(calculate):
    m, s = 0.5, 0.7
    assert calculate("reparametrisation.gradient", "hill", m, s) == pytest.approx(-2 * (m - 2))
    found = calculate("reparametrisation.moments", "reparametrised", "hill", m, s)
    assert found["sd"] == pytest.approx(2 * s)


@pytest.mark.parametrize("T", [1, 16])
def test_estimates_scatter_as_theory_says(T, calculate):
    for kind in ("score", "baseline", "reparametrised"):
        theory = calculate("reparametrisation.moments", kind, "waves", 0.5, 0.7)
        found = np.array(
            calculate("reparametrisation.estimates", kind, "waves", 0.5, 0.7, T, 4000, 1)
        )
        sd = theory["sd"] / math.sqrt(T)
        assert abs(found.mean() - theory["mean"]) < 4 * sd / math.sqrt(4000)
        assert found.std() == pytest.approx(sd, rel=0.08)


def test_ascents_part_by_their_noise_and_a_step_is_climbed_by_the_score_only(calculate):
    code = """(() => { const rng = M.random(2); let runs = Array(40).fill(-1.5);
      for (let k = 0; k < 200; k++) runs = D.ascend(A[0], A[1], runs, 0.7, 4, 0.05, rng);
      return runs; })()"""
    spread = {
        kind: np.std(calculate(code, kind, "high", lab="reparametrisation"))
        for kind in ("score", "baseline", "reparametrised")
    }
    assert spread["reparametrised"] < spread["baseline"] < spread["score"]
    assert np.mean(calculate(code, "reparametrised", "high", lab="reparametrisation")) == (
        pytest.approx(2, abs=0.1)
    )
    flat = calculate(code, "reparametrised", "step", lab="reparametrisation")
    assert set(flat) == {-1.5}
    climb = calculate(code.replace("-1.5", "0.5"), "score", "step", lab="reparametrisation")
    assert np.mean(climb) > 0.8


def test_the_code_beside_it(calculate):
    for kind, (mean, sd) in run_code("reparametrisation").items():
        found = calculate("reparametrisation.moments", kind, "hill", 0.5, 0.7)
        assert mean == pytest.approx(found["mean"], abs=0.05)
        assert sd == pytest.approx(found["sd"], rel=0.03)
