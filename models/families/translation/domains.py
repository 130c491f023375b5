"""The two domains of a translation, made of one data set of which every picture serves one of them.

Nothing pairs them: no picture of one domain has its counterpart among those of the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

SHARE = 4  # one picture in so many is thin, and as many are bold
LEAST_EDGE, EDGE_GAIN = 0.1, 3.0  # of a change of grey level that is drawn, and how strongly


@dataclass(frozen=True)
class Domains:
    """Two kinds of pictures.

    a, b: what they are called. chosen(x): of B pictures, those that serve domain a and those that
    serve b, as two (n,) lists of places. as_a(x), as_b(x): what pictures of the data set look like
    in either, (B, C, H, W).
    """

    a: str
    b: str
    chosen: Callable[[Tensor], tuple[Tensor, Tensor]]
    as_a: Callable[[Tensor], Tensor]
    as_b: Callable[[Tensor], Tensor]


def as_it_is(x: Tensor) -> Tensor:
    return x


def halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """Places in pictures x (B, C, H, W) whose grey levels have an even sum, and an odd one: about
    half of them each, and a picture is always on the same side."""
    odd = x.mul(255).round().flatten(1).sum(1, dtype=torch.float64).long() % 2
    return (odd == 0).nonzero()[:, 0], (odd == 1).nonzero()[:, 0]


def thinnest_and_boldest(x: Tensor) -> tuple[Tensor, Tensor]:
    """Places in pictures x (B, C, H, W) of the quarter with the thinnest strokes among them, and of
    the quarter with the boldest: one picture each at least."""
    order = stroke_width(x).argsort()
    k = max(1, len(x) // SHARE)
    return order[:k], order[len(order) - k :]


def eroded(x: Tensor) -> Tensor:
    """The darkest of the nine pixels around each; x and the result (B, C, H, W)."""
    return 1 - F.max_pool2d(F.pad(1 - x, (1, 1, 1, 1), value=1.0), 3, stride=1)


def outline(x: Tensor) -> Tensor:
    """White lines where pictures x (B, C, H, W) in [0, 1] have edges, black elsewhere; as x.

    The inner morphological gradient, x without its erosion, is drawn where it is strong. A line is
    a pixel wide and lies on the brighter side of its edge.
    """
    return ((x - eroded(x) - LEAST_EDGE) * EDGE_GAIN).clamp(0, 1)


def stroke_width(x: Tensor) -> Tensor:
    """The mean width of white strokes on black in pixels, (B,): twice their area over the length of
    their edges. x: (B, C, H, W) in [0, 1]."""
    area, edge = x.flatten(1).sum(1), (x - eroded(x)).flatten(1).sum(1)
    return 2 * area / edge.clamp(min=1e-6)


DOMAINS = {
    "outlines": Domains("outline", "picture", halves, outline, as_it_is),
    "strokes": Domains("thin", "bold", thinnest_and_boldest, as_it_is, as_it_is),
}
