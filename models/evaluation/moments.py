"""The map through training: codes of test images at every snapshot of a run, kept beside a model.

The snapshots may be those of another run of the same recipe and seed, where a model was trained
without any; whether that run ended at the very same weights is compared, and said.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import torch

from models.checkpoints.header import Header, read_header, resolve
from models.checkpoints.moving_map import MovingMap, save_moving_map
from models.checkpoints.parts import load_tensors
from models.checkpoints.snapshots import read_snapshots
from models.codes.moving import codes_at_moments, moving_layouts
from models.contract.model import Model
from models.data.datasets import Dataset
from models.evaluation import metrics
from models.evaluation.metrics import metric
from models.machine.files import attempt

log = logging.getLogger(__name__)

POINTS = 800
FREE = ("checkpoint_minutes", "log_every", "snapshots", "snapshot_spacing")  # change no weights


@torch.no_grad()
def moments_of_map(
    model: Model, header: Header, folder: Path, test: Dataset, run: Path | None, write: bool
) -> dict[str, dict]:
    """Where codes of ``POINTS`` test images lay at every snapshot, written in ``folder``; what is
    measured of it. run: a checkpoint of the same recipe whose snapshots are taken, else its own.

    Raises ValueError where there are no snapshots, or those of another recipe.
    """
    where, words = folder, "of this very run"
    if run is not None:
        where, words = run, _kinship(header, folder, run)
    if not read_snapshots(where):
        raise ValueError(
            f"'{where.name}' was trained without snapshots: train it with "
            "--set train.snapshots=12, and name that folder with --run."
        )
    n = min(POINTS, len(test))
    rows = np.arange(0, len(test), len(test) // n)[:n]
    x = test.images[torch.from_numpy(rows)].float() / 255
    label = None if test.labels is None else test.labels[torch.from_numpy(rows)]
    told = label if "Conditional" in header.capabilities else None
    every = list(codes_at_moments(model, where, x, told))
    spaces = [space.numpy() for _, space in every]
    given = {} if told is None else {"label": told.to(model.device)}
    codes = model.encode(x.to(model.device), **given).flatten(1).cpu().numpy()
    labels = None if label is None else label.numpy()
    found = MovingMap(
        np.array([snapshot.step for snapshot, _ in every]),
        np.array([snapshot.epoch for snapshot, _ in every]),
        np.stack([*moving_layouts(spaces)][::-1]),
        codes,
        rows,
        labels,
        agreements(spaces, labels),
        {"data": test.name, "split": test.split, "run": words},
    )
    if write:
        attempt(lambda: log.info("Wrote %s.", save_moving_map(folder, found)))
    results = {"map_moments": metric(float(len(every)), n=n, note=words)}
    if found.agreement is not None:
        for name, k in (("first", 0), ("last", -1)):
            results[f"code_agreement.{name}"] = metric(
                metrics.knn_accuracy(spaces[k], labels), n=n, note="5-fold held out"
            )
    return results


def agreements(spaces: list[np.ndarray], labels: np.ndarray | None) -> np.ndarray | None:
    """(T,) how often the five nearest codes name an image's class; None without classes, or with
    too few images of one to hold some out."""
    if labels is None or np.bincount(labels).max() < metrics.FOLDS:
        return None
    return np.array([metrics.knn_accuracy(space, labels).value for space in spaces], np.float32)


def _kinship(header: Header, folder: Path, run: Path) -> str:
    """What the run at ``run`` is to the model in ``folder``, in words. Raises ValueError where it
    was trained by another recipe."""
    other = read_header(run)
    mine, theirs = header.recipe["train"], other.recipe["train"]
    train = [key for key in mine if key in theirs and key not in FREE]
    same = header.family == other.family and header.seed == other.seed
    same = same and header.data.get("sha256") == other.data.get("sha256")
    same = same and all(
        header.config[k] == v for k, v in other.config.items() if k in header.config
    )
    if not same or any(mine[key] != theirs[key] for key in train):
        raise ValueError(f"'{run}' is of another recipe or seed than '{header.name}'.")
    ours, weights = load_tensors(resolve(folder)), load_tensors(resolve(run))
    if all(torch.equal(value, weights[name]) for name, value in ours.items()):
        return "of a run of the same recipe and seed, whose last weights are these, bit for bit"
    return "of a run of the same recipe and seed, whose last weights are not these bit for bit"
