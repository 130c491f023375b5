"""Wrong calls of the command line: one line and status 2, before anything is loaded or drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import models.__main__ as cli
from models.contract.knobs import MOST_SEED
from tests import toys

HUGE = 10**24


@pytest.fixture
def refused(capsys):
    """Runs what must be refused: exit status 2, one line on stderr that holds these words."""

    def refused(words: str, *arguments) -> None:
        capsys.readouterr()
        try:
            status = cli.main([str(a) for a in arguments])
        except SystemExit as error:  # argparse's own
            status = error.code
        out, err = capsys.readouterr()
        assert (status, out) == (2, ""), err
        assert err.count("\n") == 1 and err.startswith("python -m models") and words in err, err

    return refused


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    """One untrained model for each set of knobs: "vae", "game", "walker", "writer", "flow"."""
    root = tmp_path_factory.mktemp("shelf")
    small = {"image": [1, 8, 8], "width": 8, "hidden": 8, "halvings": 1, "latent": 2}
    toys.write(root, "vae", "vae", "digits", **small)
    toys.write_game(root, "game")
    toys.write_walker(root, "walker", image=[1, 8, 8])
    toys.write_writer(root, "writer")
    toys.write_flow(root, "flow")
    toys.write(root, "rbm", "rbm", "digits", image=[1, 8, 8], hidden=8, chains=4)
    return root


@pytest.fixture
def no_work(monkeypatch):
    """Nothing is drawn, scored or noised before the call is refused."""
    from models.contract.model import Model
    from models.evaluation import samples

    def never(*arguments, **named):
        raise AssertionError("work was begun")

    monkeypatch.setattr(samples, "sample", never)
    monkeypatch.setattr(Model, "checked", never)


@pytest.mark.parametrize(
    ("name", "setting", "value", "words"),
    [
        ("game", "temperature", "nan", "samples without --temperature"),
        (
            "game",
            "temperature",
            -1,
            "samples without --temperature; leave it out. It takes --trunc",
        ),
        ("game", "temperature", 1, "samples without --temperature"),
        ("game", "truncation", "nan", "--truncation must be a number above 0"),
        ("game", "truncation", 0, "--truncation must be a number above 0"),
        ("game", "steps", 3, "samples without --steps"),
        ("vae", "temperature", "nan", "--temperature must be a number from 0 to 100, not nan"),
        ("vae", "temperature", -1, "--temperature must be a number from 0"),
        ("vae", "temperature", "inf", "--temperature must be a number from 0"),
        ("vae", "truncation", 1, "samples without --truncation"),
        ("vae", "guidance", 1, "samples without --guidance"),
        ("vae", "sampler", "dpm", "samples without --sampler"),
        ("flow", "temperature", "nan", "--temperature must be a number from 0"),
        ("writer", "temperature", 0, "--temperature must be a number above 0"),
        ("writer", "temperature", "nan", "--temperature must be a number above 0"),
        ("walker", "steps", 10**9, "--steps must be a whole number from 1 to 10,000"),
        ("walker", "steps", 0, "--steps must be a whole number from 1"),
        ("walker", "guidance", "nan", "--guidance must be a number from 0 to 20"),
        ("walker", "guidance", 21, "--guidance must be a number from 0 to 20"),
        ("walker", "sampler", "magic", "--sampler must be one of dpm, heun"),
        ("rbm", "steps", HUGE, "--steps must be a whole number from 1 to 10,000"),
        ("vae", "seed", HUGE, "--seed must be a whole number from 0 to 9,007,199,254,740,991"),
        ("vae", "seed", -1, "--seed must be a whole number from 0"),
        ("vae", "seed", MOST_SEED + 1, "--seed must be a whole number from 0"),
        ("vae", "n", HUGE, "--n must be a whole number from 1 to 10,000"),
    ],
)
def test_sample(refused, no_work, shelf, tmp_path, name, setting, value, words):
    out = tmp_path / "grid.png"
    refused(words, "sample", shelf / name, "--out", out, f"--{setting}={value}")
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "setting", "value", "words"),
    [
        ("vae", "samples", 10**12, "--samples must be a whole number from 1 to 10,000"),
        ("flow", "samples", 10_001, "--samples must be a whole number from 1 to 10,000"),
        ("walker", "samples", 1, "--samples must be a whole number from 2"),
        ("rbm", "samples", 1, "--samples must be a whole number from 2"),
        ("writer", "samples", 5, "is scored without --samples; leave it out."),
        ("vae", "seed", HUGE, "--seed must be a whole number from 0"),
        ("vae", "seed", -1, "--seed must be a whole number from 0"),
    ],
)
def test_score(refused, no_work, shelf, tmp_path, name, setting, value, words):
    picture = tmp_path / "picture.png"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(picture)
    refused(words, "score", shelf / name, picture, f"--{setting}={value}")


@pytest.mark.parametrize(("setting", "value"), [("samples", 10**12), ("n", HUGE), ("seed", HUGE)])
def test_evaluate(refused, no_work, shelf, setting, value):
    refused(
        f"--{setting} must be a whole number", "evaluate", shelf / "vae", f"--{setting}={value}"
    )


@pytest.mark.parametrize(
    "key", ["seed", "train.steps", "data.n", "train.held_out", "train.log_every", "evaluate.n"]
)
def test_a_recipe_has_no_number_that_no_machine_can_hold(refused, tmp_path, key):
    arguments = ["train", "vae-mnist-2d", "--set", "data.name=digits", "--out", tmp_path / "out"]
    refused("9,007,199,254,740,991", *arguments, "--set", f"{key}={HUGE}")
    assert not (tmp_path / "out").exists()


def test_a_recipe_is_text(refused, tmp_path):
    (tmp_path / "latin.toml").write_bytes('name = "vae-müsli"'.encode("latin-1"))
    refused("'latin.toml' is not a text file in UTF-8", "train", tmp_path / "latin.toml")
    (tmp_path / "deep.toml").write_text("a = " + "[" * 100_000)
    refused("'deep.toml' is not valid TOML", "train", tmp_path / "deep.toml")


def test_a_folder_is_no_file_and_a_file_no_folder(refused, no_work, shelf, tmp_path):
    (tmp_path / "folder.png").mkdir()
    out = ("--out", tmp_path / "folder.png")
    refused("folder.png' is a folder; give the name of a file", "sample", shelf / "vae", *out)
    (tmp_path / "file").write_text("in the way")
    small = ["--set", "data.name=digits", "--set", "model.halvings=1", "--quiet"]
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        refused("file' is a file, not a folder to write into", "train", "vae-mnist-2d", *small,
                "--out", out)  # fmt: skip
    assert (tmp_path / "file").read_text() == "in the way"
