"""Directions by the first layers: those of a linear layer are its singular vectors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.codes.directions import early_directions
from tests.models.families.test_gan import small


def test_of_a_linear_layer_they_are_its_singular_vectors():
    model = small(blocks=0)  # early features are then linear in the code
    with torch.no_grad():
        weight = model.generator.spread.weight
        weight.mul_(torch.tensor([4.0, 1.0, 2.0, 0.5, 0.2]))
    directions, shares = early_directions(model, n=1536)
    _, s, vectors = torch.linalg.svd(weight, full_matrices=False)
    assert np.abs((directions * vectors.detach().numpy()).sum(1)).min() > 0.98
    expected = (s.square() / s.square().sum()).detach().numpy()
    assert shares == pytest.approx(expected, abs=0.03) and shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("settings", [{}, {"num_classes": 3}, {"categories": 3, "continuous": 2}])
def test_they_are_orthonormal_and_leave_categories_alone(settings):
    model = small(**settings)
    directions, shares = early_directions(model, n=200)
    K = 5 + settings.get("continuous", 0)
    assert directions.shape == (K, model.latent) and shares.shape == (K,)
    assert np.allclose(directions @ directions.T, np.eye(K), atol=1e-4)
    assert (np.diff(shares) <= 1e-6).all() and 0 < shares.sum() <= 1 + 1e-6
    if "categories" in settings:
        assert not directions[:, 5:8].any() and np.abs(directions[:, 8:]).max() > 0
    again, _ = early_directions(model, n=200)
    assert np.array_equal(directions, again)


def test_the_foremost_moves_the_features_more_than_the_last():
    model = small()
    directions, _ = early_directions(model, n=400)

    def moved(k: int) -> float:
        u = torch.from_numpy(directions[k])[None]
        with torch.no_grad():
            return float((model.early_features(u) - model.early_features(-u)).norm())

    assert moved(0) > 1.2 * moved(-1)
