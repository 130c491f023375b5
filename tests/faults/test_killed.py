"""kill -9, of the server and of a run."""

from __future__ import annotations

import os
import signal

import pytest

from tests.faults.server import PROC, REAL, Page, alive, needs_proc, served, until

pytestmark = [pytest.mark.slow, needs_proc]


@pytest.fixture(scope="module")
def temporary(tmp_path_factory):
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def server(models, temporary):
    """One whose runs learn."""
    with served(models, temporary, program=REAL) as page:
        yield page


def test_a_server_that_is_killed_leaves_nothing_once_the_next_has_begun(server, models, temporary):
    with served(models, temporary, program=REAL) as killed:
        with Page(server) as page, Page(killed) as lost:
            kept = page.upload("kept.txt", b"kept")
            lost.upload("lost.txt", b"lost")
            lost.do("click", "train-start")
            lost.says("Step ")
            workers = killed.children()
            killed.kill()
        # What it had begun ends with it.
        assert workers
        until(lambda: not any(map(alive, workers)), 20)
        here = [path for path in server.left() if path.parent == temporary]
        assert len(here) == 4, here  # uploads and visitors of both
    with served(models, temporary) as after:
        here = [path for path in after.left() if path.parent == temporary]
        assert len(here) == 3, here
        assert os.path.exists(kept) and not any("lost" in str(p) for p in after.left())
        assert "was killed" in after.said()
    assert len([path for path in server.left() if path.parent == temporary]) == 2


def test_a_run_that_is_killed_says_so_and_keeps_what_it_had(server):
    with Page(server) as page:
        page.do("click", "train-start")
        page.says("Step ")
        until(lambda: "model.safetensors" in {path.name for path in server.left()})
        # Where memory runs out, the system ends these before the page.
        until(lambda: all(int((PROC / str(pid) / "oom_score_adj").read_text()) >= 500
                          for pid in server.workers()))  # fmt: skip
        for pid in server.workers():
            os.kill(pid, signal.SIGKILL)
        text = page.says("killed")
        assert "perhaps because memory ran out. What it had learned by step" in text
        again = page.anew()
        assert "My VAE" in again.do("load")  # and can be sampled from
        until(lambda: "Z" not in server.children().values(), 5)
        again.do("click", "train-start")  # the next goes on as if nothing had been
        again.says("Step ")
        assert server.workers()
