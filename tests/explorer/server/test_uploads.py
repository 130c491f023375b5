"""What is uploaded: by whom, how large, and that nothing of it stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

import explorer
from explorer.pictures import images
from explorer.server import visitors
from explorer.server.jobs import JobError, Jobs, Limits
from explorer.server.visitors import Visitors
from explorer.tabs.train import keep
from tests import toys

ROOT = Path(__file__).parents[3]


@pytest.fixture
def everybody():
    here = Visitors(Jobs(Limits(jobs=0)), grace=0, sweep=3600)
    yield here
    here.close()


def uploaded(folder: Path, name: str) -> str:
    """A file as Gradio keeps it: in a folder of its own."""
    place = folder / f"of {name}"
    place.mkdir()
    (place / name).write_bytes(b"picture")
    return str(place / name)


def test_uploads_go_with_whoever_brought_them(everybody, tmp_path):
    mine, ours, theirs = (uploaded(tmp_path, name) for name in ("a.png", "b.png", "c.png"))
    everybody.arrive(None, "one")
    everybody.took("one", [mine, ours])
    everybody.took("two", [ours, theirs])  # a page that has not arrived yet
    everybody.leave("one")
    everybody.sweep()
    assert not Path(mine).parent.exists()
    assert Path(ours).is_file() and Path(theirs).is_file()
    everybody.leave("two")
    everybody.sweep()
    assert list(tmp_path.iterdir()) == []


def test_what_no_page_has_told_of_goes_after_a_while(everybody, tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(visitors.time, "monotonic", lambda: now[0])
    orphan, mine = uploaded(tmp_path, "orphan.png"), uploaded(tmp_path, "mine.png")
    everybody.uploaded.update({orphan, mine})
    everybody.arrive(None, "one")
    everybody.took("one", [mine])
    everybody.sweep()
    now[0] += visitors.ORPHAN_SECONDS
    everybody.sweep()
    assert Path(orphan).is_file()  # it may still be told of
    now[0] += 1
    everybody.sweep()
    assert not Path(orphan).parent.exists() and everybody.uploaded == {mine}
    assert Path(mine).is_file()


def test_the_oldest_files_of_a_visitor_give_way(everybody, tmp_path, monkeypatch):
    monkeypatch.setattr(visitors, "MOST_BYTES", 2 * len(b"picture"))
    files = [uploaded(tmp_path, f"{k}.png") for k in range(3)]
    everybody.took("other", files[1:2])
    for file in files:
        everybody.took("one", [file])
    assert [Path(file).is_file() for file in files] == [False, True, True]
    everybody.took("one", [files[1]])  # brought once more: it is the newest now
    everybody.took("one", [uploaded(tmp_path, "new.png")])
    assert [Path(file).is_file() for file in files] == [False, True, False]


def test_whoever_left_first_gives_way_and_nobody_who_is_here(everybody, monkeypatch):
    monkeypatch.setattr(visitors, "MOST_VISITORS", 3)
    here = [everybody.arrive(None, f"page-{k}") for k in range(3)]
    with pytest.raises(JobError, match="Too many people"):
        everybody.arrive(None, "page-4")
    everybody.leave("page-1")
    everybody.arrive(None, "page-4")
    assert len(everybody) == 3 and not here[1].folder.exists() and here[0].folder.exists()


def test_one_address_leaves_room_for_others(everybody, monkeypatch):
    monkeypatch.setattr(visitors, "MOST_OF_ADDRESS", 2)
    for k in range(2):
        everybody.arrive(None, f"page-{k}", "1.2.3.4")
    with pytest.raises(JobError, match="Too many people"):
        everybody.arrive(None, "page-2", "1.2.3.4")
    everybody.arrive(None, "page-3", "4.3.2.1")
    everybody.leave("page-0")
    everybody.arrive(None, "page-4", "1.2.3.4")
    assert len(everybody) == 3


def test_an_address_has_some_of_the_runs(everybody, tmp_path):
    """Not all, whoever many people it says it is."""
    live = SimpleNamespace(live=True)
    for k in range(visitors.MOST_RUNS):
        everybody.arrive(None, f"page-{k}", "1.2.3.4").job = live
    with pytest.raises(JobError, match="from this address"):
        everybody.begin(everybody.arrive(None, "one more", "1.2.3.4"), "a", {})
    # Of another address only the server's own limit counts, which is none at all here.
    with pytest.raises(JobError, match="switched off"):
        everybody.begin(everybody.arrive(None, "other", "4.3.2.1"), "a", {})
    for visitor in everybody._visitors.values():
        visitor.job = None


def test_where_a_page_is_asked_from_is_known(tmp_path):
    """Of events that wait in the queue and of others."""
    toys.write(tmp_path, "toy")
    context = explorer.Context.create(tmp_path, device="cpu")
    page = explorer.build(context)
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, **explorer.launch_options())
    try:
        assert context.visitors.uploaded is page.upload_file_set
        for path in ("run/predict", "queue/join"):
            fn = next(f for f in page.fns.values() if getattr(f.fn, "handler", "") == "open_page")
            body = {"fn_index": fn._id, "data": ["toy", ""], "session_hash": path}
            httpx.post(f"{address}gradio_api/{path}", json=body).raise_for_status()
            end = time.monotonic() + 20
            while path not in context.visitors._whose and time.monotonic() < end:
                time.sleep(0.05)
            assert context.visitors.of(path).address == "127.0.0.1"
    finally:
        page.close(verbose=False)
        context.visitors.close()


def test_at_the_end_nothing_stays(everybody, tmp_path):
    everybody.took("one", [uploaded(tmp_path, "a.png")])
    everybody.close()
    assert list(tmp_path.iterdir()) == []


def test_every_upload_on_the_page_is_kept_until_its_visitor_goes(tmp_path):
    """Of each control for files, an event tells whose they are."""
    page = explorer.build(explorer.Context.create(tmp_path, device="cpu"))
    controls = [b._id for b in page.blocks.values() if type(b).__name__ == "File"]
    told = {
        target[0]
        for fn in page.fns.values()
        if fn.fn is not None and "keep_until_gone" in getattr(fn.fn, "__qualname__", "")
        for target in fn.targets
    }
    assert controls and set(controls) == told


def test_no_limit_undercuts_another():
    limit = explorer.launch_options()["max_file_size"]
    assert limit >= max(images.MAX_BYTES, images.MAX_ZIP_BYTES, keep.LARGEST)


def test_a_large_file_refuses_itself_alone(tmp_path):
    (tmp_path / "large.png").write_bytes(b"\x89PNG\r\n" + bytes(images.MAX_BYTES))
    (tmp_path / "small.png").write_bytes(images.png_bytes([[0, 255], [255, 0]]))
    files = [tmp_path / "large.png", tmp_path / "small.png"]
    (found,), (problem,) = images.open_many(files)
    assert found[0] == "small.png" and problem[0] == "large.png" and "20 MB" in problem[1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_a_server_that_is_told_to_end_leaves_nothing(tmp_path):
    """And what is uploaded lies in a folder that is this process's own, not the machine's."""
    models, temporary = tmp_path / "models", tmp_path / "temporary"
    models.mkdir()
    temporary.mkdir()
    toys.write(models, "toy")
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
    environment.pop("GRADIO_TEMP_DIR", None)
    command = [sys.executable, "app.py", "--checkpoints", str(models), "--device", "cpu"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    try:
        line = next(line for line in process.stdout if "http://" in line)
        address = line[line.index("http://") :].split()[0].rstrip("/")
        boundary = "border"
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; '
            'filename="own.txt"\r\nContent-Type: text/plain\r\n\r\nmine\r\n'
            f"--{boundary}--\r\n"
        ).encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        request = urllib.request.Request(f"{address}/gradio_api/upload", body, kind)
        with urllib.request.urlopen(request, timeout=60) as answer:
            [path] = json.load(answer)
        (own,) = temporary.glob("generative-explorer-uploads-*")
        assert Path(path).is_relative_to(own)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
        left = [str(p) for p in temporary.iterdir() if "generative-explorer" in p.name]
        assert left == [] and not Path(path).exists()
    finally:
        process.kill()
        process.wait()
