"""A picture's scores by itself: the same picture has the same scores, whatever it comes with.

Chance has a part in most scores: pixels are drawn black or white, codes from a posterior, noise at
a level. Here every picture has its own chances, which its own pixels and a seed decide. So neither
the other pictures of a batch nor their order or number matter, and a copy scores what the original
does.

Of a model of black and white a picture of greys is many pictures: each pixel is drawn 0 or 1 with
its grey level as the probability. One such draw is worth little (for digits it moves -log p(x) by
several nats), so the numbers are means over ``DRAWS`` of them, with the standard error that this
leaves: an estimate, also where the model gives the exact value of each draw.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from models.contract.abilities import Observes
from models.contract.model import Likelihood
from models.contract.random import generator
from models.scores.registry import Scored
from models.scores.scores import score

if TYPE_CHECKING:
    from models.checkpoints.reference import Reference
    from models.contract.model import Model

DRAWS = 8  # of the pixels of a picture that a model takes as black and white


def score_each(
    model: Model,
    x: Tensor,
    names: Iterable[str],
    seed: int = 0,
    reference: Reference | None = None,
    background: Model | None = None,
) -> dict[str, Scored]:
    """Those scores of pictures, each by itself, by name (see ``models.scores.scores.score``).

    x: (B, C, H, W) in [0, 1]. ``stderr`` is what is left of chance in the drawing of pixels: 0 for
    a picture that is black and white already, and for a model that draws none. Raises ValueError
    as ``score`` does.
    """
    names = tuple(names)

    def of(copies: Tensor, own: int) -> dict[str, Scored]:
        found = score(model, copies, names, generator(seed, own), reference, background)
        return {name: averaged(scored) for name, scored in found.items()}

    found = _each(model, x, of)
    return {name: _joined([each[name] for each in found]) for name in names}


def likelihood_each(model: Model, x: Tensor, seed: int = 0, **effort: Any) -> Likelihood:
    """Log-likelihoods of pictures, each by itself. x: (B, C, H, W) in [0, 1]; effort: of the
    model's ``log_likelihood``."""

    def of(copies: Tensor, own: int) -> Likelihood:
        with torch.no_grad():
            return mean_likelihood(model.log_likelihood(copies, generator(seed, own), **effort))

    return _joined_likelihoods(_each(model, x, of))


def draws_of(model: Model, x: Tensor) -> int:
    """How often the pixels of x (C, H, W) are drawn: once where no chance is in that, as the model
    takes levels as they are, or all of them are black or white."""
    grey = bool(((x > 0) & (x < 1)).any())
    return DRAWS if grey and draws_pixels(model) else 1


def draws_pixels(model: Model) -> bool:
    """Whether what the model observes of a picture is a matter of chance."""
    if not isinstance(model, Observes):
        return False
    half = torch.full((8, *model.image_shape), 0.5, device=model.device)
    return len(model.observed(half, generator(0)).unique()) > 1


def _each(model: Model, x: Tensor, of: Callable[[Tensor, int], Any]) -> list[Any]:
    """``of(copies, number)`` of every picture; the number is the picture's own. Copies of a picture
    are asked about once."""
    x = model.checked(x)
    kept: dict[int, Any] = {}
    found = []
    for picture in x:
        own = _number_of(picture)
        if own not in kept:
            copies = picture.expand(draws_of(model, picture), *picture.shape)
            kept[own] = of(copies.to(model.device), own)
        found.append(kept[own])
    return found


def _number_of(picture: Tensor) -> int:
    """A whole number that the 8-bit levels of (C, H, W) decide."""
    levels = (picture.detach().cpu().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return int.from_bytes(hashlib.sha256(levels.numpy().tobytes()).digest()[:8], "little")


# -- means over draws ------------------------------------------------------------------------------


def averaged(scored: Scored) -> Scored:
    """The mean over a batch of draws of one picture, as a batch of one, with its standard error."""
    K = len(scored.values)
    likelihood = None if scored.likelihood is None else mean_likelihood(scored.likelihood)
    if K == 1:
        return dataclasses.replace(scored, stderr=torch.zeros_like(scored.values))
    return Scored(
        _mean(scored.values),
        _mean(scored.per_pixel),
        {name: _mean(values) for name, values in scored.details.items()},
        likelihood,
        _error(scored.values),
    )


def mean_likelihood(found: Likelihood) -> Likelihood:
    """The same of log-likelihoods. What was exact of each draw is an estimate of their mean."""
    K = len(found.nats)
    if K == 1:
        return found
    kind = "estimate" if found.kind == "exact" else found.kind
    words = f"mean over {K} draws of the pixels, black or white"
    # What spreads the draws includes each one's own error.
    return Likelihood(
        _mean(found.nats), kind, found.space, _error(found.nats), _mean(found.per_pixel),
        {name: _mean(values) for name, values in found.details.items() if len(values) == K},
        f"{words}; {found.how}" if found.how else words,
    )  # fmt: skip


def _mean(values: Tensor | None) -> Tensor | None:
    return None if values is None else values.double().mean(0, keepdim=True).to(values.dtype)


def _error(values: Tensor) -> Tensor:
    error = values.double().std(0, keepdim=True) / len(values) ** 0.5
    return error.to(values.dtype)


# -- one after the other ---------------------------------------------------------------------------


def _joined(parts: Sequence[Scored]) -> Scored:
    first = parts[0]
    likelihoods = [part.likelihood for part in parts]
    return Scored(
        torch.cat([part.values for part in parts]),
        _cat([part.per_pixel for part in parts]),
        {name: torch.cat([part.details[name] for part in parts]) for name in first.details},
        None if first.likelihood is None else _joined_likelihoods(likelihoods),
        torch.cat([part.stderr for part in parts]),
    )


def _joined_likelihoods(parts: Sequence[Likelihood]) -> Likelihood:
    """Where one picture's number is an estimate, all are called so: the others' error is 0."""
    first = next((part for part in parts if part.kind != "exact"), parts[0])
    errors = None
    if any(part.stderr is not None for part in parts):
        errors = [torch.zeros_like(p.nats) if p.stderr is None else p.stderr for p in parts]
    shared = set(first.details).intersection(*(part.details for part in parts))
    return Likelihood(
        torch.cat([part.nats for part in parts]),
        first.kind,
        first.space,
        _cat(errors),
        _cat([part.per_pixel for part in parts]),
        {name: torch.cat([p.details[name] for p in parts]) for name in first.details
         if name in shared},
        first.how,
    )  # fmt: skip


def _cat(parts: Sequence[Tensor | None] | None) -> Tensor | None:
    return None if not parts or any(part is None for part in parts) else torch.cat([*parts])
