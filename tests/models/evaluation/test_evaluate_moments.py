"""The map through training: made from a run's snapshots, for that run or one of its recipe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models.checkpoints import weights
from models.checkpoints.header import read_header
from models.checkpoints.moving_map import MOMENTS, load_moving_map
from models.codes.moving import codes_at_moments
from models.data import datasets
from models.evaluation import evaluate, metrics
from models.training import train
from tests.conftest import tiny_recipe

RUN = {"steps": 6, "snapshots": 3, "snapshot_spacing": "linear"}


def trained(root: Path, name: str, digits, **changes) -> Path:
    recipe = tiny_recipe(train={**RUN, **changes}, model={"latent": 2})
    return train.train(recipe, digits, root / name)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, digits) -> Path:
    root = tmp_path_factory.mktemp("runs")
    trained(root, "kept", digits)
    trained(root, "bare", digits, snapshots=0)
    trained(root, "other", digits, learning_rate=1e-4)
    return root


def measured(folder: Path, run: Path | None = None) -> dict:
    return evaluate.evaluate(folder, only=["moments"], progress=False, run=run).metrics


def test_codes_of_test_pictures_at_every_snapshot_are_kept(runs):
    results = measured(runs / "kept")
    found, test = load_moving_map(runs / "kept"), datasets.load("digits", "test")
    assert found.steps.tolist() == [2, 4, 6]
    assert np.array_equal(found.labels, test.labels.numpy()[found.indices])
    x = test.images[torch.from_numpy(found.indices)].float() / 255
    codes = [z.numpy() for _, z in codes_at_moments(weights.load(runs / "kept"), runs / "kept", x)]
    assert np.allclose(found.places[-1], codes[-1], atol=2e-3)
    assert np.allclose(found.codes, codes[-1], atol=2e-3), "the finished model is the last moment"
    told = [metrics.knn_accuracy(each, found.labels).value for each in codes]
    assert found.agreement == pytest.approx(told)
    assert results["code_agreement.first"]["value"] == pytest.approx(told[0])
    assert results["map_moments"]["value"] == 3 and "this very run" in found.facts["run"]
    assert "of this very run" in (runs / "kept" / "card.md").read_text("utf-8")


def test_the_moments_of_a_run_of_the_same_recipe_may_stand_in(runs):
    """Keeping snapshots changes no weight, and that is what is found."""
    measured(runs / "bare", runs / "kept")
    found = load_moving_map(runs / "bare")
    assert found.facts["run"].endswith("whose last weights are these, bit for bit")
    assert read_header(runs / "bare").metrics["map_moments"]["note"] == found.facts["run"]


def test_a_run_that_ended_elsewhere_is_said_to_have(runs, tmp_path):
    model, header = weights.load(runs / "bare"), read_header(runs / "bare")
    with torch.no_grad():
        next(model.parameters()).add_(0.5)
    folder = weights.save(model, header, tmp_path / "moved")
    measured(folder, runs / "kept")
    found = load_moving_map(folder)
    assert found.facts["run"].endswith("whose last weights are not these bit for bit")
    x = datasets.load("digits", "test").images[torch.from_numpy(found.indices)].float() / 255
    with torch.no_grad():  # pictures are decoded of these: they must be the model's own
        assert np.allclose(found.codes, weights.load(folder).encode(x).numpy(), atol=4e-3)


def test_another_recipe_or_a_run_without_snapshots_is_refused(runs):
    for run, words in (("other", "another recipe"), (None, "without snapshots")):
        with pytest.raises(ValueError, match=words):
            measured(runs / "bare", run and runs / run)


def test_the_command_takes_them_from_a_run(runs, digits, tmp_path):
    folder = trained(tmp_path, "again", digits, snapshots=0)
    arguments = ["evaluate", folder, "--only", "moments", "--run", runs / "kept", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "models", *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metrics"]["map_moments"]["value"] == 3
    assert (folder / MOMENTS).is_file()
