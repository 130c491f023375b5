"""A table of tricks: its runs, what is measured of them, and where the numbers stand."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from models.checkpoints import weights
from models.checkpoints.facts import sound_metrics
from models.checkpoints.header import read_header
from models.checkpoints.tricks import rows
from models.evaluation.card import card
from models.evaluation.evaluate import evaluate
from models.training import tricks as tables
from models.training.train import train
from models.training.tricks import tricks
from tests import toys

TABLE = """
steps = 3
images = 600
seeds = [0, 2]
[[trick]]
title = "Plain"
[trick.model]
game = "nonsaturating"
[trick.train]
ema = 0.0
[[trick]]
title = "Hinge loss"
[trick.model]
game = "hinge"
[[trick]]
title = "Weight averaging"
[trick.train]
ema = 0.9
"""


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A recipe of small GANs with a table of three tricks."""
    from models.training import recipe

    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "small.toml").write_text(
        'name = "small"\nfamily = "gan"\n[data]\nname = "digits"\n'
        '[model]\nnoise = 4\nwidth = 8\nhidden = 16\nhalvings = 1\ngame = "hinge"\n'
        "[train]\nsteps = 5\nbatch_size = 8\nema = 0.9\n[evaluate]\nquality_n = 64\n"
    )
    monkeypatch.setattr(recipe, "RECIPES", folder)
    monkeypatch.setattr(tables, "FOLDER", folder / "tables")
    (folder / "tables").mkdir()
    (folder / "tables" / "small.toml").write_text(TABLE)
    return folder


def test_every_run_has_the_tricks_above_it(table):
    runs = tricks("small")
    assert [trick.folder for trick in runs] == ["00-0", "00-2", "01-0", "01-2", "02-0", "02-2"]
    assert [trick.recipe.seed for trick in runs] == [0, 2] * 3
    games = [trick.recipe.model["game"] for trick in runs[::2]]
    assert games == ["nonsaturating", "hinge", "hinge"]
    assert [trick.recipe.train.ema for trick in runs[::2]] == [0.0, 0.0, 0.9]
    assert {(t.recipe.train.steps, t.recipe.data.n) for t in runs} == {(3, 600)}
    assert {trick.recipe.model["width"] for trick in runs} == {8}


def test_an_unknown_table_is_said_in_a_sentence(table):
    with pytest.raises(ValueError, match=r"There is no table of tricks for .large.; .* small\."):
        tricks("large")


def test_runs_are_measured_on_images_that_none_saw(table, tmp_path):
    models, run = tmp_path / "models", tmp_path / "runs"
    toys.write_judge(models, "judge")
    target = toys.write(models, "small", "gan", "digits", image=[1, 8, 8], noise=4, width=8)
    dataset = toys.digits("train")
    for trick in tricks("small"):
        if trick.folder != "02-2":  # a run that has not ended
            train(trick.recipe, dataset, run / trick.folder)
    with pytest.raises(ValueError, match="python -m models tricks small"):
        evaluate(target, only=["tricks"], progress=False)
    with pytest.raises(ValueError, match="no runs of tricks"):
        evaluate(target, only=["tricks"], run=tmp_path / "nowhere", progress=False)
    header = evaluate(target, only=["tricks"], run=run, n=64, progress=False)
    found = rows(header.metrics)
    assert [row.title for row in found] == ["Plain", "Hinge loss", "Weight averaging"]
    assert [len(row.runs) for row in found] == [2, 2, 1]
    first = found[0].runs[0]["fd"]
    assert first["n"] == 64 and "set aside" in first["space"] and first["stderr"] > 0
    assert found[0].runs[0]["fd_floor"]["value"] < first["value"]
    # By hand: samples of the run's weights against the images that are left.
    from models.evaluation import metrics
    from models.evaluation.samples import quality

    judge = weights.load(models / "judge")
    real = metrics.real_features(dataset.images[600:], dataset.images[:600], judge, n=64)
    again = quality(weights.load(run / "00-2"), judge, real, 64, 0)["fd"]["value"]
    assert found[0].runs[1]["fd"]["value"] == pytest.approx(again, rel=1e-9)
    assert found[0].mean("fd") == pytest.approx((first["value"] + again) / 2)
    # They stand in a table of the card's own, and a header with them is read again.
    text = card(header)
    assert "## Tricks" in text and "| Hinge loss |" in text and "`fd.trick" not in text
    assert rows(read_header(target).metrics) == found
    # Runs that are not alike are not compared.
    trick = tricks("small")[0]
    longer = dataclasses.replace(trick.recipe.train, steps=4)
    train(dataclasses.replace(trick.recipe, train=longer), dataset, run / "00-0")
    with pytest.raises(ValueError, match="not of one recipe, length and part"):
        evaluate(target, only=["tricks"], run=run, n=64, progress=False)


def test_damaged_entries_are_left_out():
    good = {"value": 1.0, "n": 5, "note": "Plain", "minutes": 1.0}
    sound, damaged = sound_metrics({
        "fd.trick_0-0": good, "fd.trick_0-x": good, "fd.trick_": good,
        "fd.trick_1-0": {**good, "note": 3}, "fd.trick_2-0": {"value": 1.0, "n": 5, "note": "a"},
    })  # fmt: skip
    assert list(sound) == ["fd.trick_0-0"] and len(damaged) == 4


def test_the_shipped_table_can_be_built():
    for trick in tricks("sagan-fashion"):
        values = {"image": [1, 8, 8], **trick.recipe.model, "width": 8, "hidden": 16}
        torch.manual_seed(0)
        weights.build("gan", values)
