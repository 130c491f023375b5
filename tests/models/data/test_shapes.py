"""The shapes generator against geometry that is known without it."""

import numpy as np
import pytest

from models.data.shapes import FACTOR_NAMES, FACTOR_RANGES, draw_factors, render


def row(**factors: float) -> np.ndarray:
    """One row of factors: a red square in the middle, but for what is given."""
    middle = {"shape": 0, "hue": 0, "size": 0.25, "rotation": 0, "x": 0, "y": 0}
    return np.array([[{**middle, **factors}[name] for name in FACTOR_NAMES]], np.float32)


def extremes(shape: int) -> np.ndarray:
    """Every corner of the ranges of hue, size, rotation, x and y, and no rotation, for a shape."""
    grid = np.meshgrid([shape], *([*FACTOR_RANGES[name], 0] for name in FACTOR_NAMES[1:]))
    corners = np.stack([axis.ravel() for axis in grid], axis=1).astype(np.float32)
    return corners[corners[:, 2] > 0]


def test_same_seed_same_images_and_longer_draws_begin_with_shorter_ones():
    assert np.array_equal(draw_factors(50, 3), draw_factors(50, 3))
    assert np.array_equal(draw_factors(50, 3), draw_factors(200, 3)[:50])
    assert not np.array_equal(draw_factors(50, 3), draw_factors(50, 4))
    factors = draw_factors(1100, 3)  # more than one chunk
    assert np.array_equal(render(factors)[1050:], render(factors[1050:]))


def test_factors_fill_their_ranges_and_are_independent():
    factors = draw_factors(20_000, 0)
    for name, column in zip(FACTOR_NAMES, factors.T, strict=True):
        low, high = FACTOR_RANGES[name]
        assert low <= column.min() and column.max() <= high
        assert column.max() - column.min() > 0.99 * (high - low)
    correlation = np.corrcoef(factors.T) - np.eye(6)
    assert np.abs(correlation).max() < 0.03
    assert np.bincount(factors[:, 0].astype(int)).min() > 6400


@pytest.mark.parametrize("shape", range(3))
def test_area_is_four_size_squared_wherever_the_object_stands(shape):
    factors = extremes(shape)
    coverage = render(factors).max(axis=1) / 255  # full value: the largest channel is coverage
    expected = 4 * factors[:, 2] ** 2 * 16**2
    # Corners are right to first order only: three parts in a hundred are allowed for.
    assert np.abs(coverage.sum((1, 2)) / expected - 1).max() < 0.03


@pytest.mark.parametrize("shape", range(3))
def test_objects_stay_inside_the_frame(shape):
    inside = extremes(shape)
    inside[:, 4:] = 0
    coverage = render(inside).max(axis=1)
    y, x = np.nonzero(coverage.max(axis=0))
    reach = max(np.abs(x - 15.5).max(), np.abs(y - 15.5).max()) / 16
    assert reach + FACTOR_RANGES["x"][1] <= 1


def test_x_goes_right_and_y_goes_up():
    centres = []
    for factors in (row(), row(x=0.25), row(y=0.25)):
        image = render(factors)[0].max(axis=0).astype(float)
        rows, columns = np.mgrid[:32, :32]
        weight = image / image.sum()
        centres.append(((weight * columns).sum(), (weight * rows).sum()))
    assert np.allclose(centres[0], (15.5, 15.5), atol=0.02)
    assert np.allclose(centres[1], (19.5, 15.5), atol=0.02)
    assert np.allclose(centres[2], (15.5, 11.5), atol=0.02)


def test_square_is_drawn_exactly():
    expected = np.zeros((32, 32), np.uint8)
    expected[12:20, 12:20] = 255
    assert np.array_equal(render(row())[0, 0], expected)
    assert render(row())[0, 1:].max() == 0


def test_rotation_is_counter_clockwise():
    image = render(row(shape=1, rotation=30))[0, 0].astype(float)
    rows, columns = np.nonzero(image > 128)
    slope = np.polyfit(columns - 15.5, 15.5 - rows, 1)[0]
    assert 0.3 < slope < 0.7


@pytest.mark.parametrize("shape", range(3))
def test_no_two_poses_in_range_look_alike(shape):
    angles = np.linspace(*FACTOR_RANGES["rotation"], 13)
    poses = np.concatenate([row(shape=shape, size=0.3, rotation=a) for a in angles])
    images = render(poses).astype(float)
    distances = np.abs(images[:, None] - images[None]).sum((2, 3, 4)) / 255
    assert distances[~np.eye(13, dtype=bool)].min() > 2  # pixels' worth of light


@pytest.mark.parametrize(
    ("hue", "colour"),
    [(0, (255, 0, 0)), (1 / 6, (255, 255, 0)), (1 / 3, (0, 255, 0)), (0.8, (204, 0, 255))],
)
def test_hues(hue, colour):
    assert tuple(render(row(hue=hue))[0, :, 16, 16]) == colour


def test_bad_factors_are_told_in_a_sentence():
    with pytest.raises(ValueError, match=r"'x' of a shape lies between -0\.42 and 0\.42"):
        render(row(x=0.9))
    with pytest.raises(ValueError, match="'hue'"):
        render(row(hue=float("nan")))
    with pytest.raises(ValueError, match="rows of 6 factors"):
        render(np.zeros((2, 5)))
