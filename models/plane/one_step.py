r"""One step from noise to data: a student that learns where its teacher's paths lead.

The teacher is flow matching, trained first. Its paths have a map $X_{s,t}$ that takes a point at
time $s$ to where it is at $t$; the student is one,
$X_{s,t}(x) = x + (t - s)\, F(x, s, t)$, which is at rest for $t = s$. A map that moves as the
teacher's velocity $v$ says, wherever it has come to, is the teacher's:

$$E \, \| \partial_t X_{s,t}(x_s) - v(X_{s,t}(x_s), t) \|^2 = 0$$

(Boffi et al. 2024, proposition 3.1, Lagrangian map distillation). One step is $X_{0,1}$; more
are more exact (Song et al. 2023 learn a map to the end alone).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.func import jvp

from models.contract.config import setting
from models.contract.model import Objective
from models.plane.contract import Method, code_grid
from models.plane.flow_matching import Config as TeacherConfig
from models.plane.flow_matching import FlowMatching
from models.plane.nets import Timed


@dataclass(frozen=True)
class Config(TeacherConfig):
    steps: int = setting(1, "Steps of the student, from noise to data.", low=1, high=8, live=True)
    teacher_steps: int = setting(
        4000, "Steps of training that are the teacher's, before the student's.", low=1, high=50_000
    )


class OneStep(Method):
    TITLE = "One-step student of flow matching"
    PAPER = "Boffi et al. 2024, Flow map matching"
    FIELD = "velocity"
    AVERAGE = 0.998
    Config = Config

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        self.teacher = FlowMatching(self.config)
        self.student = Timed(2, self.config.width, self.config.depth, times=2)
        self.register_buffer("trained", torch.tensor(0))  # steps so far

    def objectives(self, x: Tensor, rng: Generator) -> Iterator[Objective]:
        self.trained += 1
        if self.trained <= self.config.teacher_steps:
            loss = self.teacher.loss(x, rng)
            rate = max(0.02, 1 - float(self.trained) / self.config.teacher_steps)
            params = list(self.teacher.parameters())
            yield Objective(params, loss, {"teacher": loss}, "teacher", rate)
            self.begin()
            return
        loss = self.loss(x, rng)
        yield Objective(list(self.student.parameters()), loss, {"student": loss}, "student")

    def loss(self, x: Tensor, rng: Generator) -> Tensor:
        """Of points on the way from noise to x, sent from s on to t, 0 <= s <= t <= 1."""
        n = len(x)
        s, t = torch.rand(2, n, generator=rng).sort(0).values
        s = torch.where(torch.rand(n, generator=rng) < 0.5, 0.0, s)  # from noise, every other time
        start = torch.lerp(torch.randn(n, 2, generator=rng), x, s[:, None])
        end, moving = jvp(lambda t: self.map(start, s, t), (t,), (torch.ones(n),))
        with torch.no_grad():
            wanted = self.teacher.net(end, t)
        return (moving - wanted).square().sum(1).mean()

    @torch.no_grad()
    def begin(self) -> None:
        """Makes the student its teacher, blind to t: one long step at the first velocity."""
        pairs = zip(self.student.parameters(), self.teacher.net.parameters(), strict=True)
        for mine, teachers in pairs:
            if mine.shape == teachers.shape:
                mine.copy_(teachers)
            else:  # the first layer, which reads t, too
                mine.zero_()[:, : teachers.shape[1]] = teachers

    def map(self, x: Tensor, s: Tensor | float, t: Tensor | float) -> Tensor:
        """X_{s,t}(x), (N, 2); s, t: (N,) or a number."""
        s, t = (torch.as_tensor(time, dtype=x.dtype).expand(len(x)) for time in (s, t))
        return x + (t - s)[:, None] * self.student(x, s, t)

    @property
    def times(self) -> tuple[float, ...]:
        return tuple(k / self.config.steps for k in range(self.config.steps + 1))

    @property
    def levels(self) -> tuple[float, ...]:
        return self.teacher.levels

    def corruption(self, t: float) -> tuple[float, float]:
        return t, 1 - t

    @torch.no_grad()
    def field(self, x: Tensor, t: float) -> Tensor:
        """The student's own velocity: dX_{t,t'}(x)/dt' at t' = t is F(x, t, t)."""
        return self.student(x, t, t)

    @torch.no_grad()
    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        x = torch.randn(n, 2, generator=rng)
        yield x
        for s, t in zip(self.times, self.times[1:], strict=False):
            x = self.map(x, s, t)
            yield x

    @torch.no_grad()
    def mesh(self) -> tuple[Tensor, None]:
        """A grid of noise, sent to five times, each in one step."""
        grid = code_grid()
        noise = grid.reshape(-1, 2)
        stages = [self.map(noise, 0.0, t) for t in torch.linspace(0, 1, 5).tolist()]
        return torch.stack(stages).unflatten(1, grid.shape[:2]), None
