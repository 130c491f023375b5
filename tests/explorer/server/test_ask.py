"""The page's way to a model: arrays in, arrays out, once for all who ask at once."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from explorer.server.ask import Ask, Other, Seed, as_arrays
from explorer.server.cache import Cache, size_of
from explorer.server.store import Store
from models.contract.model import Frame
from models.contract.random import generator
from tests import toys


@pytest.fixture
def ask(tmp_path):
    toys.write(tmp_path, "toy")
    toys.write(tmp_path, "walker", family="walker", image=(1, 8, 8))
    return Ask(Store([tmp_path], "cpu"))


def test_arrays_in_arrays_out(ask):
    model = ask.store.get("toy")
    x = np.random.default_rng(0).random((3, *model.image_shape))  # float64, as numpy has it
    z = ask("toy", "encode", x)
    assert isinstance(z, np.ndarray) and z.dtype == np.float32
    with torch.no_grad():
        assert np.array_equal(z, model.encode(torch.from_numpy(x).float()).numpy())
    read_only = np.broadcast_to(z[0], z.shape)
    assert ask("toy", "decode", read_only).shape == x.shape


def test_a_function_of_the_model_is_asked_like_a_method(ask):
    def both(model, z, *, twice):
        return {"pictures": model.decode(z), "twice": twice, "tape": torch.is_grad_enabled()}

    z = np.zeros((1, ask.store.get("toy").latent), np.float32)
    told = ask("toy", both, z, twice=2)
    assert isinstance(told["pictures"], np.ndarray) and told["twice"] == 2
    assert told["tape"] is False and ask("toy", both, z, twice=1, tape=True)["tape"] is True


def test_a_function_of_two_models_gets_the_other_by_its_name(ask):
    def judged(model, n, judges):
        return [judge.grey - model.decode(torch.zeros(n, model.latent)) for judge in judges]

    (far,) = ask("toy", judged, 2, [Other("walker")])
    assert isinstance(far, np.ndarray) and far.shape == (2, *ask.store.get("toy").image_shape)
    assert ask.store.loaded == ["walker", "toy"]
    with pytest.raises(ValueError, match="no model 'nobody'"):
        ask("toy", judged, 2, [Other("nobody")])


def test_a_seed_is_the_generator_that_it_stands_for(ask):
    frames = list(ask.steps("walker", "sample_steps", 2, Seed(3)))
    model = ask.store.get("walker")
    assert all(isinstance(frame, Frame) and isinstance(frame.x, np.ndarray) for frame in frames)
    assert np.array_equal(frames[-1].x, model.sample(2, generator(3)).numpy())


def test_the_mode_holds_while_the_model_works_and_never_while_the_page_does(ask):
    for _ in ask.steps("walker", "sample_steps", 1, Seed(0)):
        assert torch.is_grad_enabled()


def test_what_is_kept_is_computed_once_for_all_who_ask_at_once(ask):
    begun, go, computed = threading.Barrier(5), threading.Event(), []

    def compute():
        go.wait(5)
        computed.append(1)
        return np.arange(3)

    def asking(results):
        begun.wait(5)
        results.append(ask.kept("key", compute))

    results: list = []
    threads = [threading.Thread(target=asking, args=(results,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    begun.wait(5)
    go.set()
    for thread in threads:
        thread.join(5)
    assert len(computed) == 1 and len(results) == 4
    assert all(each is results[0] for each in results)


def test_nothing_and_failures_are_answers_too(ask):
    assert ask.kept("none", lambda: None) is None
    assert ask.kept("none", lambda: pytest.fail("it is known")) is None
    with pytest.raises(ZeroDivisionError):
        ask.kept("bad", lambda: 1 / 0)
    assert ask.kept("bad", lambda: 4) == 4


def test_two_readers_follow_the_same_steps(ask):
    taken = []

    def begin():
        for k in range(4):
            taken.append(k)
            yield k or None

    first, second = ask.kept_steps("key", begin), ask.kept_steps("key", begin)
    assert next(first) is None and next(first) == 1
    assert next(second) == 1  # it comes late, and begins with the newest
    assert next(second) == 2 and next(first) == 2
    first.close()  # the steps go on as long as one reader does
    assert list(second) == [3]
    assert taken == [0, 1, 2, 3]
    assert list(ask.kept_steps("key", begin)) == [3] and len(taken) == 4


def test_steps_that_nobody_follows_any_more_end_and_are_not_kept(ask):
    ended = []

    def begin():
        try:
            yield from range(1, 4)
        finally:
            ended.append(True)

    steps = ask.kept_steps("key", begin)
    next(steps)
    steps.close()
    assert ended == [True] and not ask._running
    assert list(ask.kept_steps("key", begin)) == [1, 2, 3]


def test_an_error_reaches_every_reader_and_the_next_one_tries_again(ask):
    tries = []

    def begin():
        tries.append(1)
        yield 1
        if len(tries) == 1:
            raise ValueError("Not now.")
        yield 2

    first, second = ask.kept_steps("key", begin), ask.kept_steps("key", begin)
    assert next(first) == 1 and next(second) == 1
    for each in (first, second):
        with pytest.raises(ValueError, match="Not now"):
            next(each)
    assert list(ask.kept_steps("key", begin)) == [1, 2]


def test_a_cache_is_bounded_in_bytes_and_forgets_by_name():
    cache = Cache(3000)
    for k in range(5):
        cache.put(("toy", k), np.zeros(1000, np.uint8))
    assert len(cache) == 2 and cache.get(("toy", 4)) is not None and cache.size <= 3000
    cache.get(("toy", 3))
    cache.put(("other", 0), np.zeros(1000, np.uint8))
    assert cache.get(("toy", 3)) is not None and cache.get(("toy", 4)) is None
    cache.put("huge", np.zeros(4000, np.uint8))
    assert cache.get("huge") is None and len(cache) == 2
    cache.forget("toy")
    assert len(cache) == 1 and cache.get(("other", 0)) is not None


def test_sizes_count_what_is_held():
    frame = Frame(0, 1, torch.zeros(1, 1, 8, 8), info={"z": np.zeros(100)})
    assert size_of(as_arrays(frame)) > 256 + 800
    assert size_of([b"x" * 1000, "y" * 1000]) > 2000
