"""The loop: it learns, and it says why it stops."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

import models
from models.checkpoints import weights
from models.checkpoints.header import read_header
from models.contract.config import setting
from models.contract.model import GenerativeModel, Objective
from models.contract.random import generator, normal
from models.machine import devices
from models.training.optimizers import rate_part
from models.training.recipe import TrainConfig
from models.training.train import STATE, Run, TrainingError
from tests.conftest import log_lines, same_weights, tiny_recipe, tiny_writer, trained

ROOT = Path(__file__).parents[3]


# -- learning --------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_the_loss_falls(digits, precision):
    logs = trained(Run(tiny_recipe(train={"precision": precision}), digits))
    loss = [entry["model_loss"] for entry in logs]
    assert len(loss) == 60
    assert sum(loss[-5:]) < 0.75 * sum(loss[:5])


def test_bf16_is_really_used(digits):
    a = trained(Run(tiny_recipe(train={"precision": "bf16"}), digits), 1)
    b = trained(Run(tiny_recipe(train={"precision": "float32"}), digits), 1)
    assert a[0]["model_loss"] != b[0]["model_loss"]
    assert a[0]["model_loss"] == pytest.approx(b[0]["model_loss"], rel=0.02)


def test_weights_stay_float32_under_bf16(digits):
    run = Run(tiny_recipe(train={"precision": "bf16"}), digits)
    trained(run, 2)
    for model in (run.model, run.ema):
        assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_the_same_seed_trains_the_same_weights(digits):
    runs = [Run(tiny_recipe(seed=seed, train={"steps": 5}), digits) for seed in (0, 0, 1)]
    for run in runs:
        trained(run)
    assert same_weights(runs[0].model, runs[1].model)
    assert not same_weights(runs[0].model, runs[2].model)


def test_an_epoch_shows_each_image_once_in_an_order_of_its_own(digits):
    run = Run(tiny_recipe(train={"batch_size": 499}), digits)  # 3 x 499 = all 1,497
    first, second = (
        torch.cat([run.batch(3 * epoch + i)[0] for i in range(3)]) for epoch in range(2)
    )
    everything = digits.images.flatten(1).float() / 255
    assert torch.equal(_sorted_rows(first.flatten(1)), _sorted_rows(everything))
    assert torch.equal(_sorted_rows(second.flatten(1)), _sorted_rows(everything))
    assert not torch.equal(first, second)
    assert torch.equal(run.batch(1)[0], first[499:998])  # going back gives the same batch


def _sorted_rows(rows: torch.Tensor) -> torch.Tensor:
    return torch.tensor(sorted(rows.tolist()))


def test_batches_carry_their_own_labels(digits):
    run = Run(tiny_recipe(), digits)
    x, y = run.batch(0)
    for image, label in zip((x * 255).round().byte()[:10], y[:10], strict=True):
        same = (digits.images == image).flatten(1).all(1)
        assert label in digits.labels[same]


def test_held_out_images_and_those_beyond_n_are_never_shown(digits):
    run = Run(tiny_recipe(data={"n": 100}, train={"held_out": 200, "batch_size": 50}), digits)
    assert torch.equal(run.images, digits.images[:100])
    assert torch.equal(run.held_out, digits.images[-200:])
    assert len(Run(tiny_recipe(train={"held_out": 200}), digits).images) == len(digits) - 200
    with pytest.raises(ValueError, match="held_out is 1497, but 'digits' has only 1497"):
        Run(tiny_recipe(train={"held_out": 1497}), digits)


def test_epochs_and_steps(digits):
    assert Run(tiny_recipe(train={"steps": 7, "epochs": 3.0}), digits).total == 7
    run = Run(tiny_recipe(train={"steps": 0, "epochs": 1.5, "batch_size": 100}), digits)
    assert (run.steps_per_epoch, run.total) == (14, 21)
    # A batch larger than the data is the whole data.
    assert Run(tiny_recipe(train={"batch_size": 5000}), digits).batch(0)[0].shape[0] == len(digits)


# -- what the loop does to the weights -------------------------------------------------------------


def test_the_learning_rate_warms_up_and_falls_along_a_cosine():
    config = TrainConfig(learning_rate=0.1, final_rate=0.01, warmup=0.1)
    rates = [0.1 * rate_part(step, 1000, config) for step in range(1000)]
    assert rates[0] == pytest.approx(0.001)
    assert rates[49] == pytest.approx(0.05)
    assert rates[99] == pytest.approx(0.1) and max(rates) <= 0.1 + 1e-12
    assert rates[100] == pytest.approx(0.1)
    assert rates[550] == pytest.approx(0.1 * (0.01 + 0.99 * 0.5))
    assert rates[-1] == pytest.approx(0.1 * 0.01, rel=0.01)
    assert all(a < b for a, b in pairwise(rates[:100]))
    assert all(a > b for a, b in pairwise(rates[100:]))


@pytest.mark.parametrize("warmup", [0.0, 1.0])
def test_the_learning_rate_is_positive_and_bounded_at_the_ends_of_warmup(warmup):
    config = TrainConfig(learning_rate=0.1, warmup=warmup)
    rates = [0.1 * rate_part(step, 10, config) for step in range(10)]
    assert all(0 < rate <= 0.1 + 1e-12 for rate in rates)
    assert rates[0 if warmup == 0 else -1] == pytest.approx(0.1)


def test_the_running_mean_equals_a_loop_by_hand(digits):
    run = Run(tiny_recipe(train={"steps": 12, "ema": 0.7}), digits)
    mean = {k: v.clone() for k, v in run.model.state_dict().items() if v.is_floating_point()}
    for step, _ in enumerate(run.steps()):
        decay = min(0.7, (1 + step) / (10 + step))
        for key, value in run.model.state_dict().items():
            if key in mean:
                mean[key] = decay * mean[key] + (1 - decay) * value
    ema = run.ema.state_dict()
    for key, value in mean.items():
        torch.testing.assert_close(ema[key], value, rtol=1e-5, atol=1e-6)
    assert not same_weights(run.ema, run.model)


def test_a_step_equals_adamw_on_clipped_gradients(digits):
    settings = {"steps": 3, "clip": 0.5, "weight_decay": 0.1, "channels_last": False}
    run = Run(tiny_recipe(train=settings), digits)
    by_hand = copy.deepcopy(run.model)
    c = run.config
    optimizer = torch.optim.AdamW(
        by_hand.parameters(), betas=(c.beta1, c.beta2), weight_decay=0.1, foreach=False, fused=False
    )
    for step in range(3):
        x, y = run.batch(step)
        (objective,) = by_hand.objectives(x, y, generator(run.recipe.seed, 2, step))
        optimizer.param_groups[0]["lr"] = c.learning_rate * rate_part(step, 3, c)
        optimizer.zero_grad()
        objective.loss.backward()
        norm = torch.stack([p.grad.norm() for p in by_hand.parameters()]).norm()
        assert norm > 0.5  # or nothing would be clipped here
        for p in by_hand.parameters():
            p.grad *= 0.5 / norm
        optimizer.step()
        progress = next(run.steps())
        assert progress.logs["model_grad"] == pytest.approx(norm.item(), rel=1e-4)
    for ours, theirs in zip(run.model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


# -- two players -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlayersConfig:
    image: tuple[int, ...] = setting((1, 8, 8), "Image shape.")
    burst: bool = setting(False, "Whether the second player's loss explodes.")


class Players(GenerativeModel):
    """Each pulls its own number; what each saw of the other's is logged."""

    Config = PlayersConfig

    def __init__(self, config):
        super().__init__(config)
        self.a, self.b = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def objectives(self, x, y, rng):
        self.batches += 1
        noise = normal((3,), rng, x.device)
        yield Objective([self.a], (self.a * (self.b + noise)).sum(), player="first")
        # By now the first player has moved: the second answers to where it is, not to where it was.
        slope = torch.autograd.grad((self.a * self.a).sum(), self.a)[0]
        loss = -(slope.detach() * self.b).sum() * (float("inf") if self.config.burst else 1)
        yield Objective([self.b], loss, {"a": self.a.detach().sum()}, player="second")


@pytest.fixture
def players(monkeypatch):
    monkeypatch.setitem(models.FAMILIES, "players", f"{__name__}:Players")
    settings = {"steps": 20, "weight_decay": 0.0, "warmup": 0.0, "batch_size": 64}
    return lambda **model: dataclasses.replace(
        tiny_recipe(family="players", train=settings), model=model
    )


def test_each_player_has_an_optimizer_of_its_own(digits, players):
    run = Run(players(), digits)
    a, b = run.model.a.clone(), run.model.b.clone()
    logs = trained(run, 1)[0]
    assert set(run.optimizers) == {"first", "second"}
    for name, parameter in (("first", run.model.a), ("second", run.model.b)):
        (group,) = run.optimizers[name].param_groups
        assert len(group["params"]) == 1 and group["params"][0] is parameter
    # Adam's first step is the learning rate times the sign of the gradient.
    rate = run.config.learning_rate
    assert torch.allclose((run.model.a - a).abs(), torch.full((3,), rate), rtol=1e-3)
    assert torch.allclose(run.model.b - b, torch.full((3,), rate), rtol=1e-3)
    assert logs["a"] == pytest.approx(run.model.a.sum().item())  # it had moved when b answered
    assert {"first_loss", "second_loss", "first_grad", "second_grad"} <= logs.keys()


def test_two_players_resume_bit_for_bit(digits, players, tmp_path):
    straight = Run(players(), digits)
    trained(straight)
    half = Run(players(), digits, tmp_path)
    trained(half, 10)
    half.save_state()
    resumed = Run(players(), digits, tmp_path)
    resumed.resume()
    assert len(trained(resumed)) == 10
    assert same_weights(resumed.model, straight.model) and int(resumed.model.batches) == 20


def test_muon_moves_the_matrices_between_hidden_layers_and_adamw_the_rest(digits):
    run = Run(tiny_writer(steps=8, muon_rate=0.01), digits)
    inner = run.model.inner_matrices()
    assert [tuple(p.shape) for p in inner] == [(48, 16), (16, 16), (64, 16), (16, 64)]
    before = [p.clone() for p in inner]
    trained(run, 1)
    assert set(run.optimizers) == {"model", "model.muon"}
    (group,) = run.optimizers["model.muon"].param_groups
    assert all(a is b for a, b in zip(group["params"], inner, strict=True))
    assert sum(len(o.param_groups[0]["params"]) for o in run.optimizers.values()) == len(
        list(run.model.parameters())
    )
    # Orthogonal steps: all their singular values are alike, as those of no gradient are; and as
    # large as AdamW's would be (0.2 a number, before the rate and the first step of the warm-up).
    for p, was in zip(inner, before, strict=True):
        step = p - was * (1 - group["lr"] * group["weight_decay"])
        values = torch.linalg.svdvals(step.detach())
        assert values.max() / values.median() < 2
        assert step.square().mean().sqrt().item() == pytest.approx(0.2 * group["lr"], rel=0.2)
    assert group["lr"] / run.optimizers["model"].param_groups[0]["lr"] == pytest.approx(10 / 3)


def test_muon_without_matrices_is_refused(digits):
    with pytest.raises(ValueError, match="muon_rate is for families"):
        trained(Run(tiny_recipe(train={"muon_rate": 0.01}), digits), 1)


def test_a_loss_that_is_not_finite_keeps_the_last_good_state(digits, players, tmp_path):
    good = Run(players(), digits, tmp_path)
    trained(good, 4)
    good.save_state()
    kept = (tmp_path / STATE).read_bytes()

    run = Run(players(burst=True), digits, tmp_path)
    with pytest.raises(TrainingError) as error:
        trained(run)
    assert "The loss of 'second' stopped being finite at step 0" in str(error.value)
    assert "last good checkpoint" not in str(error.value)  # this run has made none
    assert (tmp_path / STATE).read_bytes() == kept

    good.model.config = dataclasses.replace(good.model.config, burst=True)
    with pytest.raises(TrainingError, match=r"at step 4; .* The last good checkpoint is in"):
        trained(good)
    assert (tmp_path / STATE).read_bytes() == kept
    resumed = Run(players(), digits, tmp_path)
    resumed.resume()
    assert resumed.step == 4 and len(trained(resumed)) == 16


def test_a_gradient_that_is_not_finite_never_reaches_the_weights(digits, monkeypatch):
    run = Run(tiny_recipe(train={"steps": 5, "clip": 0.0}), digits)
    before = copy.deepcopy(run.model)

    def objectives(x, y, rng):
        weight = next(run.model.parameters())
        # sqrt at zero: the value is fine, the slope is not.
        yield Objective(list(run.model.parameters()), (weight - weight.detach()).abs().sum().sqrt())

    monkeypatch.setattr(run.model, "objectives", objectives)
    with pytest.raises(TrainingError, match="gradient of 'model' stopped being finite at step 0"):
        trained(run)
    assert same_weights(run.model, before)


def test_labels_and_model_must_fit(digits):
    unlabelled = dataclasses.replace(digits, labels=None, classes=())
    conditional = tiny_recipe(model={"num_classes": 10})
    with pytest.raises(ValueError, match="needs labelled images, and 'digits' has no labels"):
        Run(conditional, unlabelled)
    with pytest.raises(ValueError, match=r"knows 5 classes, but 'digits' has 10"):
        Run(tiny_recipe(model={"num_classes": 5}), digits)
    assert Run(tiny_recipe(model={"num_classes": -1}), digits).model.config.num_classes == 10
    assert Run(tiny_recipe(model={"num_classes": -1}), unlabelled).model.config.num_classes == 0


# -- what is written -------------------------------------------------------------------------------


def test_the_log_is_one_json_object_a_line(tiny_vae):
    lines = log_lines(tiny_vae)
    assert [line["step"] for line in lines] == [10, 20, 30, 40, 50, 60]
    for line in lines:
        assert {"epoch", "rate", "images_per_second", "model_loss", "elbo_nats"} <= line.keys()


def test_a_fresh_run_in_a_used_folder_starts_a_fresh_log(digits, tmp_path):
    for _ in range(2):
        trained(Run(tiny_recipe(train={"steps": 4, "log_every": 2}), digits, tmp_path))
    assert [line["step"] for line in log_lines(tmp_path)] == [2, 4]


def test_a_folder_that_cannot_be_written_to_shows_before_the_first_step(digits, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match="is a file, not a folder to write into"):
        next(Run(tiny_recipe(), digits, tmp_path / "file").steps())


def test_leaving_the_iterator_and_coming_back_changes_nothing(digits):
    wanted = tiny_recipe(train={"steps": 8})
    straight, paused = Run(wanted, digits), Run(wanted, digits)
    trained(straight)
    trained(paused, 3)
    assert paused.step == 3
    trained(paused)
    assert same_weights(straight.model, paused.model)


def test_what_is_kept_is_the_running_mean(digits, tmp_path):
    run = Run(tiny_recipe(train={"steps": 10}), digits, tmp_path)
    trained(run)
    folder = run.finish(tmp_path / "made")
    loaded = weights.load(folder).state_dict()
    for key, value in run.ema.state_dict().items():
        if value.is_floating_point():
            assert torch.equal(loaded[key], value.half().float())
    header = read_header(folder)
    assert header.data["sha256"] == digits.sha256 and header.data["n"] == len(digits)
    assert header.training["steps"] == 10
    assert header.parameters == sum(p.numel() for p in run.model.parameters())


def test_devices():
    assert devices.pick_device("cpu").type == "cpu"
    assert devices.pick_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(ValueError, match="Unknown device 'gpu'"):
        devices.pick_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="no CUDA device"):
            devices.pick_device("cuda")


def test_images_set_aside_are_watched_and_never_trained_on(digits):
    recipe = tiny_recipe(train={"steps": 20, "held_out": 300, "log_every": 2})
    run = Run(recipe, digits)
    logs = [progress.logs for progress in run.steps()]
    assert len(run.images) == len(digits) - 300
    with_watch = [log for log in logs if "held_out_model_loss" in log]
    assert len(with_watch) == 1  # every tenth line of the log, and the last step
    assert with_watch[0]["held_out_model_loss"] == pytest.approx(
        -with_watch[0]["held_out_elbo_nats"], rel=1e-3
    )
    # Watching draws from generators of its own: the run is the same run without looking.
    again = Run(recipe, digits)
    again.watch()
    for _ in again.steps():
        pass
    for ours, theirs in zip(run.ema.parameters(), again.ema.parameters(), strict=True):
        assert torch.equal(ours, theirs)
