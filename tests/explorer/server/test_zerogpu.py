"""Work that borrows a GPU where one is lent: which work, for how long, and what travels there."""

from __future__ import annotations

import copy
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.server import ask as asking
from explorer.server import zerogpu
from explorer.server.ask import Ask, Seed, work_of
from explorer.server.engines.asked import answers
from explorer.server.store import Store
from explorer.server.zerogpu import FETCHING, LONGEST, PACE, Work
from tests import toys


@pytest.fixture
def ask(tmp_path):
    toys.write(tmp_path, "toy")
    return Ask(Store([tmp_path], "cpu"))


def test_only_large_work_borrows_a_gpu_and_only_where_one_is_lent(ask, monkeypatch):
    lent = []

    def on_gpu(work, folder, asked):
        # As it is when the other process gets it: copied by the protocol that carries it there.
        lent.append((work, folder))
        return answers(copy.deepcopy(asked), ask.store.get)

    monkeypatch.setattr(asking, "_on_lent_gpu", on_gpu)
    header = ask.store.header("toy")
    monkeypatch.setattr(zerogpu, "LARGE", 1.5 * header.parameters)

    def draw(count: int) -> np.ndarray:
        [frame] = ask.steps("toy", "sample_steps", count, Seed(77), temperature=0.5)
        return frame.x

    plain = draw(2)
    assert lent == []
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert np.array_equal(draw(2), plain)
    assert lent == [(Work(header.parameters, 2), str(header.folder))]
    draw(1)
    assert len(lent) == 1, "small work stays here"
    list(ask.steps("toy", lambda model, n: iter([n]), 2))
    assert len(lent) == 1, "and so does what is no method"


def test_work_is_counted_from_what_is_asked_for(ask):
    header = ask.store.header("toy")

    def work(values, named=None, capabilities=(), **config):
        facts = {"parameters": 5, "capabilities": capabilities, "config": config}
        return work_of(SimpleNamespace(**facts), values, named or {})[1:]

    assert work_of(header, (), {}) == Work(header.parameters)
    assert work((64, Seed(1), 3)) == (64, 1)
    assert work((np.zeros((7, 9)), None)) == (7, 1)
    assert work((4, Seed(0)), {"steps": 30}, steps=20) == (4, 30)
    assert work((4, Seed(0)), {"steps": float("nan")}, steps=20) == (4, 1)
    assert work((4, Seed(0)), steps=20) == (4, 20)
    assert work((4, Seed(0)), capabilities={"WritesPixels"}, image=[1, 8, 8]) == (4, 64)


def test_a_gpu_is_lent_for_as_long_as_the_work_takes():
    assert Work(1, 1).seconds == FETCHING
    assert Work(int(PACE), 2, 10).seconds == FETCHING + 20
    assert Work(int(PACE), 400, 1000).seconds == LONGEST


def test_the_spaces_decorator_is_used_where_the_package_is(monkeypatch):
    def lend(duration):
        return lambda fn: (duration(Work(int(PACE), 3), "toy"), fn)

    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=lend))
    assert zerogpu.borrows_gpu(len) == (FETCHING + 3, len)
    monkeypatch.setitem(sys.modules, "spaces", None)
    assert zerogpu.borrows_gpu(len) is len


def test_a_seed_is_the_same_in_another_process():
    # The protocol by which it would be sent there is the one by which it is copied.
    assert copy.deepcopy(Seed(3, 4)) == Seed(3, 4) == (3, 4)
