"""What every denoiser of many noise levels can do, whatever its network: the ways through them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from models.contract.knobs import (
    GUIDANCE,
    LABEL,
    STEPS,
    TEMPERATURE,
    Knob,
    check_temperature,
    with_default,
)
from models.contract.model import Frame, GenerativeModel, checked_mask
from models.contract.random import normal
from models.contract.streams import Streams
from models.families.diffusion import samplers, schedules
from models.families.diffusion.samplers import Step
from models.families.diffusion.schedules import SCHEDULES, Schedule

GUIDANCE_MOST = GUIDANCE.high


class Denoiser(GenerativeModel):
    """A guess of the picture under noise of any level, ``denoised``, and what follows from it.

    Inside, pictures are centred and twice as wide, x = 2 (image - centre), so that black to white
    is 2 as in the papers, and noisy ones are x_0 + sigma n. Outside, ``x_t`` is the schedule's
    alpha_t x_0 + sigma_t n moved back to the units of a picture.

    A family gives ``denoised`` and a config with ``schedule``, ``low`` and ``high`` (noise levels),
    ``centre`` (the mean grey level) and ``steps``.
    """

    # Whether the noise that a sample begins with is its code.
    noise_is_code: ClassVar[bool] = False

    def __init__(self, config: Any) -> None:
        if config.low >= config.high:
            raise ValueError("The lowest noise level must lie below the highest.")
        super().__init__(config)

    def denoised(
        self,
        x: Tensor,
        level: float | Tensor,
        label: int | Tensor | None = None,
        guidance: float = 1.0,
    ) -> Tensor:
        """The guess of x_0 from x = x_0 + level n, (B, C, H, W), both inside; level: (B,) or one
        for all."""
        raise NotImplementedError

    @property
    def schedule(self) -> Schedule:
        return SCHEDULES[self.config.schedule]

    def _denoiser(self, label: int | Tensor | None, guidance: float) -> Callable:
        if not 0 <= guidance <= GUIDANCE_MOST:  # false for nan too
            raise ValueError(f"Guidance must be a number from 0 to {GUIDANCE_MOST:g}.")
        return lambda x, level: self.denoised(x, level, label, guidance)

    @torch.no_grad()
    def denoise(
        self,
        x_t: Tensor,
        t: Tensor,
        label: int | Tensor | None = None,
        guidance: float = 1.0,
        schedule: str | None = None,
    ) -> Tensor:
        """The guess of the picture under the noise, (B, C, H, W) in [0, 1].

        x_t: (B, C, H, W), alpha_t x_0 + sigma_t n in the units of a picture, not clamped (see
        ``noised``). t: (B,) or a number, from 0 (picture) to 1 (noise), of the schedule.
        """
        x_t = self.checked(x_t)
        level = self._level(t, len(x_t), schedule)
        alpha = self._schedule(schedule).alpha(level).float()[:, None, None, None]
        x = self.inside(x_t) / alpha
        return self.outside(self._denoiser(label, guidance)(x, level.float())).clamp(0, 1)

    def noised(self, x: Tensor, t: float | Tensor, noise: Tensor, schedule: str | None = None):
        """x_t = alpha_t x_0 + sigma_t noise, in the units of a picture, (B, C, H, W) not clamped.

        x: (B, C, H, W) in [0, 1]. t: (B,) or a number in [0, 1]. noise: standard normal, as x.
        """
        level = self._level(t, len(x), schedule)
        alpha = self._schedule(schedule).alpha(level)[:, None, None, None].float()
        noisy = self.inside(self.checked(x)) + level[:, None, None, None].float() * noise
        return self.outside(alpha * noisy)

    @property
    def level_range(self) -> tuple[float, float]:
        """The lowest and the highest noise level that the model was trained on."""
        return self.config.low, self.config.high

    def _schedule(self, name: str | None) -> Schedule:
        return schedules.schedule(name or self.config.schedule)

    def _level(self, t: float | Tensor, n: int, schedule: str | None) -> Tensor:
        t = torch.as_tensor(t, dtype=torch.float64).expand(n).to(torch.float64)
        if not bool(((t >= 0) & (t <= 1)).all()):
            raise ValueError("The time must be from 0 (the picture) to 1 (noise).")
        level = self._schedule(schedule).level(t)
        return level.clamp(self.config.low, self.config.high).to(self.device, torch.float32)

    def inside(self, x: Tensor) -> Tensor:
        """A picture as the network sees it: centred, black to white 2."""
        return 2 * (x - self.config.centre)

    def outside(self, x: Tensor) -> Tensor:
        """Back in the units of a picture; not clamped."""
        return x / 2 + self.config.centre

    # -- sampling --------------------------------------------------------------------------------

    def levels(
        self, steps: int | None = None, schedule: str | None = None, high: float | None = None
    ) -> Tensor:
        """(steps + 1,) noise levels from the highest (or a lower one, ``high``) to 0."""
        c = self.config
        steps, high = c.steps if steps is None else steps, c.high if high is None else high
        if high <= c.low * (1 + 1e-3):  # no room for steps between
            steps, high = min(steps, 1), c.low
        return self._schedule(schedule).levels(steps, c.low, high)

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        """Those of every sampler; what one of them has besides (eta, churn, ...) is the sampler's
        own affair, see ``models.families.diffusion.samplers``."""
        label, guidance = ((LABEL,), (GUIDANCE,)) if self.class_count else ((), ())
        sampler = Knob(
            "sampler",
            "choice",
            "The way from noise to picture.",
            "dpm",
            choices=tuple(samplers.SAMPLERS),
        )
        schedule = Knob(
            "schedule",
            "choice",
            "How fast the picture drowns in noise; its own unless given.",
            None,
            choices=tuple(SCHEDULES),
        )
        walk = (sampler, STEPS, *guidance, schedule)
        repeats = Knob("repeats", "whole", "How often each step is taken.", 4, 1, 100)
        declared = {
            "sample_steps": (TEMPERATURE, *walk),
            "restore_steps": (*label, *walk),
            "complete_steps": (*label, with_default(STEPS, 40), repeats, *guidance),
            "denoise": (*label, *guidance, schedule),
            "noised": (schedule,),
        }
        return declared.get(method, ())

    @torch.no_grad()
    def sample_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
        sampler: str = "dpm",
        steps: int | None = None,
        guidance: float = 1.0,
        schedule: str | None = None,
        start: Tensor | None = None,
        **knobs: float,
    ) -> Iterator[Frame]:
        """From noise to pictures; one frame a step, x_t as the schedule scales it, x0 the guess.

        temperature: scales the noise at the start. sampler: a name of ``samplers.SAMPLERS``, knobs
        its own (eta, churn, corrections, snr, tolerance). start: (n, D) noise to start from in
        place of fresh noise. info: "z" the noise (n, D) where it is the code, "label", "level"
        (sigma), "evaluations".
        Raises ValueError for a setting out of its range.
        """
        check_temperature(temperature)
        rng, levels = Streams.of(rng, n), self.levels(steps, schedule)
        numbers = math.prod(self.config.image)
        z = normal((n, numbers), rng, self.device) if start is None else self.checked_noise(start)
        z = temperature * z
        label = self.label_or_drawn(label, n, rng)
        noise = levels[0] * z.view(n, *self.config.image)
        denoise = self._denoiser(label, guidance)
        for step in samplers.sampler(sampler)(denoise, noise.float(), levels, rng, **knobs):
            info = {"z": z} if self.noise_is_code else {}
            yield self._frame(step, schedule, {**info, "label": label})

    @torch.no_grad()
    def restore_steps(
        self,
        x_t: Tensor,
        t: float,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        sampler: str = "dpm",
        steps: int | None = None,
        guidance: float = 1.0,
        schedule: str | None = None,
        **knobs: float,
    ) -> Iterator[Frame]:
        """From a noisy picture to a clean one: the last part of ``sample_steps``' way (Meng et al.
        2022, algorithm 1).

        x_t: (B, C, H, W), what ``noised`` gives at time t, not clamped. t: from 0 (the picture) to
        1 (noise). Frames and knobs as of ``sample_steps``, but no label is drawn where none is
        given: the picture says what it is. Raises ValueError for a setting out of its range.
        """
        level = self._level(float(t), 1, schedule)
        levels = self.levels(steps, schedule, high=float(level))
        x = self.inside(self.checked(x_t).to(self.device)) / self._schedule(schedule).alpha(level)
        rng, denoise = Streams.of(rng, len(x)), self._denoiser(label, guidance)
        for step in samplers.sampler(sampler)(denoise, x.float(), levels, rng, **knobs):
            yield self._frame(step, schedule, {"label": label})

    def _frame(self, step: Step, schedule: str | None, info: dict) -> Frame:
        level = torch.tensor([step.level]) if step.levels is None else step.levels
        alpha = self._schedule(schedule).alpha(level.double())[:, None, None, None].to(step.x)
        return Frame(
            step.index,
            step.total,
            self.outside(alpha * step.x).clamp(0, 1),
            self.outside(step.x0).clamp(0, 1),
            {**info, "level": step.level, "evaluations": step.evaluations},
        )

    def checked_noise(self, z: Tensor) -> Tensor:
        """z itself, (n, D) standard normal. Raises ValueError where it has not as many numbers as a
        picture."""
        numbers = math.prod(self.config.image)
        if z.dim() != 2 or z.shape[1] != numbers:
            raise ValueError(
                f"This model's codes have {numbers} numbers, not {tuple(z.shape)[1:]}."
            )
        return z.to(self.device)

    # -- in-painting -----------------------------------------------------------------------------

    @torch.no_grad()
    def complete_steps(
        self,
        x: Tensor,
        known: Tensor,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        steps: int = 40,
        repeats: int = 4,
        guidance: float = 1.0,
    ) -> Iterator[Frame]:
        """Fills in what is not known, noise to picture (Lugmayr et al. 2022, algorithm 1).

        x: (B, C, H, W) in [0, 1]. known: bool, of the same shape or (B, 1, H, W): True where x is
        to stay. At every level the known part is the picture's own, noised; each step is taken
        ``repeats`` times, with noise put back in between, so that both parts come to agree.
        Raises ValueError where the mask hides nothing, or everything.
        """
        x = self.inside(self.checked(x))
        known = checked_mask(known, x)
        rng = Streams.of(rng, len(x))
        denoise, levels = self._denoiser(label, guidance), self.levels(steps)
        for step in samplers.fill_in(denoise, x, known, levels, rng, repeats):
            yield self._frame(step, None, {"label": label})
