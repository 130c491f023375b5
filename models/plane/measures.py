"""How far a model of the plane is from the truth: numbers with their errors, and what each is.

Where both densities are known everywhere, divergences are sums over a grid of cells ("grid"), their
error the difference between sums over two halves of the cells. Where the model has samples alone
they are estimated, and ``kind`` names the estimator.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from torch import Generator, Tensor

from models.plane.contract import BOX, HasDensity, Method, grid
from models.plane.data import Dataset
from models.plane.densities import Density

FLOOR = -30.0  # log densities are no lower than this where they are compared
ASSIGNED = 200  # points of one exact assignment


@dataclass(frozen=True)
class Measure:
    """A number, its standard error, and how it was found."""

    value: float
    stderr: float
    kind: str

    def as_dict(self) -> dict[str, float | str]:
        return asdict(self)


def mean_of(values: Tensor, kind: str) -> Measure:
    """The mean of independent values (N,), N > 1."""
    values = values.double()
    return Measure(float(values.mean()), float(values.std() / math.sqrt(len(values))), kind)


# -- of densities on a grid -----------------------------------------------------------------------


def divergences(log_p: Tensor, log_q: Tensor) -> dict[str, Measure]:
    """KL(p || q), KL(q || p) and the Jensen-Shannon divergence (Lin 1991), nats, by sums over the
    cells of a grid of ``BOX``. log_p, log_q: (G, G), of any scale: both are made to sum to one."""
    side = len(log_p)
    p, q = (each.double().clamp(min=FLOOR) for each in (log_p, log_q))

    def sums(cells: Tensor) -> Tensor:
        a, b = p[cells].log_softmax(0), q[cells].log_softmax(0)
        middle = torch.logaddexp(a, b) - math.log(2)
        forward, backward = a.exp() * (a - b), b.exp() * (b - a)
        apart = a.exp() * (a - middle) + b.exp() * (b - middle)
        return torch.stack([forward.sum(), backward.sum(), 0.5 * apart.sum()])

    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    even = (row + column) % 2 == 0
    whole, errors = sums(torch.ones_like(even)), (sums(even) - sums(~even)).abs() / 2
    kind = f"grid of {side} x {side}"
    found = zip(("kl_forward", "kl_backward", "js"), whole.tolist(), errors.tolist(), strict=True)
    return {name: Measure(value, error, kind) for name, value, error in found}


# -- of samples -----------------------------------------------------------------------------------


def neighbour_divergences(x: Tensor, y: Tensor, density: Density) -> dict[str, Measure]:
    """KL(p || q) and KL(q || p) of samples y (M, 2) of q; p is known, x (N, 2) are its samples.

    The density of q at a point is taken from the distance to its nearest sample (Wang et al. 2009,
    equation 5; of y itself Kozachenko and Leonenko 1987). The error is that of the mean alone.
    """
    near_y = cKDTree(y.numpy())
    to_y = torch.from_numpy(near_y.query(x.numpy())[0])
    within_y = torch.from_numpy(near_y.query(y.numpy(), 2)[0][:, 1])
    # E log(unit ball's area * n * r^2) = -gamma' - log q, with gamma' Euler's constant.
    constant = math.log(math.pi) + float(np.euler_gamma)
    log_q_at_x = -(constant + math.log(len(y)) + 2 * to_y.clamp(min=1e-9).log())
    log_q_at_y = -(constant + math.log(len(y) - 1) + 2 * within_y.clamp(min=1e-9).log())
    kind = f"nearest neighbours among {len(y):,} samples"
    return {
        "kl_forward": mean_of(density.log_density(x) - log_q_at_x, kind),
        "kl_backward": mean_of(log_q_at_y - density.log_density(y), kind),
    }


def kernel_log_density(samples: Tensor, x: Tensor, width: float = 0.12) -> Tensor:
    """(N,) log density at x of Gaussians of one width about samples (M, 2)."""
    scale = math.log(len(samples)) + 2 * math.log(width) + math.log(2 * math.pi)
    parts = [
        (-0.5 * torch.cdist(part, samples).square() / width**2).logsumexp(1)
        for part in x.split(1024)
    ]
    return torch.cat(parts) - scale


def wasserstein(x: Tensor, y: Tensor) -> Measure:
    """W1 by exact assignment of equally many points, in parts whose spread gives the error. Of so
    few points it is above zero for two samples of one density, too."""
    size = min(ASSIGNED, len(x), len(y))
    parts = min(4, len(x) // size, len(y) // size)
    costs = []
    for k in range(parts):
        chosen = slice(k * size, (k + 1) * size)
        distances = torch.cdist(x[chosen], y[chosen]).double().numpy()
        rows, columns = linear_sum_assignment(distances)
        costs.append(distances[rows, columns].mean())
    error = float(np.std(costs, ddof=1) / math.sqrt(parts)) if parts > 1 else 0.0
    return Measure(float(np.mean(costs)), error, f"exact assignment, {parts} x {size} points")


def mmd(x: Tensor, y: Tensor, width: float = 0.5) -> Measure:
    """The squared maximum mean discrepancy, without bias, linear in time by pairs within parts
    (Gretton et al. 2012, lemma 6), of a Gaussian kernel."""
    size = min(len(x), len(y), 800) // 4

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return torch.exp(-0.5 * torch.cdist(a, b).double().square() / width**2)

    values = []
    for k in range(4):
        a, b = x[k * size : (k + 1) * size], y[k * size : (k + 1) * size]
        apart = 1 - torch.eye(size, dtype=torch.float64)
        within = (kernel(a, a) * apart).sum() + (kernel(b, b) * apart).sum()
        across = (kernel(a, b) * apart).sum()
        values.append((within - 2 * across) / (size * (size - 1)))
    return mean_of(torch.stack(values), f"unbiased, Gaussian kernel of width {width:g}")


def modes_found(samples: Tensor, density: Density) -> Measure:
    """How many modes have at least a fifth of the share of samples that is theirs, within three
    widths. The truth's own share is counted by its samples, as large a number of them."""
    truth = density.sample(4000, torch.Generator().manual_seed(0))

    def shares(points: Tensor) -> Tensor:
        distance = torch.cdist(points, density.modes)
        nearest = distance.argmin(1)
        close = distance.amin(1) < 3 * density.spread
        return torch.bincount(nearest[close], minlength=len(density.modes)) / len(points)

    enough = shares(samples) > 0.2 * shares(truth)
    return Measure(float(enough.sum()), 0.0, f"of {len(density.modes)}")


# -- of a method ----------------------------------------------------------------------------------


def measure(
    method: Method, data: Dataset, rng: Generator, log_q: Tensor | None = None, count: int = 1000
) -> dict[str, Measure]:
    """What can be said of a method on a set, by name. log_q: (G, G), its density on the grid, where
    that is at hand. count: samples to take."""
    found: dict[str, Measure] = {}
    samples, held = method.sample(count, rng), data.held_out
    there = samples.isfinite().all(1)
    samples = samples[there] if there.sum() > count // 2 else torch.zeros(count, 2)
    if isinstance(method, HasDensity):
        log_likelihood = method.log_density(held).clamp(min=FLOOR)
        found["log_likelihood"] = mean_of(log_likelihood, "held-out points")
        if log_q is None and data.density is not None:
            log_q = method.log_density(grid()).reshape(64, 64)
    if data.density is not None:
        if log_q is not None:
            side = len(log_q)
            log_p = data.density.log_density(grid(side)).reshape(side, side)
            found |= divergences(log_p, log_q)
        else:
            found |= neighbour_divergences(held, samples, data.density)
            cells = grid()
            log_p = data.density.log_density(cells).reshape(64, 64)
            log_kernel = kernel_log_density(samples, cells).reshape(64, 64)
            js = divergences(log_p, log_kernel)["js"]
            found["js"] = Measure(js.value, js.stderr, f"kernel density of {len(samples)} samples")
        if len(data.density.modes):
            found["modes"] = modes_found(samples, data.density)
    found["w1"] = wasserstein(held, samples)
    found["mmd"] = mmd(held, samples)
    return found


def cell_area(side: int) -> float:
    """The area of a cell of a grid of ``BOX``."""
    return ((BOX[1] - BOX[0]) / side) ** 2
