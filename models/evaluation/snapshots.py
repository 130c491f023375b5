"""Measures every snapshot of a run: how good its samples were, and which classes were among them.

The samples are those of one seed, so that what changes from one snapshot to the next is the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import softmax
from torch import Tensor
from tqdm import tqdm

from models.checkpoints.snapshots import SURE, Measured, moments, read_snapshots
from models.contract.model import Model
from models.evaluation import metrics
from models.evaluation.metrics import RealFeatures
from models.evaluation.samples import drawn

BOOTSTRAP = 10  # draws for the standard error of a Fréchet distance, of which there are many


def measure(
    folder: Path,
    judge: Model,
    real: RealFeatures,
    classes: Sequence[str],
    n: int,
    seed: int = 0,
    progress: bool = False,
    labels: Tensor | None = None,
) -> Measured | None:
    """n samples of each snapshot of a checkpoint; None where it has none.

    judge: on the device to compute on. real: what they are held against, in its features. labels:
    as of ``drawn``.
    """
    values: dict[str, list[float]] = {}
    errors: dict[str, list[float | None]] = {}
    read, sure = [], []
    total = len(read_snapshots(folder))
    every = moments(folder, str(judge.device))
    for _, model in tqdm(every, "snapshots", total, disable=not progress, leave=False):
        made, label = drawn(model, n, seed, labels=labels)
        logits = metrics.judged(judge.classify, made, judge)
        found = metrics.sample_quality(made, real, judge, seed=seed, bootstrap=BOOTSTRAP)
        if label is not None:
            found["label_accuracy"] = metrics.metric(metrics.label_accuracy(logits, label))
        for name, entry in found.items():
            values.setdefault(name, []).append(entry["value"])
            errors.setdefault(name, []).append(entry["stderr"])
        class_of, chance = logits.argmax(1), softmax(logits, 1).max(1)
        for counts, which in ((read, class_of), (sure, class_of[chance > SURE])):
            counts.append(tuple(np.bincount(which, minlength=logits.shape[1]).tolist()))
    if not read:
        return None
    names = tuple(classes) if len(classes) == len(read[0]) else tuple(map(str, range(len(read[0]))))
    return Measured(
        n, seed, real.space, names,
        {name: tuple(found) for name, found in values.items()},
        {name: tuple(found) for name, found in errors.items()},
        tuple(read), tuple(sure),
    )  # fmt: skip
