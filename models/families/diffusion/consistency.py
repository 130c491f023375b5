r"""A consistency model: one evaluation goes from any noise to the picture at the end of its path.

The probability-flow ODE of a diffusion model (Song et al. 2021b, eq. 13),

$$\frac{dx}{d\sigma} = \frac{x - D(x; \sigma)}{\sigma},$$

leads every noise to one picture, in many small steps. All points of a path lead to the same
picture, its end $x_\epsilon$ at the lowest level $\epsilon$. A **consistency function** says which
(Song et al. 2023),

$$f(x_\sigma, \sigma) = x_\epsilon, \qquad f(x_\epsilon, \epsilon) = x_\epsilon .$$

The second half, the boundary condition, holds by how the network $F$ is used (their eq. 5):

$$f(x, \sigma) = c_{skip}(\sigma)\, x + c_{out}(\sigma)\, F(x, \sigma), \qquad
c_{skip}(\sigma) = \frac{\sigma_{data}^2}{(\sigma - \epsilon)^2 + \sigma_{data}^2}, \qquad
c_{out}(\sigma) = \frac{\sigma_{data} (\sigma - \epsilon)}{\sqrt{\sigma^2 + \sigma_{data}^2}} .$$

**With a teacher** the student begins as a copy of a trained diffusion model, whose skip and output
scales are these for $\epsilon = 0$. The teacher walks from fresh noise to a picture in some steps
of its ODE, and the student has to say from points on the way where the path ended,

$$\min_f\; \mathbb{E}\, d\big(f(x_\sigma, \sigma),\; x_\epsilon\big), \qquad
d(a, b) = \sqrt{\| a - b \|^2 + c^2} - c$$

(the pseudo-Huber metric of Song and Dhariwal 2024). Consistency distillation (Song et al. 2023,
algorithm 2) follows the teacher for one step only and trusts the student's own answer there, as
below; in a short training that trust comes too early.

**Without one** the student learns from pictures alone (their algorithm 3): $x + \sigma n$ and
$x + \sigma' n$, of one picture and one noise, lie on almost the same path, so

$$\min_f\; \mathbb{E}\, \frac{1}{\sigma - \sigma'}\,
d\big(f(x + \sigma n, \sigma),\; f^-(x + \sigma' n, \sigma')\big),$$

where $f^-$ is $f$ without gradients.

**One evaluation is a sample; more make it better.** Noise of a lower level is put back on the
picture, and $f$ asked again (their algorithm 1): a picture that was wrong is drawn towards one that
is right. The noise is fresh, so the path is another one: the pictures of two evaluations are not
those of one, sharpened.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Generator, Tensor

from models.contract.abilities import FEW_STEPS
from models.contract.config import setting
from models.contract.knobs import LABEL, STEPS, TEMPERATURE, Knob, check_temperature, with_default
from models.contract.model import Frame, Model, Objective, checked_mask
from models.contract.random import normal, uniform
from models.contract.streams import Streams
from models.families.diffusion import samplers, schedules
from models.families.diffusion.config import DenoiserConfig
from models.families.diffusion.denoiser import Denoiser
from models.families.diffusion.samplers import Step
from models.families.diffusion.schedules import SCHEDULES
from models.families.nets import UNet

# What a student shares with its teacher: the network, and the units it sees pictures in.
SHARED = (
    "image", "width", "halvings", "blocks", "middle", "heads", "patch", "centre", "sigma_data",
    "num_classes",
)  # fmt: skip
FALL = 0.4  # each level that noise is put back at, over the one before


@dataclass(frozen=True)
class ConsistencyConfig(DenoiserConfig):
    teacher: str = setting(
        "", "The diffusion model whose paths are learned; left empty, pictures alone are."
    )
    schedule: str = setting(
        "edm",
        "The noise schedule: edm, ddpm (linear beta), cosine, or flow (rectified flow).",
        choices=tuple(SCHEDULES),
    )
    path: int = setting(
        18,
        "Noise levels of a path: the teacher's steps, or the levels that pictures are noised to.",
        low=2,
        high=200,
    )
    points: int = setting(
        4, "Points of each of the teacher's paths that are trained on.", low=1, high=200
    )
    metric_offset: float = setting(
        0.015, "c of the pseudo-Huber metric; below it differences count squared.", low=1e-5
    )
    low: float = setting(0.01, "Lowest noise level, where a path ends.", low=1e-4, high=1.0)
    high: float = setting(80.0, "Highest noise level, where sampling starts.", low=1.0, high=1000.0)
    again: float = setting(
        2.5, "Highest noise level that is put back on a picture.", low=0.01, high=1000.0
    )
    centre: float = setting(0.5, "Mean grey level of the data, taken off first.", low=0.0, high=1.0)
    sigma_data: float = setting(
        0.5, "Deviation of the data, on the scale where black to white is 2.", low=0.01, high=10.0
    )
    steps: int = setting(
        4, "Evaluations a sample takes, where nothing else is asked.", low=1, high=FEW_STEPS
    )
    num_classes: int = setting(
        0, "Classes to condition on; 0 is none, -1 as many as the data has.", low=-1, high=1000
    )
    drop_label: float = setting(
        0.1, "How often a class is left out in training: to be asked for none.", low=0.0, high=1.0
    )


class Consistency(Denoiser):
    """f(x, sigma), where the path through x ends (Song et al. 2023), and sampling by it.

    ``denoise`` is f itself: not the mean of the pictures that a noisy one may come from, as a
    diffusion model's is, but one of them.
    """

    Config = ConsistencyConfig
    PAPERS = ("2303.01469",)

    def __init__(self, config: ConsistencyConfig) -> None:
        super().__init__(config)
        if not config.low < config.again < config.high:
            raise ValueError("The level put back must lie between the lowest and the highest.")
        if not re.fullmatch(r"[\w-]*", config.teacher):
            raise ValueError("The teacher must be the name of a shipped model.")
        self.net = UNet(
            config.image,
            config.width,
            config.halvings,
            config.blocks,
            config.middle,
            config.heads,
            config.patch,
            max(0, config.num_classes),
        )
        # In a tuple, so that it is no part of this model: not trained, not stored.
        self._teacher: tuple[Model, ...] = ()

    @property
    def teacher(self) -> str:
        """The name of the model whose paths it has learned; "" where there was none."""
        return self.config.teacher

    def learn_from(self, model: Model) -> None:
        """Becomes a copy of a diffusion model, and is trained on its paths from now on.

        Raises ValueError where the two have not the same network, or see pictures in other units.
        """
        theirs = vars(model.config)
        for name in SHARED:
            mine, has = getattr(self.config, name), theirs.get(name)
            if has != mine:
                raise ValueError(
                    f"The teacher '{self.teacher}' has {name} = {has}, its student {mine}; give "
                    "both the same."
                )
        if theirs.get("prediction") != "edm":
            raise ValueError(f"The teacher '{self.teacher}' has no prediction 'edm'; take another.")
        self.net.load_state_dict(model.net.state_dict())
        self._teacher = (model,)

    # -- the consistency function ----------------------------------------------------------------

    def denoised(
        self,
        x: Tensor,
        level: float | Tensor,
        label: int | Tensor | None = None,
        guidance: float = 1.0,
    ) -> Tensor:
        """f(x; sigma), the end of the path through x, (B, C, H, W); all inside.

        level: (B,) or one for all, from ``low`` on. There is no guidance: it is the teacher's path
        at guidance 1. Raises ValueError where another is asked for.
        """
        if guidance != 1:
            raise ValueError("This model takes no guidance; leave it at 1.")
        B = len(x)
        level = torch.as_tensor(level, dtype=torch.float32, device=x.device).expand(B)
        none = torch.full((B,), self.class_count, device=x.device)
        return self.end(x, level, none if label is None else self.checked_label(label, B))

    def end(self, x: Tensor, level: Tensor, label: Tensor) -> Tensor:
        """``denoised`` of levels (B,) and labels (B,), num_classes for none."""
        scale = (level.square() + self.config.sigma_data**2).rsqrt()[:, None, None, None]
        skip, out = skip_and_out(
            level[:, None, None, None], self.config.low, self.config.sigma_data
        )
        return skip * x + out * self.net(scale * x, level.log() / 4, label).float()

    def denoise(
        self,
        x_t: Tensor,
        t: Tensor,
        label: int | Tensor | None = None,
        schedule: str | None = None,
    ) -> Tensor:
        """f, (B, C, H, W) in [0, 1]: the picture where the path through a noisy one ends.

        x_t, t, schedule: as of ``Denoiser.denoise``.
        """
        return super().denoise(x_t, t, label, schedule=schedule)

    # -- training --------------------------------------------------------------------------------

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """How far f is from where paths end: the teacher's where there is one, else the pictures'
        own."""
        c, B = self.config, len(x)
        label = torch.full((B,), self.class_count, device=x.device)
        if self.class_count and y is not None:
            kept = uniform((B,), rng, x.device) >= c.drop_label
            label = torch.where(kept, y.to(label), label)
        if self._teacher:
            loss = self._of_the_teachers(label, rng)
        else:
            loss = self._of_pictures(self.inside(x), label, rng)
        yield Objective(list(self.parameters()), loss, {"distance": loss})

    def _of_the_teachers(self, label: Tensor, rng: Generator) -> Tensor:
        """From points of paths of fresh noise, (B,) labels, to where the teacher's ODE ends."""
        c, B, device = self.config, len(label), label.device
        levels = self.training_levels(rng).tolist()
        noise = levels[0] * normal((B, *c.image), rng, device)
        x, end = self.path(noise, levels, label)  # (path, B, C, H, W), (B, C, H, W)
        # The start, where one evaluation has to do it all, and others at random.
        others = uniform((B, c.path - 1), rng, device).argsort(1)[:, : c.points - 1] + 1
        chosen = torch.cat([torch.zeros_like(others[:, :1]), others], 1).T  # (points, B)
        x = x[chosen, torch.arange(B, device=device)].flatten(0, 1)
        level = torch.tensor(levels, device=device)[chosen].flatten()
        times = len(chosen)
        found = self.end(x, level, label.repeat(times))
        return metric(found, end.repeat(times, 1, 1, 1), c.metric_offset).mean()

    @torch.no_grad()
    def path(self, x: Tensor, levels: list[float], label: Tensor) -> tuple[Tensor, Tensor]:
        """The teacher's way from x, noise of levels[0], by a step to each level: (N, B, C, H, W)
        and its end, (B, C, H, W). label: (B,), num_classes for none."""
        (teacher,), sigma_data = self._teacher, self.config.sigma_data

        def denoise(x: Tensor, level: float) -> Tensor:
            sigma = x.new_full((len(x),), level)
            skip, out = schedules.skip_and_out("edm", sigma[:, None, None, None], sigma_data)
            return skip * x + out * teacher.predict(x, sigma, label)

        steps = list(samplers.dpm_solver(denoise, x, [*levels, 0.0], None))
        return torch.stack([step.x for step in steps[:-1]]), steps[-1].x

    def _of_pictures(self, x0: Tensor, label: Tensor, rng: Generator) -> Tensor:
        """From one level of pictures x0 (B, C, H, W) under noise to the level below."""
        c, B = self.config, len(x0)
        levels = torch.cat([self.training_levels(rng), torch.tensor([c.low])]).to(x0.device)
        k = (uniform((B,), rng, x0.device) * c.path).long()
        level, below = levels[k], levels[k + 1]
        noise = normal(x0.shape, rng, x0.device)
        with torch.no_grad():
            target = self.end(x0 + below[:, None, None, None] * noise, below, label)
        found = self.end(x0 + level[:, None, None, None] * noise, level, label)
        return (metric(found, target, c.metric_offset) / (level - below)).mean()

    def training_levels(self, rng: Generator) -> Tensor:
        """(path,) noise levels, falling from the highest: even steps in the schedule's time, of a
        length that is drawn, so that all levels are trained on."""
        c = self.config
        lowest = self.schedule.time(torch.tensor(c.low, dtype=torch.float64))
        step = 1 / (c.path - 0.7 * float(uniform((1,), rng, "cpu")))
        t = 1 - step * torch.arange(c.path, dtype=torch.float64)
        return self.schedule.level(lowest + (1 - lowest) * t).float()

    # -- sampling --------------------------------------------------------------------------------

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        label = (LABEL,) if self.class_count else ()
        steps = with_default(STEPS, None, high=FEW_STEPS)
        schedule = {knob.name: knob for knob in super().knobs("noised")}["schedule"]
        declared = {
            "sample_steps": (TEMPERATURE, steps, schedule),
            "restore_steps": (*label, steps, schedule),
            "complete_steps": (*label, with_default(STEPS, 40)),
            "denoise": (*label, schedule),
            "noised": (schedule,),
        }
        return declared.get(method, ())

    def levels(
        self, steps: int | None = None, schedule: str | None = None, high: float | None = None
    ) -> Tensor:
        """(steps + 1,) noise levels, fewer where there is no room for them: where it begins, what
        is put back on the picture each time, and 0."""
        c = self.config
        steps, high = c.steps if steps is None else steps, c.high if high is None else high
        if not 1 <= steps <= FEW_STEPS:
            raise ValueError(f"This model takes 1 to {FEW_STEPS} steps.")
        first = min(c.again, FALL * high)
        back = [first * FALL**k for k in range(steps - 1)]
        levels = [high, *(level for level in back if level > c.low), 0.0]
        return torch.tensor(levels, dtype=torch.float64)

    @torch.no_grad()
    def sample_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
        steps: int | None = None,
        schedule: str | None = None,
    ) -> Iterator[Frame]:
        """From noise to pictures; one frame an evaluation, x0 the picture that it gives.

        The noise is that of a diffusion model with the same seed, and so are the classes that are
        drawn where none is asked for. temperature: scales it. steps: evaluations. schedule: how x_t
        is scaled to be looked at. info: "label", "level" (sigma), "evaluations".
        Raises ValueError for a setting out of its range.
        """
        check_temperature(temperature)
        rng, levels = Streams.of(rng, n), self.levels(steps)
        z = temperature * normal((n, math.prod(self.config.image)), rng, self.device)
        label = self.label_or_drawn(label, n, rng)
        x = (levels[0] * z.view(n, *self.config.image)).float()
        yield from self._frames(x, levels, rng, label, schedule)

    @torch.no_grad()
    def restore_steps(
        self,
        x_t: Tensor,
        t: float,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        steps: int | None = None,
        schedule: str | None = None,
    ) -> Iterator[Frame]:
        """From a noisy picture to a clean one: f there, and then as ``sample_steps`` goes on.

        x_t: (B, C, H, W), what ``noised`` gives at time t, not clamped. t: from 0 (the picture) to
        1 (noise). No label is drawn where none is given. Raises ValueError for a setting out of its
        range.
        """
        level = self._level(float(t), 1, schedule)
        x = self.inside(self.checked(x_t).to(self.device)) / self._schedule(schedule).alpha(level)
        levels = self.levels(steps, high=float(level))
        yield from self._frames(x.float(), levels, Streams.of(rng, len(x)), label, schedule)

    @torch.no_grad()
    def complete_steps(
        self,
        x: Tensor,
        known: Tensor,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        steps: int = 40,
    ) -> Iterator[Frame]:
        """Fills in what is not known (Song et al. 2023, algorithm 4): after each evaluation the
        known part is put back, then the noise of the next of the schedule's levels. Here many
        steps pay: at each the two parts come to agree better.

        x: (B, C, H, W) in [0, 1]. known: bool, of the same shape or (B, 1, H, W): True where x is
        to stay. Raises ValueError where the mask hides nothing, or everything.
        """
        x = self.inside(self.checked(x).to(self.device))
        known = checked_mask(known, x)
        rng, levels = Streams.of(rng, len(x)), super().levels(steps)
        start = (levels[0] * normal(x.shape, rng, self.device)).float()
        start = torch.where(known, x + start, start)
        yield from self._frames(start, levels, rng, label, None, (x, known))

    def _frames(
        self,
        x: Tensor,
        levels: Tensor,
        rng: Streams,
        label: int | Tensor | None,
        schedule: str | None,
        given: tuple[Tensor, Tensor] | None = None,
    ) -> Iterator[Frame]:
        for step in multistep(self._denoiser(label, 1.0), x, levels, self.config.low, rng, given):
            yield self._frame(step, schedule, {"label": label})


def multistep(
    f: Callable[[Tensor, float], Tensor],
    x: Tensor,
    levels: Tensor,
    low: float,
    rng: Generator | Streams,
    given: tuple[Tensor, Tensor] | None = None,
) -> Iterator[Step]:
    """Multistep consistency sampling (Song et al. 2023, algorithm 1): f, and noise again.

    x: (B, C, H, W), noise of levels[0]. levels: (N + 1,), the last 0. low: the level that f's
    pictures are at. given: pictures and where they are known, put back after each evaluation.
    """
    levels = levels.tolist()
    total = len(levels) - 1
    for index, (level, below) in enumerate(pairwise(levels)):
        x0 = f(x, level)
        if given is not None:
            x0 = torch.where(given[1], given[0], x0)
        yield Step(index, total, level, x, x0, index + 1)
        if below > 0:
            # The picture has a noise of ``low`` already.
            fresh = math.sqrt(max(0.0, below**2 - low**2))
            x = x0 + fresh * normal(x.shape, rng, x.device)
    yield Step(total, total, 0.0, x0, x0, total)


def metric(a: Tensor, b: Tensor, offset: float) -> Tensor:
    """The pseudo-Huber metric of pictures (B, C, H, W), (B,): sqrt(||a - b||^2 + c^2) - c."""
    squares = (a - b).square().flatten(1).sum(1)
    return (squares + offset**2).sqrt() - offset


def skip_and_out(level: Tensor, low: float, sigma_data: float) -> tuple[Tensor, Tensor]:
    """(c_skip, c_out), exactly 1 and 0 at the lowest level (Song et al. 2023, eq. 5)."""
    above = level - low
    return (
        sigma_data**2 / (above.square() + sigma_data**2),
        sigma_data * above * (level.square() + sigma_data**2).rsqrt(),
    )
