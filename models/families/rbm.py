r"""A restricted Boltzmann machine: an energy for every picture, and no need to add them all up.

Pixels $v$ and hidden units $h$ are 0 or 1, and a picture is likely where its energy is low
(Smolensky 1986),

$$E(v, h) = -b^\top v - c^\top h - v^\top W h , \qquad p(v, h) = \frac{e^{-E(v, h)}}{Z} .$$

The hidden units can be added up by hand, for given the pixels they are independent. What is left
is the **free energy** of a picture,

$$F(v) = -b^\top v - \sum_j \log\!\left(1 + e^{c_j + v^\top W_{\cdot j}}\right) , \qquad
\log p(v) = -F(v) - \log Z .$$

$Z$ is a sum over all pictures there are, $2^{784}$ of them, and nobody can compute it. But learning
does not need it: the gradient of $-\log p(v)$ is that of $F$ at the data less its mean under the
model,

$$\nabla(-\log p(v)) = \nabla F(v) - \mathbb{E}_{\tilde v \sim p}\left[\nabla F(\tilde v)\right] :$$

dig where the data are, fill up where the model dreams. The dreams come from **Gibbs sampling**,
all hidden units given the pixels, then all pixels given the hidden units, in chains that go on from
one step of training to the next (persistent contrastive divergence, Tieleman 2008).

Samples are what these chains come to when they go on. And $\log Z$ can be *estimated*, by other
chains that are led from independent pixels to the model, a little at a time, and keep account of
what that costs (annealed importance sampling, Neal 2001; Salakhutdinov and Murray 2008).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from models.contract.config import setting
from models.contract.knobs import (
    BINARISE,
    SAMPLES,
    STEPS,
    TEMPERATURE,
    Knob,
    check_temperature,
    with_default,
)
from models.contract.model import (
    Frame,
    GenerativeModel,
    Likelihood,
    Objective,
    checked_mask,
    differentiable,
)
from models.contract.numbers import log_mean_exp
from models.contract.random import binarised, generator, uniform
from models.contract.streams import Streams

FRAMES = 80  # of a chain are shown
COLDEST = 1e-3  # temperature; at 0 a unit that is undecided would have no answer


@dataclass(frozen=True)
class RBMConfig:
    image: tuple[int, ...] = setting((1, 28, 28), "Channels, height and width of an image.")
    hidden: int = setting(500, "Hidden units.", low=1, high=8192)
    chains: int = setting(100, "Chains that dream along with the training.", low=1, high=4096)
    gibbs: int = setting(
        1, "Gibbs steps of every chain a step of training.", low=1, high=100, live=True
    )


class Tempered(NamedTuple):
    """The model at every temperature: at beta = 1 itself, at 0 independent pixels.

    log p_beta(v) + const = (1 - beta) base . v + beta b . v + sum_j log(1 + e^{beta (c + v W)_j})

    (Salakhutdinov and Murray 2008, with a base model that has no hidden units).
    """

    W: Tensor  # (D, H)
    b: Tensor  # (D,)
    c: Tensor  # (H,)
    base: Tensor  # (D,), log odds of the independent pixels

    def drive(self, v: Tensor) -> Tensor:
        """What the pixels v (n, D) tell the hidden units, (n, H)."""
        return self.c + v @ self.W

    def gain(self, v: Tensor, drive: Tensor, before: float, after: float) -> Tensor:
        """By how much log p_beta(v) + const rises with beta, (n,), in double precision."""
        pixels = (after - before) * (v @ (self.b - self.base)).double()
        units = F.softplus(after * drive) - F.softplus(before * drive)
        return pixels + units.double().sum(1)

    def pixels(self, h: Tensor, beta: float) -> Tensor:
        """Each pixel's chance to be white given the hidden units h (n, H), (n, D)."""
        return torch.sigmoid((1 - beta) * self.base + beta * (self.b + h @ self.W.T))

    def step(self, v: Tensor, beta: float, bits: Callable, drive: Tensor | None = None) -> Tensor:
        """The pixels' chances after one Gibbs step from v: hidden units are drawn on the way."""
        drive = self.drive(v) if drive is None else drive
        return self.pixels(bits(torch.sigmoid(beta * drive)), beta)


class RBM(GenerativeModel):
    """Pixels, hidden units, and a weight between each of the ones and each of the others."""

    Config = RBMConfig

    def __init__(self, config: RBMConfig) -> None:
        super().__init__(config)
        D = math.prod(self.image_shape)
        self.W = torch.nn.Parameter(0.01 * torch.randn(D, config.hidden))
        self.b = torch.nn.Parameter(torch.zeros(D))
        self.c = torch.nn.Parameter(torch.zeros(config.hidden))
        self.register_buffer("chains", torch.zeros(config.chains, D))
        self._partition: dict[tuple, tuple[float, float]] = {}

    # -- energies --------------------------------------------------------------------------------

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v), (n,), in nats. v: (n, D), 0 or 1."""
        return -(v @ self.b) - F.softplus(self.c + v @ self.W).sum(1)

    @differentiable
    def energy(self, x: Tensor) -> Tensor:
        """The free energy of pictures x (B, C, H, W), (B,) in nats: -log p(x) - log Z."""
        return self.free_energy(self.checked(x).flatten(1))

    def observed(self, x: Tensor, rng: Generator) -> Tensor:
        """What the likelihood is of: pixels drawn 0 or 1 with their grey level as probability."""
        return binarised(x, rng)

    # -- training --------------------------------------------------------------------------------

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """F at the data less F where the chains are: its gradient is that of -log p, as far as the
        chains follow the model. In training they go on; else they only look ahead."""
        v = binarised(x, rng).flatten(1)
        with torch.no_grad():
            model, dreamt = self.tempered(torch.float32), self.chains.float()
            bits = _bits(rng)
            for _ in range(self.config.gibbs):
                dreamt = bits(model.step(dreamt, 1.0, bits))
            if self.training:
                self.chains.copy_(dreamt)
            back = model.pixels(torch.sigmoid(model.drive(v)), 1.0)
            lost = F.binary_cross_entropy(back, v, reduction="none").sum(1).mean()
        data, dream = self.free_energy(v).mean(), self.free_energy(dreamt).mean()
        logs = {"reconstruction": lost, "positive_phase": data, "negative_phase": dream}
        yield Objective(list(self.parameters()), data - dream, logs)

    # -- sampling --------------------------------------------------------------------------------

    def tempered(self, dtype: torch.dtype = torch.float64) -> Tempered:
        """The model between independent pixels and itself. The pixels are white as often as in its
        chains. In double precision no draw depends on the order of a sum."""
        n = len(self.chains)
        white = (self.chains.to(dtype).sum(0) + 0.5) / (n + 1)
        W, b, c = (p.detach().to(dtype) for p in (self.W, self.b, self.c))
        return Tempered(W, b, c, white.log() - torch.log1p(-white))

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        walk = (TEMPERATURE, with_default(STEPS, 200))
        temperatures = Knob(
            "temperatures", "whole", "Steps of each chain from independent pixels to the model.",
            None, 1, 1_000_000,
        )  # fmt: skip
        # The error of log Z is that of a mean over chains: there must be two.
        samples = with_default(SAMPLES, 100, low=2)
        declared = {
            "sample_steps": walk,
            "chain_steps": walk,
            "complete_steps": walk,
            "log_likelihood": (samples, temperatures, BINARISE),
        }
        return declared.get(method, ())

    @torch.no_grad()
    def sample_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
        steps: int = 200,
    ) -> Iterator[Frame]:
        """The chains of the training go on, each sample from one of them, by Gibbs steps. A frame,
        every so many steps, has each pixel's chance to be white given the hidden units.
        temperature: of p(v, h)^(1 / temperature).
        """
        yield from self._chain(n, rng, temperature, steps)

    @torch.no_grad()
    def complete_steps(
        self,
        x: Tensor,
        known: Tensor,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
        steps: int = 200,
    ) -> Iterator[Frame]:
        """x (B, C, H, W) with what is not ``known`` (bool, the same shape or (B, 1, H, W)) drawn by
        Gibbs steps that leave the rest as it is: in the end as likely as the model has it, given
        what is known. Raises ValueError where the mask hides nothing, or everything."""
        x = self.checked(x)
        known = checked_mask(known, x)
        yield from self._chain(len(x), rng, temperature, steps, x, known)

    @torch.no_grad()
    def chain_steps(
        self,
        start: Tensor | int,
        rng: Generator | Streams,
        steps: int = 200,
        temperature: float = 1.0,
    ) -> Iterator[Frame]:
        """Gibbs chains from pictures ``start`` (B, C, H, W) in [0, 1], each pixel drawn 0 or 1 with
        its grey level as probability; or, where it is a number, so many from pixels that are either
        with even chances. x is the chain, 0 or 1; x0 each pixel's chance to be white if every
        hidden unit were its own chance (the mean field); info has the ``energy`` (B,)."""
        model = self._tempered(temperature, steps)
        if isinstance(start, Tensor):
            rng = Streams.of(rng, len(self.checked(start)))
            v = binarised(start, rng).flatten(1).to(model.b.dtype)
            bits = _bits(rng)
        else:
            rng = Streams.of(rng, start)
            bits = _bits(rng)
            v = bits(torch.full((start, len(self.b)), 0.5, device=self.device).to(model.b.dtype))
        every = max(1, steps // FRAMES)
        for k in range(steps + 1):
            if k % every == 0 or k == steps:
                x = v.to(self.b.dtype)
                mean = model.pixels(torch.sigmoid(model.drive(v)), 1.0).float()
                x, mean = (each.view(-1, *self.image_shape) for each in (x, mean))
                yield Frame(k, steps, x, mean, {"energy": self.energy(x), "label": None})
            if k < steps:
                v = bits(model.step(v, 1.0, bits))

    def _tempered(self, temperature: float, steps: int) -> Tempered:
        """The model at a temperature, for so many steps. Raises ValueError, one sentence."""
        check_temperature(temperature)
        if steps < 1:
            raise ValueError("A chain needs at least one step.")
        model, cold = self.tempered(), max(temperature, COLDEST)
        if cold != 1:
            W, b, c, base = model
            model = Tempered(W / cold, b / cold, c / cold, base)
        return model

    def _chain(
        self,
        n: int,
        rng: Generator | Streams,
        temperature: float,
        steps: int,
        x: Tensor | None = None,
        known: Tensor | None = None,
    ) -> Iterator[Frame]:
        model = self._tempered(temperature, steps)
        rng = Streams.of(rng, n)
        bits = _bits(rng)
        start = (uniform((n,), rng, self.device) * len(self.chains)).long()
        v = self.chains[start].to(model.b.dtype)
        held = None if x is None else binarised(x, rng).flatten(1).to(v.dtype)
        every = max(1, steps // FRAMES)
        for k in range(1, steps + 1):
            if held is not None:
                v = torch.where(known.flatten(1), held, v)
            p = model.step(v, 1.0, bits)
            v = bits(p)
            if k % every == 0 or k == steps:
                shown = p.float().view(n, *self.image_shape)
                shown = shown if known is None else torch.where(known, x.float(), shown)
                yield Frame(k, steps, shown, info={"label": None})

    # -- likelihood ------------------------------------------------------------------------------

    @torch.no_grad()
    def log_partition(self, chains: int, temperatures: int, rng: Generator) -> tuple[float, float]:
        """log Z and its standard error, by annealed importance sampling (Neal 2001; Salakhutdinov
        and Murray 2008): the mean weight of ``chains`` chains over ``temperatures``
        steps, the closer together the nearer to the model."""
        if chains < 2 or temperatures < 1:
            raise ValueError("log Z needs two chains or more, and at least one temperature.")
        model, bits = self.tempered(self.W.dtype), _bits(rng)
        far = 1 - torch.linspace(0, 1, temperatures + 1, dtype=torch.float64)
        betas = (1 - far.square()).tolist()
        v = bits(torch.sigmoid(model.base).expand(chains, -1))
        log_w = torch.zeros(chains, dtype=torch.float64, device=v.device)
        for before, beta in pairwise(betas):
            drive = model.drive(v)
            log_w += model.gain(v, drive, before, beta)
            v = bits(model.step(v, beta, bits, drive))
        log_z, error = log_mean_exp(log_w)
        independent = F.softplus(model.base.double()).sum() + len(model.c) * math.log(2)
        return float(independent + log_z), float(error)

    @torch.no_grad()
    def log_likelihood(
        self,
        x: Tensor,
        rng: Generator,
        samples: int = 100,
        temperatures: int | None = None,
        binarise: bool = True,
    ) -> Likelihood:
        """-F(x) - log Z of pixels drawn 0 or 1, log Z estimated with ``samples`` chains and kept:
        the same for every picture, and so is its error. temperatures: twenty for each chain where
        none are given. x: (B, C, H, W) in [0, 1]."""
        x = self.checked(x)
        x = self.observed(x, rng) if binarise else x
        temperatures = 20 * samples if temperatures is None else temperatures
        log_z, error = self._log_z(samples, temperatures)
        nats = -self.energy(x) - log_z
        return Likelihood(
            nats,
            "estimate",
            "binary",
            torch.full_like(nats, error),
            how=f"log Z = {log_z:.2f} ± {error:.2f} by annealed importance sampling, "
            f"{samples} chains, {temperatures} temperatures",
        )

    def _log_z(self, samples: int, temperatures: int) -> tuple[float, float]:
        weights = [(p.data_ptr(), p._version) for p in (*self.parameters(), self.chains)]
        key = (samples, temperatures, *weights)
        if key not in self._partition:
            self._partition = {key: self.log_partition(samples, temperatures, generator(0))}
        return self._partition[key]


def _bits(rng: Generator | Streams) -> Callable[[Tensor], Tensor]:
    """Draws 0 or 1 with a chance each: for the pictures of a batch from their streams, for chains,
    which are the same in each of several processes, from a generator."""

    def bits(p: Tensor) -> Tensor:
        if isinstance(rng, Streams):
            u = uniform(p.shape, rng, p.device)
        else:
            u = torch.rand(p.shape, generator=rng, device=rng.device).to(p.device)
        return (u < p).to(p.dtype)

    return bits
