"""The mathematics that a VAE is made of, each against closed forms and other libraries."""

from __future__ import annotations

import math

import pytest
import torch
from torch import distributions as D

from models.contract.numbers import gaussian_kl, log_normal
from models.contract.random import generator, normal
from models.families.distributions import discretised_logistic
from models.families.vae.nets import Coupling, Prior
from models.families.vae.vae import VAE, VAEConfig, total_correlation
from tests.conftest import small_vae as make

# -- its pieces ------------------------------------------------------------------------------------


def test_gaussian_kl_agrees_with_torch():
    mean, std = torch.randn(50, 4, generator=generator(0)) * 3, torch.rand(50, 4) * 4 + 0.01
    expected = D.kl_divergence(D.Normal(mean, std), D.Normal(0.0, 1.0))
    torch.testing.assert_close(gaussian_kl(mean, std), expected, atol=1e-5, rtol=1e-5)
    assert gaussian_kl(torch.zeros(1), torch.ones(1)).item() == 0


def test_log_normal_agrees_with_torch():
    z, mean, std = (torch.rand(3, 5, 4, generator=generator(i)) + 0.1 for i in range(3))
    expected = D.Normal(mean, std).log_prob(z)
    torch.testing.assert_close(log_normal(z, mean, std), expected)
    expected = D.Normal(0.3, 0.7).log_prob(z)
    torch.testing.assert_close(log_normal(z, 0.3, 0.7), expected)


LEVELS = torch.arange(256, dtype=torch.float64)[:, None] / 255
MEANS = torch.tensor([-4.0, -0.5, 0.0, 0.3, 0.5, 1.0, 1.2, 5.0], dtype=torch.float64)


@pytest.mark.parametrize("log_scale", [-7.0, -5.0, -2.5, 0.0, 3.0])
def test_the_discretised_logistic_sums_to_one(log_scale):
    log_p = discretised_logistic(LEVELS, MEANS, torch.full_like(MEANS, log_scale))
    torch.testing.assert_close(log_p.exp().sum(0), torch.ones(8, dtype=torch.float64), rtol=1e-9,
                               atol=0)  # fmt: skip
    single = discretised_logistic(LEVELS.float(), MEANS.float(), torch.tensor(log_scale))
    assert torch.isfinite(single).all(), "far out in the tails it must stay finite"
    torch.testing.assert_close(single.double(), log_p, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("log_scale", [-4.0, -2.5, -1.0])
def test_the_discretised_logistic_is_a_difference_of_cdfs(log_scale):
    means = MEANS[2:6]
    scale = math.exp(log_scale)

    def cdf(x):
        return torch.sigmoid((x - means) / scale)

    upper = torch.where(LEVELS == 1, 1.0, cdf(LEVELS + 0.5 / 255))
    lower = torch.where(LEVELS == 0, 0.0, cdf(LEVELS - 0.5 / 255))
    stable = upper - lower > 1e-7  # where float64 still resolves the difference
    assert stable.double().mean() > 0.2
    log_p = discretised_logistic(LEVELS, means, torch.full_like(means, log_scale))
    torch.testing.assert_close(log_p[stable], (upper - lower).log()[stable], rtol=1e-6, atol=1e-6)


def test_the_gradient_of_the_discretised_logistic_is_finite_everywhere():
    mean = MEANS.float().clone().requires_grad_()
    log_scale = torch.full((8,), -7.0, requires_grad=True)
    discretised_logistic(LEVELS.float(), mean, log_scale).sum().backward()
    assert torch.isfinite(mean.grad).all() and torch.isfinite(log_scale.grad).all()


@pytest.fixture
def prior() -> Prior:
    return make(scale=2.0, latent=5, prior_layers=4, prior_hidden=16).prior


@torch.no_grad()
def test_the_learned_prior_inverts(prior):
    h = 2 * torch.randn(7, 3, 5, generator=generator(0))  # any leading dimensions
    z, log_det = prior(h)
    assert z.shape == h.shape and log_det.shape == (7, 3)
    assert (z - h).abs().max() > 0.5  # it does bend
    torch.testing.assert_close(prior.inverse(z), h, atol=2e-3, rtol=1e-3)
    torch.testing.assert_close(prior(prior.inverse(h))[0], h, atol=2e-3, rtol=1e-3)


def test_the_log_determinant_is_that_of_the_jacobian(prior):
    prior = prior.double()
    for h in torch.randn(5, 5, generator=generator(0)).double():
        jacobian = torch.autograd.functional.jacobian(lambda h: prior(h)[0], h)
        expected = torch.linalg.slogdet(jacobian).logabsdet
        assert prior(h)[1].item() == pytest.approx(expected.item(), abs=1e-4)


@torch.no_grad()
def test_the_learned_prior_is_a_density():
    prior = make(scale=2.0, latent=2, prior_layers=4, prior_hidden=16).prior
    axis = torch.linspace(-25, 25, 801)
    density = prior.log_prob(torch.cartesian_prod(axis, axis)).double().exp()
    assert density.sum().item() * (50 / 800) ** 2 == pytest.approx(1, abs=0.01)
    # And its samples are distributed as it says: their mean log density is minus its entropy.
    h = prior.inverse(normal((100_000, 2), generator(0), "cpu"))
    log_p = prior.log_prob(h)
    entropy = -(density * density.clamp(min=1e-300).log()).sum().item() * (50 / 800) ** 2
    assert -log_p.mean().item() == pytest.approx(entropy, abs=0.02)


def test_the_learned_prior_starts_as_the_standard_normal():
    model = VAE(VAEConfig(image=(1, 4, 4), latent=3, width=8, halvings=1, prior_layers=4))
    h = torch.randn(10, 3, generator=generator(0))
    z, log_det = model.prior(h)
    assert log_det.abs().max() == 0
    torch.testing.assert_close(z.norm(dim=1), h.norm(dim=1))  # only the order changes
    torch.testing.assert_close(model.prior.log_prob(h), log_normal(h).sum(-1))


def test_coupling_scales_are_bounded():
    layer = Coupling(4, 8, torch.randperm(4))
    with torch.no_grad():
        layer.net[-1].bias.fill_(1e6)
    assert layer(torch.zeros(1, 4))[1].item() == pytest.approx(2 * 2)


# -- total correlation -----------------------------------------------------------------------------


def estimated_correlation(covariance: torch.Tensor, B: int = 3000) -> float:
    """The estimate for codes whose aggregate is N(0, covariance)."""
    D_ = len(covariance)
    own = 0.6  # standard deviation of each image's q(z | x)
    between = torch.linalg.cholesky(covariance - own**2 * torch.eye(D_))
    mean = normal((B, D_), generator(5), "cpu") @ between.T
    z = mean + own * normal((B, D_), generator(6), "cpu")
    std = torch.full_like(mean, own)
    return total_correlation(z, mean, std).item()


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.6])
def test_total_correlation_of_correlated_gaussians(rho):
    # Closed form: -1/2 log det of the correlation matrix.
    two = torch.tensor([[1.0, rho], [rho, 1.0]])
    assert estimated_correlation(two) == pytest.approx(-0.5 * math.log(1 - rho**2), abs=0.03)
    three = torch.eye(3)
    three[:2, :2] = two
    assert estimated_correlation(three) == pytest.approx(-0.5 * math.log(1 - rho**2), abs=0.06)


def test_total_correlation_is_zero_where_no_code_says_anything():
    z = normal((500, 4), generator(0), "cpu")
    value = total_correlation(z, torch.zeros(500, 4), torch.ones(500, 4)).item()
    assert value == pytest.approx(0, abs=1e-3)


def test_a_dimension_said_twice_correlates_totally():
    once = normal((500, 1), generator(0), "cpu")
    noise = 0.1 * normal((500, 1), generator(1), "cpu")
    z, mean = (a.expand(500, 2) for a in (once + noise, once))
    twice = total_correlation(z, mean, torch.full((500, 2), 0.1)).item()
    assert twice > 1.5
