"""One training loop for every family.

A family yields objectives, the loop steps the optimizer of the player each names: that is all it
knows about VAEs, GANs or anything else. Around that it keeps a running mean of the weights, warms
the learning rate up and lets it fall along a cosine, clips gradients, runs matrix products in
bfloat16 where that is faster, and writes its whole state every few minutes so that a killed run
goes on bit for bit: every step's randomness comes from a generator seeded by (seed, step), every
epoch's order from (seed, epoch), so there is no generator state to lose.
"""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models import __version__
from models.checkpoints import snapshots, weights
from models.checkpoints.header import SHIPPED, Header
from models.contract.abilities import HasTeacher
from models.contract.capabilities import capabilities
from models.contract.random import generator, mutated
from models.data.datasets import Dataset
from models.evaluation.card import write_card
from models.machine import files
from models.machine.devices import hardware, wants_bf16
from models.machine.files import write_atomically
from models.machine.processes import here, shared
from models.training import run_state
from models.training.interrupts import interrupts
from models.training.optimizers import make_optimizers, rate_part
from models.training.recipe import Recipe

log = logging.getLogger(__name__)

STATE = "state.safetensors"
LOG = "log.jsonl"


class TrainingError(RuntimeError):
    """A run that cannot go on; the message is one sentence for a person."""


@dataclass(frozen=True)
class Progress:
    """What one step did. logs: scalars by name. seconds: since this process began training."""

    step: int
    total: int
    epoch: float
    rate: float
    logs: dict[str, float]
    seconds: float
    images_per_second: float


class Run:
    """A training run: ``for progress in run.steps(): ...``, then ``run.finish(folder)``.

    The iterator may be left at any step (that is how a run is stopped or paused) and gone on with
    by calling ``steps`` again. Raises TrainingError where the loss stops being finite; the last
    good state stays on disk.
    """

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        out: Path | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.recipe, self.config, self.out = recipe, recipe.train, out
        self.device = torch.device(device)
        self.dataset = dataset
        held = self.config.held_out
        if held >= len(dataset):
            raise ValueError(
                f"held_out is {held}, but '{dataset.name}' has only {len(dataset)} images."
            )
        used = len(dataset) - held
        if recipe.data.n:
            used = min(used, recipe.data.n)
        images = dataset.images
        if dataset.ordered and held:  # what is set aside is a fair sample
            images = images[torch.randperm(len(images), generator=generator(0))]
        # Small sets live on the device whole, as bytes: no workers, no copies, no waiting.
        self.images = images[:used].to(self.device)
        self.labels = None if dataset.labels is None else dataset.labels[:used].to(self.device)
        self.held_out = images[len(dataset) - held :]
        self.held_labels = None if dataset.labels is None else dataset.labels[len(dataset) - held :]

        self.processes = here()
        self.batch_size = min(self.config.batch_size, used)
        if self.batch_size % self.processes.count:
            raise ValueError(
                f"Batches of {self.batch_size} images cannot be shared out alike to "
                f"{self.processes.count} processes; choose a batch_size that this number divides."
            )
        self.steps_per_epoch = used // self.batch_size
        self.total = self.config.steps or max(1, round(self.config.epochs * self.steps_per_epoch))

        # Adam's moments of weights that hardly learn fall below 1e-38, where a CPU computes a
        # hundred times slower.
        torch.set_flush_denormal(True)
        torch.manual_seed(recipe.seed)
        self.model = weights.build(recipe.family, self.model_values()).to(self.device)
        self._check_labels()
        if isinstance(self.model, HasTeacher) and self.model.teacher:
            # By its name alone, among those shipped: a form of the page may have given it.
            self.model.learn_from(weights.load(SHIPPED / self.model.teacher, self.device))
        if self.config.channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        self.snapshots = snapshots.snapshot_steps(self.config, self.total)
        snapshots.check_size(self.model, len(self.snapshots))
        self.ema = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.optimizers: dict[str, torch.optim.Optimizer] = {}  # by the name they are kept under
        self.players: dict[str, list[torch.optim.Optimizer]] = {}
        self.step = 0
        self.saved = False  # whether ``out`` holds a state of this run
        self.minutes_before = 0.0  # spent by the processes that this one resumes
        self.counted = time.perf_counter()  # when ``minutes_before`` was last counted
        self.images_per_second = 0.0
        self.rate_scale = 1.0  # a person's hand on the learning rate, during the run
        self.bf16 = wants_bf16(self.config.precision, self.device)

    def model_values(self) -> dict[str, Any]:
        """The model's settings: the recipe's, and what only the data can tell."""
        values = {"image": list(self.dataset.image_shape), **self.recipe.model}
        if values.get("num_classes") == -1:  # "as many as the data has"
            values["num_classes"] = len(self.dataset.classes)
        return values

    def _check_labels(self) -> None:
        classes = self.model.class_count
        if not classes:
            return
        if self.labels is None:
            raise ValueError(
                f"This model needs labelled images, and '{self.dataset.name}' has no labels."
            )
        if int(self.labels.max()) >= classes:
            raise ValueError(
                f"The model knows {classes} classes, but '{self.dataset.name}' has "
                f"{len(self.dataset.classes)}: set model.num_classes to that."
            )

    # -- the loop --------------------------------------------------------------------------------

    def steps(self) -> Iterator[Progress]:
        started = window_started = self.counted = time.perf_counter()
        window_step = self.step
        self.model.train()
        if self.out and self.step == 0 and self.processes.main:
            # A log of an earlier run must not go on in this one; and a folder that cannot be
            # written to shows before the work, not after.
            files.check_folder(self.out)
            self.out.mkdir(parents=True, exist_ok=True)
            write_atomically(self.out / LOG, lambda path: None)
            snapshots.tidy(self.out, self.snapshots, self.step)
        while self.step < self.total:
            x, y = self.batch(self.step)
            part = self.rate_scale * rate_part(self.step, self.total, self.config)
            rate = part * self.config.learning_rate
            logs = self.train_step(x, y, part)
            self.step += 1

            now = time.perf_counter()
            if now - window_started > 1.0:
                rate_now = (self.step - window_step) * self.batch_size / (now - window_started)
                self.images_per_second = rate_now
                window_started, window_step = now, self.step
            progress = Progress(
                self.step,
                self.total,
                self.step / self.steps_per_epoch,
                rate,
                logs,
                now - started,
                self.images_per_second,
            )
            last = self.step == self.total
            if not self.processes.main:  # one is enough to watch and to write
                yield progress
                continue
            if len(self.held_out) and (last or self.step % (10 * self.config.log_every) == 0):
                logs |= self.watch()
            if self.out and (last or self.step % self.config.log_every == 0):
                self.write_log(progress)
            if self.out and self.step in self.snapshots:
                self.keep_snapshot(progress, self.out)
            if self.out and now - self.counted > 60 * self.config.checkpoint_minutes:
                self.count_minutes()
                self.save_state()
                self.counted = time.perf_counter()  # what writing took is not the run's
            yield progress
        self.count_minutes()

    def count_minutes(self) -> None:
        """Adds what has passed since the last count to the minutes of the run."""
        now = time.perf_counter()
        self.minutes_before += (now - self.counted) / 60
        self.counted = now

    @torch.no_grad()
    def keep_snapshot(self, progress: Progress, folder: Path) -> None:
        """Keeps the model as it is after this step beside the checkpoint in ``folder``."""
        self.model.eval()
        remarks = self.model.snapshot_remarks(self.ema)
        self.model.train()
        p = progress
        snapshots.keep(self.ema, folder, p.step, p.total, p.epoch, p.logs, remarks)

    def batch(self, step: int) -> tuple[Tensor, Tensor | None]:
        """The images, (B, C, H, W) in [0, 1], and labels of a step: a pure function of the step.

        Of several processes each gets its own rows of them.
        """
        epoch, index = divmod(step, self.steps_per_epoch)
        if getattr(self, "_epoch", None) != epoch:
            order = generator(self.recipe.seed, 1, epoch)
            self._order = torch.randperm(len(self.images), generator=order).to(self.device)
            self._epoch = epoch
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        chosen = self.processes.mine(chosen)
        x = self.images[chosen].float().div_(255)
        if self.config.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        return x, None if self.labels is None else self.labels[chosen]

    def train_step(self, x: Tensor, y: Tensor | None, part: float) -> dict[str, float]:
        """One batch: every objective of the model, each with its own optimizers.

        part: of the peak learning rates.
        """
        # On a GPU drawn there: a batch's noise would take a CPU as long as the step itself.
        place = self.device if self.device.type == "cuda" else "cpu"
        rng = generator(self.recipe.seed, 2, self.step, device=place)
        if self.recipe.data.mutate:
            with shared():
                x = mutated(x, self.recipe.data.mutate, rng)
        # Dropout draws from the global generator: for each process its own.
        torch.manual_seed((rng.initial_seed() + self.processes.index) % 2**31)
        logs: dict[str, float] = {}
        objectives = self.model.objectives(x, y, rng)
        while True:
            # Autocast is entered for each part of the generator alone: never across a yield.
            with self.autocast(), shared():
                objective = next(objectives, None)
            if objective is None:
                break
            loss = objective.loss.float()
            said = {f"{objective.player}_loss": loss, **objective.logs}
            said = {
                name: torch.as_tensor(value, device=self.device).detach().clone()
                for name, value in said.items()
            }
            self.processes.average([*said.values()])
            # Of all processes' losses, so that none waits for one that has given up.
            if not torch.isfinite(said[f"{objective.player}_loss"]):
                raise self._diverged("loss", objective.player)
            theirs = self.optimizers_of(objective.player, list(objective.params))
            for optimizer in theirs:
                for group in optimizer.param_groups:
                    group["lr"] = part * objective.rate * group["peak"]
                optimizer.zero_grad(set_to_none=True)
            # Not into the other players: their gradients would be computed to be thrown away.
            loss.backward(inputs=list(objective.params))
            self.processes.average([p.grad for p in objective.params if p.grad is not None])
            norm = nn.utils.clip_grad_norm_(objective.params, self.config.clip or math.inf)
            if not torch.isfinite(norm):  # a step with it would spoil the weights
                raise self._diverged("gradient", objective.player)
            logs[f"{objective.player}_grad"] = norm.item()
            for optimizer in theirs:
                optimizer.step()
            logs |= {name: float(value) for name, value in said.items()}
        self.update_ema()
        return logs

    def _diverged(self, what: str, player: str) -> TrainingError:
        kept = f" The last good checkpoint is in '{self.out}'." if self.saved else ""
        return TrainingError(
            f"The {what} of '{player}' stopped being finite at step {self.step}; the run has "
            f"ended. A lower learning rate usually helps.{kept}"
        )

    def autocast(self) -> contextlib.AbstractContextManager:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def optimizers_of(self, player: str, params: list[nn.Parameter]) -> list[torch.optim.Optimizer]:
        """Those of a player, made when it first has an objective."""
        if player not in self.players:
            inner = {id(p) for p in self.model.inner_matrices()}
            made = make_optimizers(
                [p for p in params if id(p) not in inner],
                [p for p in params if id(p) in inner],
                self.config,
                self.device,
            )
            named = {f"{player}{suffix}": optimizer for suffix, optimizer in made.items()}
            self.optimizers |= named
            self.players[player] = list(named.values())
        return self.players[player]

    def watch(self) -> dict[str, float]:
        """What the kept weights score on the images set aside: "held_out_..." for each log.

        Where these rise while the training loss falls, the model learns its images by heart.
        """
        scored = self.score(self.held_out, self.held_labels)
        return {f"held_out_{name}": value for name, value in scored.items()}

    @torch.no_grad()
    def score(self, images: Tensor, labels: Tensor | None, batch: int = 256) -> dict[str, float]:
        """The objectives of the kept weights on these images (N, C, H, W), uint8: means by log.

        Always with the same chances, so that two moments of a run can be compared.
        """
        sums: dict[str, float] = {}
        for start in range(0, len(images), batch):
            x = images[start : start + batch].to(self.device).float().div_(255)
            y = None if labels is None else labels[start : start + batch].to(self.device)
            rng = generator(self.recipe.seed, 3, start)
            if self.recipe.data.mutate:
                x = mutated(x, self.recipe.data.mutate, rng)
            logs: dict[str, Tensor | float] = {}  # of a player's several objectives, the last one's
            with self.autocast():
                for objective in self.ema.objectives(x, y, rng):
                    logs |= {f"{objective.player}_loss": objective.loss, **objective.logs}
            for name, value in logs.items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(x)
        return {name: value / len(images) for name, value in sums.items()}

    @torch.no_grad()
    def update_ema(self) -> None:
        """ema <- decay ema + (1 - decay) weights, with a shorter memory at the start."""
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.ema.parameters()), list(self.model.parameters()), 1 - decay)
        # Neither a counter has a mean, nor the singular vectors of a spectral normalisation.
        for ours, theirs in zip(self.ema.buffers(), self.model.buffers(), strict=True):
            ours.copy_(theirs)

    # -- what is kept ----------------------------------------------------------------------------

    def write_log(self, progress: Progress) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        line = {
            "step": progress.step,
            "epoch": round(progress.epoch, 4),
            "rate": progress.rate,
            "images_per_second": round(progress.images_per_second, 1),
            **progress.logs,
        }
        try:
            with (self.out / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise files.CannotWrite(self.out / LOG, error) from error

    def save_state(self) -> None:
        """Everything a resumed run needs, in one file that appears whole or not at all."""
        if self.processes.main:
            run_state.save(self, self.out / STATE)
            self.saved = True

    def resume(self) -> None:
        """Goes back to the last saved state in ``out``. Raises ValueError where it does not fit."""
        run_state.restore(self, self.out / STATE)
        self.saved = True
        if self.processes.main:
            self._trim_log()
            snapshots.tidy(self.out, self.snapshots, self.step)

    def _trim_log(self) -> None:
        # The killed run may have logged steps after its last checkpoint; they will come again.
        file = self.out / LOG
        if file.is_file():
            kept = []
            for line in file.read_text("utf-8").splitlines(keepends=True):
                with contextlib.suppress(ValueError):  # a line cut short by the kill
                    if json.loads(line)["step"] <= self.step:
                        kept.append(line)
            text = "".join(kept)
            write_atomically(file, lambda path: Path(path).write_text(text, "utf-8"))

    def header(self) -> Header:
        data = self.dataset
        return Header(
            name=self.recipe.name,
            family=self.recipe.family,
            title=self.recipe.title or self.recipe.name,
            about=self.recipe.about,
            config=_plain(self.model.config),
            recipe=self.recipe.to_dict(),
            seed=self.recipe.seed,
            data={
                "name": data.name,
                "split": data.split,
                "n": len(self.images),
                "sha256": data.sha256,
                "classes": list(data.classes),
                **({"ground": data.ground} if data.ground else {}),
            },
            training={
                "steps": self.step,
                "epochs": round(self.step / self.steps_per_epoch, 3),
                "minutes": round(self.minutes_before, 1),
                "hardware": hardware(self.device, self.processes.count),
                "precision": "bf16 autocast" if self.bf16 else "float32",
            },
            parameters=sum(p.numel() for p in self.model.parameters()),
            capabilities=capabilities(self.model),
            version=__version__,
        )

    def finish(self, folder: Path) -> Path:
        """Writes the checkpoint (the running mean of the weights) into ``folder``."""
        import tomli_w

        if not self.processes.main:
            return folder
        header = self.header()
        folder = weights.save(self.ema, header, folder)
        write_card(header, folder)
        if self.out:
            snapshots.copy(self.out, folder)
        write_atomically(
            folder / "recipe.toml",
            lambda path: Path(path).write_text(tomli_w.dumps(self.recipe.to_dict()), "utf-8"),
        )
        return folder


def train(
    recipe: Recipe,
    dataset: Dataset,
    out: Path,
    device: torch.device | str = "cpu",
    resume: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Path:
    """Trains a recipe to its end and returns the checkpoint's folder.

    Ctrl-C lets the step end and writes the state, so that the run can go on from there; a second
    one ends at once. Raises Interrupted, CannotWrite where the folder takes no more, and what
    ``Run`` raises.
    """
    run = Run(recipe, dataset, out, device)
    if resume:
        run.resume()
    with interrupts() as asked:
        for now in run.steps():
            if progress:
                progress(now)
            if asked() and run.step < run.total:
                run.count_minutes()
                run.save_state()
                raise Interrupted(run)
        run.save_state()
        folder = run.finish(out)
    run.processes.wait()  # for the one that writes: what follows may read it
    return folder


class Interrupted(KeyboardInterrupt):
    """A run that was stopped by hand and has written its state; the message says how to go on."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"Stopped after step {run.step} of {run.total}. The same command with --resume goes on "
            f"from there ('{run.out / STATE}')."
        )


def _plain(config: Any) -> dict[str, Any]:
    return json.loads(json.dumps(vars(config)))
