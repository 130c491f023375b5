"""The game's value, its gradients, and optimal transport against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from tests.browser.ideas.conftest import run_code

X = np.linspace(-40, 40, 800_001)


def normal(m, s=1.0):
    return {"means": [m], "widths": [s], "weights": [1]}


def two(m):
    return {"means": [m - 1.8, m + 1.8], "widths": [0.6, 0.6], "weights": [0.5, 0.5]}


def log_pdf(d):
    parts = [math.log(w) + stats.norm.logpdf(X, m, s)
             for m, s, w in zip(d["means"], d["widths"], d["weights"], strict=True)]  # fmt: skip
    return np.logaddexp.reduce(parts)


PAIRS = [(normal(-1), normal(1.5)), (two(-1), normal(0.5, 2)), (normal(0), normal(8)),
         (normal(0), normal(0, 0.3))]  # fmt: skip


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_the_value_is_twice_js_less_log_four(p, q, calculate):
    a, b = log_pdf(p), log_pdf(q)
    mixed = np.logaddexp(a, b)
    V = np.trapezoid(np.exp(a) * (a - mixed) + np.exp(b) * (b - mixed), X)
    value, js = calculate("game.value", p, q), calculate("game.js", p, q)
    assert value == pytest.approx(V, abs=1e-6)
    assert value == pytest.approx(2 * js - math.log(4), abs=1e-9)
    assert -math.log(4) - 1e-9 <= value <= 1e-9
    for x in (-3.0, 0.2, 4.0):
        i = np.abs(X - x).argmin()
        d = math.exp(a[i] - mixed[i])
        assert calculate("game.best", p, q, x) == pytest.approx(d, abs=1e-9)


def test_equal_and_far_densities(calculate):
    assert calculate("game.value", normal(1), normal(1)) == pytest.approx(-math.log(4))
    assert calculate("game.value", normal(0), normal(60)) == pytest.approx(0, abs=1e-9)
    assert calculate("game.js", normal(0), normal(60)) == pytest.approx(math.log(2))


def test_no_discriminator_beats_the_best(calculate):
    rng = np.random.default_rng(0)
    knots = [-6, -4.5, -3, -1.5, 0, 1.5, 3, 4.5, 6]
    best = calculate("game.value", normal(-1), normal(1.5))
    for _ in range(10):
        t = rng.normal(0, 2, 9).tolist()
        code = "D.worth(A[0], A[1], D.pieces(A[2], A[3]), A[2])"
        mine = calculate(code, normal(-1), normal(1.5), knots, t, lab="game")
        assert mine < best
        p, q = stats.norm.pdf(X, -1), stats.norm.pdf(X, 1.5)
        logit = np.interp(X, knots, t)
        truth = -np.trapezoid(p * np.logaddexp(0, -logit) + q * np.logaddexp(0, logit), X)
        assert mine == pytest.approx(truth, abs=1e-6)
    # With the exact logits at the knots: a straight line, as for normals of one width.
    exact = [calculate("game.logit", normal(-1), normal(1.5), x) for x in knots]
    mine = calculate(code, normal(-1), normal(1.5), knots, exact, lab="game")
    assert mine == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize("t", [-700.0, -5.0, 0.0, 3.0, 700.0])
def test_losses_and_slopes(t, calculate):
    for kind, f in (("saturating", lambda t: -np.logaddexp(0, t)),
                    ("lively", lambda t: np.logaddexp(0, -t))):  # fmt: skip
        value = calculate("D.LOSSES[A[0]].f(A[1])", kind, t, lab="game")
        slope = calculate("D.LOSSES[A[0]].slope(A[1])", kind, t, lab="game")
        assert value == pytest.approx(f(t), abs=1e-9)
        assert slope == pytest.approx((f(t + 1e-5) - f(t - 1e-5)) / 2e-5, abs=1e-6)


@pytest.mark.parametrize("far", [1.0, 3.0, 6.0])
def test_pulls_on_the_generator(far, calculate):
    """d* held: E_q slope(t(x)) t'(x), with t(x) = log p - log q of two normals of width 1."""
    q = stats.norm.pdf(X, far)
    t = far**2 / 2 - far * X
    for kind, slope in (("saturating", -stats.logistic.cdf(t)), ("lively", -stats.logistic.sf(t))):
        truth = np.trapezoid(q * slope * -far, X)
        found = calculate("game.pull", kind, normal(0), normal(far))
        assert found == pytest.approx(truth, rel=1e-5, abs=1e-8)
    dead = calculate("game.pull", "saturating", normal(0), normal(far))
    live = calculate("game.pull", "lively", normal(0), normal(far))
    assert live > 0 and dead > 0 and (far < 3 or live > 5 * dead)


RNG = np.random.default_rng(3)
BARS = [(RNG.dirichlet(np.ones(8)), RNG.dirichlet(np.ones(8))) for _ in range(3)]
BARS += [(np.eye(8)[0], np.eye(8)[7]), (np.full(8, 1 / 8), np.full(8, 1 / 8))]


@pytest.mark.parametrize(("p", "q"), BARS)
def test_plan_and_critic_reach_the_same_distance(p, q, calculate):
    n = 8
    distance = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    rows = [np.kron(np.eye(n)[i], np.ones(n)) for i in range(n)]
    columns = [np.kron(np.ones(n), np.eye(n)[j]) for j in range(n)]
    best = optimize.linprog(distance.ravel(), A_eq=rows + columns, b_eq=np.append(p, q)).fun
    T = np.array(calculate("game.plan", p.tolist(), q.tolist()))
    np.testing.assert_allclose(T.sum(1), p, atol=1e-9)
    np.testing.assert_allclose(T.sum(0), q, atol=1e-9)
    assert T.min() >= 0
    assert calculate("game.cost", T.tolist()) == pytest.approx(best, abs=1e-6)
    assert best == pytest.approx(stats.wasserstein_distance(range(n), range(n), p, q), abs=1e-6)
    f = calculate("game.critic", p.tolist(), q.tolist())
    assert np.abs(np.diff(f)).max() <= 1
    assert calculate("game.gain", f, p.tolist(), q.tolist()) == pytest.approx(best, abs=1e-6)


def test_a_critic_of_my_own_stays_lipschitz_and_gains_no_more(calculate):
    rng = np.random.default_rng(1)
    p, q = (v.tolist() for v in BARS[0])
    best = calculate("game.cost", calculate("game.plan", p, q))
    f = [0.0] * 8
    for _ in range(30):
        f = calculate("game.lipschitz", f, int(rng.integers(8)), float(rng.normal(0, 3)))
        assert np.abs(np.diff(f)).max() <= 1 + 1e-9
        assert calculate("game.gain", f, p, q) <= best + 1e-9


def test_the_code_beside_it(calculate):
    result = run_code("game")
    assert result["value"] == pytest.approx(calculate("game.value", *PAIRS[0]), abs=1e-6)
    assert result["js"] == pytest.approx(calculate("game.js", *PAIRS[0]), abs=1e-6)
