"""What an encoder says of a code, against the closed form of normals."""

from __future__ import annotations

import pytest
import torch

from models.codes.posterior import posterior_of
from models.contract.random import generator
from tests.conftest import small_vae


@pytest.mark.parametrize("seed", [0, 1])
def test_the_divergence_is_that_of_normals_where_the_prior_is_one(seed):
    model = small_vae(seed=seed)
    x = torch.rand(1, 1, 4, 4, generator=generator(seed))
    found = posterior_of(model, x, generator(2), 5)
    with torch.no_grad():
        mean, std = model.encode_distribution(x)
    closed = 0.5 * (mean**2 + std**2 - 1 - 2 * std.log()).sum().item()
    assert found.kl == pytest.approx(closed, abs=0.15)
    assert torch.equal(found.mean, mean[0]) and torch.equal(found.std, std[0])


def test_draws_are_of_the_posterior_and_of_the_seed():
    model = small_vae()
    x = torch.rand(1, 1, 4, 4, generator=generator(0))
    found = posterior_of(model, x, generator(0), 4000)
    assert torch.allclose(found.draws.mean(0), found.mean, atol=0.1)
    assert torch.allclose(found.draws.std(0), found.std, rtol=0.1)
    again = posterior_of(model, x, generator(0), 4000)
    assert torch.equal(found.draws, again.draws) and found.kl == again.kl
