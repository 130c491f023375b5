"""Copies are found, and new pictures are none."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from models.data.datasets import Dataset
from models.evaluation import copies


def pictures(n: int, seed: int) -> torch.Tensor:
    """Smooth pictures, bytes: mixtures of six, so that they have neighbours."""
    parts = torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(99))
    weights = torch.rand(n, 6, generator=torch.Generator().manual_seed(seed)).softmax(1)
    return (255 * torch.einsum("nk,kchw->nchw", weights, parts)).round().byte()


def test_the_nearest_are_those_of_all_distances():
    images, others = pictures(70, 0), pictures(1100, 1)
    found, rows = copies.nearest(images, others, 3)
    every = cdist(images.flatten(1).double() / 255, others.flatten(1).double() / 255)
    assert np.allclose(found, np.sort(every, axis=1)[:, :3], atol=1e-6)
    assert np.allclose(every[np.arange(70)[:, None], rows], found, atol=1e-6)


def test_a_copy_of_the_training_set_reads_as_a_copy():
    train, test = pictures(400, 2), pictures(400, 3)
    found = copies.memorisation(train[:300], train, test)
    assert found["nearest_train"]["value"] == 0 and found["nearest_test"]["value"] > 0
    assert found["nearest_ratio"]["value"] < 1e-6
    assert found["nearer_to_train"]["value"] > 0.99
    assert all(entry["n"] == 300 and entry["of"] == 400 for entry in found.values())


def test_new_pictures_are_as_near_to_test_images_and_the_errors_say_how_nearly():
    shares, ratios, errors = [], [], []
    for i in range(24):
        made, train, test = (pictures(250, 10 + 3 * i + k) for k in range(3))
        found = copies.memorisation(made, train, test, seed=i)
        shares.append(found["nearer_to_train"]["value"])
        ratios.append(found["nearest_ratio"]["value"])
        errors.append(found["nearer_to_train"]["stderr"])
    spread = np.std(shares)
    assert abs(np.mean(shares) - 0.5) < 3 * spread / math.sqrt(len(shares))
    assert abs(np.mean(ratios) - 1) < 0.02
    # Which images were chosen counts in the error, not only which samples.
    assert np.mean(errors) == pytest.approx(spread, rel=0.5)
    # One in four copied: (1 + 3 / 2) / 4.
    made, train, test = (pictures(400, k) for k in (900, 901, 902))
    mixed = copies.memorisation(torch.cat([train[:100], made[:300]]), train, test)
    share = mixed["nearer_to_train"]
    assert abs(share["value"] - 0.625) < 3 * share["stderr"] and share["value"] > 0.5


def test_as_many_training_as_test_images_are_asked():
    with pytest.raises(ValueError, match="as many of each"):
        copies.memorisation(pictures(9, 0), pictures(30, 1), pictures(20, 2))
    train, test = pictures(80, 4), pictures(30, 5)
    sets = [Dataset("mixtures", split, x) for split, x in (("test", test), ("train", train))]
    found = copies.of_samples(object(), pictures(50, 6), *sets, seed=0)
    assert found["nearer_to_train"]["of"] == 30 and found["nearer_to_train"]["space"] == "pixels"
    # Of a copier some of whose pictures are not among those that are asked for.
    share = copies.of_samples(object(), train, *sets, seed=0)["nearer_to_train"]["value"]
    assert 30 / 80 < share < 1


def test_pictures_in_black_and_white_that_are_as_near_to_both_count_half():
    blank = torch.zeros(20, 1, 2, 2)
    share = copies.memorisation(blank, blank, blank)
    assert share["nearer_to_train"]["value"] == 0.5 and share["nearest_ratio"]["value"] == 1
