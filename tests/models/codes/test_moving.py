"""Layouts of several moments, each fitted to the next."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.checkpoints import weights
from models.checkpoints.snapshots import read_snapshots
from models.codes.moving import codes_at_moments, fitted_to, moving_layouts
from models.training import train
from tests.conftest import at_moment, tiny_recipe


def turned(points: np.ndarray, angle: float, mirrored: bool = False) -> np.ndarray:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points * [1, -1 if mirrored else 1]) @ turn


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((50, 2)) * [3, 1] + [2, -1]


@pytest.mark.parametrize("mirrored", [False, True])
def test_what_was_turned_and_moved_is_put_back(points, mirrored):
    moved = turned(points, 2.1, mirrored) + np.array([5, 7])
    assert np.allclose(fitted_to(moved, points), points, atol=1e-5)


def test_nothing_is_stretched_and_the_origin_stays_where_it_means_something(points):
    other = np.random.default_rng(1).standard_normal((50, 2))
    fitted = fitted_to(points, other, shift=False)
    assert np.allclose(np.linalg.norm(fitted, axis=1), np.linalg.norm(points, axis=1), atol=1e-5)
    # No other turn, mirrored or not, lies nearer.
    off = np.square(fitted - other).sum()
    for angle in np.linspace(0, 2 * np.pi, 100):
        for mirrored in (False, True):
            assert off <= np.square(turned(points, angle, mirrored) - other).sum() + 1e-6


def test_codes_of_two_numbers_are_laid_out_as_they_are_but_for_a_turn(points):
    moments = [turned(points, 0.3), turned(points, 1.0, mirrored=True), points]
    found = list(moving_layouts(moments))
    assert len(found) == 3 and all(np.allclose(each, points, atol=1e-5) for each in found)


def test_longer_codes_keep_their_neighbours_and_do_not_jump():
    rng = np.random.default_rng(2)
    labels = np.arange(90) % 3
    codes = np.eye(3)[labels] * 20 + rng.standard_normal((90, 3))
    spaces = [codes + 0.1 * rng.standard_normal(codes.shape) for _ in range(2)]
    later, before = moving_layouts(spaces)
    for layout in (later, before):
        centres = np.stack([layout[labels == k].mean(0) for k in range(3)])
        nearest = np.square(layout[:, None] - centres).sum(2).argmin(1)
        assert (nearest == labels).mean() > 0.95
    spread = np.square(later - later.mean(0)).sum(1).mean()
    assert np.square(before - later).sum(1).mean() < 0.2 * spread


def test_the_codes_of_a_moment_are_those_of_its_snapshot(tmp_path, digits):
    recipe = tiny_recipe(train={"steps": 4, "snapshots": 2, "snapshot_spacing": "linear"})
    folder = train.train(recipe, digits, tmp_path / "vae")
    x = digits.images[:300].float() / 255
    found = list(codes_at_moments(weights.load(folder), folder, x))
    assert [snapshot.step for snapshot, _ in found] == [2, 4]
    assert [snapshot for snapshot, _ in found] == read_snapshots(folder)
    for k, (_, codes) in enumerate(found):
        with torch.no_grad():
            assert torch.allclose(codes, at_moment(folder, k).encode(x), atol=1e-5)
    assert not torch.equal(found[0][1], found[1][1])
