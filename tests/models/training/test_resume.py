"""Dying and going on: a run resumes bit for bit after any death."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tomli_w
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from models.__main__ import main
from models.checkpoints.header import WEIGHTS, read_header
from models.training import run_state
from models.training.recipe import load_recipe
from models.training.train import LOG, STATE, Run
from tests.conftest import TINY, log_lines, same_weights, tiny_recipe, tiny_writer, trained

ROOT = Path(__file__).parents[3]

# Everything with a memory: moments in channels-last order, a KL warm-up counter, dropout.
REMEMBERS = {"warmup_steps": 15, "dropout": 0.2}


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_run_left_and_resumed_equals_a_straight_one(digits, tmp_path, channels_last, precision):
    settings = {"steps": 20, "channels_last": channels_last, "precision": precision}
    resumes(tiny_recipe(model=REMEMBERS, train=settings), digits, tmp_path)


def test_a_run_of_two_optimizers_left_and_resumed_equals_a_straight_one(digits, tmp_path):
    resumes(tiny_writer(steps=20, muon_rate=0.01, precision="bf16"), digits, tmp_path)


def resumes(wanted, digits, tmp_path) -> None:
    straight = Run(wanted, digits)
    logs = trained(straight)
    half = Run(wanted, digits, tmp_path)
    trained(half, 10)
    half.save_state()
    resumed = Run(wanted, digits, tmp_path)
    resumed.resume()
    assert trained(resumed) == logs[10:]
    assert same_weights(resumed.model, straight.model)
    assert same_weights(resumed.ema, straight.ema)


def write_recipe(folder: Path, **train_settings) -> Path:
    values = {**TINY, "model": {**TINY["model"], **REMEMBERS}}
    values["train"] = {**TINY["train"], "checkpoint_minutes": 0.0, "log_every": 1, **train_settings}
    file = folder / "tiny.toml"
    file.write_text(tomli_w.dumps(values), "utf-8")
    return file


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "models", "train", *map(str, arguments), "--device", "cpu"]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def saved_step(folder: Path) -> int:
    from safetensors import safe_open

    if not (folder / STATE).is_file():
        return 0
    try:
        with safe_open(folder / STATE, "pt") as tensors:
            return int(tensors.metadata()["step"])
    except RuntimeError:  # it opens the file twice, and there was another one by then
        return 0


@pytest.mark.slow
def test_a_run_killed_with_sigkill_resumes_bit_for_bit(tmp_path, digits):
    file = write_recipe(tmp_path, steps=400)
    killed, straight = tmp_path / "killed", tmp_path / "straight"
    process = subprocess.Popen(
        command(file, "--out", killed, "--quiet"),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 600
        while saved_step(killed) < 10 and process.poll() is None:
            assert time.monotonic() < deadline, "the run made no checkpoint"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors.decode()
    step = saved_step(killed)
    assert 10 <= step < 400
    # As if it had died while it wrote: what it had logged beyond its state must come only once.
    with (killed / LOG).open("a") as log:
        log.write(json.dumps({"step": step + 1}) + "\n" + '{"step": ' + str(step + 2))

    # Ten steps on from there, in this process and in one that never died.
    wanted = load_recipe(file)
    resumed = Run(wanted, digits, killed)
    resumed.resume()
    assert resumed.step == step
    trained(resumed, 10)
    assert [line["step"] for line in log_lines(killed)] == list(range(1, step + 11))

    unbroken = Run(wanted, digits, straight)
    trained(unbroken, step + 10)
    assert same_weights(resumed.model, unbroken.model)
    assert same_weights(resumed.ema, unbroken.ema)


@pytest.mark.slow
def test_twenty_steps_equal_ten_kill_and_resume_through_the_command_line(tmp_path, digits):
    """The same through both commands, down to the bytes of the weights that are shipped."""
    file = write_recipe(tmp_path, steps=20)
    killed, straight = tmp_path / "killed", tmp_path / "straight"
    # A run that kills itself as soon as its tenth checkpoint is there: nothing gets to tidy up.
    script = (
        "import os, signal, sys\n"
        "from models import __main__\nfrom models.training import train\n"
        "save = train.Run.save_state\n"
        "def save_state(run):\n"
        "    save(run)\n"
        "    if run.step == 10: os.kill(os.getpid(), signal.SIGKILL)\n"
        "train.Run.save_state = save_state\n"
        "sys.exit(__main__.main(sys.argv[1:]))\n"
    )
    arguments = ["train", str(file), "--quiet", "--device", "cpu", "--out", str(killed)]
    dead = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, env=environment(), timeout=600
    )
    assert dead.returncode == -signal.SIGKILL and saved_step(killed) == 10
    assert main([*arguments, "--resume"]) == 0
    assert main([*arguments[:-1], str(straight)]) == 0
    for name in (STATE, WEIGHTS):
        ours, theirs = load_file(killed / name), load_file(straight / name)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), name
    assert [line["step"] for line in log_lines(killed)] == list(range(1, 21))
    assert read_header(killed).training["steps"] == 20


def test_a_state_is_never_half_written(digits, tmp_path, monkeypatch):
    run = Run(tiny_recipe(), digits, tmp_path)
    trained(run, 3)
    run.save_state()
    good = (tmp_path / STATE).read_bytes()

    def dies(tensors, path, metadata):
        Path(path).write_bytes(good[: len(good) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(run_state, "save_file", dies)
    with pytest.raises(KeyboardInterrupt):
        run.save_state()
    assert (tmp_path / STATE).read_bytes() == good
    assert not list(tmp_path.glob(f".{STATE}*"))


def test_a_run_of_before_there_was_a_setting_goes_on(digits, tmp_path):
    """Whoever has taken a new version has runs of the old one: its settings are what they were."""
    run = Run(tiny_recipe(), digits, tmp_path)
    trained(run, 2)
    run.save_state()
    tensors = load_file(tmp_path / STATE)
    with safe_open(tmp_path / STATE, "pt") as file:
        metadata = file.metadata()
    kept = json.loads(metadata["recipe"])
    assert kept.pop("second") is False and kept["train"].pop("precision") == "float32"
    save_file(tensors, tmp_path / STATE, {**metadata, "recipe": json.dumps(kept)})
    with pytest.raises(ValueError, match="other settings"):  # float32 is not the default
        Run(tiny_recipe(), digits, tmp_path).resume()
    again = Run(tiny_recipe(train={"precision": "auto"}), digits, tmp_path)
    again.resume()
    assert again.step == 2
    save_file(tensors, tmp_path / STATE, {**metadata, "recipe": json.dumps({**kept, "gone": 1})})
    with pytest.raises(ValueError, match="other settings"):
        Run(tiny_recipe(), digits, tmp_path).resume()


def test_resume_refuses_in_one_sentence(digits, tmp_path):
    def refused(recipe, dataset, folder, words):
        with pytest.raises(ValueError, match=words) as error:
            Run(recipe, dataset, folder).resume()
        assert "\n" not in str(error.value)

    run = Run(tiny_recipe(), digits, tmp_path)
    trained(run, 2)
    run.save_state()
    refused(tiny_recipe(), digits, tmp_path / "empty", "no run to resume")
    refused(tiny_recipe(seed=1), digits, tmp_path, "other settings")
    refused(tiny_recipe(train={"beta2": 0.98}), digits, tmp_path, "other settings")
    refused(tiny_recipe(model={"latent": 5}), digits, tmp_path, "other settings")
    other = dataclasses.replace(digits, images=digits.images.flip(0))
    assert other.sha256 != digits.sha256
    refused(tiny_recipe(), other, tmp_path, "other data")
    # What changes no weight may change.
    words = {"title": "Another", "evaluate": {"samples": 3}, "train": {"log_every": 1}}
    Run(tiny_recipe(**words), digits, tmp_path).resume()

    state = (tmp_path / STATE).read_bytes()
    for name, content in (("cut", state[:-100]), ("text", b"not a state"), ("nothing", b"")):
        (tmp_path / name).mkdir()
        (tmp_path / name / STATE).write_bytes(content)
        refused(tiny_recipe(), digits, tmp_path / name, "damaged")
    save_file({"a": torch.zeros(1)}, tmp_path / "nothing" / STATE)
    refused(tiny_recipe(), digits, tmp_path / "nothing", "not the state of a run")
