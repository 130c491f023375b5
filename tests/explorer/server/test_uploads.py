"""What is uploaded: by whom, how large, and that nothing of it stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import explorer
from explorer.pictures import images
from explorer.server.jobs import Jobs, Limits
from explorer.server.visitors import Visitors
from explorer.tabs.train import keep
from tests import toys

ROOT = Path(__file__).parents[3]


@pytest.fixture
def everybody():
    visitors = Visitors(Jobs(Limits(jobs=0)), grace=0, sweep=3600)
    yield visitors
    visitors.close()


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
