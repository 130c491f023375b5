"""The search for a picture's code: it finds those of samples, keeps to valid ones, can be left."""

from __future__ import annotations

import itertools

import pytest
import torch

from models.codes import inversion
from models.codes.inversion import invert_steps, search_steps, starting_codes, valid
from models.contract.random import generator
from tests.conftest import small_vae
from tests.models.families.test_gan import small


def last(steps):
    *_, end = steps
    return end


def search(model, x, seed: int = 1, n: int = 8, **settings):
    return invert_steps(model, x, starting_codes(model, n, generator(seed)), **settings)


@pytest.mark.parametrize("model", [small(), small_vae(latent=2, seed=1)], ids=["gan", "vae"])
def test_it_finds_a_code_of_a_sample(model):
    z = torch.randn((1, model.latent), generator=generator(5))
    with torch.no_grad():
        x = model.decode(z)
    seen = list(search(model, x, prior=0.0))
    first, end = seen[0], seen[-1]
    assert [a.step for a in seen] == list(range(inversion.STEPS + 1)) and end.total == end.step
    assert end.errors.min() < 2e-3 and end.errors.min() < 0.1 * first.errors.min()
    with torch.no_grad():  # what is told of the code is true of it
        again = model.decode(end.z[end.best : end.best + 1])
    torch.testing.assert_close(again[0], end.x[end.best], atol=1e-5, rtol=0)
    rms = (again - x).square().mean().sqrt()
    torch.testing.assert_close(rms, end.errors[end.best], atol=1e-5, rtol=0)


def test_it_is_the_same_for_a_seed_and_searches_do_not_touch_one_another():
    model, x = small(), torch.rand((1, 1, 8, 8), generator=generator(3))
    start = starting_codes(model, 4, generator(1))
    one, two = (last(invert_steps(model, x, start, steps=20)) for _ in range(2))
    assert torch.equal(one.z, two.z)
    alone = last(invert_steps(model, x, start[2:3], steps=20))
    torch.testing.assert_close(alone.z[0], one.z[2], atol=1e-4, rtol=1e-4)
    assert not torch.equal(one.z, last(search(model, x, 2, 4, steps=20)).z)


def test_it_does_nothing_further_once_it_is_left():
    model, asked = small(), []
    decode = model.decode
    model.decode = lambda *a, **b: asked.append(1) or decode(*a, **b)
    steps = search(model, torch.zeros(1, 1, 8, 8))
    list(itertools.islice(steps, 3))
    steps.close()
    assert len(asked) == 3
    assert all(p.grad is None for p in model.parameters()), "a search does not touch the weights"


def test_the_prior_pulls_codes_to_where_they_are_likely():
    model, x = small(), torch.rand((1, 1, 8, 8), generator=generator(3))
    lengths = [last(search(model, x, prior=p)).z.norm(dim=1).mean() for p in (0.0, 0.01, 1.0)]
    assert lengths[0] > lengths[1] > lengths[2]


def test_the_class_counts():
    model = small(num_classes=3)
    z = torch.randn((1, 5), generator=generator(5))
    with torch.no_grad():
        x = model.decode(z, 2)
    classes = torch.arange(3).repeat(4)
    end = last(search(model, x, n=12, label=classes, prior=0.0))
    assert end.label[end.best] == 2 and end.errors.min() < 5e-3
    assert torch.equal(end.label, classes)


def test_parts_of_a_code_with_values_of_their_own_keep_them():
    model = small(categories=3, continuous=2)
    z = next(iter(model.sample_steps(1, generator(4)))).info["z"]
    with torch.no_grad():
        x = model.decode(z)
    start = starting_codes(model, 9, generator(1))
    seen = list(invert_steps(model, x, start, prior=0.0))
    for attempt in seen:
        parts = attempt.z[:, 5:8]
        assert torch.equal(parts, start[:, 5:8]) and torch.equal(parts.sum(1), torch.ones(9))
        assert attempt.z[:, 8:].abs().max() <= 1
    assert not torch.equal(seen[-1].z[:, 8:], start[:, 8:])
    assert seen[-1].errors.min() < 2e-2


def test_codes_are_brought_to_the_nearest_that_there_is():
    model = small(categories=3, continuous=1)
    z = torch.tensor([[0.0, 9, 0, 0, -9, 0.4, 0.5, 0.1, 3.0]])
    assert valid(z, model.codes).tolist() == [[0.0, 9, 0, 0, -9, 0, 1, 0, 1.0]]
    assert z[0, 5] == pytest.approx(0.4), "what was given is as it was"
    assert valid(z, ()) is z


@pytest.mark.parametrize("settings", [{"rate": 0.0}, {"prior": -1.0}, {"steps": 0}])
def test_a_search_that_cannot_be_is_refused(settings):
    with pytest.raises(ValueError, match="search needs"):
        next(search(small(), torch.zeros(1, 1, 8, 8), **settings))
    with pytest.raises(ValueError, match="images"):
        next(search(small(), torch.zeros(1, 1, 4, 4)))


def test_an_encoders_guess_is_searched_on_from_as_each_class():
    """The rows of the prior's codes are what they are without an encoder; the guesses follow."""
    model, x = small_vae(latent=2, seed=1), torch.rand((1, 1, 4, 4), generator=generator(3))
    end = last(search_steps(model, x, 4, generator(1), steps=10))
    alone = last(search(model, x, n=4, steps=10))
    torch.testing.assert_close(end.z[:4], alone.z, atol=1e-4, rtol=1e-4)
    guess = last(invert_steps(model, x, model.encode(x).detach(), steps=10))
    torch.testing.assert_close(end.z[4:], guess.z, atol=1e-4, rtol=1e-4)

    # Without an encoder, of a model with classes.
    model, x = small(num_classes=3), torch.rand((1, 1, 8, 8), generator=generator(3))
    end = last(search_steps(model, x, 4, generator(1), (2, 0), steps=10))
    assert end.label.tolist() == [2, 0, 2, 0] and len(end.z) == 4
