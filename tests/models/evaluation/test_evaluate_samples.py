"""What categories learned without labels mean: matched by samples, tried on test images."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import torch
import torch.nn.functional as F

from models.contract.model import Code, Frame
from models.contract.random import uniform
from models.data.datasets import Dataset
from models.evaluation.samples import as_often, by_category, matching

MEANS = torch.tensor([2, 0, 1])  # the class that each category of the model below makes


class Coded:
    """Makes a picture of the class that its category means, all of one level; reads it off again,
    but takes every other picture of class 1 for one of class 0."""

    codes = (Code("category", "categorical", 1, 4, 0.0, 1.0),)
    device, training = "cpu", False

    def sample_steps(self, n, rng):
        category = (uniform((n,), rng, "cpu") * 3).long()
        z = torch.cat([torch.zeros(n, 1), F.one_hot(category, 3)], 1)
        yield Frame(0, 1, (MEANS[category] / 2).view(-1, 1, 1, 1).expand(n, 1, 2, 2), info={"z": z})

    def read_codes(self, x):
        seen = (2 * x.mean((1, 2, 3))).round().long()
        seen = torch.where((seen == 1) & (torch.arange(len(x)) % 2 == 0), 0, seen)
        return F.one_hot(MEANS.argsort()[seen], 3).float()


class Judge:
    device, training = "cpu", False

    def classify(self, x):
        return F.one_hot((2 * x.mean((1, 2, 3))).round().long(), 3).float()


def test_categories_are_matched_as_well_as_can_be():
    rng = np.random.default_rng(0)
    for _ in range(20):
        given, read = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
        best = max(np.mean(np.array(p)[given] == read) for p in permutations(range(4)))
        assert np.mean(matching(given, read, 4)[given] == read) == best
    # A category that there is no class for is matched to none that is read.
    assert sorted(matching(np.array([0, 1, 2]), np.array([1, 1, 0]), 3))[:2] == [0, 1]


def test_a_category_is_tried_on_test_images_by_what_samples_said_it_means():
    labels = torch.arange(300) % 3
    pictures = (255 * labels / 2).round().byte().view(-1, 1, 1, 1).expand(300, 1, 2, 2)
    test = Dataset("levels", "test", pictures, labels, ("dark", "grey", "light"))
    found = by_category(Coded(), Judge(), test, 300, 0)
    assert found["category_match"]["value"] == 1 and found["category_match"]["n"] == 300
    assert found["category_accuracy"]["value"] == 250 / 300
    assert found["category_accuracy"]["n"] == 300


def test_a_model_without_such_a_code_has_no_such_number():
    assert (
        by_category(object(), Judge(), Dataset("none", "test", torch.zeros(1, 1, 2, 2)), 9, 0) == {}
    )


def test_classes_are_asked_for_as_often_as_they_are_among_real_pictures():
    labels = torch.tensor([0] * 50 + [2] * 30 + [1] * 20)
    for n in (100, 37, 1000):
        asked = as_often(labels, n)
        assert (asked.bincount() / n - torch.tensor([0.5, 0.2, 0.3])).abs().max() <= 1 / n
        assert torch.equal(asked, as_often(labels, n))
    assert not torch.equal(asked, asked.sort().values), "mixed"
