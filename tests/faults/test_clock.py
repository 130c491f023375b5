"""A clock that jumps, as after a laptop's sleep or when a server asks for the time."""

from __future__ import annotations

import ast
import signal
from pathlib import Path

import pytest

from tests.faults.server import BEGIN, QUICK, Page, needs_proc, served, until

ROOT = Path(__file__).parents[2]
# A server whose clock goes a day ahead at the first signal, and two days back at the second; what
# Gradio reads of it, too.
PROGRAM = f"""
import signal, time
from datetime import datetime, timedelta
from types import SimpleNamespace
jumped = [0.0]
real, steps = time.time, iter((86400.0, -86400.0))
time.time = lambda: real() + jumped[0]
class Jumping(datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)
def jump(*_):
    jumped[0] = next(steps)
    print("jumped", flush=True)
signal.signal(signal.SIGUSR1, jump)
{QUICK}
from gradio import state_holder
from explorer.server import sessions, visitors
sessions.datetime = SimpleNamespace(datetime=Jumping, timedelta=timedelta)
state_holder.datetime = sessions.datetime
visitors.Visitors.__init__.__defaults__ = (lambda names: None, 60.0, 0.2)
{BEGIN}
"""


@pytest.mark.slow
@needs_proc
def test_whoever_is_here_stays_when_the_clock_jumps(models, tmp_path):
    with served(models, tmp_path, program=PROGRAM) as server, Page(server) as page:
        file = Path(page.upload("mine.txt", b"mine"))
        page.do("click", "train-start")
        page.says("Step ")
        for k in range(2):
            server.process.send_signal(signal.SIGUSR1)
            until(lambda k=k: server.said().count("jumped") == k + 1)
            with Page(server) as other:  # time for some sweeps
                assert '"success":true' in other.do("click", "Sample again")
            assert "Step " in page.status() and file.is_file()
            assert "Your run goes on" in page.do("click", "train-start")
        page.do("click", "train-stop")
        page.says("Stopped at step")
        assert "Traceback" not in server.said()


def test_what_is_waited_for_is_measured_by_a_clock_that_does_not_jump():
    """The server reads the time of day nowhere, but for stamps that tell files apart."""
    found = []
    for path in (ROOT / "explorer").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "time.time":
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []
