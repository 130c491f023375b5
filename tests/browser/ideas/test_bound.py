"""The bound: ELBO, evidence and their gaps against quadrature by scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from tests.browser.ideas.conftest import run_code

CASES = [(1.6, 1.2, 0.6, 0.2, 0.9), (-3, 2.5, 0.15, -1.0, 0.1), (0.5, 0.0, 1.0, 0.3, 1.4)]


def kl(q, p):
    m, s = q.mean(), q.std()
    f = lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z))  # noqa: E731
    return integrate.quad(f, m - 12 * s, m + 12 * s, limit=300)[0]


@pytest.mark.parametrize(("x", "w", "noise", "m", "s"), CASES)
def test_elbo_and_gap_add_up_to_the_evidence(x, w, noise, m, s, calculate):
    z = np.linspace(-12, 12, 400_001)
    joint = stats.norm.pdf(z) * stats.norm.pdf(x, w * z, noise)
    evidence = math.log(np.trapezoid(joint, z))
    assert calculate("bound.evidence", x, w, noise) == pytest.approx(evidence, abs=1e-6)
    q = stats.norm(m, s)
    a, b = calculate("bound.posterior", x, w, noise)
    assert a == pytest.approx(np.trapezoid(z * joint, z) / math.exp(evidence), abs=1e-6)
    elbo = calculate("bound.elbo", x, w, noise, m, s)
    gap = calculate("bound.toPosterior", x, w, noise, m, s)
    assert calculate("bound.toPrior", m, s) == pytest.approx(kl(q, stats.norm()), abs=1e-6)
    assert gap == pytest.approx(kl(q, stats.norm(a, b)), rel=1e-6, abs=1e-6)
    rec = integrate.quad(
        lambda t: q.pdf(t) * stats.norm.logpdf(x, w * t, noise), m - 10 * s, m + 10 * s, limit=200
    )[0]
    assert calculate("bound.reconstruction", x, w, noise, m, s) == pytest.approx(rec, rel=1e-7)
    assert elbo + gap == pytest.approx(evidence, abs=1e-6)
    assert calculate("bound.elbo", x, w, noise, a, b) == pytest.approx(evidence, abs=1e-9)


def test_em_climbs_to_the_likeliest_slope(calculate):
    code = """(() => { let w = A[1], all = [];
      for (let k = 0; k < A[3]; k++) { const [e, t] = D.eStep(w, A[2]);
        all.push(D.meanEvidence(A[0], w, A[2]), D.meanElbo(A[0], w, A[2], e, t));
        w = D.mStep(A[0], e, t); all.push(D.meanElbo(A[0], w, A[2], e, t)); }
      return [w, all]; })()"""
    w, path = calculate(code, 2.25, 0.3, 0.6, 400, lab="bound")
    assert w == pytest.approx(math.sqrt(2.25 - 0.36), abs=1e-6)
    assert calculate("bound.bestSlope", 2.25, 0.6) == pytest.approx(w, abs=1e-6)
    for k in range(0, len(path) - 3, 3):
        assert path[k] == pytest.approx(path[k + 1], abs=1e-9)  # E: the bound touches
        assert path[k + 2] >= path[k + 1] - 1e-12  # M: along the bound
        assert path[k + 3] >= path[k + 2] - 1e-12  # and the evidence lies above it
    x = np.random.default_rng(0).normal(size=500)
    v = (x**2).mean()
    truth = stats.norm.logpdf(x, 0, math.sqrt(0.49 + 0.36)).mean()
    assert calculate("bound.meanEvidence", v, 0.7, 0.6) == pytest.approx(truth, abs=1e-9)
    each = np.mean([calculate("bound.elbo", v_, 0.7, 0.6, 0.4 * v_, 0.5) for v_ in x[:40]])
    mean = calculate("bound.meanElbo", (x[:40] ** 2).mean(), 0.7, 0.6, 0.4, 0.5)
    assert mean == pytest.approx(each, abs=1e-9)
    assert calculate("bound.bestSlope", 0.2, 0.6) == 0  # noise explains it all


@pytest.mark.parametrize("x", [-2.5, 0.3, 1.7])
@pytest.mark.parametrize("bend", [0, 0.6, 1.2])
def test_a_bent_decoder(x, bend, calculate):
    noise, m, s = 0.3, 0.4, 0.5
    z = np.linspace(-10, 10, 200_001)
    log_joint = stats.norm.logpdf(z) + stats.norm.logpdf(x, z + bend * np.sin(2 * z), noise)
    evidence = math.log(np.trapezoid(np.exp(log_joint), z))
    assert calculate("bound.bentEvidence", x, bend, noise) == pytest.approx(evidence, abs=1e-6)
    q = stats.norm(m, s)
    elbo = np.trapezoid(q.pdf(z) * (log_joint - q.logpdf(z)), z)
    assert calculate("bound.bentElbo", x, bend, noise, m, s) == pytest.approx(elbo, abs=1e-6)
    best = calculate("bound.bestNormal", x, bend, noise)
    assert elbo <= best["value"] <= evidence + 1e-9
    # Nothing on a fine grid of means and widths is better.
    grid = [
        calculate("bound.bentElbo", x, bend, noise, a, b)
        for a in np.linspace(-2.5, 2.5, 21)
        for b in (0.1, 0.2, 0.3, 0.6)
    ]
    assert best["value"] >= max(grid) - 1e-6
    if bend == 0:
        assert best["value"] == pytest.approx(evidence, abs=1e-6)


def test_a_straight_decoder_has_no_gap_for_a_straight_encoder(calculate):
    xs = calculate("bound.bentSample", 50, 0, 0.5, 1)
    slope, width = 1 / 1.25, 0.5 / math.sqrt(1.25)
    found = calculate("bound.amortised", xs, 0, 0.5, [slope, 0, math.log(width)])
    truth = stats.norm.logpdf(xs, 0, math.sqrt(1.25)).mean()
    assert found == pytest.approx(truth, abs=1e-9)


@pytest.mark.parametrize("p", [[0.5, 0.2, -0.3, -0.6, 0.3, -0.4], [0.1, 0.8, 0, -0.5, 0.0, 0.0]])
def test_the_pair_of_pixels(p, calculate):
    r = 0.8
    w, a, l1, l2, e, lt = p
    rng = np.random.default_rng(0)
    x = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], 400_000)
    z = e * x.sum(1) + math.exp(lt) * rng.normal(size=len(x))
    rec = stats.norm.logpdf(x[:, 0], w * z, math.exp(l1))
    rec = rec + stats.norm.logpdf(x[:, 1], w * z + a * x[:, 0], math.exp(l2))
    found = calculate("bound.parts", p, r)
    assert found["reconstruction"] == pytest.approx(rec.mean(), abs=5 * rec.std() / 630)
    ratio = stats.norm.logpdf(z, e * x.sum(1), math.exp(lt)) - stats.norm.logpdf(z)
    assert found["kl"] == pytest.approx(ratio.mean(), abs=5 * ratio.std() / 630)
    v1 = w * w + math.exp(2 * l1)
    c = a * v1 + w * w
    v2 = a * a * v1 + w * w + 2 * a * w * w + math.exp(2 * l2)
    log_p = stats.multivariate_normal.logpdf(x, [0, 0], [[v1, c], [c, v2]])
    assert calculate("bound.pairEvidence", p, r) == pytest.approx(log_p.mean(), abs=0.01)
    assert found["elbo"] <= calculate("bound.pairEvidence", p, r) + 1e-9
    top = -stats.multivariate_normal.entropy([0, 0], [[1, r], [r, 1]])
    assert calculate("bound.pairTop", r) == pytest.approx(top, abs=1e-9)


def test_a_strong_decoder_makes_the_posterior_collapse(calculate):
    code = """(() => { let p = D.START;
      for (let k = 0; k < 1500; k++) p = D.train(p, 0.8, A[0], 1, 0.05);
      return [D.parts(p, 0.8), D.pairEvidence(p, 0.8)]; })()"""
    weak, weak_evidence = calculate(code, 0, lab="bound")
    strong, strong_evidence = calculate(code, 1, lab="bound")
    top = calculate("bound.pairTop", 0.8)
    assert weak["kl"] > 0.5 and strong["kl"] < 0.02
    assert weak_evidence == pytest.approx(top, abs=0.01)
    assert strong_evidence == pytest.approx(top, abs=0.01)


def test_the_code_beside_it(calculate):
    result = run_code("bound")
    x, w, noise, m, s = CASES[0]
    assert result["elbo"] == pytest.approx(calculate("bound.elbo", x, w, noise, m, s), abs=1e-9)
    assert result["evidence"] == pytest.approx(calculate("bound.evidence", x, w, noise), abs=1e-9)
    assert result["elbo"] + result["kl"] == pytest.approx(result["evidence"], abs=1e-9)
