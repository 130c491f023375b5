"""Data sets by name: the two that are always there."""

import numpy as np
import torch

from models import data


def test_digits_are_the_scans_with_a_stratified_split():
    from sklearn.datasets import load_digits

    train, test = data.load("digits", "train"), data.load("digits", "test")
    assert train.images.shape == (1497, 1, 8, 8) and test.images.shape == (300, 1, 8, 8)
    assert train.images.dtype == torch.uint8 and train.labels.dtype == torch.int64
    assert np.bincount(test.labels).tolist() == [30] * 10
    ours = torch.cat([train.images, test.images]).flatten(1).numpy() / (255 / 16)
    scans = load_digits().data
    assert sorted(map(tuple, np.rint(ours))) == sorted(map(tuple, scans))
    assert train.sha256 != test.sha256


def test_shapes_carry_their_factors():
    train = data.shapes(300, seed=0)
    assert train.images.shape == (300, 3, 32, 32) and train.factors.shape == (300, 6)
    assert torch.equal(train.labels, train.factors[:, 0].long())
    assert torch.equal(data.render_shapes(train.factors), train.images)
    test = data.load("shapes", "test")
    assert len(test) == 10_000
    assert torch.equal(test.images[:100], data.shapes(100, seed=1).images)
