"""Few pictures of one's own: every family trains on a dozen, and what can be measured is."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from models.__main__ import main
from models.checkpoints import weights as checkpoint
from models.checkpoints.codes import CODES, Map, load_map, save_map
from models.checkpoints.header import FORMAT, FORMAT_VERSION, WEIGHTS, CheckpointError, read_header
from models.data import datasets
from models.evaluation import codes as measured_codes
from models.evaluation import evaluate
from models.evaluation.codes import codes
from models.training import starts, train
from models.training.session import Session
from models.training.train import Run
from tests.conftest import noise, tiny_recipe
from tests.models.training.test_session import OF_PICTURES, Wire, pixels

pytestmark = pytest.mark.usefixtures("alone")


def folder_of(root, counts, side=8):
    """A folder of noise with so many pictures in each class; of one class, without folders."""
    for label, count in enumerate(counts):
        place = root / f"class {label:03d}" if len(counts) > 1 else root
        place.mkdir(parents=True, exist_ok=True)
        for k, levels in enumerate(noise(count, side, side, seed=label)):
            Image.fromarray(levels).save(place / f"{k:03d}.png")
    return str(root)


@pytest.mark.parametrize(
    ("family", "n"),
    [*((family, 12) for family in OF_PICTURES),
     *(("vae", n) for n in (17, 24, 40, 50, 80))],
)  # fmt: skip
def test_every_family_trains_on_a_dozen_pictures(tmp_path, family, n):
    dataset = datasets.load(folder_of(tmp_path / "own", [n]), "train")
    recipe = starts.start(family, "small", dataset)
    values = recipe.to_dict()
    values["train"]["steps"] = 1
    run = Run(type(recipe)(**{**vars(recipe), "train": type(recipe.train)(**values["train"])}),
              dataset)  # fmt: skip
    session = Session(Wire(), run, tmp_path / "run")
    assert session.work() == "done"
    shown = session.wire.of("shown")[-1]["pictures"]
    if session.makes == "translations":  # three rows of four of either way
        assert [len(pixels(packed)) for packed in shown.values()] == [12, 12]
        return
    assert len(pixels(shown["samples"])) == 16
    held = n - len(datasets.load(str(tmp_path / "own"), "test"))
    held = min(held // 6, 8)
    if family == "vae":  # whole rows: originals, and below each what its code gives
        columns = min(4, held)
        assert len(pixels(shown["rebuilt"])) == 2 * (held - held % columns)


def test_small_classes_share_a_test_split(tmp_path):
    name = folder_of(tmp_path, [3] * 40, side=4)
    train_set, test = datasets.load(name, "train"), datasets.load(name, "test")
    assert (len(train_set), len(test)) == (100, 20) and len(test.labels.unique()) == 20
    assert len(train_set.labels.unique()) == 40  # none is known from test pictures alone


def test_the_only_picture_of_a_class_is_trained_on(tmp_path):
    name = folder_of(tmp_path, [30, 1, 1, 1, 1, 1, 1], side=4)
    assert len(datasets.load(name, "test")) == 5
    assert len(datasets.load(name, "train").labels.unique()) == 7


def test_splits_of_larger_classes_are_what_they_were(tmp_path):
    name = folder_of(tmp_path, [12, 30], side=4)
    assert datasets.load(name, "test").labels.bincount().tolist() == [2, 5]


@pytest.mark.slow
@pytest.mark.parametrize("counts", [[24], [60], [8, 8, 8], [60, 60]])
def test_a_small_set_is_measured_as_far_as_it_goes(tmp_path, counts, caplog):
    name = folder_of(tmp_path / "own", counts)
    recipe = tiny_recipe(data={"name": name}, train={"steps": 2, "batch_size": 8})
    folder = train.train(recipe, datasets.load(name, "train"), tmp_path / "run")
    found = evaluate.evaluate(folder, progress=False).metrics
    assert "nll_nats" in found and "elbo_nats" in found
    assert read_header(folder).metrics.keys() == found.keys()
    test_images = len(datasets.load(name, "test"))
    assert ("trustworthiness" in found) == (test_images > measured_codes.NEIGHBOURS)
    few = f"{test_images} test images are too few for a map"
    assert (few in caplog.text) == (test_images <= measured_codes.NEIGHBOURS)
    assert ("knn_accuracy" in found) == (sum(counts) == 120)


def test_what_was_measured_stays_where_a_later_part_fails(tiny_vae, tmp_path, monkeypatch):
    folder = shutil.copytree(tiny_vae, tmp_path / "tiny")

    def broken(*arguments, **named):
        raise RuntimeError("the machine is on fire")

    monkeypatch.setattr(evaluate, "codes", broken)
    with pytest.raises(RuntimeError):
        evaluate.evaluate(folder, n=20, progress=False)
    assert "nll_nats" in read_header(folder).metrics


def test_more_classes_than_a_byte_counts_do_not_wrap(tmp_path):
    labels = np.arange(600) % 300
    kept = Map(noise(600, 2), noise(600, 2), labels, np.arange(600), None, {})
    save_map(tmp_path, kept)
    assert load_map(tmp_path).labels.tolist() == labels.tolist()


def test_codes_of_many_classes_keep_their_labels(tiny_vae, tmp_path):
    images = torch.from_numpy(noise(560, 1, 8, 8))
    test = datasets.Dataset("many", "test", images, torch.arange(560) % 280, ())
    model = checkpoint.load(tiny_vae)
    codes(model, test, None, tmp_path, progress=False)
    assert load_file(tmp_path / CODES)["labels"].max() == 279


def test_weights_that_are_no_numbers_are_refused(tiny_vae, tmp_path, capsys):
    header = read_header(tiny_vae)
    weights = load_file(tiny_vae / WEIGHTS)
    some = next(name for name, values in weights.items() if values.is_floating_point())
    weights[some].view(-1)[0] = float("nan")
    file = tmp_path / WEIGHTS
    about = {"format": FORMAT, "format_version": str(FORMAT_VERSION),
             "header": header.to_json()}  # fmt: skip
    save_file(weights, file, about)
    with pytest.raises(CheckpointError, match="no numbers"):
        checkpoint.load(tmp_path)
    picture = tmp_path / "picture.png"
    Image.fromarray(noise(8, 8)).save(picture)
    grid = str(tmp_path / "grid.png")
    for arguments in (["score", str(tmp_path), str(picture), "--json"],
                      ["sample", str(tmp_path), "--out", grid, "--json"]):  # fmt: skip
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert "no numbers" in err and "\n" not in err.strip()
        assert out == "" or json.loads(out)


def test_json_is_valid_where_a_number_is_none(monkeypatch, capsys):
    import models.__main__ as command_line

    odd = {"a": [float("nan"), 1.5, (float("inf"), "x")], "b": {"c": -float("inf"), "d": None}}
    monkeypatch.setitem(command_line.COMMANDS, "list", lambda args: odd)
    assert main(["list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    assert found == {"a": [None, 1.5, [None, "x"]], "b": {"c": None, "d": None}}
