"""A run of a method on a set of points: steps, in whole or in parts, the same bits by the seed."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from models.contract.model import Objective
from models.contract.random import generator
from models.plane.contract import Method, Part, build
from models.plane.data import Dataset

CLIP = 5.0  # the largest norm of a gradient


class Diverged(RuntimeError):
    """A run whose numbers are none any more; the message is a sentence for a person."""


class Run:
    """Trains ``model``; ``shown`` is what is looked at, its running mean where the method says so.

    step: whole steps taken. seconds: what they took, by ``clock``. logs: of its last part.
    Raises ValueError with one sentence for an unknown method or setting.
    """

    def __init__(
        self,
        key: str,
        data: Dataset,
        config: dict[str, object] | None = None,
        seed: int = 0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.clock = clock
        self.key, self.data, self.seed = key, data, seed
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # what the layers draw their first weights from
            self.model: Method = build(key, config)
        self.model.prepare(data.points, generator(seed, 2**32))
        self.averages = self.model.AVERAGE > 0
        self.shown: Method = copy.deepcopy(self.model) if self.averages else self.model
        self.optimizers: dict[str, torch.optim.Adam] = {}
        self.step, self.seconds = 0, 0.0
        self.logs: dict[str, float] = {}
        self._parts: Iterator[str] | None = None

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        learned = sum(p.numel() for p in self.model.parameters())
        return learned or sum(b.numel() for b in self.model.buffers())

    def advance(self) -> None:
        """Takes one whole step, or what is left of one that was begun in parts."""
        step = self.step
        while self.step == step:
            self.part()

    def part(self) -> str:
        """Takes the next part of a step and returns its name: a GAN's player, EM's E or M."""
        started = self.clock()
        if self._parts is None:
            self._parts = self._step()
        name = next(self._parts, "")
        if not name:  # the step was whole before
            self._parts = self._step()
            name = next(self._parts)
        self.seconds += self.clock() - started
        return name

    def _step(self) -> Iterator[str]:
        model, rng = self.model, generator(self.seed, self.step)
        parts: Iterator[Objective | Part]
        if model.by_gradients:
            rows = (model.config.batch * model.batches,)
            chosen = torch.randint(len(self.data.points), rows, generator=rng)
            parts = model.objectives(self.data.points[chosen], rng)
        else:
            parts = model.improve(self.data.points, rng)
        part = next(parts, None)
        while part is not None:
            name = self._take(part)
            part = next(parts, None)  # of the weights that this part has left
            if part is None:
                if self.averages:
                    self._average()
                self.step += 1
            yield name

    def _take(self, part: Objective | Part) -> str:
        if isinstance(part, Part):
            self._note(part.logs)
            return part.name
        if part.player not in self.optimizers:
            rate = self.model.config.learning_rate
            made = torch.optim.Adam(part.params, lr=rate, betas=self.model.BETAS, fused=True)
            self.optimizers[part.player] = made
        optimizer = self.optimizers[part.player]
        for group in optimizer.param_groups:
            group["lr"] = self.model.config.learning_rate * part.rate
        if not bool(part.loss.isfinite()):
            raise Diverged(
                f"The loss is no number any more at step {self.step + 1}, and the run has ended. "
                "Try a lower learning rate."
            )
        optimizer.zero_grad(set_to_none=True)
        part.loss.backward(inputs=list(part.params))
        nn.utils.clip_grad_norm_(part.params, CLIP)
        optimizer.step()
        self._note({"loss": part.loss, **part.logs})
        return part.player

    def _note(self, logs: Mapping[str, Tensor | float]) -> None:
        for name, value in logs.items():
            self.logs[name] = float(value.detach() if isinstance(value, Tensor) else value)
        if not all(map(math.isfinite, self.logs.values())):
            raise Diverged(f"A number of step {self.step + 1} is none any more; the run has ended.")

    @torch.no_grad()
    def _average(self) -> None:
        """The mean of the weights so far, later of the last 1 / (1 - AVERAGE) steps."""
        keep = min(self.model.AVERAGE, (1 + self.step) / (10 + self.step))
        means, new = list(self.shown.parameters()), list(self.model.parameters())
        torch._foreach_lerp_(means, new, 1 - keep)
        for mean, buffer in zip(self.shown.buffers(), self.model.buffers(), strict=True):
            mean.copy_(buffer)

    def tune(self, values: dict[str, object]) -> None:
        """Changes settings from the next step on. Raises ValueError with one sentence."""
        self.model.tune(values)
        self.shown.config = self.model.config
