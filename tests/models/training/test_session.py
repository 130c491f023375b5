"""A run that somebody watches: what it shows, how it is steered, and what a worker says of it."""

from __future__ import annotations

import base64
import errno
import json
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from models import FAMILIES
from models.checkpoints import weights
from models.checkpoints.header import read_header
from models.checkpoints.snapshots import read_snapshots
from models.contract.config import build_config
from models.contract.random import generator
from models.data import datasets
from models.families.vae.vae import VAE
from models.training import starts, worker
from models.training.session import SAMPLES, Session
from models.training.train import Run, TrainingError
from tests.conftest import at_moment, same_weights, tiny_recipe, trained
from tests.models.checkpoints.test_snapshots import tiny_gan

# The starts of our own families that are trained on pictures.
OF_PICTURES = [
    name
    for name in starts.families()
    if FAMILIES[starts.family_of(name)].startswith("models.") and starts.reads(name) == "pictures"
]


class Wire:
    """Gives out orders at given reports, and keeps what is reported.

    plan: {a report's name: orders that come after the first such report}.
    """

    def __init__(self, plan=None) -> None:
        self.plan, self.waiting, self.reports = dict(plan or {}), [], []

    def report(self, what, **values):
        self.reports.append({"is": what, **json.loads(json.dumps(values))})
        self.waiting += self.plan.pop(what, [])

    def order(self, wait=False):
        assert self.waiting or not wait, "it waits for ever"
        return self.waiting.pop(0) if self.waiting else None

    def of(self, what):
        return [report for report in self.reports if report["is"] == what]


def session(digits, folder, plan=None, seconds=0.0, **sections):
    sections.setdefault("train", {"steps": 12, "held_out": 50})
    run = Run(tiny_recipe(**sections), digits)
    made = Session(Wire(plan), run, folder / "run", seconds)
    made.next_show = float("inf")
    return made


def test_a_watched_game_keeps_its_moments_slow_steps_too(digits, tmp_path):
    run = Run(tiny_gan(steps=12, snapshots=4, snapshot_spacing="linear"), digits)
    plan = {"progress": [{"do": "step"}], "step": [{"do": "step"}, {"do": "go"}]}
    made = Session(Wire(plan), run, tmp_path / "run")
    made.next_show = float("inf")
    assert made.work() == "done"
    kept = read_snapshots(tmp_path / "run")
    assert [snapshot.step for snapshot in kept] == run.snapshots == [3, 6, 9, 12]
    assert all(len(snapshot.remarks["verdicts"]) == 64 for snapshot in kept)
    first, last = (at_moment(tmp_path / "run", k).snapshot_pictures() for k in (0, 3))
    assert not torch.equal(first, last)


def test_a_watched_run_learns_what_an_unwatched_one_does(digits, tmp_path):
    watched = session(digits, tmp_path)
    assert watched.work() == "done"
    alone = Run(tiny_recipe(train={"steps": 12, "held_out": 50}), digits)
    trained(alone)
    assert same_weights(watched.run.model, alone.model)
    assert same_weights(watched.run.ema, alone.ema)


def test_what_it_shows_is_what_the_model_does(digits, tmp_path):
    watched = session(digits, tmp_path)
    watched.work()
    first, last = watched.wire.of("shown")[0], watched.wire.of("shown")[-1]
    assert first["step"] == 0 and last["step"] == 12
    ema = watched.run.ema
    drawn = pixels(last["pictures"]["samples"])
    expected = ema.sample(SAMPLES, generator(0))
    assert np.abs(drawn - 255 * expected.numpy()).max() <= 0.51
    assert (pixels(first["pictures"]["samples"]) != drawn).any()
    # Of all training pictures none is nearer than the one that is shown.
    train = watched.run.images.numpy().astype(float)
    near = pixels(last["pictures"]["nearest"])
    for picture, neighbour in zip(drawn, near, strict=True):
        distances = np.sqrt(((train - picture) ** 2).mean((1, 2, 3)))
        assert np.sqrt(((neighbour - picture) ** 2).mean()) == pytest.approx(distances.min())
    # Rows of four pictures that were set aside, and what their codes give below.
    pairs = pixels(last["pictures"]["rebuilt"]).reshape(2, 2, 4, 1, 8, 8)
    held = digits.images[len(digits) - 50 :][:8].reshape(2, 4, 1, 8, 8)
    assert (pairs[:, 0] == held.numpy()).all()
    x = held.flatten(0, 1).float() / 255
    again = ema.decode(ema.encode(x)).detach().numpy().reshape(2, 4, 1, 8, 8)
    assert np.abs(pairs[:, 1] - 255 * again).max() <= 0.51
    # And both scores are of as many pictures, by the same chances.
    assert last["held_out"] == watched.run.score(digits.images[-50:], digits.labels[-50:])
    assert last["train"].keys() == last["held_out"].keys()


def pixels(packed) -> np.ndarray:
    raw = np.frombuffer(base64.b64decode(packed["b64"]), np.uint8)
    shape = packed["n"], packed["h"], packed["w"], packed["c"]
    return raw.reshape(shape).transpose(0, 3, 1, 2).astype(float)


def test_codes_of_two_numbers_are_a_map_and_longer_ones_are_not(digits, tmp_path):
    flat = session(digits, tmp_path, model={"latent": 2})
    flat.work()
    codes = flat.wire.of("shown")[-1]["codes"]
    x = digits.images[-50:].float() / 255
    assert np.allclose(codes["points"], flat.run.ema.encode(x).detach(), atol=1e-3)
    assert codes["labels"] == digits.labels[-50:].tolist()
    deep = session(digits, tmp_path)
    deep.work()
    assert deep.wire.of("shown")[-1]["codes"] is None


def test_one_slow_step_lays_open_exactly_that_step(digits, tmp_path):
    plan = {"started": [{"do": "step"}], "step": [{"do": "go"}]}
    watched = session(digits, tmp_path, plan)
    x, y = watched.run.batch(0)
    before = {k: p.detach().clone() for k, p in watched.run.model.named_parameters()}
    assert watched.work() == "done"
    [slow] = watched.wire.of("step")
    assert slow["step"] == 1 and slow["images"] == 64
    assert (pixels(slow["batch"]) == (255 * x[:SAMPLES]).round().numpy()).all()
    assert slow["labels"] == [str(int(k)) for k in y[:SAMPLES]]
    alone = Run(tiny_recipe(train={"steps": 12, "held_out": 50}), digits)
    [logs] = trained(alone, 1)
    assert slow["logs"] == logs
    moved = {k: (p.detach() - before[k]).square().sum() for k, p in alone.model.named_parameters()}
    for part in slow["parts"]:
        own = sum(v for k, v in moved.items() if k.startswith(part["name"] + "."))
        assert part["change"] == pytest.approx(float(own) ** 0.5, rel=1e-4)
    # And the step counted: the run ends where it would have.
    assert watched.run.step == 12 and watched.wire.of("going")


def test_what_was_told_last_before_a_pause_is_where_the_run_stands(digits, tmp_path, monkeypatch):
    monkeypatch.setattr("models.training.session.OFTEN", 1e9)
    watched = session(digits, tmp_path, {"paused": [{"do": "go"}]})
    given = watched.wire.order

    def order(wait=False):
        pause = watched.run.step == 5 and not watched.wire.of("paused")
        return {"do": "pause"} if pause else given(wait)

    monkeypatch.setattr(watched.wire, "order", order)
    assert watched.work() == "done"
    assert [report["step"] for report in watched.wire.of("progress")] == [1, 5, 12]


def test_stop_keeps_a_checkpoint_and_time_is_up(digits, tmp_path):
    stopped = session(digits, tmp_path, {"progress": [{"do": "stop"}]})
    assert stopped.work() == "stopped" and stopped.run.step < 12
    header = read_header(tmp_path / "run")
    assert header.training["steps"] == stopped.run.step
    assert weights.load(tmp_path / "run").image_shape == (1, 8, 8)
    late = session(digits, tmp_path, seconds=1e-9)
    assert late.work() == "time" and late.run.step == 1


def test_what_is_changed_by_hand_takes_effect_and_stands_on_the_card(digits, tmp_path):
    plan = {
        "started": [{"do": "rate", "value": 0.0}],
        "progress": [{"do": "tune", "values": {"beta": 3.0}}],
    }
    watched = session(digits, tmp_path, plan)
    fresh = Run(tiny_recipe(train={"steps": 12, "held_out": 50}), digits)
    watched.work()
    learned = dict(watched.run.model.named_parameters())
    assert all(torch.equal(learned[k], p) for k, p in fresh.model.named_parameters())
    assert watched.run.model.config.beta == watched.run.ema.config.beta == 3.0
    notes = read_header(tmp_path / "run").recipe["notes"]
    assert "learning rate times 0 from step 0" in notes and "beta 3 from step" in notes
    rates = {report["rate"] for report in watched.wire.of("progress")}
    assert rates == {0.0}
    # What is no setting for a run is refused in a sentence, and the run goes on.
    odd = session(digits, tmp_path, {"started": [{"do": "tune", "values": {"latent": 9}}]})
    assert odd.work() == "done"
    assert "cannot be changed" in odd.wire.of("note")[0]["words"]


def test_settings_that_may_change_are_checked():
    model = VAE(build_config(VAE.Config, {"image": (1, 8, 8), "latent": 2, "halvings": 1}))
    model.tune({"beta": 2})
    assert model.config.beta == 2.0
    for wrong in ({"beta": -1.0}, {"latent": 3}, {"nothing": 1}):
        with pytest.raises(ValueError):
            model.tune(wrong)
    assert model.config.beta == 2.0 and model.config.latent == 2


@pytest.mark.parametrize("name", ["digits", "shapes"])
@pytest.mark.parametrize("size", starts.SIZES)
@pytest.mark.parametrize("family", OF_PICTURES)
def test_every_family_begins_in_every_size_on_grey_and_on_colour(family, size, name):
    if name == "shapes":
        dataset = datasets.shapes(40, 0, "train")
        object.__setattr__(dataset, "name", "shapes")
    else:
        dataset = datasets.load("digits")
    recipe = starts.start(family, size, dataset)
    values = {"image": list(dataset.image_shape), **recipe.model}
    if values.get("num_classes") == -1:
        values["num_classes"] = len(dataset.classes)
    # A spectral normalisation measures its weights as it is made, which none can on "meta".
    with torch.device("cpu" if recipe.model.get("spectral") else "meta"):
        count = sum(p.numel() for p in weights.build(recipe.family, values).parameters())
    assert 5_000 < count < 20_000_000
    assert recipe.train.held_out >= len(dataset) // 6 or recipe.train.held_out == 500
    if size == "small":
        run = Run(recipe, dataset)
        [logs] = trained(run, 1)
        assert all(np.isfinite(value) for value in logs.values())


def test_a_family_without_a_table_begins_with_a_part_of_its_widths(monkeypatch):
    monkeypatch.setattr(starts, "STARTS", starts.STARTS / "none")
    starts._table.cache_clear()
    dataset = datasets.load("digits")
    small, large = (starts.start("vae", size, dataset) for size in ("small", "large"))
    starts._table.cache_clear()
    assert small.model == {"width": 16, "hidden": 128, "prior_hidden": 32}
    assert large.model == {} and small.train.steps < large.train.steps
    with pytest.raises(ValueError, match="no size 'huge'"):
        starts.start("vae", "huge", dataset)


# -- the worker -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (
            RuntimeError("Error while serializing: I/O error: No space left on device"),
            "disk is full",
        ),
        (MemoryError(), "more memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "more memory"),
        (TrainingError("The loss of 'model' stopped being finite."), "stopped being finite"),
        (ValueError("There is no data set 'x'."), "There is no data set 'x'."),
        (RuntimeError("unflatten: Provided sizes [-1, 4] don't multiply up"), "the program went"),
        (KeyError("steps"), "the program went"),
    ],
)
def test_why_a_run_could_not_go_on_is_a_sentence(error, words):
    said = worker.sentence(error)
    assert words in said and "\n" not in said and "Error" not in said


def orders(folder, *given, limits=None) -> list[dict]:
    """What a real worker reports to these orders, each after the last is answered."""
    process = subprocess.Popen(
        [sys.executable, "-m", "models.training.worker"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    guard = threading.Timer(150, process.kill)
    guard.start()
    reports = []
    try:
        for order in given:
            base = {"folder": str(folder), "device": "cpu", "limits": limits or {}}
            process.stdin.write(json.dumps({**base, **order}) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                reports.append(json.loads(line))
                if reports[-1]["is"] in ("estimated", "checked", "failed", "ended"):
                    break
    finally:
        guard.cancel()
        process.kill()
        process.wait()
    return reports


@pytest.mark.slow
def test_a_worker_estimates_refuses_survives_and_trains(tmp_path, tiny_vae):
    tiny = tiny_recipe(train={"steps": 8, "held_out": 50}).to_dict()
    huge = tiny_recipe(model={"width": 1024, "hidden": 8192}).to_dict()
    strange = tiny_recipe(data={"name": "nothing"}).to_dict()
    long = tiny_recipe(train={"steps": 10_000}).to_dict()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/model.safetensors").write_bytes(b"no weights")
    reports = orders(
        tmp_path,
        {"do": "estimate", "recipe": tiny},
        {"do": "estimate", "recipe": huge, "limits": {"megabytes": 700}},
        {"do": "estimate", "recipe": strange},
        {"do": "estimate", "recipe": long, "limits": {"steps": 100}},
        {"do": "estimate", "recipe": tiny, "limits": {"pixels": 10}},
        {"do": "check", "out": str(tiny_vae)},
        {"do": "check", "out": str(tmp_path / "broken")},
        {"do": "train", "recipe": tiny, "out": str(tmp_path / "mine")},
    )
    [estimated] = [r for r in reports if r["is"] == "estimated"]
    assert estimated["total"] == 8 and estimated["timed"] == 5
    assert estimated["parameters"] == read_header(tiny_vae).parameters
    assert estimated["seconds_per_step"] > 0 and estimated["black_and_white"] is True
    failed = [r["words"] for r in reports if r["is"] == "failed"]
    expected = ("more memory", "no data set 'nothing'", "more than the 100", "up to 10", "damaged")
    assert len(failed) == len(expected)
    for words, sentence in zip(expected, failed, strict=True):
        assert words in sentence
    assert reports[-1] == {"is": "ended", "why": "done", "step": 8}
    assert read_header(tmp_path / "mine").training["steps"] == 8
