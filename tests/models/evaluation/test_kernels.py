"""The kernel distance, against sums over all pairs and against what many draws of it say."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.kernels import kernel_distance


def gaussian(n: int, F: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, F))


def double_sum(a: np.ndarray, b: np.ndarray) -> float:
    """MMD² as its definition says, pair by pair."""

    def k(x, y):
        return (sum(p * q for p, q in zip(x, y, strict=True)) / len(x) + 1) ** 3

    n, m = len(a), len(b)
    within_a = sum(k(a[i], a[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_b = sum(k(b[i], b[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    between = sum(k(x, y) for x in a for y in b) / (n * m)
    return within_a + within_b - 2 * between


@pytest.mark.parametrize(("n", "m"), [(4, 4), (23, 23), (17, 40)])
def test_it_is_the_double_sum_without_an_images_pair_with_itself(n, m):
    a, b = gaussian(n, 5, 0), 0.7 * gaussian(m, 5, 1) + 0.3
    expected = double_sum(a, b)
    for blocks in (2, 7, 20):
        assert kernel_distance(a, b, blocks).value == pytest.approx(expected, rel=1e-9)


def test_its_error_is_a_jackknifes():
    """Against the distances of sets from which a block was really taken."""
    a, b = gaussian(30, 3, 2), gaussian(30, 3, 3) + 0.5
    without = []
    for k in range(5):
        kept = np.arange(30) // 6 != k
        without.append(double_sum(a[kept], b[kept]))
    expected = np.sqrt(4 / 5 * np.sum((np.array(without) - np.mean(without)) ** 2))
    assert kernel_distance(a, b, 5).stderr == pytest.approx(expected, rel=1e-9)


def test_it_has_no_bias_and_its_errors_are_those_of_many_draws():
    # Equal distributions, few images: what has a bias shows it here.
    found = [
        kernel_distance(gaussian(60, 4, 2 * i), gaussian(60, 4, 2 * i + 1)) for i in range(150)
    ]
    values = np.array([each.value for each in found])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))
    # Far apart, where the error is that of a mean.
    far = [
        kernel_distance(gaussian(200, 4, 2 * i), gaussian(200, 4, 2 * i + 1) + 1) for i in range(60)
    ]
    spread = np.std([each.value for each in far])
    assert np.mean([each.stderr for each in far]) == pytest.approx(spread, rel=0.25)
    assert np.mean([each.value for each in far]) > 5 * spread


def test_of_too_few_images_or_of_other_features_nothing_is_said():
    with pytest.raises(ValueError, match="four images"):
        kernel_distance(gaussian(3, 2, 0), gaussian(9, 2, 1))
    with pytest.raises(ValueError, match="cannot be compared"):
        kernel_distance(gaussian(9, 2, 0), gaussian(9, 3, 1))
