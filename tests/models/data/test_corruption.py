"""Spoilt pictures are spoilt by as much as was said, each by its own chances."""

import pytest
import torch
from scipy.ndimage import gaussian_filter

from models.contract.random import generator
from models.data.corruption import BLUR, KINDS, blurred, spoilt


@pytest.fixture
def x():
    return torch.rand(5, 1, 28, 28, generator=generator(0))


@pytest.mark.parametrize("kind", KINDS)
def test_none_of_it_changes_nothing_and_a_seed_says_all(x, kind):
    same, known = spoilt(x, kind, 0.0, generator(1))
    torch.testing.assert_close(same, x)
    assert known.all()
    a, b = (spoilt(x, kind, 0.6, generator(2))[0] for _ in range(2))
    assert torch.equal(a, b) and not torch.equal(a, x)
    torch.testing.assert_close(spoilt(x[:2], kind, 0.6, generator(2))[0], a[:2])


def test_noise_has_its_deviation_and_squares_their_share(x):
    noisy, _ = spoilt(x, "noise", 0.3, generator(3))
    assert abs(float((noisy - x).std()) - 0.3) < 0.01
    hidden, known = spoilt(x, "hidden", 0.75, generator(3))
    assert abs(float((~known).float().mean()) - 0.75) < 0.01
    assert torch.equal(hidden[known], x[known]) and not hidden[~known].any()
    salted, _ = spoilt(x, "salt", 0.4, generator(3))
    assert abs(float((salted != x).float().mean()) - 0.4) < 0.03
    assert set(salted[salted != x].tolist()) == {0.0, 1.0}


def test_the_blur_is_a_gaussians(x):
    ours = blurred(x, BLUR / 4)[0, 0].numpy()
    theirs = gaussian_filter(x[0, 0].numpy(), BLUR / 4, mode="nearest", truncate=3.0)
    assert abs(ours - theirs).max() < 1e-5


def test_what_cannot_be_is_said_in_a_sentence(x):
    with pytest.raises(ValueError, match="no way of spoiling 'rain'"):
        spoilt(x, "rain", 0.5, generator(0))
    with pytest.raises(ValueError, match="0 to 100 %"):
        spoilt(x, "noise", 1.5, generator(0))
