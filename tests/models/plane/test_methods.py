"""What every method of the plane promises, asked of each."""

import math

import pytest
import torch

from models.contract.random import generator
from models.plane import METHODS, contract, film
from models.plane.data import dataset
from models.plane.run import Run

SMALL = {"width": 16, "depth": 1, "layers": 2, "batch": 64, "components": 4, "bins": 8, "steps": 3}


@pytest.fixture(scope="module")
def points():
    return dataset("ring", 200)


def small(key):
    """Settings of a method with which a step takes no time."""
    known = contract.method(key).Config.__dataclass_fields__
    return {name: value for name, value in SMALL.items() if name in known}


@pytest.fixture(scope="module", params=list(METHODS))
def run(request, points):
    run = Run(request.param, points, small(request.param))
    for _ in range(3):
        run.advance()
    return run


def test_it_says_what_it_is(run):
    method = run.model
    assert method.TITLE and method.PAPER[-1] != "." and any(c.isdigit() for c in method.PAPER)
    assert method.DENSITY in ("exact", "lower bound", "estimate", "")
    assert bool(method.DENSITY) == isinstance(method, contract.HasDensity)
    assert bool(method.FIELD) == isinstance(method, contract.HasField)
    assert isinstance(method, contract.HasBound) == (method.DENSITY == "lower bound")
    for field in method.Config.__dataclass_fields__.values():
        assert field.metadata["help"].endswith(".")


def test_samples_are_points_and_the_seed_gives_them_again(run):
    steps = list(run.shown.sample_steps(50, generator(3)))
    assert all(step.shape == (50, 2) for step in steps)
    assert bool(steps[-1].isfinite().all())
    assert torch.equal(steps[-1], run.shown.sample(50, generator(3)))
    if run.model.times:
        assert len(run.model.times) == len(steps)
        assert run.model.times[0] == 0 and run.model.times[-1] == 1
        assert list(run.model.times) == sorted(run.model.times)


def test_a_density_sums_to_one(run):
    method = run.shown
    if method.DENSITY in ("exact", "lower bound"):
        cells = contract.grid(240, (-12.0, 12.0))
        mass = method.log_density(cells).double().exp().sum() * (24 / 240) ** 2
        assert float(mass) == pytest.approx(1, abs=0.02)
    if method.DENSITY == "lower bound":
        cells = contract.grid(20)
        assert bool((method.bound(cells) <= method.log_density(cells) + 1e-3).all())


def test_a_run_gives_the_same_bits_by_its_seed(run, points):
    again = Run(run.key, points, small(run.key))
    while again.step < 3:  # in parts, as somebody takes it who looks at each
        again.part()
    for name, value in run.shown.state_dict().items():
        assert torch.equal(value, again.shown.state_dict()[name]), name
    other = Run(run.key, points, small(run.key), seed=1)
    assert not torch.equal(other.shown.sample(9, generator(1)), run.shown.sample(9, generator(2)))


def test_its_moments_are_what_a_film_promises(run):
    moment = film.moment_of(run)
    shapes = {name: array.shape for name, array in moment.arrays.items()}
    assert shapes["samples"] == (film.SAMPLES, 2)
    method, cells = run.shown, (film.CELLS, film.CELLS)
    for name in ("log_density", "bound", "energy", "critic", "best_critic"):
        assert shapes.get(name, cells) == cells
    assert ("log_density" in shapes) == bool(method.DENSITY)
    if method.times:
        assert shapes["paths"] == (len(film.shown_times(method)), film.PATHS, 2)
    if "field" in shapes:
        wanted = (len(method.levels), film.ARROWS, film.ARROWS, 2)
        assert shapes["field"] == wanted
        truth = film.true_field(method, run.data)
        assert truth is None or truth.shape == wanted
    if "mesh" in shapes:
        assert shapes["mesh"][-1] == 2 and shapes["mesh"][2] in (1, shapes["mesh"][1])
        assert shapes.get("log_det", shapes["mesh"][:3]) == shapes["mesh"][:3]
    for name, measure in moment.measures.items():
        assert math.isfinite(measure.value) and measure.stderr >= 0 and measure.kind, name
    assert {"w1", "mmd", "js", "kl_forward", "kl_backward", "modes"} <= set(moment.measures)


def test_what_may_change_in_a_run_is_said(run, points):
    other = Run(run.key, points, small(run.key))
    for name, field in run.model.Config.__dataclass_fields__.items():
        values = {name: getattr(run.model.config, name)}
        if field.metadata["live"]:
            other.tune(values)
        else:
            with pytest.raises(ValueError, match="during a run"):
                other.tune(values)
    other.advance()
