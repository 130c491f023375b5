"""The divergences against scipy, closed forms and their limits."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, spatial, special, stats

from tests.browser.ideas.conftest import run_code

RNG = np.random.default_rng(0)
PAIRS = [(RNG.dirichlet(np.ones(8)), RNG.dirichlet(np.ones(8))) for _ in range(3)]


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_divergences_of_bars(p, q, calculate):
    found = calculate("divergences.ofBars", p.tolist(), q.tolist())
    x = np.arange(8.0)
    kernel = np.exp(-((x[:, None] - x) ** 2) / 2)
    truth = {
        "kl": stats.entropy(p, q),
        "reverse": stats.entropy(q, p),
        "js": spatial.distance.jensenshannon(p, q) ** 2,
        "tv": np.abs(p - q).sum() / 2,
        "w1": stats.wasserstein_distance(x, x, p, q),
        "mmd": math.sqrt((p - q) @ kernel @ (p - q)),
    }
    for name, value in truth.items():
        assert found[name] == pytest.approx(value, abs=1e-9), name
    for name, value in truth.items():
        terms = calculate("divergences.terms", p.tolist(), q.tolist(), name)
        assert sum(terms) == pytest.approx(value**2 if name == "mmd" else value, abs=1e-9)


def test_zero_probabilities_and_equal_bars(calculate):
    p, q = [0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]
    found = calculate("divergences.ofBars", p, q)
    assert found["kl"] == found["reverse"] == math.inf
    assert found["js"] == pytest.approx(math.log(2)) and found["tv"] == 1 and found["w1"] == 2
    same = calculate("divergences.ofBars", p, p)
    assert all(value == 0 for value in same.values())
    one_way = calculate("divergences.ofBars", p, [0.25] * 4)
    assert one_way["kl"] == pytest.approx(math.log(2)) and one_way["reverse"] == math.inf


@pytest.mark.parametrize("height", [-1, 0, 0.3, 1, 7])
def test_a_pulled_bar_leaves_a_distribution(height, calculate):
    found = calculate("divergences.pulled", [0.25, 0.25, 0.5, 0], 2, height)
    assert sum(found) == pytest.approx(1) and found[2] == min(1, max(0, height))
    assert found[0] == pytest.approx(found[1])
    back = calculate("divergences.pulled", [0, 0, 1, 0], 2, 0.4)  # the others have no proportions
    assert back == pytest.approx([0.2, 0.2, 0.4, 0.2])


class Curve:
    """A mixture of normals, cut off, by scipy."""

    def __init__(self, means, widths, weights=(1,), low=-math.inf, high=math.inf):
        self.given = [list(means), list(widths), list(weights)]
        self.parts = [stats.norm(m, s) for m, s in zip(means, widths, strict=True)]
        self.weights = np.array(weights) / np.sum(weights)
        self.low, self.high = low, high
        self.mass = self.raw(high) - self.raw(low)

    def raw(self, x):
        return sum(w * part.cdf(x) for w, part in zip(self.weights, self.parts, strict=True))

    def pdf(self, x):
        inside = (x >= self.low) & (x <= self.high)
        raw = sum(w * part.pdf(x) for w, part in zip(self.weights, self.parts, strict=True))
        return np.where(inside, raw / self.mass, 0.0)

    def logpdf(self, x):
        logs = [
            part.logpdf(x) + math.log(w) for w, part in zip(self.weights, self.parts, strict=True)
        ]
        inside = (x >= self.low) & (x <= self.high)
        return np.where(inside, special.logsumexp(logs, axis=0) - math.log(self.mass), -np.inf)

    def cdf(self, x):
        return (self.raw(np.clip(x, self.low, self.high)) - self.raw(self.low)) / self.mass

    def code(self):
        ends = [str(v).replace("inf", "Infinity") for v in (self.low, self.high)]
        means, widths, weights = self.given
        return f"D.curve({means}, {widths}, {weights}, {', '.join(ends)})"


CURVES = [
    (Curve([0], [1]), Curve([1], [1.2])),
    (Curve([-1, 2], [0.5, 0.8], [0.3, 0.7]), Curve([0.5], [2.5])),
    (Curve([0], [1], low=-1.5, high=1.5), Curve([0.4, 2], [1, 0.6], [0.6, 0.4], -2.5, 3)),
    (Curve([0], [0.2]), Curve([0.1], [3])),
    (Curve([-2.5], [30], low=-3, high=-2), Curve([2.5], [30], low=2, high=3)),
]


def area(f, ends, points=()):
    """By the midpoint rule with many nodes, piece by piece between the places where f jumps."""
    cuts = sorted({*ends, *[p for p in points if ends[0] < p < ends[1]]})
    total = 0.0
    for a, b in itertools.pairwise(cuts):
        n = 400_000
        total += f(a + (b - a) * (np.arange(n) + 0.5) / n).sum() * (b - a) / n
    return total


@pytest.mark.parametrize(("p", "q"), CURVES)
def test_divergences_of_curves(p, q, calculate):
    found = calculate(f"D.ofCurves({p.code()}, {q.code()})", lab="divergences")
    jumps = [v for v in (p.low, p.high, q.low, q.high) if math.isfinite(v)]
    ends = (-30, 30)

    def kl(a, b):
        if (a.low < b.low and a.cdf(b.low) > 0) or (a.high > b.high and a.cdf(b.high) < 1):
            return math.inf

        def f(x):
            u = a.pdf(x)
            return np.where(u > 0, u * (a.logpdf(x) - b.logpdf(x)), 0.0)

        with np.errstate(invalid="ignore"):
            return area(f, ends, jumps)

    def js(x):
        u, v = p.pdf(x), q.pdf(x)
        return (special.rel_entr(u, (u + v) / 2) + special.rel_entr(v, (u + v) / 2)) / 2

    assert found["kl"] == pytest.approx(kl(p, q), abs=1e-6)
    assert found["reverse"] == pytest.approx(kl(q, p), abs=1e-6)
    assert found["js"] == pytest.approx(area(js, ends, jumps), abs=1e-6)
    x = np.linspace(-30, 30, 400_001)
    assert found["tv"] == pytest.approx(
        area(lambda t: abs(p.pdf(t) - q.pdf(t)) / 2, ends, jumps), abs=1e-6
    )
    gap = np.abs(p.cdf(x) - q.cdf(x))
    assert found["w1"] == pytest.approx(integrate.trapezoid(gap, x), abs=1e-6)
    # MMD by another way: the gap smoothed by half the kernel, squared.
    t = np.linspace(-12, 12, 601)
    nodes = -12 + 0.001 * (np.arange(24_000) + 0.5)  # no jump lies on one
    smooth = np.exp(-((t[:, None] - nodes) ** 2)) @ ((p.pdf(nodes) - q.pdf(nodes)) * 0.001)
    mmd = math.sqrt(math.sqrt(2 / math.pi) * integrate.trapezoid(smooth**2, t))
    assert found["mmd"] == pytest.approx(mmd, abs=1e-6)


def test_the_integrands_add_up_to_the_measures(calculate):
    for p, q in CURVES[:2]:
        found = calculate(f"D.ofCurves({p.code()}, {q.code()})", lab="divergences")
        for name, value in found.items():
            code = f"D.integrand(A[0], {p.code()}, {q.code()}, M.grid(-25, 25, 2501))"
            total = np.trapezoid(calculate(code, name, lab="divergences"), dx=0.02)
            assert total == pytest.approx(value**2 if name == "mmd" else value, abs=1e-4), name


def test_normals_in_closed_form(calculate):
    m, s = 2.0, 0.7
    found = calculate(f"D.ofCurves(D.curve([0], [1]), D.curve([{m}], [{s}]))", lab="divergences")
    assert found["kl"] == pytest.approx(math.log(s) + (1 + m * m) / (2 * s * s) - 0.5, abs=1e-9)
    assert found["reverse"] == pytest.approx(-math.log(s) + (s * s + m * m) / 2 - 0.5, abs=1e-9)
    cross = 1 / math.sqrt(2 + s * s) * math.exp(-m * m / (2 * (2 + s * s)))
    mmd = math.sqrt(1 / math.sqrt(3) + 1 / math.sqrt(1 + 2 * s * s) - 2 * cross)
    assert found["mmd"] == pytest.approx(mmd, abs=1e-9)
    same = calculate("D.ofCurves(D.curve([1], [2]), D.curve([1], [2]))", lab="divergences")
    assert max(same.values()) < 1e-7


def test_the_cut_mmd_is_as_exact_as_the_other(calculate):
    """Boxes: every double integral of the kernel has a closed form in the error function."""
    found = calculate(
        "D.measure.mmd(D.curve([0], [1e5], [1], 0, 1), D.curve([0], [1e5], [1], 2, 3))",
        lab="divergences",
    )

    def h(d):  # the second antiderivative of the kernel
        return d * math.sqrt(math.pi / 2) * math.erf(d / math.sqrt(2)) + math.exp(-d * d / 2)

    inside, across = h(1) + h(-1) - 2 * h(0), h(3) + h(1) - 2 * h(2)
    assert found == pytest.approx(math.sqrt(2 * inside - 2 * across), abs=1e-6)


def test_apart_js_and_variation_go_blind_and_wasserstein_does_not(calculate):
    def boxes(d):
        box = "d => D.curve([d], [30], [1], d - 0.5, d + 0.5)"
        code = f"(box => D.ofCurves(box(0), box(A[0])))({box})"
        return calculate(code, d, lab="divergences")

    near, far = boxes(2), boxes(5)
    assert near["js"] == pytest.approx(math.log(2)) and far["js"] == pytest.approx(near["js"])
    assert near["tv"] == pytest.approx(1) and far["tv"] == pytest.approx(1)
    assert far["w1"] - near["w1"] == pytest.approx(3, abs=1e-6)
    assert near["kl"] == far["reverse"] == math.inf


FIT = """(() => {
  const p = D.curve([-A[1] / 2, A[1] / 2], [0.7, 0.7], [0.6, 0.4]), value = D.fitter(p);
  let at = [1, 0.6];
  for (let k = 0; k < 800; k++) at = D.descend(value, A[0], at).at;
  return [at, value(A[0], ...at), D.measure[A[0]](p, D.curve([at[0]], [at[1]]))];
})()"""


def test_likelihood_covers_and_the_reverse_seeks(calculate):
    (mean, width), quick, slow = calculate(FIT, "kl", 4, lab="divergences")
    # A normal of least KL(p‖q) has p's mean and variance.
    assert mean == pytest.approx(-0.4, abs=2e-3)
    assert width == pytest.approx(math.sqrt(0.49 + 16 * 0.24), abs=2e-3)
    assert quick == pytest.approx(slow, abs=1e-6)
    (mean, width), quick, slow = calculate(FIT, "reverse", 4, lab="divergences")
    assert abs(mean - 2) < 0.05 and abs(width - 0.7) < 0.05
    assert quick == pytest.approx(slow, abs=1e-6)


@pytest.mark.parametrize("name", ["js", "tv", "w1", "mmd"])
def test_the_other_fits_go_downhill_too(name, calculate):
    start = calculate(
        "D.fitter(D.curve([-2, 2], [0.7, 0.7], [0.6, 0.4]))(A[0], 1, 0.6)", name, lab="divergences"
    )
    _, end, slow = calculate(FIT, name, 4, lab="divergences")
    assert end < start
    assert (math.sqrt(end) if name == "mmd" else end) == pytest.approx(slow, abs=2e-3)


def test_the_code_beside_it(calculate):
    p = [0.05, 0.1, 0.2, 0.3, 0.2, 0.1, 0.05, 0.0]
    q = [0.02, 0.05, 0.08, 0.15, 0.25, 0.25, 0.15, 0.05]
    found = calculate("divergences.ofBars", p, q)
    assert run_code("divergences") == pytest.approx(found, abs=1e-12)
