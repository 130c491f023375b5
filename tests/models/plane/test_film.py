"""Films: what is packed comes back, as exact as it is said to be."""

import numpy as np
import pytest

from models.plane import film
from models.plane.data import dataset, own
from models.plane.measures import Measure


@pytest.fixture
def moments():
    rng = np.random.default_rng(0)
    return [
        film.Moment(
            step, step / 10, {"loss": 1.5 * step}, {"w1": Measure(0.5 * step, 0.1, "exact")},
            {
                "samples": rng.normal(size=(9, 2)).astype(np.float32),
                "field": rng.normal(size=(2, 3, 3, 2)).astype(np.float32),
            },
        )
        for step in (1, 4, 9)
    ]  # fmt: skip


def test_what_is_packed_comes_back(moments):
    kept = film.Film({"method": "toy", "box": [-4, 4]}, moments, {"true_field": np.ones((2, 2))})
    again = film.unpack(film.pack(kept))
    assert again.header == kept.header
    assert np.array_equal(again.fixed["true_field"], kept.fixed["true_field"])
    for before, after in zip(moments, again.moments, strict=True):
        assert (after.step, after.seconds) == (before.step, before.seconds)
        assert after.logs == before.logs and after.measures == before.measures
        for name, levels in (("samples", 2**16 - 1), ("field", 2**8 - 1)):
            every = np.stack([moment.arrays[name] for moment in moments])
            half_a_level = 0.51 * np.ptp(every) / levels
            assert np.abs(after.arrays[name] - before.arrays[name]).max() <= half_a_level


def test_a_moment_alone_and_one_without_a_thing(moments):
    del moments[0].arrays["field"], moments[0].measures["w1"]
    again = film.unpack(film.pack(film.Film({}, moments)))
    assert "w1" not in again.moments[0].measures
    assert np.array_equal(again.moments[0].arrays["field"], again.moments[1].arrays["field"])
    alone = film.unpack(film.pack(film.Film({}, moments[1:2]))).moments[0]
    assert alone.arrays["samples"].shape == (9, 2) and alone.measures == moments[1].measures


def test_the_truth_of_a_set():
    known = film.unpack(film.pack(film.truth_of(dataset("ring", 100))))
    shapes = {name: array.shape for name, array in known.fixed.items()}
    wanted = {"data": (100, 2), "held_out": (1000, 2), "log_density": (64, 64), "modes": (8, 2)}
    assert shapes == wanted and not known.moments
    drawn = film.truth_of(own(np.random.default_rng(0).normal(size=(100, 2))))
    assert {name: len(array) for name, array in drawn.fixed.items()} == {"data": 80, "held_out": 20}
