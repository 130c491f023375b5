r"""From a picture back to a code: the search for the code whose picture comes nearest.

A generator has no way back. But it can be differentiated, and so a code can be searched for by
gradient descent (Creswell and Bharath 2016, eq. 1; Lipton and Tripathi 2017),

$$z^* = \arg\min_z \; \tfrac{1}{D} \|G(z) - x\|^2 + \lambda \|z\|^2 / \dim z ,$$

D the picture's numbers. The second term is the prior's pull: $-\log p(z)$ but for a constant. The
problem has many valleys, so several searches go on at once from other codes, and the best counts.
Where part of a code has values of its own (``Code``), the search keeps to them: a
category stays the one that a search began with, and numbers stay between their ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from models.contract.capabilities import Encodes, HasCodes
from models.contract.model import Code, GenerativeModel
from models.contract.random import normal, uniform

RATE, PRIOR, RESTARTS, STEPS = 0.1, 1e-3, 8, 200


@dataclass(frozen=True)
class Attempt:
    """Where all searches are after ``step`` of ``total`` steps.

    z: (R, latent), their codes; x: (R, C, H, W), what those give. errors: (R,), the root mean
    square difference from the picture, in parts of the range. label: (R,) classes, or None. best:
    the search of the least error.
    """

    step: int
    total: int
    z: Tensor
    x: Tensor
    errors: Tensor
    label: Tensor | None

    @property
    def best(self) -> int:
        return int(self.errors.argmin())


def starting_codes(model: GenerativeModel, n: int, rng: Generator) -> Tensor:
    """(n, latent) codes from the prior; of a categorical code each value in turn. Raises ValueError
    where the model has no prior."""
    if model.code_prior == "none":
        raise ValueError("This model has codes of pictures alone: there is no code to begin with.")
    draw = uniform if model.code_prior == "uniform" else normal
    z = draw((n, model.latent), rng, model.device)
    for code in codes_of(model):
        if code.kind == "categorical":
            turn = torch.arange(n, device=z.device) % (code.stop - code.start)
            z[:, code.start : code.stop] = F.one_hot(turn, code.stop - code.start).to(z)
        else:
            drawn = uniform((n,), rng, z.device)
            z[:, code.start] = code.low + (code.high - code.low) * drawn
    return z


def codes_of(model: GenerativeModel) -> Sequence[Code]:
    """The parts of a model's code that mean something by themselves; none for most models."""
    return model.codes if isinstance(model, HasCodes) else ()


def valid(z: Tensor, codes: Sequence[Code]) -> Tensor:
    """Codes z (..., latent) with every part brought to the nearest value that it can have: a
    categorical one to its largest entry, a continuous one between its ends."""
    if not codes:
        return z
    z = z.clone()
    for code in codes:
        part = z[..., code.start : code.stop]
        if code.kind == "categorical":
            z[..., code.start : code.stop] = F.one_hot(part.argmax(-1), part.shape[-1]).to(z)
        else:
            z[..., code.start : code.stop] = part.clamp(code.low, code.high)
    return z


def invert_steps(
    model: GenerativeModel,
    x: Tensor,
    start: Tensor,
    label: int | Tensor | None = None,
    steps: int = STEPS,
    rate: float = RATE,
    prior: float = PRIOR,
) -> Iterator[Attempt]:
    """Yields where the searches are, before the first step and after each: ``steps`` + 1 times.

    x: (1, C, H, W) in [0, 1], the picture. start: (R, latent), where the searches begin
    (``starting_codes``). label: the class, of one for all or one each, of a model that takes one.
    Adam (Kingma and Ba 2015) with a rate that falls to 0 along half a cosine; the searches do not
    touch one another. The same start gives the same codes. Raises ValueError for a picture of
    another size, a rate or a prior's pull that cannot be.
    """
    model.checked(x)
    if not rate > 0 or not prior >= 0 or steps < 1:
        raise ValueError("The search needs a step, a rate above 0 and a pull of 0 or more.")
    asked = {} if label is None else {"label": model.checked_label(label, len(start))}
    codes = codes_of(model)
    free = torch.full(
        (start.shape[1],), model.code_prior == "normal", dtype=torch.bool, device=start.device
    )
    for code in codes:
        free[code.start : code.stop] = False  # no normal numbers: the prior does not pull them
    searched = torch.ones_like(free)
    bounded = torch.full_like(free, model.code_prior == "uniform")
    for code in codes:
        searched[code.start : code.stop] = code.kind == "continuous"
        bounded[code.start : code.stop] = False

    def possible(z: Tensor) -> Tensor:
        return valid(torch.where(bounded, z.clamp(0, 1), z), codes)

    z = possible(start.detach().float().clone())
    optimizer = torch.optim.Adam([z], lr=rate)
    for step in range(steps + 1):
        with torch.enable_grad():
            made = model.decode(z.requires_grad_(), **asked)
            squared = (made - x).square().flatten(1).mean(1)  # (R,)
            pull = (z.square() * free).sum(1) / max(1, int(free.sum()))
            [slope] = torch.autograd.grad((squared + prior * pull).sum(), z)
        now = z.detach().clone()
        yield Attempt(step, steps, now, made.detach(), squared.detach().sqrt(), asked.get("label"))
        z.requires_grad_(False).grad = slope * searched
        optimizer.param_groups[0]["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        optimizer.step()
        z.copy_(possible(z))


def search_steps(
    model: GenerativeModel,
    x: Tensor,
    n: int,
    rng: Generator,
    classes: Sequence[int] = (),
    steps: int = STEPS,
    rate: float = RATE,
    prior: float = PRIOR,
) -> Iterator[Attempt]:
    """Yields where the searches for a picture's code are, before the first step and after each.

    They begin at n codes of the prior and, where the model has an encoder, at what it makes of the
    picture: those rows are the last. classes: what the picture is taken for, in turn, and by the
    encoder as each; none of a model that takes none. The rest, and what is raised, as
    ``invert_steps``.
    """
    classes = list(classes)
    start = [starting_codes(model, n, rng)]
    label = [classes[k % len(classes)] for k in range(n)] if classes else []
    if isinstance(model, Encodes):
        start += [model.encode(x, k) for k in classes] if classes else [model.encode(x)]
        label += classes
    asked = torch.tensor(label, device=model.device) if classes else None
    return invert_steps(model, x, torch.cat(start), asked, steps, rate, prior)
