"""Samples held against any pictures: a data set, or a folder with a folder for each class."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.checkpoints import weights
from models.contract.model import Frame
from models.data.datasets import digits
from models.evaluation import against
from models.evaluation.against import judge_for, quality_against
from tests import toys
from tests.models.foreign.folders import write


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)  # an untrained judge is what chance makes of it
    toys.write(folder, "toy", image=(1, 8, 8), data="shapes")
    toys.write(folder, "judge", family="classifier", image=(1, 8, 8), data="digits", width=8)
    toys.write(folder, "reader", family="reader", image=(1, 8, 8))
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """A folder as torchvision's ImageFolder reads it: root/class/picture.png."""
    root, data = tmp_path_factory.mktemp("pictures") / "digits", digits("train")
    for k in range(240):
        place = root / data.classes[data.labels[k]] / f"{k}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(data.images[k, 0].numpy()).save(place)
    return root


def test_samples_are_held_against_a_folder_of_pictures(models, pictures):
    model = weights.load(models / "toy")
    found = quality_against(model, str(pictures), models / "toy")
    assert {"fd", "fd_floor", "fd_over_floor", "precision", "recall"} <= found.keys()
    n = found["fd"]["n"]
    assert 30 <= n <= 40  # one in six of them is a test picture
    assert found["fd"]["space"] == "judge of digits" and found["fd"]["value"] > 0
    assert found["fd_over_floor"]["value"] > 1.5  # a linear decoder's noise is no digit
    assert "label_accuracy" not in found  # nobody says that classes are the same ones


class Copies:
    """Samples that are pictures of the folder itself: as near as a model can come."""

    image_shape, class_count, device = (1, 8, 8), 0, torch.device("cpu")

    def sample_steps(self, n, rng, label=None, **knobs):
        rows = torch.randperm(200, generator=rng.generators[0])[:n]
        yield Frame(1, 1, digits("train").images[rows] / 255)


def test_pictures_of_the_folder_itself_are_near_the_floor(models, pictures):
    far = quality_against(weights.load(models / "toy"), str(pictures), models / "toy")
    near = quality_against(Copies(), str(pictures), models / "toy")
    assert near["fd"]["value"] < 0.5 * far["fd"]["value"]
    assert near["fd_over_floor"]["value"] < 0.5 * far["fd_over_floor"]["value"]


def test_pictures_of_another_size_and_colour_are_brought_to_the_models(models, tmp_path):
    rng = np.random.default_rng(0)
    for k in range(48):
        pixels = rng.integers(0, 255, (20, 20, 3), dtype=np.uint8)
        place = tmp_path / "noise" / f"{'ab'[k % 2]}" / f"{k}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place)
    found = quality_against(weights.load(models / "toy"), str(tmp_path / "noise"), models / "toy")
    assert found["fd"]["n"] == 8 and np.isfinite(found["fd"]["value"])


def test_the_judge_is_of_the_same_data_or_else_of_the_same_size(models, caplog):
    assert judge_for("digits", (1, 8, 8), [models]).name == "judge"
    assert not caplog.records
    assert judge_for("shapes", (1, 8, 8), [models]).name == "judge"
    assert "that of 'digits' judges in its place" in caplog.text
    with pytest.raises(ValueError, match="no classifier of 3x8x8 pictures to judge by"):
        judge_for("shapes", (3, 8, 8), [models])


def test_what_cannot_be_measured_is_one_sentence(models, tmp_path, monkeypatch):
    monkeypatch.setattr(against, "SHIPPED", tmp_path)
    with pytest.raises(ValueError, match="draws no pictures"):
        quality_against(weights.load(models / "reader"), "digits", models / "reader")
    with pytest.raises(ValueError, match="too few pictures to be held against: 6 test pictures"):
        quality_against(weights.load(models / "toy"), "digits", models / "toy", n=3)
    with pytest.raises(ValueError, match="There is no data set 'nothing'"):
        quality_against(weights.load(models / "toy"), "nothing", models / "toy")


def test_the_command_line_measures_and_writes_nothing(models, pictures, capsys):
    from models.__main__ import main

    before = (models / "toy" / "model.safetensors").read_bytes()
    main(["evaluate", str(models / "toy"), "--against", str(pictures), "--n", "20", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["fd"]["n"] == 20 and found["against"] == str(pictures)
    assert (models / "toy" / "model.safetensors").read_bytes() == before
    main(["evaluate", str(models / "toy"), "--against", str(pictures), "--n", "20"])
    assert "Fréchet distance" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--against", "digits", "--only", "quality"], "leave --only, --run and --samples out"),
        ([], "Nothing says which pictures 'cats' was trained on"),
    ],
)
def test_the_command_line_says_what_is_wrong(models, tmp_path, capsys, options, sentence):
    from models.__main__ import main

    write(tmp_path / "cats")
    assert main(["evaluate", str(tmp_path / "cats"), *options]) == 2
    assert sentence in capsys.readouterr().err
