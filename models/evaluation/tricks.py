"""Measures the short runs of a recipe's table of tricks, on images that none of them trained on.

They are the last of the training set: a trick is chosen by them, and test images are for what was
chosen.
"""

from __future__ import annotations

import re
from pathlib import Path

from models.checkpoints import weights
from models.checkpoints.header import WEIGHTS, Header, read_header
from models.checkpoints.tricks import TRICK
from models.contract.model import Model
from models.data.datasets import Dataset
from models.evaluation import metrics
from models.evaluation.samples import quality

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
    "minutes" are what the run took. Raises ValueError where there are no runs of this recipe, or
    such as cannot be compared.
    """
    again = f"train them with 'python -m models tricks {header.name}', and name the folder by --run"
    if run is None:
        raise ValueError(f"Tricks are measured on runs of their own: {again}.")
    runs = {
        (int(folder.name[:2]), int(folder.name[3:])): read_header(folder)
        for folder in sorted(run.glob("*-*"))
        if re.fullmatch(r"\d\d-\d+", folder.name) and (folder / WEIGHTS).is_file()
    }
    if not runs:
        raise ValueError(f"There are no runs of tricks in '{run}': {again}.")
    kinds = {(r.recipe["name"], r.data["n"], r.training["steps"]) for r in runs.values()}
    used = next(iter(runs.values())).data["n"]
    if len(kinds) > 1 or next(iter(kinds))[0] != header.name or used >= len(train):
        raise ValueError(
            f"The runs in '{run}' are not of one recipe, length and part of the training set: "
            f"{again}."
        )
    words = f"judge of {train.name}, images set aside"
    real = metrics.real_features(train.images[used:], train.images[:used], judge, words, n, seed)
    results: dict[str, dict] = {}
    for (number, chance), theirs in runs.items():
        model = weights.load(theirs.folder, str(judge.device))
        found = quality(model, judge, real, n, seed, progress, train.labels)
        facts = {"note": theirs.title, "minutes": theirs.training["minutes"]}
        for name in KEPT:
            results[f"{name}{TRICK}{number}-{chance}"] = {**found[name], **facts}
    return results
