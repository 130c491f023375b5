"""Picture k of a seed is the same picture however many are drawn at once, on however many threads:
every family, in every configuration that is shipped, by every sampler and knob that it offers."""

from __future__ import annotations

import inspect
from collections import deque

import pytest
import torch

from models.contract.random import binarised, generator, normal, uniform
from models.contract.streams import Streams, seed_of
from models.evaluation import samples
from models.evaluation.samples import sample
from models.families.diffusion import samplers
from models.machine import processes
from tests.contract import CASES, OURS, built, having, images

model = pytest.fixture(built, scope="module")

N = 8
PARTS = [slice(0, 1), slice(3, 8)]
FAMILY = [case for case in CASES if case.name in OURS]
# Each family by itself and with classes; further recipes offer no further knob, but for orders.
VARIANTS = [
    case
    for case in CASES
    if case.name in OURS
    or case.name.endswith(", conditional")
    or "," in case.values.get("orders", "")
]


# -- the numbers -----------------------------------------------------------------------------------


def test_a_row_has_the_same_numbers_whatever_is_beside_it():
    def drawn(part: slice) -> list[torch.Tensor]:
        rng = Streams.of(generator(3), N)[part]
        n = len(rng)
        return [
            normal((n, 784), rng, "cpu"),
            uniform((n,), rng, "cpu"),
            normal((n, 3), rng, "cpu"),
            normal((5, n, 7), rng, "cpu", batch=1).transpose(0, 1),
            binarised(torch.full((n, 1, 4, 4), 0.5), rng),
        ]

    whole = drawn(slice(None))
    for part in PARTS:
        for some, all_ in zip(drawn(part), whole, strict=True):
            assert torch.equal(some, all_[part])
    again = Streams.of(generator(3), 3)
    assert torch.equal(normal((3, 784), again, "cpu"), whole[0][:3])


def test_rows_seeds_and_turns_are_strangers():
    rng = generator(0)
    first, second = (normal((64, 4000), Streams.of(rng, 64), "cpu") for _ in range(2))
    other = normal((64, 4000), Streams.of(generator(1), 64), "cpu")
    found = torch.corrcoef(torch.cat([first, second, other])) - torch.eye(192)
    assert found.abs().max() < 6 / 4000**0.5
    assert abs(first.mean()) < 0.01 and abs(first.std() - 1) < 0.01


@pytest.mark.parametrize("key", [0, 1, 2**61 + 12345])
def test_no_two_pictures_of_a_batch_have_the_same_seed(key):
    # A generator reads 32 bits: of 2^17 seeds at random, two would be one nearly surely.
    assert len({seed_of(key, row) for row in range(2**17)}) == 2**17
    assert all(0 <= seed_of(key, row) < 2**32 for row in (0, 1, 2**17))


def test_streams_of_another_number_of_pictures_are_refused():
    rng = Streams.of(generator(0), 4)
    for call in (lambda: Streams.of(rng, 5), lambda: normal((5, 2), rng, "cpu")):
        with pytest.raises(ValueError, match="Random numbers for 4 pictures do not fit 5"):
            call()


# -- the pictures ----------------------------------------------------------------------------------


def quick(model, method: str = "sample_steps") -> dict:
    known = inspect.signature(getattr(model, method)).parameters
    return {"steps": 4} if "steps" in known else {}


def knobs(model, method: str) -> list[dict]:
    """Every knob on its own, and every sampler."""
    known, few = inspect.signature(getattr(model, method)).parameters, quick(model, method)
    found: list[dict] = []
    if "sampler" in known:
        found += [{"sampler": name, **few} for name in samplers.SAMPLERS if name != "ode"]
        found += [{"sampler": name, "churn": 5.0, **few} for name in ("heun", "euler")]
        found += [{"sampler": "ddim", "eta": 0.5, **few}, {"sampler": "ode", "tolerance": 0.05}]
    for name, value in (("temperature", 0.7), ("truncation", 0.5), ("repeats", 2)):
        if name in known:
            found.append({name: value, **few})
    if "guidance" in known and model.class_count:
        found.append({"guidance": 2.0, **few})
    if "order" in known:
        found += [{"order": k} for k in range(1, len(model.orders))]
    if model.class_count:
        found.append({"label": 1, **few})
    return found


def last(steps):
    return deque(steps, maxlen=1)[0]


def hold(whole, some, part: slice) -> None:
    """A part drawn by itself is that part: its numbers to the bit, its pictures up to rounding."""
    for name in ("z", "label"):
        one, other = whole.info.get(name), some.info.get(name)
        if isinstance(one, torch.Tensor):
            assert torch.equal(one[part], other), name
    torch.testing.assert_close(some.x, whole.x[part], atol=1e-5, rtol=0)
    if bool(((whole.x == 0) | (whole.x == 1)).all()):
        assert torch.equal(some.x, whole.x[part])


def sampled(model, **asked) -> None:
    whole = last(model.sample_steps(N, generator(3), **asked))
    for part in PARTS:
        rng = Streams.of(generator(3), N)[part]
        hold(whole, last(model.sample_steps(len(rng), rng, **asked)), part)
    hold(whole, last(model.sample_steps(3, generator(3), **asked)), slice(0, 3))
    assert not torch.equal(whole.x[0], whole.x[1]), "pictures differ"


@having("Samples")
def test_picture_k_of_a_seed_is_the_same_alone_and_among_others(model):
    sampled(model, **quick(model))


@having("Samples", cases=VARIANTS)
def test_it_is_so_by_every_sampler_and_knob(model):
    for asked in knobs(model, "sample_steps"):
        sampled(model, **asked)


@pytest.mark.slow
@having("Samples", cases=FAMILY)
def test_threads_change_no_picture(model):
    threads, found = torch.get_num_threads(), []
    try:
        for count, n in ((1, N), (2, N), (2, 3)):
            torch.set_num_threads(count)
            found.append(last(model.sample_steps(n, generator(3), **quick(model))))
    finally:
        torch.set_num_threads(threads)
    hold(found[0], found[1], slice(None))
    hold(found[0], found[2], slice(0, 3))


@having("Completes", cases=VARIANTS)
def test_what_is_filled_in_is_the_same_alone_and_among_others(model):
    x = (images(model, N) > 0.5).float()
    known = torch.zeros_like(x, dtype=torch.bool)
    known[:, :, : x.shape[2] // 2] = True
    for asked in (quick(model, "complete_steps"), *knobs(model, "complete_steps")):
        whole = last(model.complete_steps(x, known, generator(3), **asked))
        for part in PARTS:
            rng = Streams.of(generator(3), N)[part]
            hold(whole, last(model.complete_steps(x[part], known[part], rng, **asked)), part)


@having("Denoises", "Samples", cases=VARIANTS)
def test_what_is_restored_is_the_same_alone_and_among_others(model):
    x = images(model, N)
    for asked in knobs(model, "restore_steps"):
        whole = last(model.restore_steps(x, 0.6, generator(3), **asked))
        for part in PARTS:
            rng = Streams.of(generator(3), N)[part]
            hold(whole, last(model.restore_steps(x[part], 0.6, rng, **asked)), part)


@having("Samples")
def test_many_drawn_in_parts_are_as_drawn_at_once(model, monkeypatch):
    monkeypatch.setattr(samples, "CHUNK", 3)
    found, label = samples.drawn(model, N, 5, **quick(model))
    whole = sample(model, N, generator(5), label, **quick(model))
    torch.testing.assert_close(found, whole, atol=1e-5, rtol=0)


@having("Samples", cases=FAMILY)
def test_processes_that_share_out_a_sample_draw_each_its_own_pictures(model, monkeypatch):
    parts = []

    class Either(processes.Processes):
        def joined(self, rows):
            parts.append(rows)
            return rows

    whole = model.sample(5, generator(3), **quick(model))
    for index in (0, 1):
        monkeypatch.setattr(processes, "_here", Either(index, 2))
        sample(model, 5, generator(3), **quick(model))
    found = torch.stack(parts, 1).flatten(0, 1)[:5]
    torch.testing.assert_close(found, whole, atol=1e-5, rtol=0)
