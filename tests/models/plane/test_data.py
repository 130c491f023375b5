"""The sets of the plane: their densities, their points, and what is no set."""

import math

import numpy as np
import pytest
import torch

from models.contract.random import generator
from models.plane import data
from models.plane.contract import grid


@pytest.fixture(params=data.DENSITIES)
def density(request):
    return data.DENSITIES[request.param]()


def test_a_density_sums_to_one_and_its_points_fit_it(density):
    cells = grid(200, (-6.0, 6.0))
    area = (12 / 200) ** 2
    p = density.log_density(cells).double().exp() * area
    assert float(p.sum()) == pytest.approx(1, abs=2e-3)
    x = density.sample(10_000, generator(0)).double()
    mean = (p[:, None] * cells).sum(0)
    second = (p[:, None, None] * cells[:, :, None] * cells[:, None]).sum(0)
    assert torch.allclose(x.mean(0), mean, atol=0.06)
    assert torch.allclose(x.T @ x / len(x), second, atol=0.12)
    # The mean of log p over the points is minus the entropy, which the grid tells, too.
    log_p = density.log_density(cells).double()
    entropy = -(p * log_p.clamp(min=-200)).sum()
    told = -density.log_density(x.float()).double()
    assert float(told.mean() - entropy) == pytest.approx(
        0, abs=5 * float(told.std() / math.sqrt(len(x))) + 2e-3
    )


def test_scores_are_those_of_the_noisy_density(density):
    """Against the slope of log p(a y + s noise), by sums over all y of a grid."""
    a, s = 0.8, 0.5
    line = grid(120, (-5.0, 5.0)).double()
    log_y = density.log_density(line.float()).double()

    def log_noisy(x):
        near = -0.5 * torch.cdist(x, a * line).square() / s**2
        return (near + log_y).logsumexp(1)

    x = grid(4, (-3.0, 3.0)).double().requires_grad_()
    slope = torch.autograd.grad(log_noisy(x).sum(), x)[0]
    score = density.score(x.detach().float(), a, s)
    assert torch.allclose(score.double(), slope, atol=0.02)


def test_sets_have_points_apart_and_hold_by_the_seed():
    one, same, other = data.dataset("moons"), data.dataset("moons"), data.dataset("moons", seed=1)
    assert len(one.points) == 2000 and len(one.held_out) == 1000
    assert torch.equal(one.points, same.points) and not torch.equal(one.points, other.points)
    assert not {*map(tuple, one.held_out.tolist())} & {*map(tuple, one.points.tolist())}


def test_a_mixture_of_ones_own():
    made = data.dataset("mixture", means=[[0, 0], [2, 2]], widths=[0.1, 0.2], weights=[1, 3])
    assert made.density.weights.tolist() == [0.25, 0.75]
    assert torch.allclose(made.points.mean(0), torch.tensor([1.5, 1.5]), atol=0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"means": [[0, 0]]},
        {"means": [[0, 9]], "widths": [1.0], "weights": [1.0]},
        {"means": [[0, 0]], "widths": [0.0], "weights": [1.0]},
        {"means": [[0, 0]], "widths": [1.0], "weights": [-1.0]},
        {"colour": 3},
    ],
)
def test_what_is_no_mixture_is_said(wrong):
    with pytest.raises(ValueError, match=r"\.$"):
        data.dataset("mixture", **wrong)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([], "no points"),
        ([[0, 0]], "One point"),
        ([[0, 0], [1, 1]], "too few"),
        ([[1.0, 2.0]] * 80, "one place"),
        (np.zeros((1_000_000, 2)), "1,000,000 points are more"),
        ([[0, 0, 0]] * 80, "two numbers"),
        ([["a", "b"]] * 80, "two numbers"),
        ([[0, 0], [1]], "two numbers"),
        ([[math.nan, 0]] * 80, "no number"),
        ([[0, 99]] * 80, "outside the plane"),
    ],
)
def test_what_cannot_be_learned_from_is_said_in_a_sentence(points, words):
    with pytest.raises(ValueError, match=words):
        data.own(points)


def test_points_of_ones_own_are_parted():
    x = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    mine = data.own(x)
    assert len(mine.points) == 400 and len(mine.held_out) == 100
    both = torch.cat([mine.points, mine.held_out]).numpy()
    assert np.array_equal(np.sort(both, 0), np.sort(x, 0))


def test_a_picture_is_a_density():
    grey = np.ones((40, 20))
    grey[:10, :10] = 0.0  # the upper left corner is dark
    x = data.from_picture(grey).points
    assert bool((x[:, 0] < 0).all()) and bool((x[:, 1] > 1.5).all())
    with pytest.raises(ValueError, match="no dark pixels"):
        data.from_picture(np.ones((9, 9)))


def test_files_of_points(tmp_path):
    file = tmp_path / "points.csv"
    file.write_text("\n".join(f"{k}, {k * k}" for k in range(60)))
    x = data.read_points(file)
    assert x.shape == (60, 2) and np.abs(x).max() == pytest.approx(3.2)
    for text in ("Dear diary", "1 2\n3", "1 2 3\n4 5 6", "nan 1\n2 3"):
        file.write_text(text)
        with pytest.raises(ValueError, match="holds no points"):
            data.read_points(file)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="holds no points"):
        data.read_points(file)
    with pytest.raises(ValueError, match="no file"):
        data.read_points(tmp_path / "none.csv")
