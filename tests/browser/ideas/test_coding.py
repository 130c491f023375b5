"""The coding laboratory: lengths against scipy, codes that come back, files through the server."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from tests.browser.ideas.conftest import run_code

RNG = np.random.default_rng(1)


@pytest.mark.parametrize("n", [2, 5, 27])
def test_entropy_cross_entropy_and_their_gap(n, calculate):
    p, q = RNG.dirichlet(np.ones(n)), RNG.dirichlet(np.ones(n))
    assert calculate("coding.entropy", p.tolist()) == pytest.approx(stats.entropy(p, base=2))
    gap = calculate("coding.kl", p.tolist(), q.tolist())
    assert gap == pytest.approx(stats.entropy(p, q, base=2), abs=1e-9)
    cross = calculate("coding.cross", p.tolist(), q.tolist())
    assert cross == pytest.approx(-(p * np.log2(q)).sum(), abs=1e-9)


def test_limits_of_a_coin(calculate):
    assert calculate("coding.entropy", [1, 0]) == 0
    assert calculate("coding.cross", [1, 0], [1, 0]) == 0
    assert calculate("coding.cross", [0.5, 0.5], [1, 0]) == math.inf
    assert calculate("coding.kl", [0.5, 0.5], [1, 0]) == math.inf
    assert calculate("coding.kl", [0.3, 0.7], [0.3, 0.7]) == 0
    assert calculate("coding.encode", [0, 1, 0], [1, 0]) is None
    assert len(calculate("coding.encode", [0] * 1000, [1, 0])) <= 2


@pytest.mark.parametrize("believed", [0.001, 0.3, 0.5, 0.97])
@pytest.mark.parametrize("n", [1, 3000])
def test_arithmetic_coding_comes_back_and_is_as_short_as_it_can_be(believed, n, calculate):
    tosses = (np.random.default_rng(2).random(n) > 0.8).astype(int).tolist()
    q = [believed, 1 - believed]
    data = calculate("coding.encode", tosses, q)
    assert calculate("coding.decode", data, q, n) == tosses
    counts = calculate("coding.counts", q)
    assert sum(counts) == 65536
    bits = -sum(math.log2(counts[t] / 65536) for t in tosses)
    assert bits <= len(data) <= bits * 1.001 + 2


def test_letters_come_back_and_intervals_nest(calculate):
    text = "the rain in spain stays mainly in the plain"
    symbols = calculate("coding.symbols", text)
    p = calculate("coding.frequencies", text)
    assert sum(p) == pytest.approx(1)
    for q in (p, calculate("D.hedged(D.english)", lab="coding"), [1 / 27] * 27):
        data = calculate("coding.encode", symbols, q)
        assert calculate("coding.decode", data, q, len(symbols)) == symbols
    spans = calculate("coding.intervals", symbols[:6], p)
    for (a, b), (c, d) in itertools.pairwise(spans):
        assert a - 1e-12 <= c < d <= b + 1e-12
    width = np.prod([p[k] for k in symbols[:6]])
    assert spans[-1][1] - spans[-1][0] == pytest.approx(width, rel=1e-6)
    assert sum(calculate("D.english", lab="coding")) == pytest.approx(1)


def test_huffmans_code_is_prefix_free_and_within_a_bit_of_the_entropy(calculate):
    for seed in range(4):
        p = np.random.default_rng(seed).dirichlet(np.full(12, 0.4))
        words = calculate("coding.huffman", p.tolist())
        for i, a in enumerate(words):
            assert all(not b.startswith(a) for j, b in enumerate(words) if i != j)
        length = calculate("coding.lengthOf", p.tolist(), words)
        entropy = stats.entropy(p, base=2)
        assert entropy - 1e-9 <= length < entropy + 1
    assert calculate("coding.huffman", [0, 1, 0]) == ["", "0", ""]
    assert calculate("coding.huffman", [0.5, 0.25, 0.25]) == ["0", "10", "11"]


def test_the_code_beside_it(calculate):
    result = run_code("coding")
    assert result["entropy"] == pytest.approx(calculate("coding.entropy", [0.8, 0.2]))
    assert result["kl"] == pytest.approx(calculate("coding.kl", [0.8, 0.2], [0.5, 0.5]))
