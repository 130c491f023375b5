"""Several processes as one: the same losses, weights, numbers and pictures as of one alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tomli_w
import torch
from PIL import Image

from models.__main__ import main
from models.checkpoints import weights as checkpoint
from models.checkpoints.header import read_header
from models.contract.random import generator, normal
from models.machine import processes
from models.machine.processes import Processes
from models.training.train import STATE, Run
from tests import shared_out
from tests.conftest import log_lines, tiny_recipe, trained

ROOT = Path(__file__).parents[3]
LAUNCH = (
    sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1",
    "--main_process_port", "0", "--mixed_precision", "no", "--dynamo_backend", "no",
    "--num_processes",
)  # fmt: skip


def half_a_run(folder: Path, digits) -> None:
    """A run of 20 steps that died after 10, and its recipe."""
    folder.mkdir()
    recipe = tiny_recipe(train={"steps": 20, "log_every": 1})
    (folder / "recipe.toml").write_text(tomli_w.dumps(recipe.to_dict()))
    run = Run(recipe, digits, folder / "run")
    trained(run, 10)
    run.save_state()


@pytest.fixture(scope="module")
def one_and_two(tmp_path_factory, digits) -> tuple[Path, Path, str]:
    """The folders that ``tests.shared_out`` leaves, by one process and by two, and what the two
    printed."""
    root = tmp_path_factory.mktemp("processes")
    half_a_run(root / "one", digits)
    shutil.copytree(root / "one", root / "two")
    assert shared_out.main(root / "one") == 0  # this process is one alone
    done = subprocess.run(
        [*LAUNCH, "2", "-m", "tests.shared_out", str(root / "two")],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return root / "one", root / "two", done.stdout


@pytest.mark.slow
def test_losses_do_not_depend_on_how_many_share_a_batch(one_and_two):
    one, two = (json.loads((folder / shared_out.LOSSES).read_text()) for folder in one_and_two[:2])
    assert (one["processes"], two["processes"]) == (1, 2)
    assert one["losses"].keys() == two["losses"].keys() == shared_out.CASES.keys()
    for case, ours in one["losses"].items():
        assert len(ours) == len(two["losses"][case]) == shared_out.STEPS
        for a, b in zip(ours, two["losses"][case], strict=True):
            values = {k: v for k, v in a.items() if not k.endswith("_grad")}
            assert {k: b[k] for k in values} == pytest.approx(values, rel=1e-4, abs=1e-4), case
            assert b == pytest.approx(a, rel=1e-2, abs=1e-2), case


@pytest.mark.slow
def test_a_run_of_one_goes_on_with_two_and_is_written_once(one_and_two):
    one, two, said = one_and_two
    ours, theirs = (checkpoint.load(folder / "run").state_dict() for folder in (one, two))
    for name, value in ours.items():
        torch.testing.assert_close(theirs[name], value, atol=1e-4, rtol=1e-3, msg=name)
    assert said.count("Wrote ") == 2, said  # the checkpoint and the samples, each once
    assert [line["step"] for line in log_lines(two / "run")] == [*range(1, 21)]
    header = read_header(two / "run")
    assert header.training["hardware"].startswith("2 processes, each on ")
    assert header.training["steps"] == 20


@pytest.mark.slow
def test_measured_and_drawn_by_two_as_by_one(one_and_two):
    one, two, _ = one_and_two
    ours, theirs = (read_header(folder / "run").metrics for folder in (one, two))
    assert ours.keys() == theirs.keys() and len(ours) > 10
    for name in ("nll_nats", "elbo_nats", "kl_nats", "auroc.likelihood.noise"):
        assert theirs[name]["value"] == pytest.approx(ours[name]["value"], rel=1e-3), name
        assert theirs[name]["n"] == ours[name]["n"]
    a, b = (np.asarray(Image.open(folder / "grid.png"), int) for folder in (one, two))
    assert a.shape == b.shape and np.abs(a - b).max() <= 2


# -- the arithmetic, without a second process ------------------------------------------------------


class Pretend:
    """An accelerator whose other processes hold what this one was told."""

    def __init__(self, others: list[torch.Tensor]) -> None:
        self.others = others

    def gather(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.cat([rows, *self.others])

    def reduce(self, flat: torch.Tensor, how: str) -> torch.Tensor:
        assert how == "mean"
        return torch.stack([flat, *self.others]).mean(0)


def test_rows_come_back_in_their_order():
    rows = torch.arange(12.0).view(6, 2)
    first, second = Processes(0, 2), Processes(1, 2)
    assert first.mine(rows)[:, 0].tolist() == [0, 4, 8]
    joined = Processes(0, 2, Pretend([second.mine(rows)])).joined(first.mine(rows))
    assert torch.equal(joined, rows)
    assert first.mine(None) is None and Processes().mine(rows) is rows


def test_average_keeps_shapes_and_orders_of_memory():
    a = torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    b, (want_a, want_b) = torch.tensor(3.0), (a / 2, torch.tensor(1.5))
    Processes(0, 2, Pretend([torch.zeros(a.numel() + 1)])).average([a, b])
    torch.testing.assert_close(a, want_a)
    torch.testing.assert_close(b, want_b)
    assert a.is_contiguous(memory_format=torch.channels_last)


def test_a_loss_of_the_whole_batch_has_the_gradient_of_the_whole_batch():
    """The mean of both processes' gradients is that of one that holds all rows."""
    x = torch.randn(6, 3, dtype=torch.float64)
    parts = [x[0::2], x[1::2]]
    weights = torch.randn(3, dtype=torch.float64, requires_grad=True)

    def loss(h: torch.Tensor) -> torch.Tensor:
        return h.mean(0).clamp(min=0.1).square().sum() + h.logsumexp(0).sum()

    (want,) = torch.autograd.grad(loss((x * weights).tanh()), weights)
    found = []
    for index in (0, 1):
        ours, other = ((part * weights).tanh() for part in (parts[index], parts[1 - index]))
        told = [other.detach()]
        pretend = Pretend(told)
        if index == 1:  # gathered in the order of the processes
            pretend.gather = lambda rows, told=told: torch.cat([*told, rows])
        found.append(
            torch.autograd.grad(loss(Processes(index, 2, pretend).whole(ours)), weights)[0]
        )
    torch.testing.assert_close((found[0] + found[1]) / 2, want)


def test_draws_are_those_of_the_whole_batch(monkeypatch):
    whole = normal((6, 2), generator(3), "cpu")
    sideways = normal((3, 6, 2), generator(3), "cpu", batch=1)
    for index in (0, 1):
        monkeypatch.setattr(processes, "_here", Processes(index, 2))
        assert torch.equal(normal((6, 2), generator(3), "cpu"), whole)  # nothing is shared here
        with processes.shared():
            assert torch.equal(normal((3, 2), generator(3), "cpu"), whole[index::2])
            mine = normal((3, 3, 2), generator(3), "cpu", batch=1)
            assert torch.equal(mine, sideways[:, index::2])


def test_batches_that_cannot_be_shared_out_are_refused(monkeypatch, digits):
    monkeypatch.setattr(processes, "_here", Processes(0, 3))
    with pytest.raises(ValueError, match="64 images cannot be shared out alike to 3"):
        Run(tiny_recipe(), digits)


def test_a_command_ends_when_all_processes_have_done_theirs(monkeypatch, tiny_vae, tmp_path):
    out, ends = tmp_path / "grid.png", []
    monkeypatch.setattr(Processes, "wait", lambda self: ends.append(out.exists()))
    assert main(["sample", str(tiny_vae), "--n", "4", "--out", str(out), "--device", "cpu"]) == 0
    assert ends == [True]
    for by in ([], ["--by", "likelihood"]):
        assert main(["score", str(tiny_vae), str(out), *by, "--device", "cpu"]) == 0
    assert len(ends) == 3


def test_only_the_first_writes(monkeypatch, digits, tmp_path):
    monkeypatch.setattr(processes, "_here", Processes(1, 1))
    run = Run(tiny_recipe(train={"steps": 2}), digits, tmp_path / "run")
    trained(run)
    run.save_state()
    run.finish(tmp_path / "run")
    assert not (tmp_path / "run" / STATE).exists() and not (tmp_path / "run").exists()
