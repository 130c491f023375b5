"""The command line: its answers, its JSON, and one line on stderr for whatever is wrong."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import models.__main__ as cli
from models.checkpoints import weights
from models.checkpoints.header import WEIGHTS, Header, read_header
from models.contract.random import generator
from models.data import pictures
from models.training import train
from tests.conftest import tiny_judge, tiny_recipe
from tests.toys import write_translator

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(capsys):
    """Runs the command line in this process: (exit status, stdout, stderr)."""

    def run(*arguments) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            status = cli.main([str(a) for a in arguments])
        except SystemExit as error:  # argparse's own
            status = error.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def refused(run):
    """Runs what must be refused: exit status 2, one line on stderr that holds these words."""

    def refused(words: str, *arguments) -> None:
        status, out, err = run(*arguments)
        assert status == 2, err
        assert out == ""
        assert err.count("\n") == 1 and err.endswith("\n"), err
        assert err.startswith("python -m models")
        assert words in err
        assert "Traceback" not in err

    return refused


@pytest.fixture
def as_json(run):
    def as_json(*arguments) -> dict:
        status, out, err = run(*arguments, "--json")
        assert status == 0, err
        assert out.count("\n") == 1

        def no_constants(name):
            raise AssertionError(f"{name} is no JSON")

        return json.loads(out, parse_constant=no_constants)

    return as_json


@pytest.fixture(scope="module")
def judge(tmp_path_factory, digits) -> Path:
    wanted = tiny_judge("judge-digits", width=16, blocks=1, shift=1)
    return train.train(wanted, digits, tmp_path_factory.mktemp("judge") / "judge-digits")


@pytest.fixture(scope="module")
def conditional(tmp_path_factory, digits) -> Path:
    wanted = tiny_recipe(name="by-class", model={"num_classes": -1}, train={"steps": 5})
    return train.train(wanted, digits, tmp_path_factory.mktemp("conditional") / "by-class")


@pytest.fixture
def picture(tmp_path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


# -- list ------------------------------------------------------------------------------------------


def test_list(run, as_json, tiny_vae):
    root = tiny_vae.parent
    status, out, err = run("list", "--checkpoints", root)
    assert status == 0 and err == ""
    assert "tiny" in out and "Tiny VAE" in out and "vae-mnist-2d" in out
    listed = as_json("list", "--checkpoints", root)
    (row,) = listed["checkpoints"]
    assert row["name"] == "tiny" and row["data"] == "digits" and "Samples" in row["capabilities"]
    assert listed["recipes"].keys() >= {"vae-mnist", "vae-fashion"} and listed["unreadable"] == {}


def test_list_tells_of_what_it_cannot_read(run, as_json, tiny_vae, tmp_path):
    shutil.copytree(tiny_vae, tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / WEIGHTS).write_bytes(b"nothing much")
    listed = as_json("list", "--checkpoints", tmp_path)
    assert len(listed["checkpoints"]) == 1
    assert "cannot be read" in listed["unreadable"]["bad"]
    status, out, _ = run("list", "--checkpoints", tmp_path)
    assert status == 0 and "cannot be read" in out


def test_list_refuses(refused, tmp_path):
    refused("There is no folder", "list", "--checkpoints", tmp_path / "nowhere")


# -- train -----------------------------------------------------------------------------------------

SMALL = [
    "--set", "data.name=digits", "--set", "model.halvings=1", "--set", "model.width=8",
    "--set", "model.hidden=8", "--set", "model.latent=2", "--set", "train.batch_size=32",
    "--set", "train.precision=float32", "--device", "cpu",
]  # fmt: skip


def test_train(run, tmp_path):
    out = tmp_path / "deep" / "down"
    status, stdout, stderr = run(
        "train", "vae-mnist-2d", *SMALL, "--set", "train.steps=4", "--out", out
    )
    assert status == 0, stderr
    assert "evaluate" in stdout
    names = {path.name for path in out.iterdir()}
    assert names >= {WEIGHTS, "card.md", "recipe.toml", train.STATE, train.LOG}
    header = read_header(out)
    assert header.training["steps"] == 4 and header.config["latent"] == 2
    assert header.recipe["train"]["precision"] == "float32"
    # The recipe beside it is a recipe: it can be trained by that file alone.
    again = tmp_path / "again"
    assert run("train", out / "recipe.toml", "--out", again, "--device", "cpu", "--quiet")[0] == 0
    ours, theirs = (weights.load(folder).state_dict() for folder in (out, again))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("train.colour=red", "Unknown setting 'colour'"),
        ("trian.steps=3", "Unknown setting 'trian'"),
        ("model.width", "not of the form"),
        ("=3", "not of the form"),
        ("model.depth=3", "Unknown setting 'depth'"),
        ("model.width=wide", "'width' must be a whole number"),
        ("model.width=28.5", "'width' must be a whole number"),
        ("model.width=true", "'width' must be a whole number"),
        ("model.width=1", "'width' must be at least 8"),
        ("model.latent=99999", "'latent' must be at most 1024"),
        ("model.beta=nan", "'beta' must be at least 0"),
        ("model.beta=inf", "'beta' must be at most"),
        ("model.likelihood=gaussian", "must be one of bernoulli, logistic"),
        ("model.image=[8, 8]", "three positive numbers"),
        ("model.image=[3, 8, 8]", "reads 3x8x8 images"),
        ("model.halvings=4", "cannot be halved 4 times"),
        ("model.num_classes=4", "knows 4 classes"),
        ("model=5", "'model' must be a table"),
        ("train=5", "'train' must be a table"),
        ("train.batch_size.more=5", "not a section"),
        ("train.steps=-1", "'steps' must be at least 0"),
        ("train.learning_rate=nan", "'learning_rate' must be at least 0"),
        ("train.held_out=1497", "held_out is 1497"),
        ("train.precision=int8", "must be one of auto, float32, bf16"),
        ("seed=soon", "'seed' must be a whole number"),
        ("title=3", "'title' must be a text"),
        ("family=energy", "no model family 'energy'"),
        ("data.name=nowhere", "nowhere"),
    ],
)
def test_train_refuses_a_setting(refused, tmp_path, monkeypatch, setting, words):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    arguments = ["train", "vae-mnist-2d", *SMALL, "--quiet", "--out", tmp_path / "out"]
    refused(words, *arguments, "--set", setting)
    assert not (tmp_path / "out" / WEIGHTS).exists()


def test_train_refuses(refused, tmp_path, monkeypatch):
    monkeypatch.delenv("GENERATIVE_EXPLORER_DATA", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refused("There is no recipe 'vae-mist'", "train", "vae-mist")
    refused("There is no recipe", "train", tmp_path / "missing.toml")
    refused("There is no recipe", "train", tmp_path)
    (tmp_path / "bad.toml").write_text("name = ")
    refused("not valid TOML", "train", tmp_path / "bad.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    refused("is not a text file in UTF-8", "train", tmp_path / "bytes.toml")
    (tmp_path / "empty.toml").write_text("")
    refused("needs 'name'", "train", tmp_path / "empty.toml")
    (tmp_path / "data").mkdir()
    small = ["vae-mnist-2d", *SMALL, "--set", "train.steps=2", "--quiet"]
    refused("Unknown device 'tpu'", "train", *small[:-1], "--device", "tpu")
    refused("There is no run to resume", "train", *small, "--resume", "--out", tmp_path / "new")
    refused("no data folder", "train", "vae-mnist-2d", "--data-dir", tmp_path / "nowhere")
    refused("MNIST", "train", "vae-mnist-2d", "--data-dir", tmp_path / "data")
    (tmp_path / "file").write_text("in the way")
    refused("ile", "train", *small, "--out", tmp_path / "file")  # file exists / not a directory


def test_a_diverging_run_ends_with_one_line_and_status_1(run, tmp_path, monkeypatch):
    def diverges(self, x, y, rate):
        raise self._diverged("loss", "model")

    monkeypatch.setattr(train.Run, "train_step", diverges)
    status, out, err = run("train", "vae-mnist-2d", *SMALL, "--out", tmp_path / "out", "--quiet")
    assert status == 1 and out == "" and err.count("\n") == 1 and "stopped being finite" in err


# -- sample ----------------------------------------------------------------------------------------


def test_sample(run, as_json, tiny_vae, tmp_path):
    out = tmp_path / "grid.png"
    status, stdout, stderr = run("sample", tiny_vae, "--n", 10, "--seed", 3, "--out", out)
    assert status == 0 and "10 samples" in stdout, stderr
    with Image.open(out) as image:
        assert image.size == (4 * 8, 3 * 8) and image.mode == "L"
        first = np.array(image)[:8, :8]
    # The picture shows what the model drew with that seed.
    drawn = weights.load(tiny_vae).sample(10, generator(3))[0, 0]
    assert np.abs(first / 255 - drawn.numpy()).max() <= 0.5 / 255 + 1e-6
    assert as_json("sample", tiny_vae, "--n", 1, "--out", out)["n"] == 1
    again = tmp_path / "again.png"
    for path in (out, again):
        assert run("sample", tiny_vae / WEIGHTS, "--n", 5, "--out", path)[0] == 0
    assert out.read_bytes() == again.read_bytes()
    assert run("sample", tiny_vae, "--n", 5, "--seed", 1, "--out", again)[0] == 0
    assert out.read_bytes() != again.read_bytes()


def test_sample_of_a_class(run, refused, conditional, tmp_path):
    pictures = []
    for label in (0, 9):
        out = tmp_path / f"{label}.png"
        assert run("sample", conditional, "--n", 4, "--label", label, "--out", out)[0] == 0
        pictures.append(out.read_bytes())
    assert pictures[0] != pictures[1]
    for label in (-1, 10):
        refused("--label goes from 0 to 9", "sample", conditional, "--label", label, "--out", out)


def test_sample_refuses(refused, tiny_vae, judge, tmp_path):
    out = tmp_path / "grid.png"
    for n in (0, -3, 10_001):
        refused(
            "--n must be a whole number from 1 to 10,000",
            "sample",
            tiny_vae,
            "--n",
            n,
            "--out",
            out,
        )
    refused("invalid int value", "sample", tiny_vae, "--n", "nan", "--out", out)
    refused("invalid int value", "sample", tiny_vae, "--seed", "1.5", "--out", out)
    refused("temperature", "sample", tiny_vae, "--temperature", "nan", "--out", out)
    refused("temperature", "sample", tiny_vae, "--temperature", "-1", "--out", out)
    refused("not class-conditional", "sample", tiny_vae, "--label", 1, "--out", out)
    refused("draws no pictures from noise", "sample", judge, "--out", out)
    refused("required: --out", "sample", tiny_vae)
    refused("no checkpoint at", "sample", tmp_path / "nowhere", "--out", out)
    refused("no checkpoint at", "sample", tmp_path, "--out", out)
    refused("Unknown device", "sample", tiny_vae, "--device", "abacus", "--out", out)
    for name in ("grid", "grid.xyz", "grid.psd", ".png"):
        refused("names no picture format", "sample", tiny_vae, "--out", tmp_path / name)
    refused("There is no folder", "sample", tiny_vae, "--out", tmp_path / "no" / "grid.png")
    (tmp_path / "folder.png").mkdir()
    refused(
        "is a folder; give the name of a file",
        "sample",
        tiny_vae,
        "--n",
        1,
        "--out",
        tmp_path / "folder.png",
    )
    assert not out.exists()


# -- translate -------------------------------------------------------------------------------------


@pytest.fixture
def translator(tmp_path):
    return write_translator(tmp_path / "models", "translator")


def test_translate(run, as_json, translator, picture, tmp_path):
    out = tmp_path / "grid.png"
    status, said, _ = run("translate", translator, picture, picture, "--out", out)
    assert status == 0 and "Wrote 2 translations, outline to picture" in said
    model = weights.load(translator)
    x = torch.from_numpy(pictures.read(picture, model.image_shape, "digits").pixels)[None]
    there = model.translate(x, "outline to picture")
    wanted = pictures.grid(torch.cat([x, x, there, there]), 2)
    assert np.array_equal(np.asarray(Image.open(out)), np.asarray(wanted))

    way = ("--direction", "picture to outline", "--cycle", "--out", out)
    found = as_json("translate", translator, picture, *way)
    back = model.translate(model.translate(x, "picture to outline"), "outline to picture")
    assert found["direction"] == "picture to outline"
    assert found["cycle_error"] == pytest.approx([(back - x).abs().mean().item()], abs=1e-5)
    assert Image.open(out).size == (8, 24)


def test_translate_refuses(refused, run, translator, tiny_vae, picture, tmp_path):
    out = ("--out", tmp_path / "grid.png")
    refused("does not translate pictures.", "translate", tiny_vae, picture, *out)
    refused("use 'translate'", "score", translator, picture)
    refused("use 'translate'", "sample", translator, *out)
    way = ("--direction", "horse to zebra")
    refused('--direction "outline to picture"', "translate", translator, picture, *way, *out)
    refused("There is no file", "translate", translator, tmp_path / "missing.png", *out)
    refused("required: --out", "translate", translator, picture)
    refused("required: IMAGE", "translate", translator, *out)
    refused("grid.nonsense", "translate", translator, picture, "--out", tmp_path / "grid.nonsense")
    files = (picture, tmp_path / "missing.png")
    status, said, err = run("translate", translator, *files, *out)
    assert status == 2 and "Wrote 1 translation" in said and "missing.png" in err


# -- score -----------------------------------------------------------------------------------------


def test_score(run, as_json, tiny_vae, picture):
    rows = as_json("score", tiny_vae, picture, picture, "--samples", 50)["scores"]
    assert [row["image"] for row in rows] == [str(picture)] * 2
    for row in rows:
        assert row["nats"] < 0 and row["stderr"] >= 0
        assert row["kind"] == "estimate" and row["space"] == "binary"
        assert row["bpd"] == pytest.approx(-row["nats"] / (64 * math.log(2)))
    status, out, _ = run("score", tiny_vae, picture, "--samples", 50)
    assert status == 0 and "log p(x) = -" in out and "±" in out
    (bound,) = as_json("score", tiny_vae, picture, "--samples", 1)["scores"]
    assert bound["kind"] == "lower bound" and bound["stderr"] > 0  # of the draws of its greys


def test_score_reads_pictures_of_any_size_and_mode(as_json, tiny_vae, picture, tmp_path):
    with Image.open(picture) as image:
        image.convert("RGB").resize((40, 30)).save(tmp_path / "large.jpg")
    (row,) = as_json("score", tiny_vae, tmp_path / "large.jpg", "--samples", 2)["scores"]
    assert math.isfinite(row["nats"])


def test_score_refuses(refused, tiny_vae, judge, picture, tmp_path):
    refused("There is no file", "score", tiny_vae, tmp_path / "missing.png")
    refused("not a picture", "score", tiny_vae, tmp_path)
    (tmp_path / "text.png").write_text("this is no picture")
    refused("not a picture", "score", tiny_vae, tmp_path / "text.png", tmp_path / "missing.png")
    content = picture.read_bytes()
    for cut, words in ((0, "is empty"), (20, "damaged"), (40, "damaged"),
                       (len(content) // 2, "damaged")):  # fmt: skip
        (tmp_path / "cut.png").write_bytes(content[:cut])
        refused(words, "score", tiny_vae, tmp_path / "cut.png")
    refused("gives no likelihood", "score", judge, picture)
    refused(
        "--samples must be a whole number from 1 to 10,000",
        "score",
        tiny_vae,
        picture,
        "--samples",
        0,
    )
    refused("required: IMAGE", "score", tiny_vae)


@pytest.mark.parametrize("by", [(), ("--by", "complexity")])
def test_score_names_the_bad_files_and_scores_the_others(run, tiny_vae, picture, tmp_path, by):
    bad = tmp_path / "text.png"
    bad.write_text("this is no picture")
    files = [picture, bad, picture, tmp_path / "missing.png", *[picture] * 16]
    arguments = ["score", tiny_vae, *files, *by]
    status, out, err = run(*arguments)
    assert status == 2 and out.count(str(picture)) == 18 and str(bad) not in out
    assert err.count("\n") == 1
    assert f"'{bad}' is text, not a picture; use" in err and "missing.png" in err
    status, out, err = run(*arguments, "--json")
    found = json.loads(out)
    assert status == 2 and len(found["scores"]) == 18
    assert list(found["unreadable"]) == [str(bad), str(tmp_path / "missing.png")]
    assert all(math.isfinite(row.get("nats", 0.0)) for row in found["scores"])


# -- evaluate --------------------------------------------------------------------------------------


def test_evaluate_prints_and_may_leave_everything_as_it_was(run, as_json, judge):
    before = {path.name: path.read_bytes() for path in judge.iterdir()}
    printed = as_json("evaluate", judge, "--n", 100, "--dry")
    assert printed["name"] == "judge-digits"
    assert printed["metrics"]["accuracy"]["n"] == 100
    status, out, _ = run("evaluate", judge, "--n", 100, "--dry")
    assert status == 0 and "accuracy" in out and "n=100" in out
    assert {path.name: path.read_bytes() for path in judge.iterdir()} == before


def test_evaluate_refuses(refused, tiny_vae, tmp_path, monkeypatch):
    monkeypatch.delenv("GENERATIVE_EXPLORER_DATA", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refused("--n must be a whole number from 0", "evaluate", tiny_vae, "--n", -1)
    for samples in (0, -1):
        refused(
            "--samples must be a whole number from 1 to 10,000",
            "evaluate",
            tiny_vae,
            "--samples",
            samples,
        )
    refused("no checkpoint at", "evaluate", tmp_path)
    refused("Unknown device", "evaluate", tiny_vae, "--device", "abacus")
    folder = Path(shutil.copytree(tiny_vae, tmp_path / "copy"))
    (folder / WEIGHTS).rename(folder / "other.safetensors")
    refused("beside the weights", "evaluate", folder / "other.safetensors")
    from models.data.datasets import load

    header = read_header(folder / "other.safetensors")
    model = weights.load(folder / "other.safetensors")
    for name, words in (("mnist", "MNIST"), ("shapes", "holds images of")):
        told = {**vars(header), "data": {**header.data, "name": name}}
        weights.save(model, Header(**told), folder)
        refused(words, "evaluate", folder, "--dry")
    assert load("digits", "test").image_shape == (1, 8, 8)


# -- all of them -----------------------------------------------------------------------------------


def damaged(folder: Path) -> list[Path]:
    """Checkpoints that cannot be loaded, each in its own way."""
    good = (folder / WEIGHTS).read_bytes()
    cut, foreign, text = (folder / f"{name}.safetensors" for name in ("cut", "foreign", "text"))
    cut.write_bytes(good[: len(good) // 2])
    save_file({"a": torch.zeros(1)}, foreign)
    text.write_text("hello")
    return [cut, foreign, text]


def test_damaged_checkpoints_get_one_line_in_every_command(refused, tiny_vae, picture, tmp_path):
    folder = Path(shutil.copytree(tiny_vae, tmp_path / "copy"))
    for file in damaged(folder):
        refused("safetensors", "sample", file, "--out", tmp_path / "grid.png")
        refused("safetensors", "score", file, picture)
        file.rename(folder / WEIGHTS)
        refused("safetensors", "evaluate", folder)


def test_usage_is_one_line_too(refused, run):
    refused("required", "--json")
    refused("required: COMMAND")
    refused("invalid choice: 'paint'", "paint")
    refused("unrecognized arguments: --colour", "list", "--colour")
    refused("required: recipe", "train")
    for command in ("", "list", "train", "evaluate", "sample", "score"):
        status, out, _ = run(*command.split(), "--help")
        assert status == 0 and "python -m models" in out


@pytest.mark.slow
def test_as_a_process(tiny_vae, picture, tmp_path):
    """Once for real: nothing else on stdout, no traceback on stderr."""
    command = [sys.executable, "-m", "models", "score", str(tiny_vae), str(picture), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and len(json.loads(done.stdout)["scores"]) == 1
    assert done.stderr == ""
    command[-2] = str(tmp_path / "missing.png")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "There is no file" in done.stderr


def test_pictures_are_read_upright_and_with_all_their_levels(tmp_path):
    ramp = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1024
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    deep = pictures.read(tmp_path / "deep.png", (1, 8, 8)).pixels
    assert np.array_equal((deep[0] * 255).round(), (ramp / 257).round())

    exif = Image.Exif()
    exif[0x0112] = 3  # turned by half a turn
    Image.fromarray((ramp >> 8).astype(np.uint8)).save(tmp_path / "turned.png", exif=exif)
    turned = pictures.read(tmp_path / "turned.png", (1, 8, 8)).pixels
    assert np.abs(turned - deep[:, ::-1, ::-1]).max() < 1.5 / 255
