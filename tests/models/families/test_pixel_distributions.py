"""Each distribution sums to one, is drawn from as it says, and is what scipy says it is."""

from __future__ import annotations

import pytest
import scipy.stats
import torch

from models.contract.random import generator
from models.families.distributions import KINDS, shape

LEVELS = 16


def distribution(kind: str, components: int = 3):
    return KINDS[kind](LEVELS, components)


def numbers_of(d, n: int = 5, seed: int = 0):
    return 1.5 * torch.randn((n, d.numbers), generator=generator(seed), dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_sum_to_one_and_are_those_of_log_prob(kind):
    d = distribution(kind)
    numbers = numbers_of(d)
    log_p = d.log_probs(numbers)
    assert log_p.shape == (5, d.levels)
    torch.testing.assert_close(log_p.exp().sum(-1), torch.ones(5, dtype=torch.float64))
    for v in range(d.levels):
        one = d.log_prob(numbers, torch.full((5,), float(v), dtype=torch.float64))
        torch.testing.assert_close(one, log_p[:, v])


@pytest.mark.parametrize("kind", KINDS)
def test_draws_have_these_probabilities_and_grow_with_the_uniform(kind):
    d = distribution(kind)
    numbers = numbers_of(d, 1)
    u = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    v = d.draw(numbers.expand(4000, -1), u)
    assert (v.diff() >= 0).all()
    share = torch.bincount(v.long(), minlength=d.levels) / 4000
    torch.testing.assert_close(share.double(), d.log_probs(numbers)[0].exp(), atol=1e-3, rtol=0)
    cold = d.draw(numbers.expand(4000, -1), u, temperature=0.01)
    likeliest = d.log_probs(numbers)[0].argmax()
    assert (cold == likeliest).float().mean() > 0.99


@pytest.mark.parametrize("kind", [k for k in KINDS if not distribution(k).exact])
def test_the_noisy_density_is_below_the_probability_on_average(kind):
    d = distribution(kind)
    numbers = numbers_of(d, 4)
    # Not the outermost levels: where a density has a pole, an average over it is hard to take.
    v = torch.tensor([2.0, 3.0, 9.0, 13.0], dtype=torch.float64)
    noise = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000
    each = d.log_prob(numbers[:, None].expand(-1, 2000, -1), v[:, None].expand(-1, 2000),
                      noise.expand(4, -1))  # fmt: skip
    exact = d.log_prob(numbers, v)
    assert (each.mean(1) <= exact + 1e-3).all()
    # And averaging the density itself, not its logarithm, is the probability.
    torch.testing.assert_close(each.exp().mean(1).log(), exact, atol=0.02, rtol=0)


@pytest.mark.parametrize("kind", ["beta", "logit-normal", "logistic"])
def test_one_component_is_scipys(kind):
    d = distribution(kind, components=1)
    numbers = numbers_of(d, 1, seed=4)
    a, b = numbers[0, 1], numbers[0, 2]
    edges = torch.linspace(0, 1, LEVELS + 1, dtype=torch.float64)
    if kind == "beta":
        cdf = scipy.stats.beta(shape(a).item(), shape(b).item()).cdf(edges)
    elif kind == "logit-normal":
        cdf = scipy.stats.norm(a.item(), b.exp().item()).cdf(torch.logit(edges))
    else:  # levels from -1 to 1, edges half way between them and open at the ends
        between = torch.linspace(-1, 1, LEVELS, dtype=torch.float64)[:-1] + 1 / (LEVELS - 1)
        cdf = [0, *scipy.stats.logistic(a.item(), (b - 2).exp().item()).cdf(between), 1]
    expected = torch.as_tensor(cdf).diff()
    torch.testing.assert_close(d.log_probs(numbers)[0].exp(), expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_far_out_numbers_stay_finite_and_so_do_their_gradients(kind):
    d = distribution(kind)
    for size in (30.0, -30.0):
        numbers = torch.full((2, d.numbers), size, requires_grad=True)
        numbers_b = numbers * torch.linspace(-1, 1, d.numbers)
        v = torch.tensor([0.0, float(d.levels - 1)])
        noise = None if d.exact else torch.tensor([0.0, 0.999])
        value = d.log_prob(numbers_b, v, noise)
        value.sum().backward()
        assert torch.isfinite(value).all() and torch.isfinite(numbers.grad).all()
