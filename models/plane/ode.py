"""Points and densities carried along a velocity: dx/dt = v(x, t), by midpoint steps.

The log density of a carried point falls as the velocity spreads points out,
d log p / dt = -div v (Chen et al. 2018, theorem 1; Song et al. 2021, equation 39).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

Velocity = Callable[[Tensor, float], Tensor]  # (N, 2) and a time -> (N, 2)


@torch.no_grad()
def carried(velocity: Velocity, x: Tensor, times: Sequence[float]) -> Iterator[Tensor]:
    """Where points x (N, 2) are at each of the times, x itself first."""
    yield x
    for begin, end in pairwise(times):
        dt = end - begin
        middle = x + dt / 2 * velocity(x, begin)
        x = x + dt * velocity(middle, begin + dt / 2)
        yield x


def with_divergence(velocity: Velocity, x: Tensor, t: float) -> tuple[Tensor, Tensor]:
    """v (N, 2) and its divergence (N,), exact: two coordinates have two derivatives."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        v = velocity(x, t)
        by_x = torch.autograd.grad(v[:, 0].sum(), x, retain_graph=True)[0]
        by_y = torch.autograd.grad(v[:, 1].sum(), x)[0]
    return v.detach(), by_x[:, 0] + by_y[:, 1]


@torch.no_grad()
def log_density(
    velocity: Velocity, x: Tensor, times: Sequence[float], log_noise: Callable[[Tensor], Tensor]
) -> Tensor:
    """(N,) log p of points x (N, 2) at the first of the times, by way of the noise at the last.

    log_noise: (N, 2) -> (N,) the log density there.
    """
    change = torch.zeros(len(x))
    for begin, end in pairwise(times):
        dt = end - begin
        middle = x + dt / 2 * velocity(x, begin)
        v, divergence = with_divergence(velocity, middle, begin + dt / 2)
        x, change = x + dt * v, change + dt * divergence
    return log_noise(x) + change
