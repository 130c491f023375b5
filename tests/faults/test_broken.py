"""A broken file among the checkpoints, and folders that can only be read."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests import toys
from tests.faults.server import Page, needs_proc, served


@pytest.mark.slow
@needs_proc
def test_the_page_opens_without_what_is_broken_and_says_so(models, tmp_path):
    folder = tmp_path / "models"
    shutil.copytree(models, folder)
    for name, damage in {
        "cut": lambda data: data[: len(data) // 2],
        "empty": lambda data: b"",
        "garbled": lambda data: bytes(8) + data[8:],
    }.items():
        weights = toys.write(folder, name) / "model.safetensors"
        weights.write_bytes(damage(weights.read_bytes()))
    (folder / "no-model").mkdir()
    (folder / "no-model" / "model.safetensors").mkdir()
    with served(folder, tmp_path) as server, Page(server) as page:
        said = server.said()
        for name in ("cut", "empty", "garbled"):
            assert f"Left out {folder / name}" in said
        assert "Traceback" not in said
        assert '"success":true' in page.do("click", "Sample again")


@pytest.mark.slow
@needs_proc
def test_the_page_works_where_it_may_only_read(models, tmp_path):
    """Its models, on a disk that takes nothing."""
    folder = tmp_path / "models"
    folder.mkdir()
    for command in (
        ["mount", "--bind", str(models), str(folder)],
        ["mount", "-o", "remount,ro,bind", str(folder)],
    ):
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("nothing can be mounted here")
    try:
        with pytest.raises(OSError, match="Read-only"):
            (folder / "file").write_bytes(b"")
        with served(folder, tmp_path) as server, Page(server) as page:
            assert '"success":true' in page.do("click", "Sample again")
            page.do("click", "train-start")
            page.says("Step ")
            assert "Traceback" not in server.said()
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
