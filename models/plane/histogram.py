r"""A histogram: points counted in square bins.

$p(x) = \frac{n_b + a}{(n + a B) \, h^2}$ for $x$ in bin $b$ of side $h$, of $B$ bins, after $n$
points (Bishop 2006, equation 2.241). Wide bins blur; narrow ones are empty, or hold one point
each. With $d$ coordinates there are $B^d$ bins: what a histogram cannot do is more than the
plane.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from models.contract.config import setting
from models.plane.contract import BOX, Method, Part


@dataclass(frozen=True)
class Config:
    bins: int = setting(32, "Bins along each side.", low=2, high=200)
    batch: int = setting(100, "Points counted a step.", low=1, high=5000, live=True)
    smoothing: float = setting(
        0.01, "Points that each bin is given beforehand: no bin is impossible.",
        low=0.0001, high=10.0, live=True,
    )  # fmt: skip


class Histogram(Method):
    TITLE = "Histogram"
    PAPER = "Bishop 2006, Pattern Recognition and Machine Learning, section 2.5"
    DENSITY = "exact"
    Config = Config

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        bins = self.config.bins
        self.register_buffer("counts", torch.zeros(bins * bins))
        self.register_buffer("left", torch.tensor(1))  # points that were not counted yet

    @property
    def finished(self) -> bool:
        return int(self.left) == 0

    @property
    def _side(self) -> float:
        return (BOX[1] - BOX[0]) / self.config.bins

    def _bin(self, x: Tensor) -> Tensor:
        """(N,): which bin each point is in, row by row; those outside are counted at the border."""
        column, row = ((x - BOX[0]) / self._side).long().clamp(0, self.config.bins - 1).unbind(1)
        return row * self.config.bins + column

    def improve(self, x: Tensor, rng: Generator) -> Iterator[Part]:
        begin = int(self.counts.sum())
        new = x[begin : begin + self.config.batch]
        self.counts.add_(torch.bincount(self._bin(new), minlength=len(self.counts)))
        self.left.fill_(max(0, len(x) - begin - len(new)))
        inside = (x.abs() <= BOX[1]).all(1)
        loss = -float(self.log_density(x[inside]).mean())
        yield Part("count", {"loss": loss, "counted": begin + len(new)})

    @property
    def _chances(self) -> Tensor:
        """(B,): how likely each bin is."""
        raised = self.counts + self.config.smoothing
        return raised / raised.sum()

    @torch.no_grad()
    def log_density(self, x: Tensor) -> Tensor:
        log_p = (self._chances[self._bin(x)] / self._side**2).log()
        outside = (x.abs() > BOX[1]).any(1)
        return log_p.masked_fill(outside, -torch.inf)

    @torch.no_grad()
    def sample_steps(self, n: int, rng: Generator) -> Iterator[Tensor]:
        which, within = torch.rand(n, generator=rng), torch.rand(n, 2, generator=rng)
        chosen = torch.searchsorted(self._chances.cumsum(0), which).clamp(max=len(self.counts) - 1)
        corner = torch.stack([chosen % self.config.bins, chosen // self.config.bins], 1)
        yield BOX[0] + (corner + within) * self._side
