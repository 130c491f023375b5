"""The snapshots of a run as a film: the same codes at every moment, and whom to set beside them."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explorer.page.context import Context
from explorer.page.examples import of_same_data
from explorer.pictures.bytes import as_bytes
from models.checkpoints.header import CheckpointError
from models.checkpoints.snapshots import Measured, Snapshot, moments, read_measured, read_snapshots

if TYPE_CHECKING:
    from torch import Tensor

    from models.contract.model import Model

log = logging.getLogger(__name__)

COUNT = 64  # as many as a snapshot keeps verdicts on


class Reel(NamedTuple):
    """A run so far: the pictures of its first snapshots, (T, 64, C, H, W) uint8, all T at the end.

    real: (T, 64), how real the discriminator of the moment found each, from 0 to 1; None where that
    was not kept. probability: whether those are its probabilities.
    """

    pictures: np.ndarray
    real: np.ndarray | None
    probability: bool


def kept(context: Context, name: str) -> list[Snapshot]:
    """A model's snapshots, read once. Raises CheckpointError where one is damaged."""
    folder = context.store.header(name).folder
    return context.ask.kept(("game-snapshots", name), lambda: read_snapshots(folder))


def measured(context: Context, name: str) -> Measured | None:
    """What they are worth. Raises CheckpointError where that cannot be read."""
    return read_measured(context.store.header(name).folder)


def worth(context: Context, name: str) -> tuple[Measured | None, str]:
    """What a model's snapshots are worth; else a sentence on why that cannot be told."""
    try:
        found = measured(context, name)
    except CheckpointError as error:
        log.warning("%s", error)
        return None, "What was measured of these moments cannot be read: the file is damaged."
    return found, "" if found else "How many classes it made was not measured."


def others(context: Context, name: str) -> list[str]:
    """Other models whose snapshots show pictures of the same data and size."""
    same = of_same_data(context, name, "Samples")
    return [other for other in with_snapshots(context) if other in same]


def with_snapshots(context: Context) -> list[str]:
    """The models that can be sampled from at every moment of their training."""
    found = []
    for name in context.store.having({"Samples"}):
        try:
            if kept(context, name):
                found.append(name)
        except CheckpointError as error:
            log.warning("%s", error)
    return found


def most_different(context: Context, name: str) -> str | None:
    """The other model whose training ended most differently: by recall, where it was measured.

    That is a run that collapsed beside a healthy one, and a healthy one beside one that collapsed.
    """

    def end(other: str) -> float | None:
        found, _ = worth(context, other)
        return found.values["recall"][-1] if found and "recall" in found.values else None

    mine, candidates = end(name), others(context, name)
    ends = {other: end(other) for other in candidates}
    if mine is None or all(theirs is None for theirs in ends.values()):
        return next(iter(candidates), None)
    return max(candidates, key=lambda o: -1.0 if ends[o] is None else abs(ends[o] - mine))


def beside(mine: Sequence[Snapshot], theirs: Sequence[Snapshot]) -> list[int]:
    """Which of another run's snapshots stands beside each of these: that of the nearest step, by
    ratio. A run that was over by then stays at its end."""
    return [
        min(range(len(theirs)), key=lambda j: abs(math.log(theirs[j].step / snapshot.step)))
        for snapshot in mine
    ]


def reels(context: Context, name: str) -> Iterator[Reel]:
    """The run's film as it grows by a snapshot, the whole last; kept while it is among the newest.

    Raises CheckpointError where a snapshot does not fit its model.
    """

    def begin() -> Iterator[Reel]:
        pictures: list[np.ndarray] = []
        real: list[np.ndarray | None] = []
        folder = context.store.header(name).folder
        for snapshot, made, probability in context.ask.steps(name, in_turn, folder):
            pictures.append(as_bytes(made))
            real.append(realness(snapshot, probability))
            whole = None if any(row is None for row in real) else np.stack(real)
            yield Reel(np.stack(pictures), whole, probability)

    return context.ask.kept_steps(("game-reel", name), begin)


def in_turn(model: Model, folder: Path) -> Iterator[tuple[Snapshot, Tensor, bool]]:
    """Each snapshot of a model, the pictures it made then, and whether a sigma of its verdicts is a
    probability. The model itself stays as it is: a second one takes on the weights of each."""
    for snapshot, then in moments(folder, model.device):
        yield snapshot, then.snapshot_pictures(), is_probability(then)


def as_it_is(context: Context, name: str) -> Reel:
    """A film of one moment, for a model whose training was not kept: what it makes now."""

    def compute() -> Reel:
        made, verdicts, probability = context.ask(name, now)
        real = sigma(verdicts)[None] if probability and len(verdicts) == COUNT else None
        return Reel(as_bytes(made)[None], real, probability)

    return context.ask.kept(("game-now", name), compute)


def now(model: Model) -> tuple[Tensor, list[float], bool]:
    """The pictures that films show, its discriminator's verdicts on them, and whether a sigma of
    those is a probability."""
    verdicts = model.snapshot_remarks(model).get("verdicts", [])
    return model.snapshot_pictures(), verdicts, is_probability(model)


def is_probability(model: Model) -> bool:
    """Whether a sigma of the model's verdicts is a probability."""
    from models.contract.capabilities import Discriminates

    return isinstance(model, Discriminates) and model.verdict_is_logit


def sigma(verdicts: Sequence[float]) -> np.ndarray:
    """The probabilities of log odds."""
    from scipy.special import expit

    return expit(np.asarray(verdicts, np.float64))


def realness(snapshot: Snapshot, probability: bool) -> np.ndarray | None:
    """(64,) how real the pictures were found, from 0 to 1; None where no verdicts were kept.

    sigma(d) where that is a probability. Elsewhere numbers have no scale of their own: 0 is what
    the generated pictures of that step got on average, 1 what the real ones got.
    """
    verdicts = np.asarray(snapshot.remarks.get("verdicts", ()), np.float64)
    if len(verdicts) != COUNT:
        return None
    if probability:
        return sigma(verdicts)
    low, high = (snapshot.logs.get(f"{kind}_verdict") for kind in ("made", "real"))
    if low is None or high is None or not high > low:
        return None
    return ((verdicts - low) / (high - low)).clip(0, 1)
