"""The judge of a data set: a classifier of it, which reads what models make."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import numpy as np

from explorer.page.context import Context
from models.checkpoints.header import SHIPPED

log = logging.getLogger(__name__)


class Reading(NamedTuple):
    """What a judge reads of N pictures. labels: (N,) the likeliest class; sure: (N,) how likely."""

    labels: np.ndarray
    sure: np.ndarray


def judge_of(context: Context, header: Any) -> str | None:
    """The name, for ``context.ask``, of a classifier of the same data and size as a model: one of
    this server, or a shipped one; None where there is none."""
    of, shape = header.data.get("name", ""), tuple(header.config.get("image", ()))
    return context.ask.kept(("judge of", of, shape), lambda: _find(context, of, shape))


def _find(context: Context, of: str, shape: tuple[int, ...]) -> str | None:
    from models.checkpoints.header import find, read_header

    own = [context.store.header(other).folder for other in context.store.having({"Classifies"})]
    for folder in [*own, *find(SHIPPED)]:
        try:
            other = read_header(folder)
        except ValueError as error:  # of no concern to a visitor: the next one may do
            log.warning("Left out %s as a judge: %s", folder, error)
            continue
        same = other.data.get("name") == of and tuple(other.config.get("image", ())) == shape
        if same and "Classifies" in other.capabilities:
            return context.store.at(other.folder)
    return None


def read_by(context: Context, judge: str, x: np.ndarray) -> Reading:
    """What the judge reads of pictures x, (N, C, H, W) in [0, 1]."""
    logits = context.ask(judge, "classify", x).astype(np.float64)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    chances = weights / weights.sum(1, keepdims=True)
    return Reading(chances.argmax(1), chances.max(1))
