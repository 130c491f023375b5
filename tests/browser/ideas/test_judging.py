"""Judges: likelihoods of tiny pictures, Frechet distance, scores, precision and recall."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import linalg, special, stats

from tests.browser.ideas.conftest import run_code

RNG = np.random.default_rng(0)


def test_shapes_are_ten_different_pictures(calculate):
    shapes = np.array(calculate("D.SHAPES", lab="judging"))
    assert shapes.shape == (10, 49) and set(shapes.ravel()) == {0, 1}
    apart = (shapes[:, None] != shapes).sum(-1)[~np.eye(10, dtype=bool)]
    assert apart.min() >= 3


def test_likelihood_of_pictures(calculate):
    shapes = np.array(calculate("D.SHAPES", lab="judging"))
    x = RNG.integers(0, 2, 49)
    logs = [stats.bernoulli.logpmf(x != t, 0.02).sum() for t in shapes]
    truth = special.logsumexp(logs) - math.log(10)
    assert calculate("judging.dataLog", x.tolist()) == pytest.approx(truth, abs=1e-9)
    # All probabilities of pictures at n flips from one template sum to one.
    total = sum(
        math.comb(49, n) * math.exp(calculate("judging.flipped", n, 0.02)) for n in range(50)
    )
    assert total == pytest.approx(1, abs=1e-9)
    assert calculate("judging.flipped", 0, 0) == 0
    assert calculate("judging.flipped", 1, 0) == -math.inf


@pytest.mark.parametrize("part", [1, 0.3, 0.01, 0.001])
def test_noise_costs_at_most_the_log_of_its_share(part, calculate):
    code = "D.draw(D.SHAPES, D.FLIP, 60, M.random(1)).map(x => [D.dataLog(x), D.mixedLog(x, A[0])])"
    found = np.array(calculate(code, part, lab="judging"))
    noise = math.log(1 - part) - 49 * math.log(2) if part < 1 else -math.inf
    truth = np.logaddexp(math.log(part) + found[:, 0], noise)
    np.testing.assert_allclose(found[:, 1], truth, atol=1e-9)
    lost = found[:, 0] - found[:, 1]
    assert lost.max() <= -math.log(part) + 1e-9
    code = "D.mixed(A[0], 400, M.random(2)).filter(D.looksGood).length / 400"
    assert calculate(code, part, lab="judging") == pytest.approx(part, abs=0.09)


def test_copies_look_perfect_and_held_out_pictures_do_not(calculate):
    code = """(() => { const rng = M.random(3), training = D.draw(D.SHAPES, D.FLIP, 20, rng);
      const held = D.draw(D.SHAPES, D.FLIP, 150, rng), made = D.draw(training, 1e-6, 100, rng);
      const log = xs => M.mean(xs.map(x => D.ofTemplates(x, training, 1e-6)));
      const copied = made.filter(x => D.nearest(x, training) === 0).length;
      return [log(training), log(held), M.mean(held.map(D.dataLog)), copied,
        made.filter(D.looksGood).length]; })()"""
    train, held, truth, copied, good = calculate(code, lab="judging")
    assert train > truth and held < truth - 5
    assert copied >= 98 and good >= 95


def covariance(a, b, turn):
    c, s = math.cos(turn), math.sin(turn)
    R = np.array([[c, -s], [s, c]])
    return R @ np.diag([a * a, b * b]) @ R.T


def flat(S):
    return [S[0, 0], S[0, 1], S[1, 1]]


@pytest.mark.parametrize(
    ("real", "model"),
    [((1.5, 0.6, 0.35), (1.2, 0.7, 0.5)), ((1, 1, 0), (1, 1, 0)), ((1.5, 0.6, 0.3), (2, 1e-6, -1))],
)
def test_the_frechet_distance(real, model, calculate):
    S, T, m = covariance(*real), covariance(*model), np.array([0.7, -0.2])
    found = calculate("judging.covariance", dict(zip("ab", real[:2], strict=True), turn=real[2]))
    np.testing.assert_allclose(found, flat(S), atol=1e-12)
    truth = m @ m + np.trace(S + T) - 2 * np.trace(linalg.sqrtm(S @ T).real)
    distance = calculate("judging.frechet", [0, 0], flat(S), m.tolist(), flat(T))
    assert distance == pytest.approx(truth, abs=1e-6)
    assert calculate("judging.frechet", [0, 0], flat(S), [0, 0], flat(S)) == pytest.approx(
        0, abs=1e-9
    )


def test_from_samples_it_is_too_large_and_the_excess_falls(calculate):
    x, y = RNG.normal(size=(200, 2)), RNG.normal(size=(200, 2))
    found = calculate("judging.frechetOf", x.tolist(), y.tolist())
    S, T = np.cov(x.T), np.cov(y.T)
    truth = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(S + T - 2 * linalg.sqrtm(S @ T).real)
    assert found == pytest.approx(truth, abs=1e-6)
    code = """(() => { const rng = M.random(1), g = { m: [0, 0], a: 1.5, b: 0.6, turn: 0.3 };
      return M.mean(Array.from({ length: 200 },
        () => D.frechetOf(D.gaussian(A[0], g, rng), D.gaussian(A[0], g, rng)))); })()"""
    quick = "D.sampledFrechet(30, A[0], A[1], M.random(9))"
    slow = "D.frechetOf(D.gaussian(30, A[0], r = M.random(9)), D.gaussian(30, A[1], r))"
    g, h = (
        {"m": [0, 1], "a": 1.5, "b": 0.6, "turn": 0.3},
        {"m": [2, 0], "a": 1, "b": 0.2, "turn": 1},
    )
    assert calculate(quick, g, h, lab="judging") == pytest.approx(
        calculate(f"(() => {{ let r; return {slow}; }})()", g, h, lab="judging"), abs=1e-9
    )
    few, many = calculate(code, 20, lab="judging"), calculate(code, 80, lab="judging")
    assert 3 < few / many < 5.5  # as 1 / n
    assert math.isfinite(calculate("judging.frechetOf", [[1, 2]], [[0, 0]]))  # one sample each


def test_the_classifier_score(calculate):
    rows = RNG.dirichlet(np.ones(4), 50)
    truth = math.exp(np.mean(special.rel_entr(rows, rows.mean(0)).sum(1)))
    assert calculate("judging.inception", rows.tolist()) == pytest.approx(truth, abs=1e-9)
    assert calculate("judging.inception", np.eye(4).tolist()) == pytest.approx(4)
    assert calculate("judging.inception", [[1, 0, 0, 0]] * 5) == pytest.approx(1)
    assert calculate("judging.inception", [[0.25] * 4] * 5) == pytest.approx(1)
    p = calculate("judging.classes", [1.5, 0.3])
    logits = [-((1.5 - a) ** 2 + (0.3 - b) ** 2) / (2 * 0.35**2)
              for a, b in calculate("D.CENTRES", lab="judging")]  # fmt: skip
    assert p == pytest.approx(special.softmax(logits).tolist(), abs=1e-12)


@pytest.mark.parametrize("k", [1, 3])
def test_precision_and_recall(k, calculate):
    real, made = RNG.normal(size=(60, 2)), RNG.normal(0.5, 1.5, size=(60, 2))

    def covered(points, balls):
        own = np.linalg.norm(balls[:, None] - balls, axis=-1)
        radius = np.sort(own, 1)[:, k]
        return (np.linalg.norm(points[:, None] - balls, axis=-1) <= radius).any(1).mean()

    found = calculate("judging.precisionRecall", real.tolist(), made.tolist(), k)
    assert found["precision"] == pytest.approx(covered(made, real))
    assert found["recall"] == pytest.approx(covered(real, made))
    same = calculate("judging.precisionRecall", real.tolist(), real.tolist(), k)
    assert same == {"precision": 1, "recall": 1}
    far = calculate("judging.precisionRecall", real.tolist(), (real + 100).tolist(), k)
    assert far == {"precision": 0, "recall": 0}


def test_each_judge_is_fooled_by_the_model_made_for_it(calculate):
    code = """(() => {
      const real = D.data(300, M.random(1)), training = D.data(20, M.random(2)), out = {};
      const held = D.data(150, M.random(3));
      for (const name of Object.keys(D.MODELS)) {
        const made = D.MODELS[name](300, M.random(4), training);
        out[name] = { is: D.inception(made.map(D.classes)), fd: D.frechetOf(real, made),
          ...D.precisionRecall(real, made, 3), held: D.smoothed(held, made, 0.15) }; }
      return out; })()"""
    r = calculate(code, lab="judging")
    assert r["sure"]["is"] > r["truth"]["is"] and r["sure"]["recall"] < 0.2
    for name in ("moments", "ring"):
        assert r[name]["fd"] < 0.3 and r[name]["precision"] < 0.75
    assert r["one"]["precision"] > 0.9 and r["one"]["recall"] < 0.4 and r["one"]["is"] < 1.2
    assert r["copies"]["precision"] > 0.9 and r["copies"]["held"] < r["truth"]["held"] - 1
    assert r["wide"]["recall"] > 0.8 and r["wide"]["precision"] < 0.5


def test_smoothed_density(calculate):
    made, at = RNG.normal(size=(9, 2)), RNG.normal(size=(5, 2))
    each = [stats.multivariate_normal.logpdf(at, c, 0.15**2) for c in made]
    truth = (special.logsumexp(each, axis=0) - math.log(9)).mean()
    assert calculate("judging.smoothed", at.tolist(), made.tolist(), 0.15) == pytest.approx(truth)


def test_the_code_beside_it(calculate):
    S, T = covariance(1.5, 0.6, math.radians(20)), covariance(1.2, 0.7, math.radians(30))
    found = calculate("judging.frechet", [0, 0], flat(S), [1, 0.4], flat(T))
    assert run_code("judging") == pytest.approx(found, abs=1e-6)
