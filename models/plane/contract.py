"""What every method on the plane keeps.

Points are (N, 2) float32 on the CPU, about unit scale, within ``BOX``. Densities are nats a point.
A method learns by gradients (``objectives``) or without them (``improve``), one part of a step at
a time, so that each can be looked at. What else it can do is said by the methods it has, as in the
protocols below; none of those keeps a record for gradients unless its words say so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Generator, Tensor, nn

from models.contract.config import build_config, setting, tuned
from models.contract.model import Objective
from models.plane import METHODS

BOX = (-4.0, 4.0)  # what is looked at, in both directions


@dataclass(frozen=True)
class Config:
    """The settings of a method that learns by gradients; each adds its own."""

    learning_rate: float = setting(
        2e-3, "How far one step goes (Adam).", low=1e-6, high=0.1, live=True
    )
    batch: int = setting(256, "Points a step.", low=2, high=5000, live=True)


@dataclass(frozen=True)
class Part:
    """A part of a step without gradients. name: what was done ("E", "M"); logs: numbers to show."""

    name: str
    logs: Mapping[str, float]


class Method(nn.Module):
    """A model of points of the plane.

    TITLE, PAPER: for people. DENSITY: what it trains by and ``log_density`` tells, "exact", "lower
    bound" (``log_density`` is then the evidence itself, ``bound`` the bound), "estimate" or "".
    FIELD: what ``field`` is, "score", "velocity" or "force". BETAS: of Adam. AVERAGE: how slowly
    the weights that are shown follow those that are trained, 0 for at once (Polyak 1992).
    """

    TITLE: ClassVar[str] = ""
    PAPER: ClassVar[str] = ""
    DENSITY: ClassVar[str] = ""
    FIELD: ClassVar[str] = ""
    BETAS: ClassVar[tuple[float, float]] = (0.9, 0.99)
    AVERAGE: ClassVar[float] = 0.0
    Config: ClassVar[type] = Config

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        self.config = config if config is not None else self.Config()

    @property
    def batches(self) -> int:
        """How many batches of points a step takes, one after another in ``objectives``' x."""
        return 1

    @property
    def finished(self) -> bool:
        """Whether a further step would change nothing."""
        return False

    def prepare(self, points: Tensor, rng: Generator) -> None:
        """Sees all training points (N, 2) once, before the first step."""

    def objectives(self, x: Tensor, rng: Generator) -> Iterator[Objective]:
        """Yields the losses of one step, of which the run steps each before the next. x: (B, 2).

        Of a method that learns by gradients; ``Objective.player`` names the part of the step.
        """
        raise NotImplementedError

    def improve(self, x: Tensor, rng: Generator) -> Iterator[Part]:
        """Yields the parts of one step without gradients. x: (N, 2), all training points."""
        raise NotImplementedError

    @property
    def by_gradients(self) -> bool:
        """Whether it learns by ``objectives``; else by ``improve``."""
        return type(self).objectives is not Method.objectives

    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        """Yields (n, 2) from noise to data; the last is the sample."""
        raise NotImplementedError

    @torch.no_grad()
    def sample(self, n: int, rng: Generator) -> Tensor:
        """(n, 2): the last of ``sample_steps``."""
        return deque(self.sample_steps(n, rng), maxlen=1)[0]

    @property
    def times(self) -> tuple[float, ...]:
        """The time of each of ``sample_steps``, from 0 (noise) to 1 (data); () where there are no
        paths to be seen."""
        return ()

    @property
    def levels(self) -> tuple[float, ...]:
        """The t at which ``field`` is shown; (0.0,) where it has no time."""
        return (0.0,)

    def corruption(self, t: float) -> tuple[float, float] | None:
        """(a, s): at level t a point x has become a x + s noise, with N(0, I) noise. None where
        there is no such path, and so no true field. (1, 0) is the data themselves."""
        return None

    def extras(self, x: Tensor, rng: Generator) -> dict[str, Tensor]:
        """Further arrays of a moment that only this method has ("push", "positive", "negative").
        x: (P, 2) training points. Gradients are switched on where this is called."""
        return {}

    def tune(self, values: dict[str, object]) -> None:
        """Changes settings between two steps. Raises ValueError, one sentence, for one that may
        not change during a run (``live``), or has no such value."""
        self.config = tuned(self.config, values)


# -- what a method may be able to do --------------------------------------------------------------


@runtime_checkable
class HasDensity(Protocol):
    def log_density(self, x: Tensor) -> Tensor:
        """(N, 2) -> (N,) log p(x), or an estimate of it (``DENSITY``)."""


@runtime_checkable
class HasBound(Protocol):
    def bound(self, x: Tensor) -> Tensor:
        """(N, 2) -> (N,) a lower bound of log p(x)."""


@runtime_checkable
class HasField(Protocol):
    def field(self, x: Tensor, t: float) -> Tensor:
        """(N, 2) -> (N, 2) the arrows at level t, one of ``levels``."""


@runtime_checkable
class HasEnergy(Protocol):
    def energy(self, x: Tensor) -> Tensor:
        """(N, 2) -> (N,) up to a constant; low where points are likely."""


@runtime_checkable
class HasCritic(Protocol):
    def critic(self, x: Tensor) -> Tensor:
        """(N, 2) -> (N,) how real: a probability, or the value of a Wasserstein critic."""


@runtime_checkable
class Encodes(Protocol):
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 2) -> mean and log variance (N, D) of q(z | x)."""


@runtime_checkable
class Decodes(Protocol):
    def decode(self, z: Tensor) -> Tensor:
        """(N, D) -> (N, 2)."""


@runtime_checkable
class HasMesh(Protocol):
    def mesh(self) -> tuple[Tensor, Tensor | None]:
        """The grid of codes bent into the plane, stage by stage, first as it is: (L, M, M, 2), or
        (1, M, 1, 2) of a line; and log |det| so far at its points (L, M, M), where there is one."""


@runtime_checkable
class HasComponents(Protocol):
    def components(self) -> Tensor:
        """(C, 6): weight, mean x, y, covariance xx, xy, yy of each Gaussian."""


# -- by name --------------------------------------------------------------------------------------


def method(key: str) -> type[Method]:
    """The class of a method. Raises ValueError, naming the known ones, where there is none."""
    if key not in METHODS:
        raise ValueError(f"There is no method '{key}'. Known methods: {', '.join(METHODS)}.")
    module, _, name = METHODS[key].partition(":")
    return getattr(import_module(module), name)


def build(key: str, config: dict[str, object] | None = None) -> Method:
    """An untrained method. Raises ValueError with one sentence for a wrong name or setting."""
    cls = method(key)
    return cls(build_config(cls.Config, config or {}))


def grid(cells: int = 64, box: tuple[float, float] = BOX) -> Tensor:
    """(cells * cells, 2): the centres of the cells of a box; row by row, y ascending, then x."""
    low, high = box
    width = (high - low) / cells
    line = low + width * (torch.arange(cells) + 0.5)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2)


def code_grid(side: int = 21, reach: float = 2.5) -> Tensor:
    """(side, side, 2): a square grid of codes for ``mesh``, within +- reach."""
    line = torch.linspace(-reach, reach, side)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], -1)
