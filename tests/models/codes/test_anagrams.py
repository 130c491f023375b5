"""Anagrams and products of classes, against the closed form of Gaussians."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from models.codes.anagrams import VIEWS, anagram_steps, guess, in_view
from models.contract.knobs import LABEL
from models.contract.model import GenerativeModel
from models.contract.random import generator

SPREAD = 0.05


@dataclass(frozen=True)
class Config:
    image: tuple[int, ...] = (1, 4, 4)
    num_classes: int = 2


class Gaussians(GenerativeModel):
    """The exact denoiser of N(0.5, s^2 I), and for class k of N(0.5 + m_k, s^2 I), under rectified
    flow's noise, x_t = (1 - t) x + t n."""

    Config = Config

    def __init__(self) -> None:
        super().__init__(Config())
        rng = torch.Generator().manual_seed(3)
        self.means = nn.Parameter(0.1 * torch.randn(2, 1, 4, 4, generator=rng))

    def knobs(self, method="sample_steps"):
        return (LABEL,) if method == "denoise" else ()

    def noised(self, x, t, noise):
        return (1 - t) * x + t * noise

    def denoise(self, x_t, t, label=None):
        mean = 0.5 + (0 if label is None else self.means[label])
        gain = SPREAD**2 * (1 - t) / ((1 - t) ** 2 * SPREAD**2 + t**2)
        return mean + gain * (x_t - (1 - t) * mean)


@pytest.fixture(scope="module")
def model():
    return Gaussians()


def end(model, *asked, n=400, **more):
    *_, frame = anagram_steps(model, n, generator(0), *asked, **more)
    return frame


def test_a_product_of_classes_is_the_product_of_their_gaussians(model):
    """Of Gaussians of one spread p(x) prod p(y_i | x) is the Gaussian whose mean is moved by all of
    them; and every strength multiplies its own move."""
    frame = end(model, [0, 1], ["upright", "upright"], [1.0, 0.5], steps=100)
    expected = 0.5 + model.means[0] + 0.5 * model.means[1]
    assert torch.allclose(frame.x.mean(0), expected, atol=4 * SPREAD / 20)
    assert torch.allclose(frame.x.std(0).mean(), torch.tensor(SPREAD), rtol=0.1)


@pytest.mark.parametrize("view", [view for view in VIEWS if view != "upright"])
def test_an_anagram_has_each_class_in_its_view(model, view):
    frame = end(model, [0, 1], ["upright", view], [0.5, 0.5], steps=60)
    back = VIEWS[view][1]
    expected = 0.5 + 0.5 * model.means[0] + 0.5 * back(model.means[1][None])[0]
    assert torch.allclose(frame.x.mean(0), expected, atol=4 * SPREAD / 20)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_undone_and_keeps_every_number(view):
    x = torch.rand(2, 3, 4, 4)
    there, back = VIEWS[view]
    assert torch.equal(back(there(x)), x) and torch.equal(there(back(x)), x)
    assert torch.equal(in_view(x, view).flatten().sort().values, x.flatten().sort().values)


def test_without_strength_no_class_is_asked_for(model):
    x = torch.rand(3, 1, 4, 4)
    found = guess(model, x, 0.5, [0, 1], ["upright", "half turn"], [0.0, 0.0])
    assert torch.allclose(found, model.denoise(x, 0.5), atol=1e-6)


def test_one_class_of_strength_one_is_that_class(model):
    x = torch.rand(3, 1, 4, 4)
    found = guess(model, x, 0.5, [1], ["upright"], [1.0])
    assert torch.allclose(found, model.denoise(x, 0.5, label=1), atol=1e-6)


def test_a_picture_does_not_depend_on_how_many_are_made(model):
    few = end(model, [0, 1], ["upright", "mirrored"], n=2, steps=5).x
    many = end(model, [0, 1], ["upright", "mirrored"], n=5, steps=5).x
    assert torch.allclose(few, many[:2], atol=1e-6)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (([0], ["sideways"]), "no view 'sideways'"),
        (([0, 1], ["upright"]), "as many views"),
        (([0], ["upright"], [-1.0]), "strength is a number"),
    ],
)
def test_what_cannot_be_is_one_sentence(model, asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        end(model, *asked)
