"""Measures the short runs of a recipe's table of tricks, on images that none of them trained on.

They are the last of the training set: a trick is chosen by them, and test images are for what was
chosen.
"""

from __future__ import annotations

from pathlib import Path

from models.checkpoints import weights
from models.checkpoints.header import WEIGHTS, Header, read_header
from models.checkpoints.tricks import TRICK
from models.contract.model import Model
from models.data.datasets import Dataset
from models.evaluation import metrics
from models.evaluation.samples import quality
from models.training.tricks import Trick, tricks

KEPT = ("fd", "fd_floor", "precision", "recall")


def by_trick(
    header: Header,
    run: Path | None,
    judge: Model,
    train: Dataset,
    n: int,
    seed: int,
    progress: bool,
) -> dict[str, dict]:
    """``fd.trick_3-0`` and so on, of those runs in the folder ``run`` that have ended.

    n: samples of each, held against as many images. Each entry's note is the trick's title, and its
    "minutes" are what the run took. Raises ValueError where there are no runs, or other ones.
    """
    again = (
        f"train them with 'python -m models tricks {header.name}', and name the folder by --run."
    )
    if run is None:
        raise ValueError(f"Tricks are measured on runs of their own: {again}")
    ended = [trick for trick in tricks(header.name) if (run / trick.folder / WEIGHTS).is_file()]
    if not ended:
        raise ValueError(f"There are no runs of tricks in '{run}': {again}")
    used = ended[0].recipe.data.n
    words = f"judge of {train.name}, images set aside"
    real = metrics.real_features(train.images[used:], train.images[:used], judge, words, n, seed)
    results: dict[str, dict] = {}
    for trick in ended:
        folder = run / trick.folder
        theirs = read_header(folder)
        _check(trick, theirs, folder)
        model = weights.load(folder, str(judge.device))
        found = quality(model, judge, real, n, seed, progress, train.labels)
        facts = {"note": trick.title, "minutes": theirs.training["minutes"]}
        for name in KEPT:
            results[f"{name}{TRICK}{trick.number}-{trick.recipe.seed}"] = {**found[name], **facts}
    return results


def _check(trick: Trick, header: Header, folder: Path) -> None:
    """Raises ValueError where the run in ``folder`` was none with this trick's settings."""
    ours, theirs = trick.recipe.to_dict(), header.recipe
    if any(ours[key] != theirs.get(key) for key in ("seed", "data", "model", "train")):
        raise ValueError(f"'{folder}' was trained with other settings than the table has now.")
