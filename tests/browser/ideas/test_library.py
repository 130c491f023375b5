"""What every laboratory has, and the mathematics that they share, against scipy and numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, special, stats

from explorer.tabs import TABS, key_of
from explorer.tabs.ideas import library


@pytest.mark.parametrize("name", library.LABS)
def test_a_laboratory_is_its_folder(name, calculate):
    about = library.about(name)
    assert about["title"] and about["blurb"].endswith((".", "?")) and "ecture" in about["lecture"]
    assert {way["tab"] for way in about["returns"]} <= {key_of(tab) for tab in TABS}
    assert "result" in about["code"]
    scenes = calculate(
        "(new Function(A[0])(), IDEAS.views[A[1]].scenes.map(s => [s.key, s.title]))",
        library.view(name), name, lab=name,
    )  # fmt: skip
    keys = [key for key, _ in scenes]
    assert len(set(keys)) == len(keys) and all(title for _, title in scenes)
    asked = about["questions"]
    assert asked and {q["scene"] for q in asked} <= set(keys)
    for q in asked:
        assert 0 <= q["answer"] < len(q["choices"]) and q["reveal"]


def test_every_folder_is_listed_and_a_wrong_name_gets_a_sentence():
    folders = {path.name for path in (library.FOLDER / "labs").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} == set(library.LABS)
    with pytest.raises(ValueError, match="no such laboratory"):
        library.lab("../../secrets", {})


@pytest.mark.parametrize("x", [-30, -6.0, -2.4, -0.3, 0.0, 1e-9, 0.7, 2.49, 2.51, 5, 12, 40])
def test_the_normal_distribution(x, calculate):
    assert calculate("maths.erfc", x) == pytest.approx(special.erfc(x), rel=1e-10, abs=1e-300)
    cdf = calculate("maths.normalCdf", x, 0.5, 2)
    assert cdf == pytest.approx(stats.norm.cdf(x, 0.5, 2), rel=1e-9)
    log = calculate("maths.normalLog", x, 0.5, 2)
    assert log == pytest.approx(stats.norm.logpdf(x, 0.5, 2), abs=1e-9)


def test_sums_of_exponentials_and_sigmoids_at_their_limits(calculate):
    assert calculate("maths.logsumexp", [1000.0, 1000.0]) == pytest.approx(1000 + math.log(2))
    assert calculate("maths.logsumexp", [-math.inf, -math.inf]) == -math.inf
    assert calculate("maths.logsumexp", [-1e5]) == -1e5
    for t in (-800.0, -3.0, 0.0, 2.0, 800.0):
        assert calculate("maths.sigmoid", t) == pytest.approx(special.expit(t), abs=1e-15)
        assert calculate("maths.softplus", t) == pytest.approx(np.logaddexp(0, t), abs=1e-12)
    assert calculate("maths.relative", 0, 0) == 0 and calculate("maths.relative", 0, 0.2) == 0
    assert calculate("maths.relative", 0.2, 0) == math.inf


def test_quadrature_with_a_jump(calculate):
    value = calculate(
        "M.integrate(x => x < 0.3 ? Math.exp(x) : Math.cos(x), -1, 2, [0.3])", lab="x"
    )
    truth = integrate.quad(math.exp, -1, 0.3)[0] + integrate.quad(math.cos, 0.3, 2)[0]
    assert value == pytest.approx(truth, abs=1e-12)


def test_statistics_and_linear_algebra(calculate):
    rng = np.random.default_rng(0)
    x = rng.normal(size=50)
    assert calculate("maths.variance", x.tolist(), 1) == pytest.approx(x.var(ddof=1), rel=1e-12)
    found = calculate("maths.quantile", sorted(x.tolist()), 0.37)
    assert found == pytest.approx(np.quantile(x, 0.37), abs=1e-12)
    counts = calculate("maths.histogram", x.tolist(), -2, 2, 7)
    assert counts == np.histogram(x, 7, (-2, 2))[0].tolist()
    A = rng.normal(size=(6, 6))
    A, b = A @ A.T + np.eye(6), rng.normal(size=6)
    solved = calculate("maths.solve", A.tolist(), b.tolist())
    np.testing.assert_allclose(solved, np.linalg.solve(A, b), atol=1e-10)


def test_random_numbers_are_uniform_normal_and_repeatable(calculate):
    draw = "(r => Array.from({ length: 50000 }, () => r[A[1]]()))(M.random(A[0]))"
    u, z = calculate(draw, 3, "uniform", lab="x"), calculate(draw, 3, "normal", lab="x")
    assert stats.kstest(u, "uniform").pvalue > 1e-3 and stats.kstest(z, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 0.02
    assert calculate(draw, 3, "uniform", lab="x") == u
    neighbours = calculate(draw, 4, "uniform", lab="x")
    assert abs(np.corrcoef(u, neighbours)[0, 1]) < 0.02


SPEC = "{ a: number(1.5, 0, 2), kind: one('x', 'y'), many: list([1, 2], 0, 5, 4, 1) }"


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ("", {"a": 1.5, "kind": "x", "many": [1, 2]}),
        ("a:0.25;kind:y;many:3,4,5", {"a": 0.25, "kind": "y", "many": [3, 4, 5]}),
        ("a:7;kind:z;many:9", {"a": 1.5, "kind": "x", "many": [1, 2]}),
        ("a:;b:3;constructor:1;;many:,", {"a": 1.5, "kind": "x", "many": [1, 2]}),
        ("a:NaN;many:1,2,3,4,5", {"a": 1.5, "kind": "x", "many": [1, 2]}),
    ],
)
def test_a_link_carries_the_state_and_what_is_wrong_in_it_is_left_out(given, state, calculate):
    read = f"(({{ number, one, list, read, write }}) => {{ const spec = {SPEC};"
    found = calculate(f"{read} return read(spec, A[0]); }})(IDEAS.state)", given, lab="x")
    assert found == state
    again = f"{read} return read(spec, write(spec, read(spec, A[0]))); }})(IDEAS.state)"
    assert calculate(again, given, lab="x") == state


@pytest.mark.parametrize(
    ("number", "words"),
    [(1.23456, "1.235"), (-0.5, "−0.500"), (0, "0.000"), (math.inf, "∞"), (123456, "1.2·10⁵"),
     (3e-5, "3.0·10⁻⁵"), (math.nan, "–"), (1234.5, "1235")],
)  # fmt: skip
def test_numbers_as_words(number, words, calculate):
    assert calculate("IDEAS.words(A[0])", number, lab="x") == words
