"""The hierarchy's bound, against a linear-Gaussian model whose likelihood is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from models.checkpoints import weights
from models.contract.numbers import log_normal
from models.contract.random import generator
from models.families.hierarchical.hvae import HierarchicalVAE
from tests.contract import refused

A, B, C = 0.8, 1.3, 0.5  # x = A z2 + C n, z2 = B z1 + n, z1 = n, for standard normal n
SPREAD = math.sqrt(1 + B**2), math.sqrt(A**2 * (1 + B**2) + C**2)  # of z2 and x


class LinearLevel(nn.Module):
    """A level of one number a place, p(z | above) = N(slope above, 1), and the posterior that
    ``guess`` says: features and what is above -> mean and deviation."""

    def __init__(self, shape, slope: float, guess) -> None:
        super().__init__()
        self.shape, self.slope, self.guess = shape, slope, guess

    def prior(self, h):
        return self.slope * h, torch.ones_like(h), h

    def posterior(self, h, features):
        mean, std = self.guess(h, features)
        return mean - self.slope * h, std * torch.ones_like(h)

    def put(self, h, z):
        return z


def exact_guesses():
    """q(z1 | x) and q(z2 | z1, x), the true posteriors by Bayes' rule for Gaussians."""
    a = A * B  # x = a z1 + N(0, A^2 + C^2)
    v1 = 1 / (1 + a**2 / (A**2 + C**2))
    v2 = 1 / (1 + A**2 / C**2)

    def first(h, x):
        return v1 * a / (A**2 + C**2) * x, math.sqrt(v1)

    def second(h, x):
        return v2 * (B * h + A / C**2 * x), math.sqrt(v2)

    return first, second


class Linear(HierarchicalVAE):
    """One pixel, two levels, no network."""

    def __init__(self, guesses) -> None:
        config = HierarchicalVAE.Config(
            image=(1, 4, 4), width=8, halvings=1, groups="1, 1, 1", depths="1, 1, 1"
        )
        super().__init__(config)
        first, second = guesses
        self.start = nn.Parameter(torch.zeros(1, 1, 1))
        self.sides = [(1, 1), (1, 1)]
        self.levels_at = nn.ModuleList(
            nn.ModuleList([level])
            for level in (LinearLevel((1, 1, 1), 0.0, first), LinearLevel((1, 1, 1), B, second))
        )
        self.grow = nn.ModuleList([nn.Identity()])
        self.write = nn.Identity()

    def checked(self, x):
        return x

    def observed(self, x, rng):
        return x

    def features(self, x):
        return [x, x]

    def log_p_pixels(self, x, numbers):
        return log_normal(x, A * numbers, C)


def pixels(n: int = 400) -> torch.Tensor:
    return SPREAD[1] * torch.randn(n, 1, 1, 1, generator=generator(7))


def test_with_the_true_posteriors_the_bound_is_the_likelihood_draw_by_draw():
    model, x = Linear(exact_guesses()), pixels()
    exact = log_normal(x, 0.0, SPREAD[1]).sum((1, 2, 3))
    found = model.log_likelihood(x, generator(0), samples=3)
    torch.testing.assert_close(found.nats, exact, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.details["ess"], torch.full_like(exact, 3.0))
    # The KL terms are exact and the reconstruction is drawn: right on average.
    one = model.log_likelihood(x, generator(0), samples=4000, chunk=10**6)
    gap = (one.details["elbo"] - exact).mean()
    assert abs(float(gap)) < 0.01


def test_a_wrong_guess_costs_its_divergence_from_the_posterior():
    first, second = exact_guesses()

    def off(h, x):
        mean, std = second(h, x)
        return mean + 0.3, 1.5 * std

    model, x = Linear((first, off)), pixels()
    std = math.sqrt(1 / (1 + A**2 / C**2))
    divergence = 0.5 * ((0.3 / std) ** 2 + 1.5**2 - 1) - math.log(1.5)
    exact = log_normal(x, 0.0, SPREAD[1]).sum((1, 2, 3))
    found = model.log_likelihood(x, generator(0), samples=4000, chunk=10**6)
    assert float((exact - found.details["elbo"]).mean()) == pytest.approx(divergence, abs=0.02)
    # Many draws make up for it.
    assert float((exact - found.nats).mean()) == pytest.approx(0.0, abs=0.01)


def test_the_levels_share_the_nats_as_the_posteriors_say():
    model, x = Linear(exact_guesses()), pixels(4000)
    kl = model.level_kl(x, generator(0))
    a, v1, v2 = A * B, 1 / (1 + (A * B) ** 2 / (A**2 + C**2)), 1 / (1 + A**2 / C**2)
    # The mean KL of a true posterior is the mutual information with what is not yet known.
    expected = -0.5 * math.log(v1), -0.5 * math.log(v2)
    assert a > 0
    for found, nats in zip(kl.mean(0).tolist(), expected, strict=True):
        assert found == pytest.approx(nats, abs=0.03)


def small(**settings):
    torch.manual_seed(0)
    settings = {"image": [1, 8, 8], "width": 16, "groups": "1, 2, 1, 1", **settings}
    model = weights.build("hvae", settings).eval()
    rng = generator(3)
    with torch.no_grad():
        for p in model.parameters():
            p += 0.1 * torch.randn(p.shape, generator=rng)
    return model


def test_more_draws_give_a_tighter_bound():
    model = small()
    x = (torch.rand(200, 1, 8, 8, generator=generator(1)) < 0.3).float()
    one, few, many = (
        float(model.log_likelihood(x, generator(2), samples=k).nats.mean()) for k in (1, 5, 60)
    )
    assert one < few < many


def test_the_terms_add_up():
    model = small()
    x = (torch.rand(9, 1, 8, 8, generator=generator(1)) < 0.3).float()
    found = model.log_likelihood(x, generator(2), samples=4).details
    assert found["kl_per_level"].shape == (9, len(model.levels)) == (9, 5)
    torch.testing.assert_close(found["kl_per_level"].sum(1), found["kl"])
    torch.testing.assert_close(found["reconstruction"] - found["kl"], found["elbo"])
    assert (found["kl_per_level"] >= 0).all()


def test_what_is_held_stays_and_what_is_not_is_drawn_anew():
    model = small()
    frame = list(model.sample_steps(2, generator(0)))[-1]
    codes, L = frame.info["codes"], len(model.levels)
    again = model.sample_held(L, codes, generator(5))
    torch.testing.assert_close(again, frame.x, atol=1e-5, rtol=0)  # everything held: the sample
    spread = [
        float(model.sample_held(k, codes, generator(5), n=40)[:40].var(0).sum()) for k in range(L)
    ]
    assert all(s > 0 for s in spread) and spread[0] > spread[-1]
    three = model.sample_held(2, codes, generator(5), n=3)
    assert three.shape == (6, 1, 8, 8)
    # The codes below the level are not read.
    fewer = model.sample_held(2, codes[:2], generator(5), n=3)
    assert torch.equal(three, fewer)
    # At temperature 0 nothing is random.
    calm = [model.sample_held(1, codes, generator(k), temperature=0.0) for k in (0, 1)]
    assert torch.equal(*calm)


def test_a_picture_goes_into_every_level_and_comes_back():
    model = small()
    x = (torch.rand(3, 1, 8, 8, generator=generator(1)) < 0.3).float()
    codes = model.encode_levels(x, generator(0))
    assert [tuple(c.shape[1:]) for c in codes] == [*model.code_shapes]
    assert model.sample_held(len(codes), codes, generator(0)).shape == x.shape
    assert torch.equal(codes[0], model.encode_levels(x, generator(0))[0])


def test_bad_questions_get_a_sentence():
    model = small()
    codes = list(model.sample_steps(2, generator(0)))[-1].info["codes"]
    refused(model.sample_held, 9, codes, generator(0))
    refused(model.sample_held, -1, codes, generator(0))
    refused(model.sample_held, 2, codes[1:], generator(0))
    refused(model.sample_held, 3, codes[:1], generator(0))
    refused(model.sample_held, 1, codes, generator(0), n=0)
    refused(lambda: list(model.sample_steps(1, generator(0), temperature=math.nan)))
    refused(weights.build, "hvae", {"groups": "1, 2"})
    for wrong in ("1, 2, 0, 1", "1, 2, 3", "1, 2, 3, many", "", "1, 2, 3, -4", "1, 2, 3, 4.5"):
        refused(weights.build, "hvae", {"depths": wrong})
    refused(weights.build, "hvae", {"image": [1, 4, 4], "halvings": 2})


def test_the_price_of_the_levels_rises_while_free_nats_end():
    """At the start the KL terms weigh nothing; at the end the objective is the bound."""
    model = small(warmup_steps=10, free_nats=50.0).train()
    x = torch.rand(6, 1, 8, 8, generator=generator(1))

    def gap() -> float:
        objective = next(model.objectives(x, None, generator(0)))
        return float((objective.loss + objective.logs["elbo_nats"]).detach())

    first = gap()
    model.seen.fill_(10)
    assert abs(gap()) < 1e-3 < abs(first)
