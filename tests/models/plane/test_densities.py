"""The methods that have a density, each against another computation of the same."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm

from models.contract.random import generator
from models.plane import contract
from models.plane.data import dataset
from models.plane.run import Run

FLOWS = ("coupling", "spline", "continuous-flow")


def disturbed(key, **config):
    """A method with weights at random, so that nothing of it is trivial."""
    method = contract.build(key, config)
    rng = generator(5)
    for parameter in method.parameters():
        parameter.data.add_(0.3 * torch.randn(parameter.shape, generator=rng))
    return method


# -- counting and kernels -------------------------------------------------------------------------


def test_a_histogram_is_what_numpy_counts():
    data = dataset("moons", 500)
    run = Run("histogram", data, {"bins": 16, "batch": 170, "smoothing": 0.0001})
    while not run.model.finished:
        run.advance()
    assert run.step == 3
    x = data.points.numpy()
    edges = np.linspace(-4, 4, 17)
    density, *_ = np.histogram2d(x[:, 1], x[:, 0], bins=[edges, edges], density=True)
    mine = run.model.log_density(contract.grid(16)).exp().reshape(16, 16).numpy()
    assert np.allclose(mine, density, atol=1e-3)
    held = run.model.log_density(torch.tensor([[9.0, 0.0]]))
    assert held.item() == -math.inf


def test_a_point_outside_is_counted_at_the_border():
    data = dataset("ring", 50)
    data.points[0] = torch.tensor([9.0, 0.0])
    run = Run("histogram", data, {"bins": 8})
    run.advance()
    assert int(run.model.counts.sum()) == 50 and math.isfinite(run.logs["loss"])


def test_a_kernel_density_is_a_mean_of_gaussians_and_can_leave_each_point_out():
    data = dataset("ring", 60)
    run = Run("kernel-density", data, {"bandwidth": 0.3})
    places = contract.grid(5)
    each = [multivariate_normal(m, 0.09 * np.eye(2)) for m in data.points.double().numpy()]
    wanted = np.mean([one.pdf(places.numpy()) for one in each], 0)
    assert np.allclose(run.model.log_density(places).exp().numpy(), wanted, atol=1e-5)
    left_out = run.model._log_density(data.points[:1], leave_out=True).exp().item()
    assert left_out == pytest.approx(
        np.mean([one.pdf(data.points[0].numpy()) for one in each[1:]]), rel=1e-4
    )


def test_a_kernel_density_that_sees_its_own_points_becomes_spikes():
    data = dataset("ring", 50)
    ends = {}
    for fit in ("left out", "all points"):
        run = Run("kernel-density", data, {"fit": fit, "batch": 50, "learning_rate": 0.2})
        for _ in range(40):
            run.advance()
        ends[fit] = run.model.bandwidth.item()
        held, own = (float(run.model.log_density(x).mean()) for x in (data.held_out, data.points))
        if fit == "all points":
            assert own > held + 2
    assert ends["all points"] < 0.05 < ends["left out"]


def test_a_bandwidth_is_changed_by_hand():
    run = Run("kernel-density", dataset("ring", 50), {"fit": "fixed"})
    run.tune({"bandwidth": 0.25})
    run.advance()
    assert run.model.bandwidth.item() == pytest.approx(0.25)


# -- expectation and maximisation -----------------------------------------------------------------


@pytest.mark.parametrize("start", ["spread", "any"])
def test_em_never_lowers_the_likelihood(start):
    data = dataset("pinwheel", 300)
    run = Run("gaussian-mixture", data, {"components": 6, "start": start})
    likelihoods = []
    for _ in range(40):
        run.advance()
        likelihoods.append(float(run.model.log_density(data.points).double().mean()))
    assert (np.diff(likelihoods) > -1e-5).all()


def test_a_step_of_em_is_its_equations():
    """Bishop 2006, equations 9.23 to 9.26, by loops over components."""
    data = dataset("moons", 80)
    run = Run("gaussian-mixture", data, {"components": 3, "narrowest": 0.001})
    before, x = run.model.components().double().numpy(), data.points.double().numpy()

    def density(c):
        weight, mx, my, xx, xy, yy = before[c]
        return weight * multivariate_normal([mx, my], [[xx, xy], [xy, yy]]).pdf(x)

    share = np.stack([density(c) for c in range(3)], 1)
    share /= share.sum(1, keepdims=True)
    run.advance()
    after = run.model.components().double().numpy()
    for c in range(3):
        r = share[:, c]
        mean = r @ x / r.sum()
        cov = (r[:, None] * (x - mean)).T @ (x - mean) / r.sum()
        wanted = [r.mean(), *mean, cov[0, 0], cov[0, 1], cov[1, 1]]
        assert np.allclose(after[c], wanted, atol=1e-4)


# -- one coordinate after the other ---------------------------------------------------------------


def test_the_two_factors_are_densities_of_one_number():
    method = disturbed("autoregressive", width=16, depth=1)
    line = torch.linspace(-30, 30, 6001)
    other = torch.zeros_like(line)
    first, _ = method._log_factors(torch.stack([line, other], 1))
    assert float(first.detach().exp().sum() * 0.01) == pytest.approx(1, abs=1e-3)
    for at in (-1.5, 0.2):
        _, second = method._log_factors(torch.stack([torch.full_like(line, at), line], 1))
        assert float(second.detach().exp().sum() * 0.01) == pytest.approx(1, abs=1e-3)


def test_samples_of_it_have_its_moments():
    method = disturbed("autoregressive", width=16, depth=1)
    cells = contract.grid(400, (-16.0, 16.0))
    p = method.log_density(cells).double().exp() * (32 / 400) ** 2
    x = method.sample(20_000, generator(1)).double()
    assert torch.allclose(x.mean(0), p @ cells.double(), atol=0.05)


# -- flows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", FLOWS)
def test_the_log_determinant_is_that_of_autograd(key):
    method = disturbed(key, width=16, **({"steps": 4} if key == "continuous-flow" else {}))
    method = method.double()  # layers at random may bend so much that single precision is lost
    z = torch.randn(6, 2, generator=generator(0), dtype=torch.float64)

    def to_data(z):
        if key == "continuous-flow":
            *_, (x, _) = method.carried(z, 0.0, 1.0)
            return x
        for layer in method.layers:
            z = layer(z[None] if z.dim() == 1 else z)[0]
        return z

    for one in z:
        x = to_data(one[None]).detach()
        matrix = torch.autograd.functional.jacobian(lambda v: to_data(v[None])[0], one)
        base = norm.logpdf(one.numpy()).sum()
        wanted = base - float(torch.linalg.slogdet(matrix)[1])
        # The steps of an ODE are exact to their order alone.
        close = 0.02 if key == "continuous-flow" else 1e-3
        assert float(method.log_density(x)) == pytest.approx(wanted, abs=close)


@pytest.mark.parametrize("key", FLOWS)
def test_the_bent_grid_and_its_areas(key):
    """log |det| at a grid's middle against the area of the quadrilateral about it.

    The quadrilateral is so small, and its numbers so fine, that no bend within it counts."""
    method = disturbed(key, width=8)
    mesh, log_det = method.mesh()
    assert torch.equal(mesh[0], contract.code_grid()) and not log_det[0].any()
    fine = 1e-6
    z = torch.tensor([[0.0, 0.0], [fine, 0.0], [0.0, fine]], dtype=torch.float64)
    z = z + mesh[0, 10, 10]
    method.double()
    if key == "continuous-flow":
        *_, (x, _) = method.carried(z, 0.0, 1.0)
    else:
        x = z
        for layer in method.layers:
            x = layer(x)[0]
    x = x.detach()
    a, b = (x[1] - x[0]) / fine, (x[2] - x[0]) / fine
    area = float((a[0] * b[1] - a[1] * b[0]).abs().log())
    assert float(log_det[-1, 10, 10]) == pytest.approx(area, abs=0.01)
    assert torch.allclose(mesh[-1, 10, 10].double(), x[0], atol=1e-4)


@pytest.mark.parametrize("key", ["coupling", "spline"])
def test_layers_are_undone(key):
    method = disturbed(key, width=16).double()
    x = 3 * torch.randn(50, 2, generator=generator(2), dtype=torch.float64)
    for layer in method.layers:
        y, forward = layer(x)
        back, backward = layer(y, inverse=True)
        assert torch.allclose(back, x, atol=1e-6)
        assert torch.allclose(forward, -backward, atol=1e-6)


def test_the_divergence_of_a_velocity_is_exact():
    method = disturbed("continuous-flow", width=16)
    x = torch.randn(5, 2, generator=generator(3))
    velocity, divergence = method.velocity(x, 0.3)
    for k, one in enumerate(x):
        matrix = torch.autograd.functional.jacobian(
            lambda v: method.velocity(v[None], 0.3)[0][0], one
        )
        assert float(divergence[k]) == pytest.approx(float(matrix.trace()), abs=1e-4)
    assert torch.allclose(method.field(x, 0.3), velocity)


# -- variational autoencoders ---------------------------------------------------------------------


@pytest.mark.parametrize("key", ["vae-1", "vae-2"])
def test_the_evidence_is_the_integral_and_above_the_bound(key):
    run = Run(key, dataset("banana", 500), {"width": 16, "depth": 1, "learning_rate": 0.02})
    for _ in range(150):
        run.advance()
    method, x = run.model, run.data.held_out[:40]
    evidence, bound = method.log_density(x), method.bound(x)
    assert bool((bound <= evidence + 1e-3).all())
    with torch.no_grad():
        # The same integral by importance, from the encoder's guess made wider.
        mean, log_variance = method.encode(x)
        width = 1.3 * (0.5 * log_variance).exp() + 0.02
        noise = torch.randn(4000, *mean.shape, generator=generator(0))
        z = mean + width * noise
        log_q = (-0.5 * noise.square() - width.log() - 0.5 * math.log(2 * math.pi)).sum(-1)
        log_prior = (-0.5 * z.square() - 0.5 * math.log(2 * math.pi)).sum(-1)
        weights = method._log_given(x, z) + log_prior - log_q
        estimate = weights.logsumexp(0) - math.log(4000)
    gap = (estimate - evidence).abs()
    assert float(gap.median()) < 0.02 and float(gap.mean()) < 0.06
    # And the bound by draws of its own expectation.
    noise = torch.randn(4000, *mean.shape, generator=generator(1))
    with torch.no_grad():
        z = mean + (0.5 * log_variance).exp() * noise
        log_q = (-0.5 * noise.square() - 0.5 * log_variance - 0.5 * math.log(2 * math.pi)).sum(-1)
        log_prior = (-0.5 * z.square() - 0.5 * math.log(2 * math.pi)).sum(-1)
        drawn = (method._log_given(x, z) + log_prior - log_q).mean(0)
    assert torch.allclose(drawn, bound, atol=0.15)
