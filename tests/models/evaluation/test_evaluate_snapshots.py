"""What a GAN's snapshots are worth, and its truncation: measured, kept, read without torch."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.checkpoints import weights
from models.checkpoints.header import CheckpointError, read_header
from models.checkpoints.snapshots import (
    MEASURED,
    SNAPSHOTS,
    fingerprint,
    moments,
    read_measured,
    read_snapshots,
)
from models.contract.random import generator
from models.data import datasets
from models.evaluation import evaluate, metrics
from models.evaluation.samples import THRESHOLDS, TRUNCATED, drawn
from models.training import train
from tests.conftest import at_moment, tiny_judge
from tests.models.checkpoints.test_snapshots import tiny_gan


def train_labels() -> torch.Tensor:
    """Classes are asked for as often as they are among these."""
    return datasets.load("digits", "train").labels


@pytest.fixture(scope="module")
def measured(tmp_path_factory, digits) -> Path:
    """A tiny GAN beside a tiny judge, its snapshots and its truncation measured."""
    root = tmp_path_factory.mktemp("games")
    train.train(tiny_judge(), digits, root / "judge")
    folder = train.train(
        tiny_gan(steps=6, snapshots=3, snapshot_spacing="linear"), digits, root / "gan"
    )
    evaluate.evaluate(folder, n=60, only=["snapshots", "truncation"], progress=False)
    return folder


def test_each_snapshot_is_measured_by_its_own_samples(measured):
    found, kept = read_measured(measured), read_snapshots(measured)
    assert found.n == 60 and found.seed == 0 and "digits" in found.judge
    assert found.classes == datasets.load("digits", "test").classes
    assert len(found.read) == len(kept) == 3
    for name in ("fd_over_floor", "precision", "recall", "label_accuracy"):
        assert len(found.values[name]) == len(found.errors[name]) == 3
    judge = weights.load(measured.parent / "judge")
    for k in range(3):
        made, label = drawn(at_moment(measured, k), 60, 0, labels=train_labels())
        share = train_labels().bincount() / len(train_labels())
        assert (label.bincount() - 60 * share).abs().max() <= 1, "each as often as among real ones"
        logits = metrics.judged(judge.classify, made, judge)
        class_of = logits.argmax(1)
        assert list(found.read[k]) == np.bincount(class_of, minlength=10).tolist()
        chance = np.exp(logits - logits.max(1, keepdims=True))
        chance = (chance / chance.sum(1, keepdims=True)).max(1)
        assert sum(found.sure[k]) == int((chance > 0.9).sum())
        right = (class_of == label.numpy()).mean()
        assert found.values["label_accuracy"][k] == pytest.approx(right)
    assert len(set(found.values["fd_over_floor"])) == 3


def test_the_model_of_every_moment_is_that_snapshot(measured):
    for k, (snapshot, model) in enumerate(moments(measured)):
        assert snapshot == read_snapshots(measured)[k] and not model.training
        alone = weights.load(measured)
        kept = {name: value.float() for name, value in load_file(snapshot.file).items()}
        alone.load_state_dict(kept, strict=False)
        assert torch.equal(model.sample(3, generator(0)), alone.sample(3, generator(0)))


def test_it_is_read_without_torch(measured):
    program = (
        "import sys; from models.checkpoints.snapshots import read_measured\n"
        f"assert read_measured({str(measured)!r}).n == 60 and 'torch' not in sys.modules"
    )
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda facts: facts.pop("read"), "damaged"),
        (lambda facts: facts["read"].pop(), "damaged"),
        (lambda facts: facts["values"]["recall"].pop(), "damaged"),
        (lambda facts: facts.update(format=99), "another version"),
        (lambda facts: facts.update(run="0" * 64), "another run"),
        (None, "damaged"),
    ],
)
def test_what_cannot_be_trusted_is_refused_in_a_sentence(measured, tmp_path, change, words):
    folder = Path(shutil.copytree(measured, tmp_path / "gan"))
    file = folder / SNAPSHOTS / MEASURED
    if change is None:
        file.write_text("{", "utf-8")
    else:
        facts = json.loads(file.read_text("utf-8"))
        change(facts)
        file.write_text(json.dumps(facts), "utf-8")
    with pytest.raises(CheckpointError, match=words) as error:
        read_measured(folder)
    assert "--only snapshots" in str(error.value) and str(error.value).endswith(".")


def test_another_runs_measurements_are_not_this_runs(measured, tmp_path, digits):
    folder = Path(shutil.copytree(measured, tmp_path / "gan"))
    mine = fingerprint(read_snapshots(folder))
    train.train(tiny_gan(steps=6, snapshots=3, learning_rate=1e-4), digits, folder)
    assert fingerprint(read_snapshots(folder)) != mine
    assert read_measured(folder) is None, "a run that begins takes away what was measured"


def test_a_model_without_snapshots_has_nothing_measured(measured, tmp_path, digits, caplog):
    shutil.copytree(measured.parent / "judge", tmp_path / "judge")
    folder = train.train(tiny_gan(steps=1, snapshots=0), digits, tmp_path / "none")
    with caplog.at_level(logging.WARNING):
        evaluate.evaluate(folder, n=20, only=["snapshots"], progress=False)
    assert "without snapshots" in caplog.text and read_measured(folder) is None


def test_every_truncation_is_measured_and_none_is_infinity(measured):
    found = read_header(measured).metrics
    for name in TRUNCATED:
        entries = [found[f"{name}.truncation_{threshold:g}"] for threshold in THRESHOLDS]
        assert all(entry["n"] == 60 for entry in entries)
    model, judge = weights.load(measured), weights.load(measured.parent / "judge")
    for threshold in (0.5, float("inf")):
        made, label = drawn(model, 60, 0, labels=train_labels(), truncation=threshold)
        right = metrics.label_accuracy(metrics.judged(judge.classify, made, judge), label).value
        assert found[f"label_accuracy.truncation_{threshold:g}"]["value"] == right
    card = (measured / "card.md").read_text("utf-8")
    assert "## Truncation" in card and "| none |" in card
    assert "precision.truncation_0.5" not in card, "in a table of their own"
