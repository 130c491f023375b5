"""A disk that takes no more: one sentence, and every file that was there is as it was.

The system's own limit on the size of a file stands for the disk: a write beyond it fails as one on
a full disk does, in Python, in Pillow and in safetensors alike.
"""

from __future__ import annotations

import contextlib
import errno
import json
import resource
import shutil
import signal
from pathlib import Path

import pytest
from safetensors import SafetensorError

import models.__main__ as cli
from models.checkpoints import snapshots, weights
from models.checkpoints.header import read_header
from models.checkpoints.preview import save_preview
from models.commands import sample
from models.data import pictures
from models.evaluation import evaluate
from models.evaluation.card import write_card
from models.machine import files
from models.machine.files import write_atomically
from models.training import run_state, train
from tests.conftest import tiny_recipe

LIMIT = 600  # bytes


@contextlib.contextmanager
def full(limit: int = LIMIT):
    """Within it no file grows beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # else the process is ended
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def folder(tiny_vae, tmp_path) -> Path:
    return Path(shutil.copytree(tiny_vae, tmp_path / "copy"))


def told(capsys, *arguments, limit: int = LIMIT) -> tuple[int, str, str]:
    capsys.readouterr()
    with full(limit):
        status = cli.main([str(a) for a in arguments])
    return status, *capsys.readouterr()


def one_sentence(err: str) -> bool:
    return err.count("\n") == 1 and "could not be written: files may not become" in err


def test_everything_that_is_written_is_whole_or_as_it_was(folder, tmp_path, digits, monkeypatch):
    """Each function that writes a file, over one that is there."""
    model, header = weights.load(folder), read_header(folder)
    run = train.Run(tiny_recipe(train={"steps": 3}), digits, tmp_path / "run")
    for _ in run.steps():
        pass
    run.save_state()
    sheet = pictures.grid(model.sample(64, train.generator(0)))
    picture = tmp_path / "grid.png"
    pictures.save(sheet, picture)
    save_preview(model, folder)
    writes = {
        "checkpoint": lambda: weights.save(model, header, folder),
        "header": lambda: weights.rewrite_header(folder, header),
        "card": lambda: write_card(header, folder),
        "preview": lambda: save_preview(model, folder),
        "picture": lambda: pictures.save(sheet, picture),
        "state": lambda: run_state.save(run, tmp_path / "run" / train.STATE),
        "log": lambda: run.write_log(train.Progress(1, 3, 0.1, 0.1, {"a" * 700: 1.0}, 1.0, 1.0)),
        "snapshot": lambda: snapshots.keep(model, tmp_path / "run", 2, 3, 0.1, {}, {}),
        "finish": lambda: run.finish(tmp_path / "run"),
    }
    run.finish(tmp_path / "run")
    snapshots.keep(model, tmp_path / "run", 2, 3, 0.1, {}, {})
    for name, write in writes.items():
        before = contents(tmp_path)
        with full(), pytest.raises(files.CannotWrite) as error:
            write()
        sentence = str(error.value)
        assert sentence.endswith("as it was.") and sentence.count("'") == 2, (name, sentence)
        after = contents(tmp_path)
        log = f"run/{train.LOG}"  # the one file that grows: what it held is its beginning
        assert after.pop(log).startswith(before.pop(log)) and after == before, name


def test_sample_leaves_the_picture_that_was_there(capsys, folder, tmp_path):
    out = tmp_path / "grid.png"
    out.write_bytes(b"an older picture")
    status, printed, err = told(capsys, "sample", folder, "--out", out)
    assert status == 1 and printed == "" and one_sentence(err), err
    assert out.read_bytes() == b"an older picture"
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_train_says_so_in_one_line(capsys, tmp_path):
    small = ["--set", "data.name=digits", "--set", "model.halvings=1", "--set", "train.steps=2"]
    small += ["--set", "model.width=8", "--quiet", "--device", "cpu"]
    status, printed, err = told(capsys, "train", "vae-mnist-2d", *small, "--out", tmp_path / "out")
    assert status == 1 and printed == "" and one_sentence(err), err


def test_a_folder_that_takes_nothing_is_refused_before_the_work(
    capsys, folder, tmp_path, monkeypatch
):
    def never(*arguments, **named):
        raise AssertionError("work was begun")

    monkeypatch.setattr(sample, "load", never)
    monkeypatch.setattr(evaluate, "evaluate", never)
    monkeypatch.setattr(train, "train", never)
    before = contents(tmp_path)
    recipe = ["vae-mnist-2d", "--set", "data.name=digits", "--quiet"]
    for words, arguments in {
        "--dry": ("evaluate", folder),
        "choose another folder": ("sample", folder, "--out", tmp_path / "grid.png"),
        "another folder.": ("train", *recipe, "--out", tmp_path / "new" / "run"),
    }.items():
        status, printed, err = told(capsys, *arguments, limit=0)
        assert status == 2 and printed == "" and err.count("\n") == 1, err
        assert "Nothing can be written into" in err and words in err
    assert contents(tmp_path) == before


@pytest.mark.parametrize("as_json", [False, True])
def test_evaluate_prints_what_it_measured_in_any_case(capsys, folder, as_json):
    """The disk fills up while it measures."""
    before = contents(folder)
    arguments = ["evaluate", folder, "--n", 20, "--samples", 2, "--only", "likelihood"]
    status, printed, err = told(capsys, *arguments, *["--json"] * as_json)
    assert status == 1 and "could not be written" in err and "Traceback" not in err
    assert "nll_nats" in printed
    if as_json:
        assert json.loads(printed)["metrics"]["nll_nats"]["n"] == 20
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (SafetensorError("I/O error: No space left on device (os error 28)"), "the disk is full"),
        (OSError(errno.EROFS, "Read-only file system"), "it can only be read"),
        (PermissionError(errno.EACCES, "Permission denied"), "there is no permission to write"),
        (OSError(errno.EIO, "Input/output error"), "input/output error"),
        (SafetensorError("something of its own"), "the system refused"),
    ],
)
def test_the_reason_is_in_our_words(tmp_path, error, words):
    def write(path):
        raise error

    with pytest.raises(files.CannotWrite) as told:
        write_atomically(tmp_path / "file", write)
    assert str(told.value) == (
        f"'{tmp_path / 'file'}' could not be written: {words}. What was there before is as it was."
    )
    assert list(tmp_path.iterdir()) == []
