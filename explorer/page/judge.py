"""The judge of a data set: a classifier of it, which reads what models make."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from explorer.page.context import Context
from models.checkpoints.header import SHIPPED

log = logging.getLogger(__name__)


class Reading(NamedTuple):
    """What a judge reads of N pictures. labels: (N,) the likeliest class; sure: (N,) how likely."""

    labels: np.ndarray
    sure: np.ndarray


def judges(context: Context) -> Iterator[Any]:
    """The headers of all classifiers: those of this server, then the shipped ones. A second judge
    is none of them: it checks measures, and nothing that is shown is chosen by it."""
    from models.checkpoints.header import find, read_header
    from models.checkpoints.judges import is_judge

    own = [context.store.header(other).folder for other in context.store.having({"Classifies"})]
    for folder in [*own, *find(SHIPPED)]:
        try:
            header = read_header(folder)
        except ValueError as error:  # of no concern to a visitor: the next one may do
            log.warning("Left out %s as a judge: %s", folder, error)
            continue
        if is_judge(header):
            yield header


def of_same_pictures(one: Any, other: Any) -> bool:
    """Whether two models' pictures are of the same data set and size."""

    def of(header: Any) -> tuple[str, tuple[int, ...]]:
        return header.data.get("name", ""), tuple(header.config.get("image", ()))

    return of(one) == of(other)


def judge_of(context: Context, header: Any) -> str | None:
    """The name, for ``context.ask``, of a classifier of the same data and size as a model: one of
    this server, or a shipped one; None where there is none."""
    key = ("judge of", header.data.get("name", ""), tuple(header.config.get("image", ())))
    fitting = (each for each in judges(context) if of_same_pictures(each, header))

    def first() -> str | None:
        judge = next(fitting, None)
        return None if judge is None else context.store.at(judge.folder)

    return context.ask.kept(key, first)


def read_by(context: Context, judge: str, x: np.ndarray) -> Reading:
    """What the judge reads of pictures x, (N, C, H, W) in [0, 1]."""
    logits = context.ask(judge, "classify", x).astype(np.float64)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    chances = weights / weights.sum(1, keepdims=True)
    return Reading(chances.argmax(1), chances.max(1))
