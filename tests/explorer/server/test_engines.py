"""Where models compute: the same answers from each engine, and nobody loses one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from explorer.server.ask import Ask, Other, Seed
from explorer.server.engines import LOCAL, by_length, engine_of
from explorer.server.engines.aside import GONE, SLICE, Aside
from explorer.server.engines.asked import Asked, digest
from explorer.server.engines.by_length import ByLength
from explorer.server.engines.local import Local
from explorer.server.store import Store
from tests import toys

# -- what is asked of a model, in a process beside as well ----------------------------------------


def counted(model, marks, steps, seconds=0.0):
    """Says in a file how far it has come."""
    for k in range(steps):
        Path(marks).write_text(f"{k} {os.getpid()}")
        time.sleep(seconds)
        sum(range(20_000))
        yield k


def whereabouts(model):
    return os.getpid()


def doubled(model, x, judge):
    return 2 * x.sum(), judge.latent


def refuses(model):
    raise ValueError("That is not for this model.")


def fails(model):
    return np.zeros(2) @ np.zeros(3)


def dies(model):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def store(tiny_vae, tmp_path_factory):
    toys.write(tmp_path_factory.mktemp("toys"), "toy")
    return Store([tiny_vae.parent], "cpu")


@pytest.fixture(scope="module")
def beside(store):
    """Everything is computed in one process beside this one."""
    engine = ByLength(store, processes=1)
    engine.warm_up()
    assert engine.beside[0].ready.wait(120)
    yield Ask(store, engine=engine)
    engine.close()


@pytest.fixture(autouse=True)
def all_takes_long(monkeypatch):
    monkeypatch.setattr(by_length, "LONG", -1.0)


# -- the tests ------------------------------------------------------------------------------------


def test_a_process_beside_answers_the_same_bit_for_bit(beside, store):
    here = Ask(store)
    x = np.random.default_rng(0).random((3, *store.get("tiny").image_shape))
    assert beside("tiny", whereabouts) != here("tiny", whereabouts) == os.getpid()
    assert np.array_equal(beside("tiny", "encode", x), here("tiny", "encode", x))
    ours, theirs = (
        list(ask.steps("tiny", "sample_steps", 4, Seed(7), temperature=0.5))
        for ask in (beside, here)
    )
    assert len(ours) == len(theirs) and np.array_equal(ours[-1].x, theirs[-1].x)
    total, latent = beside("tiny", doubled, x.astype(np.float32), Other("tiny"))
    assert total == pytest.approx(2 * x.sum(), rel=1e-5) and latent == store.get("tiny").latent


def test_no_more_than_a_slice_is_computed_ahead_and_what_nobody_wants_ends(beside, tmp_path):
    steps = beside.steps("tiny", counted, str(tmp_path / "at"), 1000, 0.02)
    assert [next(steps), next(steps)] == [0, 1]
    time.sleep(0.5)
    assert int((tmp_path / "at").read_text().split()[0]) <= 1 + SLICE / 0.02
    steps.close()
    assert beside("tiny", whereabouts) and beside.engine.beside[0].load == 0


def test_what_is_short_overtakes_what_is_long(beside, tmp_path):
    ended = []

    def follow(name, steps):
        list(beside.steps("tiny", counted, str(tmp_path / name), steps))
        ended.append(name)

    long = threading.Thread(target=follow, args=("long", 3000))
    long.start()
    while not (tmp_path / "long").exists():
        time.sleep(0.01)
    follow("short", 5)
    long.join()
    assert ended == ["short", "long"]


def test_sentences_are_for_people_and_the_rest_for_the_log(beside):
    with pytest.raises(ValueError, match="That is not for this model"):
        beside("tiny", refuses)
    with pytest.raises(RuntimeError, match="ValueError: matmul"):
        beside("tiny", fails)
    assert beside("tiny", whereabouts)


def test_ctrl_c_is_for_the_server(beside):
    pid = beside("tiny", whereabouts)
    os.kill(pid, signal.SIGINT)
    assert beside("tiny", whereabouts) == pid
    if sys.platform == "linux":
        assert int(Path(f"/proc/{pid}/oom_score_adj").read_text()) > 0, "the page outlives it"


def test_where_a_gpu_is_lent_the_server_computes(store, monkeypatch):
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert isinstance(engine_of(LOCAL, store), Local)


def test_a_killed_process_costs_nobody_an_answer(beside, tmp_path):
    marks = tmp_path / "at"
    steps = beside.steps("tiny", counted, str(marks), 6, 0.1)
    found = [next(steps), next(steps)]
    first = int(marks.read_text().split()[1])
    os.kill(first, signal.SIGKILL)
    assert [*found, *steps] == [0, 1, 2, 3, 4, 5], "each step once, though it began again"
    assert int(marks.read_text().split()[1]) != first


def test_what_kills_every_process_is_refused_with_a_sentence(beside):
    with pytest.raises(ValueError, match=GONE[:30]):
        beside("tiny", dies)
    beside.engine.warm_up()
    assert beside.engine.beside[0].ready.wait(120)
    assert beside("tiny", whereabouts) != os.getpid(), "and the next is answered as ever"


def test_a_model_is_forgotten_though_its_folder_is_gone(beside, store, tmp_path):
    pid = beside("tiny", whereabouts)
    for folder in (str(tmp_path / "never-was"), str(store.header("tiny").folder)):
        beside.engine.forget(folder)
    assert beside("tiny", whereabouts) == pid, "and the process goes on"


def test_a_model_that_the_process_cannot_have_is_computed_here(tmp_path):
    toys.write(tmp_path, "toy")
    ask = Ask(store := Store([tmp_path], "cpu"), engine=ByLength(store, processes=1))
    store.get("toy")
    shutil.rmtree(store.header("toy").folder)
    ask.engine.warm_up()
    try:
        assert ask.engine.beside[0].ready.wait(120)
        assert ask("toy", whereabouts) == os.getpid()
    finally:
        ask.engine.close()


def test_a_function_within_a_function_is_asked_here(beside):
    assert beside("tiny", lambda model: os.getpid()) == os.getpid()


def test_the_same_has_one_digest_and_another_another():
    def told(*values, **named):
        return digest(Asked("tiny", whereabouts, values, named))

    x = np.zeros((20, 20))
    y = x.copy()
    y[10, 10] = 1  # where a picture in words would be cut short
    kept = [(x,), (y,), (x.astype(np.float32),), (x.reshape(400),), ([1, 2],), ((1, 2),), ("1",),
            (1,), (1.0,), (True,), (Seed(1),), (Other("1"),), (counted,)]  # fmt: skip
    assert len({told(*values) for values in kept}) == len(kept)
    assert all(told(*values) == told(*values) != "" for values in kept)
    assert told(a=1) != told(b=1) and told(x) == told(x.copy())
    assert told(object()) == "" == told([object()]), "what is not looked into is never the same"


def test_the_quick_the_long_and_the_longer_do_not_wait_for_each_other(store, monkeypatch):
    monkeypatch.setattr(by_length, "LONG", 0.2)
    engine = ByLength(store)
    engine.warm_up()
    ask = Ask(store, engine=engine)
    quick, long, longer = (engine.kinds[kind][0] for kind in ("quick", "long", "longer"))
    try:
        assert quick.ready.wait(120) and (long.pid, longer.pid) == (None, None)
        assert {ask("tiny", whereabouts) for _ in range(3)} == {quick.pid}
        # Nobody knew how long it takes; then it starts another process, which answers once it can.
        assert [ask("tiny", spends, 0.4), ask("tiny", spends, 0.4)] == [quick.pid] * 2
        assert long.ready.wait(120) and ask("tiny", spends, 0.4) == long.pid
        monkeypatch.setattr(by_length, "LONGER", 0.3)
        assert ask("tiny", spends, 0.4) != os.getpid()
        assert longer.ready.wait(120) and ask("tiny", spends, 0.4) == longer.pid
        assert len({quick.pid, long.pid, longer.pid, os.getpid()}) == 4
    finally:
        engine.close()


def spends(model, seconds):
    begun = time.thread_time()
    while time.thread_time() - begun < seconds:
        sum(range(10_000))
    return os.getpid()


def test_the_process_ends_with_its_server(tmp_path):
    program = (
        "import time\nfrom explorer.server.engines.aside import Aside\n"
        "if __name__ == '__main__':\n    a = Aside(); a.begin(); a.ready.wait(120)\n"
        "    print(a.pid, flush=True)\n    time.sleep(600)\n"
    )
    (tmp_path / "server.py").write_text(program)
    root = str(Path(__file__).parents[3])
    server = subprocess.Popen(
        [sys.executable, str(tmp_path / "server.py")], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    with server:
        pid = int(server.stdout.readline())
        server.kill()
    end = time.monotonic() + 30
    while time.monotonic() < end and Path(f"/proc/{pid}").exists():
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_an_engine_that_is_unknown_is_named(store):
    assert isinstance(engine_of("", store), Local)
    assert isinstance(engine_of(LOCAL, store), (Local, ByLength))
    with pytest.raises(ValueError, match="--engine: 'warp' is none of"):
        engine_of("warp", store)


def test_an_end_is_told_to_whoever_waits(store, tmp_path):
    process = Aside()
    process.begin()
    assert process.ready.wait(120)
    process.end()
    assert not process.ready.is_set() or process.load == 0
