"""A disk that is full: while a file is uploaded, a model fetched, a checkpoint written. What the
command line does then, ``tests/models/test_full_disk.py`` asks."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from explorer.page.part import FULL_DISK, sentence_of
from explorer.tabs.train import keep
from models.checkpoints.weights import load
from tests.explorer.tabs.train.conftest import context, me  # noqa: F401 - fixtures
from tests.faults.server import REAL, Page, needs_proc, served, until


def fill(disk: Path) -> Path:
    """Takes all the room that there is."""
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


@pytest.mark.slow
@needs_proc
def test_uploads_and_runs_say_so_leave_nothing_half_and_work_again_afterwards(models, small_disk):
    with served(models, small_disk, program=REAL) as server:
        files = {"files": ("large.bin", bytes(12 << 20))}
        answer = httpx.post(f"{server.address}/gradio_api/upload", files=files, timeout=60)
        assert answer.status_code >= 400 and "Traceback" not in answer.text
        assert server.uploads() == []
        with Page(server) as page:
            page.do("click", "train-start")
            page.says("Step ")
            (weights,) = until(lambda: list(small_disk.glob("*/*/*/model.safetensors")))
            filler = fill(small_disk)
            said = page.says("disk is full")
            assert "What it had learned by step" in said
            # Of a file that was being written nothing is left, and the one before is whole.
            assert [path for path in weights.parent.iterdir() if path.name[0] == "."] == []
            load(weights.parent)
            assert Page(server).client.get("/").is_success
            filler.unlink()
            page.do("click", "train-start")
            page.says("Step ")
        assert "Traceback" not in server.said()


@pytest.mark.parametrize("how", ["a file", "a zip"])
def test_a_model_that_is_brought_is_there_whole_or_not_at_all(
    context, me, tiny_vae, tmp_path, monkeypatch, how,  # noqa: F811
):  # fmt: skip
    file = tiny_vae / "model.safetensors"
    if how == "a zip":
        file = Path(shutil.make_archive(str(tmp_path / "a"), "zip", tiny_vae.parent, "tiny"))
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        write(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError) as error:
        keep.bring(context, me, str(file))
    assert sentence_of(error.value) == FULL_DISK
    assert list(me.folder.iterdir()) == [] and me.models == {}


def test_a_model_that_is_fetched_is_there_whole_or_not_at_all(
    context, me, tiny_vae, monkeypatch,  # noqa: F811
):  # fmt: skip
    """It comes, and there is no room for the copy out of the cache."""
    copy = shutil.copytree

    def full(source, target):
        Path(target).mkdir()
        raise shutil.Error([("a", "b", "[Errno 28] No space left on device")])

    monkeypatch.setattr(keep.fetch, "get", lambda *a, **b: copy(tiny_vae, a[2] / "tiny"))
    monkeypatch.setattr(keep.shutil, "copytree", full)
    with pytest.raises(OSError) as error:
        keep.bring_from_hub(context, me, SimpleNamespace(repo="tiny"), None)
    assert sentence_of(error.value) == FULL_DISK
    assert list(me.folder.iterdir()) == [] and me.models == {}
