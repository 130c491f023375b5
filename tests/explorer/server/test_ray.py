"""Workers of a real Ray: the same answers as here, and a lost worker takes none with it.

It needs Ray, which the page does not: ``pip install "ray[serve]"``, then this file.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from explorer.server.ask import Ask, Other, Seed
from explorer.server.engines import engine_of
from explorer.server.engines.ray import GARBLED, MISSING, OnRay, Wish
from explorer.server.store import Store

# -- what is asked of a model in a worker ----------------------------------------------------------


def whereabouts(model):
    return os.getpid()


def counted(model, marks, steps, seconds):
    """Says in a file where it is and how far."""
    for k in range(steps):
        Path(marks).write_text(f"{os.getpid()} {k}", "utf-8")
        time.sleep(seconds)
        yield k


def slow(model, marks, seconds):
    with Path(marks).open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return model.latent


def doubled(model, x, judge):
    return 2 * x, judge.latent


def refuses(model):
    raise ValueError("That is not for this model.")


def fails(model):
    return np.zeros(2) @ np.zeros(3)


# -- what needs no Ray -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "wish"),
    [
        ("ray", Wish()),
        ("ray?workers=4&cpus=2&gpus=0.5", Wish("", 4, 2.0, 0.5)),
        ("ray://10.0.0.1:6379?workers=8", Wish("10.0.0.1:6379", 8)),
        ("ray://auto", Wish("auto")),
    ],
)
def test_what_the_command_line_says(said, wish):
    assert Wish.of(said) == wish


@pytest.mark.parametrize(
    "said", ["rays", "ray?workers=0", "ray?workers=two", "ray?threads=2", "ray://", "ray://a/b"]
)
def test_what_says_no_workers_is_refused_with_a_sentence(said):
    with pytest.raises(ValueError, match="says no workers of Ray"):
        Wish.of(said)
    assert GARBLED


def test_where_ray_is_missing_the_page_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install"):
        engine_of("ray", Store([], "cpu"))
    assert "ray[serve]" in MISSING


# -- what does -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def store(tiny_vae):
    return Store([tiny_vae.parent], "cpu")


@pytest.fixture(scope="module")
def there(store):
    """Two workers on this machine."""
    pytest.importorskip("ray.serve", reason="Ray is not installed; it is no requirement.")
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as a worker of one processor has
    engine = engine_of("ray?workers=2&cpus=0.5", store)
    assert isinstance(engine, OnRay)
    engine.begin()
    yield Ask(store, engine=engine)
    engine.close()
    torch.set_num_threads(threads)


def pids(there) -> set[int]:
    """Those of the workers, once both answer."""
    found: set[int] = set()
    end = time.monotonic() + 120
    with ThreadPoolExecutor(8) as threads:
        while len(found) < 2:
            assert time.monotonic() < end, "there are not two workers"
            found = set(threads.map(lambda _: there("tiny", whereabouts), range(8)))
    return found


def test_both_workers_answer_and_the_same_bit_for_bit(there, store):
    here = Ask(store)
    assert os.getpid() not in pids(there)
    x = np.random.default_rng(0).random((3, *store.get("tiny").image_shape), np.float32)
    with ThreadPoolExecutor(4) as threads:
        codes = list(threads.map(lambda _: there("tiny", "encode", x), range(8)))
    assert all(np.array_equal(each, here("tiny", "encode", x)) for each in codes)
    theirs, ours = (
        list(ask.steps("tiny", "sample_steps", 4, Seed(7), temperature=0.5))
        for ask in (there, here)
    )
    assert len(theirs) == len(ours)
    assert all(np.array_equal(a.x, b.x) for a, b in zip(theirs, ours, strict=True))
    twice, latent = there("tiny", doubled, x, Other("tiny"))
    assert np.array_equal(twice, 2 * x) and latent == store.get("tiny").latent


def test_sentences_are_for_people_and_the_rest_for_the_log(there):
    with pytest.raises(ValueError, match=r"^That is not for this model\.$"):
        there("tiny", refuses)
    with pytest.raises(RuntimeError, match="ValueError: matmul"):
        there("tiny", fails)
    with pytest.raises(ValueError, match=r"^That is not for this model\.$"):
        list(there.steps("tiny", refuses))


def test_a_worker_killed_in_the_middle_costs_nobody_an_answer(there, tmp_path, store):
    """Streams and calls at once, from many; one worker is killed while it answers."""
    pids(there)
    marks = [tmp_path / f"stream {k}" for k in range(4)]
    calls = tmp_path / "calls"
    with ThreadPoolExecutor(12) as threads:
        streams = [
            threads.submit(lambda m=m: list(there.steps("tiny", counted, str(m), 12, 0.1)))
            for m in marks
        ]
        answers = [threads.submit(there, "tiny", slow, str(calls), 0.2 + k / 1e3) for k in range(8)]
        while not marks[0].exists() or not calls.exists():
            time.sleep(0.01)
        killed = int(marks[0].read_text("utf-8").split()[0])
        os.kill(killed, signal.SIGKILL)
        assert [each.result() for each in streams] == [list(range(12))] * 4
        assert [each.result() for each in answers] == [store.get("tiny").latent] * 8
    assert int(marks[0].read_text("utf-8").split()[0]) != killed, "it was begun again elsewhere"
    assert killed not in pids(there), "another worker has come in its place"


def test_what_nobody_wants_any_more_ends(there, tmp_path):
    marks = tmp_path / "at"
    steps = there.steps("tiny", counted, str(marks), 10_000, 0.05)
    assert [next(steps), next(steps)] == [0, 1]
    steps.close()
    end, last = time.monotonic() + 60, ""
    while (now := marks.read_text("utf-8")) != last:
        assert time.monotonic() < end, "it goes on"
        last = now
        time.sleep(1)


def test_what_many_ask_at_once_is_computed_once_by_a_worker(there, tmp_path, store):
    marks = tmp_path / "calls"
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda _: there("tiny", slow, str(marks), 1.0), range(16)))
    assert found == [store.get("tiny").latent] * 16
    assert len(marks.read_text("utf-8").splitlines()) < 8


def test_what_a_worker_cannot_have_is_computed_here(there, tmp_path, store):
    from tests import toys

    toys.write(tmp_path, "toy")  # a family that this process alone knows
    name = store.adopt(tmp_path / "toy")
    assert there(name, whereabouts) == os.getpid()
    assert list(there.steps(name, counted, str(tmp_path / "at"), 3, 0.0)) == [0, 1, 2]
    assert there("tiny", lambda model: os.getpid()) == os.getpid(), "a function that cannot travel"


def test_a_model_that_was_trained_anew_is_the_new_one(there, tiny_vae, tmp_path):
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "own" / "tiny"
    shutil.copytree(tiny_vae, folder)
    store = Store([folder.parent], "cpu")
    ask, seed = Ask(store, engine=there.engine), Seed(3)
    before = [ask("tiny", "sample", 2, seed) for _ in range(4)]
    path = folder / "model.safetensors"
    with safe_open(path, "numpy") as file:
        about = file.metadata()
    save_file({k: np.zeros_like(v) for k, v in load_file(path).items()}, path, about)
    after = [ask("tiny", "sample", 2, seed) for _ in range(4)]
    assert all(np.array_equal(each, before[0]) for each in before)
    assert not any(np.array_equal(each, before[0]) for each in after)
