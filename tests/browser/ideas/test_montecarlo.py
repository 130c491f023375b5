"""Monte Carlo: estimates against their truth, weights and bounds against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, special, stats

from tests.browser.ideas.conftest import run_code

F = {"square": lambda x: x**2, "tail": lambda x: (x > 2) * 1.0, "exp": np.exp}


@pytest.mark.parametrize("name", F)
def test_truths_and_deviations(name, calculate):
    target = calculate("[D.TARGETS[A[0]].truth, D.TARGETS[A[0]].sd]", name, lab="montecarlo")

    def moment(k):
        pieces = ((-12, 2), (2, 20))
        return sum(
            integrate.quad(lambda x: F[name](x) ** k * stats.norm.pdf(x), *piece)[0]
            for piece in pieces
        )

    assert target[0] == pytest.approx(moment(1), abs=1e-7)
    assert target[1] == pytest.approx(math.sqrt(moment(2) - moment(1) ** 2), abs=1e-6)


@pytest.mark.parametrize("T", [1, 4, 256])
def test_estimates_are_unbiased_and_their_error_falls_as_it_should(T, calculate):
    found = np.array(calculate("montecarlo.estimates", "square", T, 2000, 7))
    sd = math.sqrt(2 / T)
    assert abs(found.mean() - 1) < 4 * sd / math.sqrt(2000)
    assert calculate("montecarlo.rms", found.tolist(), 1) == pytest.approx(sd, rel=0.15)


def test_a_million_samples(calculate):
    one = calculate("montecarlo.estimates", "square", 10**6, 1, 3)[0]
    assert abs(one - 1) < 5 * math.sqrt(2) / 1000


def test_runs_grow_by_powers_of_two_whatever_the_budget(calculate):
    code = """(() => { const run = D.runner('exp', 5, 2);
      let calls = 0; while (run.advance(A[0], 1000)) calls++;
      return [run.records.map(r => r.T), run.records.map(r => r.estimates), calls]; })()"""
    Ts, once, calls = calculate(code, 10**9, lab="montecarlo")
    assert Ts == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000] and calls == 0
    again, many, calls = calculate(code, 100, lab="montecarlo")
    assert again == Ts and many == once and calls > 5
    assert all(len(e) == 5 for e in once)


@pytest.mark.parametrize(("m", "s"), [(0, 1), (1, 1.2), (-0.5, 0.8), (2.4, 2.0)])
def test_weights_and_how_many_samples_count(m, s, calculate):
    x = 0.7
    log = stats.norm.logpdf(x) - stats.norm.logpdf(x, m, s)
    assert calculate("montecarlo.logWeight", x, m, s) == pytest.approx(log, abs=1e-12)
    second = integrate.quad(
        lambda t: math.exp(2 * stats.norm.logpdf(t) - stats.norm.logpdf(t, m, s)), -40, 40,
        limit=400, points=[0],
    )[0]  # fmt: skip
    assert calculate("montecarlo.secondMoment", m, s) == pytest.approx(second, rel=1e-7)
    for name, f in F.items():
        ends, points = ((-30, 2), (2, 30)), []
        squared = sum(
            integrate.quad(
                lambda t, f=f: f(t) ** 2
                * math.exp(2 * stats.norm.logpdf(t) - stats.norm.logpdf(t, m, s)),
                *piece, limit=400, points=points or None,
            )[0]
            for piece in ends
        )  # fmt: skip
        truth = calculate(f"D.TARGETS.{name}.truth", lab="montecarlo")
        found = calculate("montecarlo.termVariance", name, m, s)
        assert found == pytest.approx(squared - truth**2, rel=1e-6, abs=1e-9)


def test_thin_tails_have_infinite_variance(calculate):
    assert calculate("montecarlo.secondMoment", 0, 0.7) == math.inf
    assert calculate("montecarlo.termVariance", "square", 0, 0.5) == math.inf
    assert calculate("montecarlo.secondMoment", 0, 1) == 1  # equal distributions: all count


def test_importance_sampling_estimates_and_effective_sizes(calculate):
    found = calculate("montecarlo.importance", "tail", 2.4, 0.9, 20000, 5)
    truth = stats.norm.sf(2)
    assert abs(found["estimate"] - truth) < 5 * found["error"] < 0.002
    w = np.exp(found["logs"])
    assert found["ess"] == pytest.approx(w.sum() ** 2 / (w**2).sum(), rel=1e-9)
    same = calculate("montecarlo.importance", "square", 0, 1, 50, 5)
    assert same["ess"] == pytest.approx(50)
    assert same["estimate"] == pytest.approx(np.mean(np.square(same["xs"])))
    alone = calculate("montecarlo.importance", "square", 1, 2, 1, 5)
    assert alone["ess"] == pytest.approx(1) and math.isnan(alone["error"])
    assert calculate("montecarlo.effective", [-5000.0, -5001.0]) == pytest.approx(
        (1 + math.exp(-1)) ** 2 / (1 + math.exp(-2))
    )


@pytest.mark.parametrize(("x", "noise", "m", "s"), [(1.5, 0.5, 0.4, 0.9), (-2, 1.3, 0.5, 0.2)])
def test_evidence_posterior_and_bound(x, noise, m, s, calculate):
    def joint(z):
        return stats.norm.pdf(z) * stats.norm.pdf(x, z, noise)

    p = integrate.quad(joint, -12, 12)[0]
    assert calculate("montecarlo.logEvidence", x, noise) == pytest.approx(math.log(p), abs=1e-7)
    mean, width = calculate("montecarlo.posterior", x, noise)
    first = integrate.quad(lambda z: z * joint(z) / p, -12, 12)[0]
    assert mean == pytest.approx(first, abs=1e-7)
    second = integrate.quad(lambda z: z * z * joint(z) / p, -12, 12)[0]
    assert width == pytest.approx(math.sqrt(second - first**2), abs=1e-7)
    q = stats.norm(m, s)
    bound = integrate.quad(
        lambda z: q.pdf(z) * (stats.norm.logpdf(z) + stats.norm.logpdf(x, z, noise) - q.logpdf(z)),
        m - 10 * s, m + 10 * s,
    )[0]  # fmt: skip
    assert calculate("montecarlo.elbo", x, noise, m, s) == pytest.approx(bound, abs=1e-7)
    at_best = calculate("montecarlo.elbo", x, noise, mean, width)
    assert at_best == pytest.approx(math.log(p), abs=1e-9)  # equality at the posterior


def test_bounds_of_k_samples_rise_to_the_evidence(calculate):
    logs = np.random.default_rng(0).normal(-3, 1.5, 4096)
    for k in (1, 16, 4096):
        mean, _, blocks = calculate("montecarlo.iwae", logs.tolist(), k)
        each = special.logsumexp(logs.reshape(-1, k), axis=1) - math.log(k)
        assert mean == pytest.approx(each.mean(), abs=1e-9) and blocks == 4096 // k
    bounds = [calculate("montecarlo.iwae", logs.tolist(), k)[0] for k in (1, 4, 16, 64)]
    assert bounds == sorted(bounds)
    assert calculate("montecarlo.iwae", [-700.0, -700.0], 2)[0] == pytest.approx(-700)


def test_the_code_beside_it(calculate):
    result = run_code("montecarlo")
    assert result["evidence"] == pytest.approx(calculate("montecarlo.logEvidence", 1.5, 0.5))
    assert result["elbo"] == pytest.approx(
        calculate("montecarlo.elbo", 1.5, 0.5, 0.4, 0.9), abs=0.05
    )
    assert result["elbo"] < result["iwae"] < result["evidence"]
