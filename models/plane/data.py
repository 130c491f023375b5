"""Sets of points of the plane: named ones with a density that is known, and a visitor's own.

``dataset("ring")`` is 2,000 points to learn from, 1,000 held out, and the density they came from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.contract.random import generator
from models.plane.contract import BOX
from models.plane.densities import Bent, Density, Mixture, Squares, turned

FEWEST, MOST = 50, 5000  # points to learn from
HELD_OUT = 1000  # of a named set
PART_HELD_OUT = 0.2  # of a set of one's own


@dataclass(frozen=True, eq=False)
class Dataset:
    """Points to learn from (N, 2), others held out (M, 2), and their density where it is known."""

    key: str
    title: str
    points: Tensor
    held_out: Tensor
    density: Density | None = None


# -- named sets -----------------------------------------------------------------------------------


def ring(modes: int = 8, radius: float = 2.0, spread: float = 0.2) -> Density:
    """Gaussians on a circle, as GANs are tried on (Metz et al. 2017, section 3.1)."""
    angle = 2 * math.pi * torch.arange(modes) / modes
    means = radius * torch.stack([angle.cos(), angle.sin()], 1)
    return Mixture.round(means, spread, peaks=True)


def moons(spread: float = 0.14) -> Density:
    angle = math.pi * (torch.arange(48) + 0.5) / 48
    upper = torch.stack([angle.cos() - 0.5, angle.sin() - 0.25], 1)
    lower = torch.stack([0.5 - angle.cos(), 0.25 - angle.sin()], 1)
    return Mixture.round(1.6 * torch.cat([upper, lower]), spread)


def spiral(turns: float = 1.25, spread: float = 0.12) -> Density:
    """Two arms, as many points on each piece of an arm as it is long."""
    along = (torch.arange(112) + 0.5) / 112
    angle, radius = 2 * math.pi * turns * along, 0.4 + 2.4 * along
    arm = radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
    length = (2.4**2 + (2 * math.pi * turns * radius).square()).sqrt()
    return Mixture.round(torch.cat([arm, -arm]), spread, length.repeat(2))


def checkerboard(side: float = 1.3, softness: float = 0.06) -> Density:
    """The eight dark squares of a board of four by four."""
    line = side * (torch.arange(4) - 1.5)
    places = [(line[i], line[j]) for i in range(4) for j in range(4) if (i + j) % 2]
    return Squares(torch.tensor(places), side, softness)


def circles(inner: float = 1.0, outer: float = 2.4, spread: float = 0.13) -> Density:
    """Two circles, as many points on each."""
    angle = 2 * math.pi * torch.arange(120) / 120
    circle = torch.stack([angle.cos(), angle.sin()], 1)
    weights = torch.tensor([2.0] * 60 + [1.0] * 120)
    return Mixture.round(torch.cat([inner * circle[::2], outer * circle]), spread, weights)


def pinwheel(arms: int = 5, twist: float = 0.6) -> Density:
    """Long Gaussians about the centre, turned by an angle that grows with the distance from it."""
    angle = 2 * math.pi * torch.arange(arms) / arms
    direction = torch.stack([angle.cos(), angle.sin()], 1)
    across = torch.stack([-angle.sin(), angle.cos()], 1)
    covariances = 0.45**2 * direction[:, :, None] * direction[:, None]
    covariances = covariances + 0.14**2 * across[:, :, None] * across[:, None]
    means = 1.7 * direction
    straight = Mixture(torch.full((arms,), 1 / arms), means, covariances, means, 0.3)
    return Bent(
        straight,
        lambda x: turned(x, twist * x.norm(dim=1)),
        lambda x: turned(x, -twist * x.norm(dim=1)),
    )


def banana(bend: float = 0.5) -> Density:
    """A wide Gaussian of which each column is moved down, by the square of how far out it is
    (Haario et al. 1999)."""

    def moved(x: Tensor, sign: float) -> Tensor:
        return torch.stack([x[:, 0], x[:, 1] - sign * bend * (x[:, 0].square() - 1.0)], 1)

    wide = torch.diag(torch.tensor([1.0, 0.3**2]))[None]
    origin = torch.zeros(1, 2)
    straight = Mixture(torch.ones(1), origin, wide, origin[:0], 0.3)
    return Bent(straight, lambda x: moved(x, 1.0), lambda x: moved(x, -1.0))


def correlated(correlation: float = 0.85, width: float = 1.0) -> Density:
    """One Gaussian, both coordinates as wide."""
    if not -0.99 <= correlation <= 0.99:
        raise ValueError(f"The correlation goes from -0.99 to 0.99, not {correlation:g}.")
    covariance = width**2 * torch.tensor([[1.0, correlation], [correlation, 1.0]])
    origin = torch.zeros(1, 2)
    return Mixture(torch.ones(1), origin, covariance[None], origin, width)


def mixture(
    means: Sequence[Sequence[float]] = ((-1.6, 1.0), (1.5, 1.5), (0.3, -1.7)),
    widths: Sequence[float] = (0.5, 0.3, 0.7),
    weights: Sequence[float] = (0.4, 0.25, 0.35),
) -> Density:
    """Round Gaussians of one's own. Raises ValueError, one sentence, where they are none."""
    if not 1 <= len(means) <= 16 or not len(means) == len(widths) == len(weights):
        raise ValueError("A mixture has 1 to 16 Gaussians, each with a mean, a width and a weight.")
    places = torch.tensor(means, dtype=torch.float32)
    each = torch.tensor(widths, dtype=torch.float32)
    shares = torch.tensor(weights, dtype=torch.float32)
    if places.shape != (len(means), 2) or not bool((places.abs() <= BOX[1]).all()):
        raise ValueError("The means of a mixture are two numbers each, from -4 to 4.")
    if not bool(((each >= 0.05) & (each <= 2)).all()):
        raise ValueError("The widths of a mixture go from 0.05 to 2.")
    if not bool((shares > 0).all()) or not bool(shares.isfinite().all()):
        raise ValueError("The weights of a mixture are numbers above zero.")
    covariances = each.square()[:, None, None] * torch.eye(2)
    return Mixture(shares / shares.sum(), places, covariances, places, float(each.max()))


# Their titles, for people; in the order they are offered in.
TITLES = {
    "ring": "Ring of eight",
    "moons": "Two moons",
    "spiral": "Spiral",
    "checkerboard": "Checkerboard",
    "circles": "Two circles",
    "pinwheel": "Pinwheel",
    "banana": "Banana",
    "correlated": "Correlated Gaussian",
    "mixture": "Mixture",
}
DENSITIES: dict[str, Callable[..., Density]] = {
    "ring": ring,
    "moons": moons,
    "spiral": spiral,
    "checkerboard": checkerboard,
    "circles": circles,
    "pinwheel": pinwheel,
    "banana": banana,
    "correlated": correlated,
    "mixture": mixture,
}


def dataset(key: str, n: int = 2000, seed: int = 0, **arguments: object) -> Dataset:
    """A named set. arguments: of its function, such as the mixture's means.

    Raises ValueError with one sentence for an unknown name, number of points or argument.
    """
    if key not in DENSITIES:
        raise ValueError(f"There is no set '{key}'. Known sets: {', '.join(DENSITIES)}.")
    if not FEWEST <= n <= MOST:
        raise ValueError(f"A set has {FEWEST} to {MOST:,} points, not {n:,}.")
    try:
        density = DENSITIES[key](**arguments)
    except TypeError as error:
        raise ValueError(f"'{key}' has other settings than those given.") from error
    points = density.sample(n, generator(seed, 0))
    held_out = density.sample(HELD_OUT, generator(seed, 1))
    return Dataset(key, TITLES[key], points, held_out, density)


# -- sets of one's own ----------------------------------------------------------------------------


def own(points: object, seed: int = 0, key: str = "own", title: str = "Your points") -> Dataset:
    """A set of given points (N, 2), a fifth of them held out, chosen by the seed.

    Raises ValueError with one sentence where nothing can be learned from them.
    """
    x = checked(points)
    order = torch.randperm(len(x), generator=generator(seed, 2))
    held = round(PART_HELD_OUT * len(x))
    return Dataset(key, title, x[order[held:]].contiguous(), x[order[:held]].contiguous())


def checked(points: object) -> Tensor:
    """(N, 2) of what somebody gave as points. Raises ValueError with one sentence."""
    strange = "A point is two numbers, x and y; something else is among them."
    try:
        x = np.asarray(points, dtype=np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(
            "A point is two numbers, x and y; something else is among them."
        ) from error
    if x.size == 0:
        raise ValueError("There are no points yet. Draw some, or choose a named set.")
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(strange)
    if not np.isfinite(x).all():
        raise ValueError("A coordinate is no number. Every point needs an x and a y.")
    if len(x) == 1:
        raise ValueError(f"One point is no distribution. Draw at least {FEWEST} points.")
    if len(x) < FEWEST:
        raise ValueError(f"{len(x)} points are too few to learn from. Draw at least {FEWEST}.")
    if len(x) > MOST:
        raise ValueError(
            f"{len(x):,} points are more than can be learned from here; {MOST:,} are the most. "
            "Erase some, or choose a part of them."
        )
    if np.abs(x).max() > BOX[1]:
        raise ValueError("A point lies outside the plane. Coordinates go from -4 to 4.")
    if np.ptp(x, axis=0).max() < 0.05:
        raise ValueError("All points are in one place. Draw some elsewhere, too.")
    return torch.from_numpy(x.copy())


def from_picture(grey: np.ndarray, n: int = 2000, seed: int = 0) -> Dataset:
    """Points where a picture is dark, (H, W) from 0 (black) to 1 (white): a pixel's darkness is
    its density. Raises ValueError with one sentence where there is none."""
    dark = 1.0 - np.clip(np.asarray(grey, dtype=np.float64), 0.0, 1.0)
    if dark.ndim != 2 or not np.isfinite(dark).all():
        raise ValueError("That is not a grey picture. Drop a PNG or a JPEG.")
    dark[dark < 0.1] = 0.0  # paper is seldom quite white
    if dark.sum() <= 0:
        raise ValueError("The picture has no dark pixels to take points from. Try a darker one.")
    rng = np.random.default_rng([seed, 3])
    height, width = dark.shape
    pixel = rng.choice(dark.size, size=n, p=(dark / dark.sum()).ravel())
    row, column = np.divmod(pixel, width)
    scale = 6.4 / max(height, width)  # the longer side goes from -3.2 to 3.2
    x = (column + rng.random(n) - width / 2) * scale
    y = (height / 2 - row - rng.random(n)) * scale
    return own(np.stack([x, y], 1), seed, "picture", "Your picture")


def read_points(path: str | Path) -> np.ndarray:
    """(N, 2) of a text file with two numbers a line, scaled into the box where they lie outside.

    Raises ValueError with one sentence where the file holds something else.
    """
    path = Path(path)
    wrong = f"'{path.name}' holds no points. A line of a file of points is two numbers, x and y."
    try:
        text = path.read_text(encoding="utf-8")
        rows = [line.replace(",", " ").split() for line in text.splitlines() if line.strip()]
        x = np.array([[float(value) for value in row] for row in rows])
    except FileNotFoundError as error:
        raise ValueError(f"There is no file '{path}'.") from error
    except (ValueError, OSError) as error:
        raise ValueError(wrong) from error
    if x.size and (x.ndim != 2 or x.shape[1] != 2 or not np.isfinite(x).all()):
        raise ValueError(wrong)
    if x.size and np.abs(x).max() > BOX[1]:
        middle = (x.max(0) + x.min(0)) / 2
        x = (x - middle) * (6.4 / max(np.ptp(x, axis=0).max(), 1e-12))
    return x
