"""The snapshots of a run as a film: the same codes at every moment, and whom to set beside them."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.examples import of_same_data
from explorer.pictures.bytes import as_bytes
from models.checkpoints.header import CheckpointError
from models.checkpoints.snapshots import Measured, Snapshot, moments, read_measured, read_snapshots

if TYPE_CHECKING:
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
    key = ("game", "kept", name)
    if (found := context.recent.get(key)) is None:
        found = context.recent.put(key, read_snapshots(context.store.header(name).folder))
    return found


def measured(context: Context, name: str) -> Measured | None:
    """What they are worth. Raises CheckpointError where that cannot be read."""
    return read_measured(context.store.header(name).folder)


def worth(context: Context, name: str) -> tuple[Measured | None, str]:
    """What a model's snapshots are worth; else a sentence on why that cannot be told."""
    try:
        if (found := measured(context, name)) is not None:
            return found, ""
    except CheckpointError as error:
        return None, str(error)
    where = in_code(context.store.header(name).folder)
    return None, f"Not measured yet: python -m models evaluate {where} --only snapshots"


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
    key = ("game", "reel", name)
    if (found := context.recent.get(key)) is not None:
        yield found
        return

    pictures: list[np.ndarray] = []
    real: list[np.ndarray | None] = []
    probability = False
    for snapshot, model in moments(context.store.header(name).folder, context.store.device):
        made = model.snapshot_pictures()
        pictures.append(as_bytes(made.cpu().numpy()))
        probability = is_probability(model)
        real.append(realness(snapshot, model))
        whole = None if any(row is None for row in real) else np.stack(real)
        found = Reel(np.stack(pictures), whole, probability)
        yield found
    context.recent.put(key, found)


def is_probability(model: Model) -> bool:
    """Whether a sigma of the model's verdicts is a probability."""
    from models.contract.capabilities import Discriminates

    return isinstance(model, Discriminates) and model.verdict_is_logit


def realness(snapshot: Snapshot, model: Model) -> np.ndarray | None:
    """(64,) how real the pictures were found, from 0 to 1; None where no verdicts were kept.

    sigma(d) where that is a probability. Elsewhere numbers have no scale of their own: 0 is what
    the made pictures of that step got on average, 1 what the real ones got.
    """
    verdicts = np.asarray(snapshot.remarks.get("verdicts", ()), np.float64)
    if len(verdicts) != COUNT:
        return None
    if is_probability(model):
        from scipy.special import expit

        return expit(verdicts)
    low, high = (snapshot.logs.get(f"{kind}_verdict") for kind in ("made", "real"))
    if low is None or high is None or not high > low:
        return None
    return ((verdicts - low) / (high - low)).clip(0, 1)
