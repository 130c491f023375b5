"""What takes long says how far it is, and as JSON says nothing else."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
from PIL import Image

import models.__main__ as cli
from models.checkpoints.header import read_header
from models.commands import progress


@pytest.fixture
def run(capsys):
    """Runs the command line in this process: (exit status, stdout, stderr)."""

    def run(*arguments) -> tuple[int, str, str]:
        capsys.readouterr()
        return cli.main([str(a) for a in arguments]), *capsys.readouterr()

    return run


def test_train_as_json_says_where_the_model_is_and_what_it_took(run, tmp_path):
    out = tmp_path / "run"
    small = ["data.name=digits", "model.halvings=1", "model.width=8", "train.steps=2"]
    settings = [text for each in small for text in ("--set", each)]
    status, said, err = run(
        "train", "vae-mnist-2d", *settings, "--out", out, "--device", "cpu", "--quiet", "--json"
    )
    assert status == 0 and said.count("\n") == 1, err
    told = json.loads(said)
    assert told["out"] == str(out) and told["name"] == read_header(out).name
    assert told["training"]["steps"] == 2 and told["parameters"] > 0


def as_on_a_terminal(monkeypatch) -> None:
    """Bars are shown where somebody looks, once a command has taken a while."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(progress, "DELAY", 0)


def test_bars_are_on_stderr_of_a_terminal_alone(run, monkeypatch, tiny_vae, tmp_path):
    picture = tmp_path / "digit.png"
    Image.new("L", (8, 8)).save(picture)
    grid, film = tmp_path / "grid.png", shutil.copytree(tiny_vae, tmp_path / "copy")
    commands = {
        "sample": ("sample", tiny_vae, "--n", 4, "--out", grid),
        "score": ("score", tiny_vae, picture, "--by", "likelihood"),
        "film": ("film", film),
        "export": ("export", tiny_vae, "--space", tmp_path / "space"),
        "train": ("plane", "gaussian-mixture", "--minutes", 0.005),
    }
    for what, command in commands.items():
        for more in ((), ("--json",)):
            status, out, err = run(*command, *more)
            assert (status, err) == (0, ""), what
            with monkeypatch.context() as patch:
                as_on_a_terminal(patch)
                status, out, err = run(*command, *more)
            assert status == 0 and f"{what}: " in err, what
            if more:
                json.loads(out)
