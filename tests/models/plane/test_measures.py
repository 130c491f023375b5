"""Distances between densities of the plane, against what is known of Gaussians."""

import math

import pytest
import torch

from models.contract.random import generator
from models.plane import measures
from models.plane.contract import grid
from models.plane.data import mixture, ring
from models.plane.densities import Mixture


def gaussian(mean, width):
    return mixture(means=[mean], widths=[width], weights=[1.0])


def kl(a, b, apart):
    """KL(N(0, a^2 I) || N(m, b^2 I)) of two dimensions, |m| = apart."""
    return a**2 / b**2 - 1 + 2 * math.log(b / a) + 0.5 * apart**2 / b**2


P, Q = gaussian([0.0, 0.0], 0.6), gaussian([0.3, 0.4], 0.8)
FORWARD, BACKWARD = kl(0.6, 0.8, 0.5), kl(0.8, 0.6, 0.5)


def test_divergences_on_a_grid_are_the_closed_forms():
    cells = grid(64)
    log_p, log_q = (d.log_density(cells).reshape(64, 64) for d in (P, Q))
    found = measures.divergences(log_p, log_q)
    assert found["kl_forward"].value == pytest.approx(FORWARD, abs=1e-3)
    assert found["kl_backward"].value == pytest.approx(BACKWARD, abs=1e-3)
    assert 0 < found["js"].value < math.log(2)
    assert found["kl_forward"].stderr < 1e-3
    same = measures.divergences(log_p, log_p)
    assert all(abs(each.value) < 1e-9 for each in same.values())


def test_divergences_of_samples_are_near_the_closed_forms():
    x, y = P.sample(2000, generator(0)), Q.sample(2000, generator(1))
    found = measures.neighbour_divergences(x, y, P)
    for name, wanted in (("kl_forward", FORWARD), ("kl_backward", BACKWARD)):
        assert found[name].value == pytest.approx(wanted, abs=4 * found[name].stderr + 0.05)
        assert "nearest neighbours" in found[name].kind


def test_wasserstein_of_a_shift_is_its_length():
    x = P.sample(800, generator(0))
    assert measures.wasserstein(x, x + torch.tensor([0.3, 0.4])).value == pytest.approx(
        0.5, abs=1e-5
    )
    assert measures.wasserstein(x, x).value == pytest.approx(0, abs=1e-4)


def test_mmd_is_unbiased_and_grows_with_the_distance():
    """The closed form for Gaussians (Gretton et al. 2012): kernels of Gaussians are Gaussians."""
    width = 0.5

    def mean_kernel(a, b, apart):
        total = width**2 + a**2 + b**2
        return width**2 / total * math.exp(-0.5 * apart**2 / total)

    wanted = mean_kernel(0.6, 0.6, 0) + mean_kernel(0.8, 0.8, 0) - 2 * mean_kernel(0.6, 0.8, 0.5)
    found = measures.mmd(P.sample(800, generator(0)), Q.sample(800, generator(1)), width)
    assert found.value == pytest.approx(wanted, abs=4 * found.stderr + 1e-3)
    none = measures.mmd(P.sample(800, generator(2)), P.sample(800, generator(3)), width)
    assert abs(none.value) < 4 * none.stderr + 2e-3


def test_modes_are_counted():
    truth = ring()
    assert measures.modes_found(truth.sample(1000, generator(0)), truth).value == 8
    three = Mixture.round(truth.modes[:3], 0.2, peaks=True)
    assert measures.modes_found(three.sample(1000, generator(0)), truth).value == 3
    far = torch.full((1000, 2), 9.0)
    assert measures.modes_found(far, truth).value == 0
