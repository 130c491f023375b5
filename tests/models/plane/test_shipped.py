"""What is shipped: weights that come back, films of them, and the card."""

import numpy as np
import pytest
import torch

from models.plane import METHODS, card, film, shipped
from models.plane.data import DENSITIES


def test_weights_come_back_as_exactly_as_they_are_kept():
    rng = torch.Generator().manual_seed(0)
    states = [
        {
            "matrix": torch.randn(5, 7, generator=rng), "vector": torch.randn(5, generator=rng),
            "number": torch.randn((), generator=rng), "buffer": torch.randn(3, 3, generator=rng),
            "same": torch.ones(2, 2), "count": torch.tensor(k),
        }
        for k in range(4)
    ]  # fmt: skip
    kept = shipped.stored(states, {"matrix", "vector", "number", "same"})
    again = list(shipped.restored(kept))
    assert len(again) == len(states)
    for k, (before, after) in enumerate(zip(states, again, strict=True)):
        assert set(before) == set(after)
        # The change from what is kept of the moment before, in so many levels, and no error more.
        change = before["matrix"] - (again[k - 1]["matrix"] if k else 0)
        levels = shipped.COARSE if 0 < k < 3 else shipped.FINE
        error = (after["matrix"] - before["matrix"]).abs()
        assert bool((error <= 0.51 / levels * change.abs().amax(1, keepdim=True)).all())
        assert torch.allclose(after["vector"], before["vector"], rtol=1e-3)
        for name in ("buffer", "same", "count"):
            assert torch.equal(after[name], before[name])


def test_grids_come_back_and_moments_lie_ever_further_apart():
    grids = np.random.default_rng(0).integers(0, 256, (3, 8, 8)).astype(np.uint8)
    assert np.array_equal(shipped.drawn_full(shipped.drawn_thin(grids)), grids)
    steps = shipped.moments_of(4000)
    assert len(steps) == shipped.MOMENTS and (steps[0], steps[-1]) == (0, 4000)
    assert np.all(np.diff(steps, 2) >= -1)
    assert shipped.moments_of(5) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("method", ["coupling", "gaussian-mixture", "vae-2"])
def test_a_method_is_trained_written_and_filmed(method, tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    small = {"components": 3} if method == "gaussian-mixture" else {"width": 8, "depth": 1}
    facts = shipped.ship(method, "banana", shipped.Plan(4, small), tmp_path)
    assert shipped.available() == [(method, "banana")]
    made = shipped.film(method, "banana")
    assert [moment.step for moment in made.moments] == facts["steps"] and facts["steps"][0] == 0
    assert made.moments[-1].measures["kl_forward"].value == pytest.approx(
        facts["measures"][-1]["kl_forward"]["value"]
    )
    assert made.moments[-1].arrays["log_density"].shape == (64, 64)
    assert film.pack(made) == film.pack(shipped.film(method, "banana"))
    assert "| Banana" not in card.card() and "## Banana" in card.card()


def test_what_is_not_shipped_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    for pair in (("coupling", "ring"), ("..", "ring"), ("coupling", "../ring")):
        with pytest.raises(ValueError, match="no shipped film"):
            shipped.film(*pair)
    with pytest.raises(ValueError, match="No film is here"):
        card.card()


@pytest.mark.shipped
def test_every_method_is_shipped_on_every_set_in_little_room():
    here = shipped.available()
    assert len(here) == len(METHODS) * len(DENSITIES)
    for method, key in here:
        facts = shipped.read(method, key)[1]
        steps = facts["steps"]
        assert steps[0] == 0 and steps == sorted(steps)
        assert len(steps) == len(facts["seconds"]) == len(facts["measures"])
        kept, exact = facts["measures"][-1]["kl_forward"], facts["before_rounding"]["kl_forward"]
        assert kept["value"] == pytest.approx(exact["value"], abs=0.02)
    sizes = [path.stat().st_size for path in shipped.FOLDER.rglob("*.xz")]
    assert sum(sizes) <= 24e6 and max(sizes) <= 10e6


@pytest.mark.shipped
def test_the_ring_of_eight_is_learned_by_some_and_lost_by_one():
    def at_the_end(method, name):
        return shipped.read(method, "ring")[1]["measures"][-1][name]["value"]

    for method in (
        "kernel-density",
        "gaussian-mixture",
        "autoregressive",
        "continuous-flow",
        "score",
    ):
        assert at_the_end(method, "kl_forward") <= 0.05, method
    for method in METHODS:
        modes = at_the_end(method, "modes")
        assert 1 <= modes <= 3 if method == "gan-minimax" else modes == 8, method


@pytest.mark.shipped
@pytest.mark.parametrize("method", ["histogram", "spline", "gan", "flow-matching"])
def test_a_shipped_film_is_there(method):
    made = shipped.film(method, "ring")
    arrays = made.moments[-1].arrays
    assert arrays["samples"].shape == (film.SAMPLES, 2)
    assert len(film.pack(made)) < 800_000
