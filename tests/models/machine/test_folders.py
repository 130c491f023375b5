"""Folders of one process: gone with it, and cleared where it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from models.machine import folders
from models.machine.folders import HELD, OwnFolder, remove_left

ROOT = Path(__file__).parents[3]
HOLD = """
import sys, time
from models.machine.folders import OwnFolder
folder = OwnFolder("a-folder-")
(folder.path / "file").write_text("mine")
print(folder.path, flush=True)
time.sleep(60)
"""

pytestmark = pytest.mark.skipif(folders.fcntl is None, reason="there are no such locks")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def holder(place: Path) -> tuple[subprocess.Popen, Path]:
    """A process with a folder of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=ROOT, env={**os.environ, "TMPDIR": str(place)},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return process, Path(process.stdout.readline().strip())


def test_it_goes_when_it_is_closed(place):
    with OwnFolder("a-folder-") as path:
        (path / "file").write_text("mine")
        assert path.parent == place and path.name.startswith("a-folder-")
        remove_left("a-folder-")  # held by ourselves
        assert (path / "file").is_file()
    assert list(place.iterdir()) == []


def test_that_of_a_process_which_was_killed_is_cleared_and_no_other(place):
    (lives, kept), (killed, lost) = holder(place), holder(place)
    try:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        # Of somebody who holds none, of another name, and what a link leads to.
        (place / "a-folder-mine").mkdir()
        (place / f"b-folder-mine{HELD}").mkdir()
        (place / f"a-folder-link{HELD}").symlink_to(place / f"b-folder-mine{HELD}")
        own = OwnFolder("a-folder-")
        names = {path.name for path in place.iterdir()}
        assert names == {
            own.path.name, kept.name, "a-folder-mine", f"b-folder-mine{HELD}",
            f"a-folder-link{HELD}",
        }  # fmt: skip
        assert lost.name not in names and (kept / "file").read_text() == "mine"
        own.close()
    finally:
        for process in (lives, killed):
            process.kill()
            process.wait()
            process.stdout.close()


def test_of_another_user_nothing_is_touched(place, monkeypatch):
    there = place / f"a-folder-theirs{HELD}"
    there.mkdir()
    monkeypatch.setattr(folders.os, "getuid", lambda: os.stat(place).st_uid + 1)
    remove_left("a-folder-")
    assert there.is_dir()


def test_where_nothing_can_be_locked_it_still_goes_when_it_is_closed(place, monkeypatch):
    monkeypatch.setattr(folders, "fcntl", None)
    with OwnFolder("a-folder-") as path:
        assert not path.name.endswith(HELD)
    assert list(place.iterdir()) == []
