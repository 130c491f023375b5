r"""The mathematics of diffusers' schedulers, in our convention and as they take their own steps.

A network of diffusers sees a picture at a scale, and a time; which ones belong to a noise level
$\sigma$ is what its scheduler fixes. With $x = x_0 + \sigma n$, as everywhere here, the network is
asked at $c_{in}(\sigma)\, x$ and a time $\tau(\sigma)$, and

$$D(x; \sigma) = c_{skip}(\sigma)\, x + c_{out}(\sigma)\, F(c_{in}(\sigma)\, x, \tau(\sigma))$$

is its guess of the picture (``models.families.diffusion.schedules.skip_and_out``):

* **DDPM, DDIM**: $c_{in} = \sqrt{\bar\alpha} = 1 / \sqrt{1 + \sigma^2}$; $\tau$ is the index in the
  table of $\bar\alpha_t$ (Ho et al. 2020, eq. 4). Between two entries of the table $\log\bar\alpha$
  goes straight, so that any level can be asked for.
* **EDM**: $c_{in} = 1 / \sqrt{\sigma^2 + \sigma_{data}^2}$, $\tau = \frac14 \log\sigma$ (Karras et
  al. 2022, table 1).
* **Flow matching**: the network sees $x_s = (1 - s)\, x_0 + s\, n$ at $\tau = T s$, where
  $s = \sigma / (1 + \sigma)$, and answers with $n - x_0$ (Liu et al. 2023, eq. 1).

``walk`` takes the very steps that diffusers takes, at the times that its ``timestep_spacing``
chooses, with the same noise from the same generators: what the people who trained a model saw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

from models.contract.random import normal
from models.contract.streams import Streams
from models.families.diffusion import schedules
from models.families.diffusion.schedules import SCHEDULES, Schedule, skip_and_out

# Times this near to an entry of the table are that entry: levels are kept in single precision.
NEAR = 1e-3
PURE = 999.0  # the level that stands for no picture left, where a process goes beyond it

Network = Callable[[Tensor, Tensor], Tensor]


class Moment(NamedTuple):
    """A moment of a scheduler's own way: x as the scheduler has it, scale what brings it to the
    range of a picture, x0 the guess there, level its noise level."""

    index: int
    total: int
    level: float
    x: Tensor
    x0: Tensor
    scale: float = 1.0


class Scheduler:
    """What a scheduler's settings fix. low, high: the noise levels that it was trained between.

    schedule: the process as one of ours. predicts: what the network says, a name of
    ``schedules.PREDICTIONS``; sign: -1 where it says the opposite. clip: how far a guess of the
    picture may go from 0, where there is a limit.
    """

    schedule: Schedule
    low: float
    high: float
    predicts: str
    sign: float = 1.0
    sigma_data: float = 0.5
    clip: float | None = None

    def scale(self, level: Tensor) -> Tensor:
        """c_in: what x_0 + level n is multiplied by for the network. Any shape."""
        return self.schedule.alpha(level)

    def time(self, level: Tensor) -> Tensor:
        """The network's time at noise levels (B,)."""
        raise NotImplementedError

    def denoised(self, network: Network, x: Tensor, level: Tensor) -> Tensor:
        """D(x; level), (B, C, H, W); x: x_0 + level n. level: (B,) float32."""
        sigma = level[:, None, None, None]
        said = network(self.scale(sigma) * x, self.time(level))
        skip, out = skip_and_out(self.predicts, sigma, self.sigma_data)
        return self.clipped(skip * x + self.sign * out * said)

    def clipped(self, x0: Tensor) -> Tensor:
        return x0 if self.clip is None else x0.clamp(-self.clip, self.clip)

    def walk(
        self, network: Network, z: Tensor, steps: int, rng: Generator | Streams, **knobs: float
    ) -> Iterator[Moment]:
        """diffusers' own way from noise z, (B, C, H, W) standard normal, to pictures in ``steps``
        steps: a moment before each and one for the end. Raises ValueError for too many steps."""
        raise NotImplementedError


# -- DDPM and DDIM ---------------------------------------------------------------------------------


def betas_of(settings: dict[str, Any]) -> Tensor:
    """(T,) float32, as diffusers has them: the noise of each step."""
    T = settings["num_train_timesteps"]
    start, end = settings["beta_start"], settings["beta_end"]
    if settings["trained_betas"] is not None:
        betas = torch.tensor(settings["trained_betas"], dtype=torch.float32)
    elif settings["beta_schedule"] == "linear":
        betas = torch.linspace(start, end, T, dtype=torch.float32)
    elif settings["beta_schedule"] == "scaled_linear":
        betas = torch.linspace(start**0.5, end**0.5, T, dtype=torch.float32).square()
    else:
        betas = schedules.cosine_betas(T).float()
    if settings["rescale_betas_zero_snr"]:  # Lin et al. 2024, algorithm 1
        root = (1 - betas).cumprod(0).sqrt()
        first, last = root[0].clone(), root[-1].clone()
        bar = ((root - last) * (first / (first - last))).square()
        betas = 1 - torch.cat([bar[:1], bar[1:] / bar[:-1]])
    return betas


class VariancePreserving(Scheduler):
    """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) n, of T discrete steps."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        betas = betas_of(settings)
        self.bar = (1 - betas).cumprod(0)  # (T,) float32, falling
        bar = self.bar.double()
        whole = bar[bar > 0]  # without an end in pure noise, whose level is infinite
        self.levels = ((1 - whole) / whole).sqrt()
        self.low, self.high = float(self.levels[0]), min(float(self.levels[-1]), PURE)
        self.schedule = _schedule_of(betas, settings)
        self.predicts = {"epsilon": "eps", "v_prediction": "v", "sample": "x0"}[
            settings["prediction_type"]
        ]
        self.clip = settings["clip_sample_range"] if settings["clip_sample"] else None

    def time(self, level: Tensor) -> Tensor:
        """The index in the table of alpha_bar, between two entries as log alpha_bar goes."""
        table = torch.log1p(self.levels.square())
        places = torch.arange(len(table), dtype=torch.float64)
        here = torch.log1p(level.detach().double().cpu().square())
        index = schedules.interpolate(here, table, places)
        whole = index.round()
        index = torch.where((index - whole).abs() < NEAR, whole, index)
        return index.to(level)

    def times(self, steps: int) -> list[int]:
        """The indices that diffusers visits in so many steps (Lin et al. 2024, table 2)."""
        T, spacing = self.settings["num_train_timesteps"], self.settings["timestep_spacing"]
        if not 1 <= steps <= T:
            raise ValueError(f"This model's scheduler takes 1 to {T:,} steps.")
        if spacing == "linspace":
            times = np.linspace(0, T - 1, steps).round()[::-1]
        elif spacing == "leading":
            times = (np.arange(steps) * (T // steps))[::-1] + self.settings["steps_offset"]
        else:
            times = np.round(np.arange(T, 0, -T / steps)) - 1
        if times[0] >= T:
            raise ValueError("This model's scheduler takes fewer steps than that.")
        return [int(t) for t in times]

    def walk(
        self,
        network: Network,
        z: Tensor,
        steps: int,
        rng: Generator | Streams,
        eta: float = 0.0,
    ) -> Iterator[Moment]:
        """DDPM (Ho et al. 2020, algorithm 2), or DDIM with ``eta`` (Song et al. 2021a, eq. 12)."""
        if not 0 <= eta <= 1:
            raise ValueError("eta goes from 0 (no fresh noise) to 1 (DDPM).")
        times, x = self.times(steps), z
        ddim = self.settings["_class_name"] == "DDIMScheduler"
        for k, t in enumerate(times):
            x0, noise = self.split(network(x, _all(t, x)), x, self.bar[t])
            x0 = self.clipped(x0)
            yield Moment(k, len(times), self._level(t), x, x0)
            if ddim:
                x = self._ddim(x, x0, noise, t, steps, eta, rng)
            else:
                x = self._ddpm(x, x0, t, times[k + 1] if k + 1 < len(times) else -1, rng)
        yield Moment(len(times), len(times), 0.0, x, x)

    def _level(self, t: int) -> float:
        return min(float(self.levels[min(t, len(self.levels) - 1)]), self.high)

    def split(self, said: Tensor, x: Tensor, bar: Tensor) -> tuple[Tensor, Tensor]:
        """(x_0, n) that the network's answer tells of x = sqrt(bar) x_0 + sqrt(1 - bar) n."""
        signal, noise = bar.sqrt(), (1 - bar).sqrt()
        if self.predicts == "eps":
            return (x - noise * said) / signal, said
        if self.predicts == "x0":
            return said, (x - signal * said) / noise
        return signal * x - noise * said, signal * said + noise * x

    def _ddpm(self, x: Tensor, x0: Tensor, t: int, before: int, rng: Any) -> Tensor:
        """q(x_before | x_t, x_0) (Ho et al. 2020, eq. 6-7), of neighbours in the list of times."""
        one = torch.ones(())
        bar, bar_before = self.bar[t], self.bar[before] if before >= 0 else one
        beta = 1 - bar / bar_before
        mean = bar_before.sqrt() * beta / (1 - bar) * x0
        mean = mean + (1 - beta).sqrt() * (1 - bar_before) / (1 - bar) * x
        if t == 0:
            return mean
        variance = ((1 - bar_before) / (1 - bar) * beta).clamp(min=1e-20)
        if self.settings["variance_type"] == "fixed_large":
            variance = beta
        return mean + variance.sqrt() * normal(x.shape, rng, x.device)

    def _ddim(
        self, x: Tensor, x0: Tensor, noise: Tensor, t: int, steps: int, eta: float, rng: Any
    ) -> Tensor:
        """x_before = sqrt(bar) x_0 + sqrt(1 - bar - s^2) n + s z (Song et al. 2021a, eq. 12).

        The noise is the network's own, also where x_0 was clipped; the step is T / steps long,
        whatever the spacing of the times.
        """
        before = t - self.settings["num_train_timesteps"] // steps
        last = torch.ones(()) if self.settings["set_alpha_to_one"] else self.bar[0]
        bar, bar_before = self.bar[t], self.bar[before] if before >= 0 else last
        variance = (1 - bar_before) / (1 - bar) * (1 - bar / bar_before)
        fresh = eta * variance.sqrt()
        x = bar_before.sqrt() * x0 + (1 - bar_before - fresh.square()).sqrt() * noise
        if eta > 0:
            x = x + fresh * normal(x.shape, rng, x.device)
        return x


def _schedule_of(betas: Tensor, settings: dict[str, Any]) -> Schedule:
    """The process as one of ours, where it is one of those; else as one of its own."""
    betas = betas.double()
    for known in SCHEDULES.values():
        of = known.betas
        if of is not None and len(of) == len(betas) and torch.allclose(of, betas, rtol=1e-4):
            return known
    kinds = {"linear": "linear", "scaled_linear": "scaled linear", "squaredcos_cap_v2": "cosine"}
    kind = kinds[settings["beta_schedule"]]
    if settings["trained_betas"] is not None:
        kind = "its own"
    title = f"DDPM, {kind}, {len(betas):,} steps"
    return schedules.variance_preserving(
        "own", title, "Ho et al. 2020", betas.clamp(max=schedules.MOST_BETA)
    )


def _all(t: float, x: Tensor) -> Tensor:
    return torch.full((len(x),), float(t), device=x.device)


# -- EDM -------------------------------------------------------------------------------------------


class Karras(Scheduler):
    """x = x_0 + sigma n, and a network with the preconditioning of Karras et al. (2022)."""

    predicts = "edm"

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.low, self.high = float(settings["sigma_min"]), float(settings["sigma_max"])
        self.sigma_data = float(settings["sigma_data"])
        self.sign = -1.0 if settings["prediction_type"] == "v_prediction" else 1.0
        self.schedule = SCHEDULES["edm"]
        rho = float(settings["rho"])
        if self.low < 0.002 or self.high > 80 or rho != 7:  # the ends and rho of ours
            self.schedule = schedules.karras(self.low, self.high, rho, "own")

    def scale(self, level: Tensor) -> Tensor:
        return (level.square() + self.sigma_data**2).rsqrt()

    def time(self, level: Tensor) -> Tensor:
        return level.log() / 4

    def visited(self, steps: int) -> list[float]:
        """The noise levels that diffusers visits, and the one after them."""
        if steps < 1:
            raise ValueError("Sampling needs at least one step.")
        if self.settings["sigma_schedule"] == "karras":
            rho, ramp = self.settings["rho"], torch.linspace(0, 1, steps, dtype=torch.float64)
            start, end = self.high ** (1 / rho), self.low ** (1 / rho)
            levels = (start + ramp * (end - start)) ** rho
        else:
            levels = torch.linspace(math.log(self.low), math.log(self.high), steps).exp().flip(0)
        levels = levels.float().tolist()
        return [*levels, levels[-1] if self.settings["final_sigmas_type"] == "sigma_min" else 0.0]

    def walk(
        self, network: Network, z: Tensor, steps: int, rng: Generator | Streams
    ) -> Iterator[Moment]:
        """Euler's method, from noise of variance sigma_max^2 + 1."""
        levels = self.visited(steps)
        x = math.sqrt(self.high**2 + 1) * z
        for k, (t, s) in enumerate(pairwise(levels)):
            x0 = self.denoised(network, x, _all(t, x))
            yield Moment(k, steps, t, x, x0, 1 / math.sqrt(1 + t**2))
            x = x + (s - t) * ((x - x0) / t)
        yield Moment(steps, steps, 0.0, x, x)


# -- flow matching ---------------------------------------------------------------------------------


class Flow(Scheduler):
    """x_s = (1 - s) x_0 + s n, a straight line from picture to noise, s = sigma / (1 + sigma)."""

    predicts = "velocity"

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.schedule = SCHEDULES["flow"]
        self.lowest = self._shifted(np.float64(1 / settings["num_train_timesteps"]))
        self.low, self.high = float(self.lowest / (1 - self.lowest)), PURE

    def _shifted(self, s: Any) -> Any:
        shift = self.settings["shift"]
        return shift * s / (1 + (shift - 1) * s)

    def time(self, level: Tensor) -> Tensor:
        return self.settings["num_train_timesteps"] * level / (1 + level)

    def visited(self, steps: int) -> list[float]:
        """The s that diffusers visits, falling to 0. It shifts the last one twice, as it does."""
        if steps < 1:
            raise ValueError("Sampling needs at least one step.")
        s = self._shifted(np.linspace(1.0, self.lowest, steps))
        if self.settings["shift_terminal"] and steps > 1:
            s = 1 - (1 - s) * (1 - self.settings["shift_terminal"]) / (1 - s[-1])
        return [*torch.from_numpy(s).float().tolist(), 0.0]

    def walk(
        self, network: Network, z: Tensor, steps: int, rng: Generator | Streams
    ) -> Iterator[Moment]:
        """Euler's method along the line, x_s = (1 - s) x_0 + s n, from pure noise."""
        T, x = self.settings["num_train_timesteps"], z
        for k, (t, s) in enumerate(pairwise(self.visited(steps))):
            velocity = network(x, _all(T * t, x))
            level = min(t / (1 - t), self.high) if t < 1 else self.high
            yield Moment(k, steps, level, x, x - t * velocity)
            x = x + (s - t) * velocity
        yield Moment(steps, steps, 0.0, x, x)


CLASSES = {
    "DDPMScheduler": VariancePreserving,
    "DDIMScheduler": VariancePreserving,
    "EDMEulerScheduler": Karras,
    "FlowMatchEulerDiscreteScheduler": Flow,
}


def scheduler(settings: dict[str, Any]) -> Scheduler:
    """The scheduler of settings as ``models.foreign.folder.scheduler_settings`` gives them."""
    return CLASSES[settings["_class_name"]](settings)
