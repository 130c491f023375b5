"""Snapshots of a run: when they are kept, what is in them, that dying does not change them."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.checkpoints import snapshots
from models.checkpoints import weights as checkpoint
from models.checkpoints.header import CheckpointError, find
from models.checkpoints.snapshots import SNAPSHOTS, moments, read_snapshots, snapshot_steps
from models.contract.random import generator
from models.training import train
from models.training.recipe import TrainConfig, from_dict
from models.training.train import Run
from tests.conftest import at_moment, tiny_recipe, trained

TINY_GAN = {"noise": 4, "width": 8, "hidden": 16, "num_classes": -1, "r1": 0.1}


def tiny_gan(model: dict | None = None, **train_settings):
    settings = {"steps": 12, "batch_size": 16, "precision": "float32", "snapshots": 4}
    return from_dict(
        {
            "name": "tiny-gan",
            "family": "gan",
            "data": {"name": "digits"},
            "model": {**TINY_GAN, **(model or {})},
            "train": {**settings, **train_settings},
        }
    )


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((folder / SNAPSHOTS).iterdir())}


def test_when_they_are_kept():
    def steps(count, spacing, total):
        return snapshot_steps(TrainConfig(snapshots=count, snapshot_spacing=spacing), total)

    assert steps(0, "linear", 100) == steps(0, "logarithmic", 100) == []
    assert steps(4, "linear", 1000) == [250, 500, 750, 1000]
    assert steps(4, "logarithmic", 10_000) == [10, 100, 1000, 10_000]
    assert steps(1, "logarithmic", 10_000) == [10_000]
    for spacing in ("linear", "logarithmic"):
        few = steps(50, spacing, 10)  # steps that coincide are one
        assert few[-1] == 10 and all(a < b for a, b in pairwise(few)) and few[0] >= 1


@pytest.fixture(scope="module")
def kept(tmp_path_factory, digits) -> tuple[Path, dict[int, dict], dict[int, dict]]:
    """A finished run's folder; the running means and the logs after each of its steps."""
    folder = tmp_path_factory.mktemp("runs") / "gan"
    run, means, logs = Run(tiny_gan(snapshot_spacing="linear"), digits, folder), {}, {}
    for now in run.steps():
        means[now.step] = {k: v.clone() for k, v in run.ema.state_dict().items()}
        logs[now.step] = now.logs
    run.finish(folder)
    return folder, means, logs


def test_each_holds_the_running_mean_of_its_step_and_its_losses(kept):
    folder, means, logs = kept
    found = read_snapshots(folder)
    assert [s.step for s in found] == [3, 6, 9, 12] and {s.total for s in found} == {12}
    finished = checkpoint.load(folder)
    z, label = torch.randn((3, 4), generator=generator(0)), torch.tensor([0, 1, 2])
    pictures = []
    for k, snapshot in enumerate(found):
        assert snapshot.logs == logs[snapshot.step] and "generator_loss" in snapshot.logs
        weights = load_file(snapshot.file)
        assert weights and all(name.startswith("generator.") for name in weights)
        assert all(value.dtype == torch.float16 for value in weights.values())
        model = at_moment(folder, k)
        assert not model.training
        for name, value in model.state_dict().items():
            if name.startswith("generator."):
                assert torch.equal(value, means[snapshot.step][name].half().float()), name
            else:  # no part of a snapshot: as it was in the end
                assert torch.equal(value, finished.state_dict()[name]), name
        with torch.no_grad():
            pictures.append(model.decode(z, label))
    assert all(not torch.equal(a, b) for a, b in pairwise(pictures))
    with torch.no_grad():
        assert torch.equal(pictures[-1], finished.decode(z, label))


def test_a_gan_keeps_what_the_discriminator_of_the_moment_said(digits, tmp_path):
    run, said = Run(tiny_gan({"spectral": True}, snapshot_spacing="linear"), digits, tmp_path), {}
    for now in run.steps():
        with torch.no_grad():
            run.model.eval()  # else spectral normalisation goes on at every look
            label = run.ema.judged_codes()[1]
            said[now.step] = run.model.verdict(run.ema.snapshot_pictures(), label)
            run.model.train()
    for snapshot in read_snapshots(run.finish(tmp_path)):
        found = torch.tensor(snapshot.remarks["verdicts"])
        torch.testing.assert_close(found, said[snapshot.step], atol=1e-4, rtol=0)


def test_a_run_resumed_keeps_the_same_snapshots(kept, digits, tmp_path):
    recipe = tiny_gan(snapshot_spacing="linear")
    run = Run(recipe, digits, tmp_path)
    trained(run, 4)
    run.save_state()
    trained(run, 3)  # these die with it, and so does the snapshot of step 6
    assert list(files(tmp_path)) == ["00000003.safetensors", "00000006.safetensors"]
    resumed = Run(recipe, digits, tmp_path)
    resumed.resume()
    assert list(files(tmp_path)) == ["00000003.safetensors"]
    trained(resumed)
    for name, content in files(kept[0]).items():
        ours = load_file(tmp_path / SNAPSHOTS / name)
        theirs = load_file(kept[0] / SNAPSHOTS / name)
        assert ours.keys() == theirs.keys() and content
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), name
    other = resumed.finish(tmp_path / "elsewhere")  # they go where the checkpoint goes
    assert files(other) == files(tmp_path)
    Run(tiny_gan(snapshots=0), digits, tmp_path).steps().send(None)
    assert not files(tmp_path), "another run's are gone when a new one begins"


def test_how_many_there_are_changes_no_weight_and_an_old_state_may_not_know_of_them(
    digits, tmp_path
):
    run = Run(tiny_recipe(train={"steps": 4}), digits, tmp_path)
    trained(run, 2)
    run.recipe.train.__dict__.pop("snapshots")  # as a state of before there were any
    run.save_state()
    resumed = Run(tiny_recipe(train={"steps": 4, "snapshots": 1}), digits, tmp_path)
    resumed.resume()
    trained(resumed)
    [snapshot] = read_snapshots(resumed.finish(tmp_path))
    # A family that names no parts keeps everything.
    assert load_file(snapshot.file).keys() == resumed.ema.state_dict().keys()


def test_what_is_wrong_is_said_in_one_sentence(kept, digits, tmp_path, monkeypatch):
    def refused(kind, words, call, *arguments):
        with pytest.raises(kind, match=words) as error:
            call(*arguments)
        assert "\n" not in str(error.value) and str(error.value).endswith(".")

    run = Run(tiny_gan(snapshots=0, steps=1), digits, tmp_path / "none")
    trained(run)
    none = run.finish(tmp_path / "none")
    assert read_snapshots(none) == []
    assert list(moments(none)) == []
    refused(CheckpointError, "no checkpoint", read_snapshots, tmp_path / "nowhere")

    good = next((kept[0] / SNAPSHOTS).iterdir())
    bad = none / SNAPSHOTS / good.name
    bad.parent.mkdir()
    bad.write_bytes(good.read_bytes()[:-100])
    refused(CheckpointError, "damaged", read_snapshots, none)
    for tensors in (
        {"generator.other": torch.zeros(1)},
        {"discriminator.psi.weight": torch.ones(1)},
    ):
        facts = {"step": 1, "total": 1, "epoch": 0.1, "logs": {}}
        save_file(tensors, bad, {"snapshot": json.dumps(facts)})
        refused(CheckpointError, "does not fit", at_moment, none, 0)
    size = sum(2 * value.numel() for value in load_file(good).values())
    monkeypatch.setattr(snapshots, "LIMIT", 3 * size)
    refused(ValueError, "keep at most 3", Run, tiny_gan(snapshot_spacing="linear"), digits)
    Run(tiny_gan(snapshots=3), digits)
    with pytest.raises(ValueError, match="'snapshots' must be at most 100"):
        tiny_gan(snapshots=101)


def test_trained_to_the_end_by_the_command(digits, tmp_path):
    folder = train.train(tiny_gan(steps=2, snapshots=2), digits, tmp_path)
    assert [s.step for s in read_snapshots(folder)] == [1, 2]
    assert find(tmp_path) == [tmp_path], "a snapshot is no checkpoint of its own"
