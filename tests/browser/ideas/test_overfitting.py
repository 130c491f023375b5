"""Overfitting: fits, losses, bias and variance against numpy and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.polynomial import legendre
from scipy import stats

from tests.browser.ideas.conftest import run_code

FAMILIES = ("degree", "bins", "bandwidth", "components")


def data(calculate, family, n, noise=0.3, seed=1):
    return calculate("overfitting.draw", family, n, noise, seed)


def at(calculate, family, given, c, reg, xs):
    code = "(m => A[4].map(x => m(x)))(D.fit(A[0], A[1], A[2], A[3]))"
    return np.array(calculate(code, family, given, c, reg, list(xs), lab="overfitting"))


@pytest.mark.parametrize(("degree", "reg"), [(0, 0), (3, 0), (9, 0.01), (14, 5.0)])
def test_polynomials(degree, reg, calculate):
    given = data(calculate, "degree", 40)
    A = legendre.legvander(np.array(given["x"]), degree)
    A = np.vstack([A, math.sqrt(max(reg, 1e-12)) * np.eye(degree + 1)])
    w = np.linalg.lstsq(A, np.append(given["y"], np.zeros(degree + 1)), rcond=None)[0]
    xs = np.linspace(-1, 1, 21)
    found = at(calculate, "degree", given, degree, reg, xs)
    np.testing.assert_allclose(found, legendre.legval(xs, w), atol=1e-6)


def test_more_numbers_than_points_pass_through_all_of_them(calculate):
    given = data(calculate, "degree", 5)
    found = at(calculate, "degree", given, 14, 0, given["x"])
    np.testing.assert_allclose(found, given["y"], atol=1e-4)


@pytest.mark.parametrize("reg", [0, 0.5])
def test_bins(reg, calculate):
    given = data(calculate, "bins", 50)
    counts, edges = np.histogram(given["x"], 10, (-0.2, 1.2))
    density = (counts + reg) / (50 + 10 * reg) / 0.14
    centres = (edges[1:] + edges[:-1]) / 2
    np.testing.assert_allclose(at(calculate, "bins", given, 10, reg, centres), density, atol=1e-9)
    assert at(calculate, "bins", given, 10, reg, [-3, 7]).tolist() == [0, 0]


def test_an_empty_bin_makes_the_held_out_loss_infinite(calculate):
    code = "D.loss('bins', D.fit('bins', { x: [0.1, 0.2] }, 4, A[0]), { x: [0.9] })"
    assert calculate(code, 0, lab="overfitting") == math.inf
    assert calculate(code, 1, lab="overfitting") == pytest.approx(-math.log(1 / 6 / 0.35))


@pytest.mark.parametrize("h", [0.4, 0.05])
def test_bandwidths(h, calculate):
    given = data(calculate, "bandwidth", 30)
    xs = np.linspace(-0.2, 1.2, 9)
    truth = stats.norm.pdf(xs[:, None], given["x"], h).mean(1)
    np.testing.assert_allclose(at(calculate, "bandwidth", given, h, 0, xs), truth, atol=1e-9)
    x = np.array(given["x"])
    each = stats.norm.pdf(x[:, None], x, h)
    np.fill_diagonal(each, 0)
    left_out = -np.log(each.sum(1) / (len(x) - 1)).mean()
    assert calculate("overfitting.leaveOneOut", x.tolist(), h) == pytest.approx(left_out, abs=1e-6)
    cv = calculate("overfitting.crossValidated", "bandwidth", given, h, 0, 30)
    assert cv == pytest.approx(left_out, abs=1e-6)


def test_em_never_lowers_the_likelihood_and_one_component_is_closed_form(calculate):
    given = data(calculate, "components", 80)
    x = np.array(given["x"])
    found = at(calculate, "components", given, 1, 0, [0.1, 0.5])
    truth = stats.norm.pdf([0.1, 0.5], x.mean(), math.sqrt(x.var() + 1e-4))
    np.testing.assert_allclose(found, truth, atol=1e-6)
    for K in (2, 5):
        path = calculate(f"D.mixture(A[0], {K}, 0).path", x.tolist(), lab="overfitting")
        assert np.diff(path).min() > -2e-3  # the added variance is no part of EM's own objective
        assert path[-1] > path[0]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("n", [1, 5, 500])
def test_every_family_fits_any_number_of_points(family, n, calculate):
    given = data(calculate, family, n)
    values = calculate("D.FAMILIES[A[0]].values", family, lab="overfitting")
    for c in (values[0], values[-1]):
        code = "D.loss(A[0], D.fit(A[0], A[1], A[2], 0.1), A[1])"
        assert math.isfinite(calculate(code, family, given, c, lab="overfitting"))


def test_densities_integrate_to_one(calculate):
    xs = np.linspace(-3, 4, 28_001)
    for family, c in (("bandwidth", 0.1), ("components", 4)):
        density = at(calculate, family, data(calculate, family, 40), c, 0, xs)
        assert np.trapezoid(density, xs) == pytest.approx(1, abs=1e-6)


def test_bias_and_variance_add_up_to_the_squared_error(calculate):
    code = """(() => { const s = D.study('degree', 20, 0.3, 0, 3), xs = D.xs('degree');
      for (let k = 0; k < A[0]; k++) s.add();
      const fits = Array.from({ length: A[0] }, (_, k) => {
        const m = D.fit('degree', D.draw('degree', 20, 0.3, 30021 + k), 3, 0);
        return Array.from(xs, x => m(x)); });
      return [s.result(), fits, Array.from(xs, x => D.truth('degree', x))]; })()"""
    result, fits, truth = calculate(code, 150, lab="overfitting")
    fits, truth = np.array(fits), np.array(truth)
    found = result[3]
    assert found["bias"] == pytest.approx(((fits.mean(0) - truth) ** 2).mean(), abs=1e-9)
    assert found["variance"] == pytest.approx(fits.var(0).mean(), abs=1e-9)
    assert found["sum"] == pytest.approx(((fits - truth) ** 2).mean(), abs=1e-9)
    # Simple models are biased, complex ones vary.
    assert result[0]["bias"] > 10 * result[5]["bias"]
    assert result[12]["variance"] > 10 * result[1]["variance"]
    beside = run_code("overfitting")
    assert beside["bias"] == pytest.approx(found["bias"], rel=0.3)
    assert beside["variance"] == pytest.approx(found["variance"], rel=0.4)


def test_one_data_set_has_no_variance(calculate):
    code = "(() => { const s = D.study('bins', 10, 0, 0, 1); s.add(); return s.result(); })()"
    assert all(abs(r["variance"]) < 1e-12 for r in calculate(code, lab="overfitting"))
