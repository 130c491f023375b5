r"""How strange a picture is to a model: anomaly scores, each by what a model can do.

A model of clothes gives a digit a higher likelihood than a shirt (Nalisnick et al. 2019a): what is
simple is likely, however strange. So the literature has many scores, and this is where they stand
side by side, each as its paper has it and all in one direction: **higher is stranger**.

* The likelihood itself, $-\log p(x)$, and how far it is from what it is on training images.
* Corrections for what makes any picture likely: its length in a lossless codec, or its likelihood
  under a background model; and what a VAE's bound gains when the code is fitted to this picture.
* What is lost on the way: in a code and back, or under noise and back.
* The density of several such numbers together, the choice to begin with: a picture is strange
  where any of them, or their combination, is not what it is on training images.

``SCORES`` says what there is, ``applicable`` what a model can do, ``score`` computes. Importing
this module costs nothing: torch comes with the first score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from models.checkpoints.reference import Reference
from models.scores.registry import SCORES, Scored

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from models.contract.model import Model


def applicable(
    model: Model, reference: Reference | None = None, background: Model | None = None
) -> tuple[str, ...]:
    """The names of the scores that a model can be asked for, in the order of ``SCORES``.

    Those that compare with training images need the reference in which these were measured;
    the ratio needs a background model, which the reference's having one stands for.
    """
    fitted = reference.fitted if reference else {}
    compared = background is not None or (reference is not None and "ratio" in reference.scores)
    return tuple(
        name
        for name, s in SCORES.items()
        if s.can(model) and set(s.fitted) <= set(fitted) and (compared or not s.background)
    )


def score(
    model: Model,
    x: Tensor,
    names: Iterable[str],
    rng: Generator,
    reference: Reference | None = None,
    background: Model | None = None,
) -> dict[str, Scored]:
    """Those scores of a batch, by name; they share what they have in common.

    x: (B, C, H, W) in [0, 1]. Every score is of the same picture, as the model observes it: pixels
    drawn 0 or 1 by ``rng`` for a model of binary ones, the nearest level otherwise. A score's value
    does not depend on which others are asked for. It does depend on what else is in the batch,
    where chance has a part in it; ``models.scores.each`` gives each picture its own chances.

    Raises ValueError for a score there is not, or one that the model cannot give, in one sentence.
    """
    from models.scores.functions import Evidence

    names = tuple(names)
    for name in names:
        _check(name, model, reference, background)
    evidence = Evidence(model, x, rng, reference, background)
    return {name: _function(SCORES[name].fn)(evidence) for name in names}


def _check(name: str, model: Model, reference: Reference | None, background: Model | None) -> None:
    if name not in SCORES:
        raise ValueError(f"There is no score '{name}'. Scores: {', '.join(SCORES)}.")
    s, can = SCORES[name], ", ".join(applicable(model, reference, background)) or "none"
    if not s.can(model):
        raise ValueError(f"This model has no score '{name}'. It has: {can}.")
    if s.background and background is None:
        raise ValueError(f"The score '{name}' needs a background model, and there is none here.")
    if not set(s.fitted) <= set(reference.fitted if reference else {}):
        raise ValueError(
            f"The score '{name}' is read against training images, which were not measured yet: "
            "run 'python -m models evaluate NAME --only scores'."
        )


def _function(path: str) -> Callable[..., Scored]:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
