"""Ctrl-C: the step that is under way ends, the state is written, and ``--resume`` goes on."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest
import torch

import models.__main__ as cli
from models.checkpoints import weights
from models.checkpoints.header import WEIGHTS, read_header
from models.training import train
from tests.conftest import same_weights, tiny_recipe

STEPS = 6
SMALL = [
    *("--set", "data.name=digits", "--set", "model.halvings=1", "--set", "model.width=8"),
    *("--set", "model.latent=2", "--set", f"train.steps={STEPS}", "--set", "train.log_every=1"),
    *("--set", "train.precision=float32", "--device", "cpu", "--quiet"),
]


@pytest.fixture(autouse=True)
def listening():
    """Tests that were started in the background ignore Ctrl-C: these hear it all the same."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)  # heard before it returns, by this thread


@pytest.mark.parametrize("within", [0, 1, 3])
def test_a_run_interrupted_at_any_step_equals_a_straight_one(digits, tmp_path, monkeypatch, within):
    """In the midst of a step, between its update and that of the running mean."""
    recipe = tiny_recipe(train={"steps": STEPS})
    straight = weights.load(train.train(recipe, digits, tmp_path / "straight"))
    update, before = train.Run.update_ema, signal.getsignal(signal.SIGINT)

    def interrupted(self):
        if self.step == within:
            interrupt()
        update(self)

    monkeypatch.setattr(train.Run, "update_ema", interrupted)
    with pytest.raises(train.Interrupted, match=rf"after step {within + 1} of {STEPS}.*--resume"):
        train.train(recipe, digits, tmp_path / "run")
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGINT) is before
    resumed = weights.load(train.train(recipe, digits, tmp_path / "run", resume=True))
    assert same_weights(straight, resumed)


def test_a_second_one_ends_the_run_at_once(digits, tmp_path, monkeypatch):
    def twice(self):
        interrupt()
        interrupt()

    monkeypatch.setattr(train.Run, "update_ema", twice)
    with pytest.raises(KeyboardInterrupt) as stop:
        train.train(tiny_recipe(train={"steps": STEPS}), digits, tmp_path / "run")
    assert not isinstance(stop.value, train.Interrupted)
    assert not (tmp_path / "run" / train.STATE).exists()


def test_one_while_the_checkpoint_is_written_lets_it_be_written(digits, tmp_path, monkeypatch):
    finish = train.Run.finish

    def interrupted(self, folder):
        interrupt()
        return finish(self, folder)

    monkeypatch.setattr(train.Run, "finish", interrupted)
    folder = train.train(tiny_recipe(train={"steps": 2}), digits, tmp_path / "run")
    assert read_header(folder).training["steps"] == 2


def test_the_command_line_says_how_to_go_on(capsys, tmp_path, monkeypatch):
    out, step = tmp_path / "out", train.Run.train_step

    def interrupted(self, *arguments):
        if self.step == 2:
            interrupt()
        return step(self, *arguments)

    monkeypatch.setattr(train.Run, "train_step", interrupted)
    arguments = ["train", "vae-mnist-2d", *SMALL, "--out", str(out)]
    assert cli.main(arguments) == 130
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and f"Stopped after step 3 of {STEPS}" in err and "--resume" in err
    assert not (out / WEIGHTS).exists()
    monkeypatch.undo()
    assert cli.main([*arguments, "--resume"]) == 0
    assert read_header(out).training["steps"] == STEPS


def test_before_the_first_step_there_is_nothing_to_keep(capsys, tmp_path, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(train.Run, "__init__", interrupted)
    assert cli.main(["train", "vae-mnist-2d", *SMALL, "--out", str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err == (
        "Stopped before a step was taken; what was there is as it was.\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_thread_gets_no_signals_and_needs_no_handler(digits, tmp_path):
    torch.set_num_threads(1)
    done: list[Path] = []
    recipe = tiny_recipe(train={"steps": 1})
    work = threading.Thread(
        target=lambda: done.append(train.train(recipe, digits, tmp_path / "run"))
    )
    work.start()
    work.join()
    assert read_header(done[0]).training["steps"] == 1
