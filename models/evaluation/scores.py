"""Measures a model's anomaly scores: on its own data, and on what it never saw.

What is fitted, is fitted on training images; the training images among the sets are others. So
no number is about a picture that something was fitted on, and nothing is fitted on a test image.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from models.checkpoints.reference import AUROC, OWN, Reference
from models.contract.model import Model
from models.contract.random import generator, uniform
from models.data import datasets, pictures
from models.data.datasets import Dataset
from models.evaluation import metrics
from models.evaluation.metrics import metric
from models.machine.processes import here, own
from models.scores import typical
from models.scores.functions import Evidence, denoising, likelihood
from models.scores.scores import applicable, score

log = logging.getLogger(__name__)

OTHERS = ("mnist", "fashion-mnist", "omniglot-small", "shapes")
BATCH = 50


def measure(
    model: Model,
    train: Dataset,
    test: Dataset,
    data_dir: str | Path | None = None,
    background: Model | None = None,
    n: int = 2000,
    seed: int = 0,
    progress: bool = False,
) -> Reference:
    """Every score that applies, on every set that is here.

    n: pictures a set. Half of twice as many training images is fitted on, the other half a set.
    """
    rows = torch.from_numpy(np.random.default_rng(seed).permutation(len(train)))
    half = min(n, len(rows) // 2)
    fitted = fit(model, train.images[rows[:half]], seed, progress)
    sets = {"train": train.images[rows[half : 2 * half]], "test": test.images[:n]}
    sets |= dict(other_sets(test, data_dir, n, seed))
    names = applicable(model, fitted, background)
    measured: dict[tuple[str, str], np.ndarray] = {}
    for index, (set, images) in enumerate(sets.items()):
        found: dict[int, dict[str, Tensor]] = {}
        for k, (start, x) in own(_batches(images, model, f"scores, {set}", progress)):
            rng = generator(seed, 1 + index, start)
            scored = score(model, x, names, rng, fitted, background)
            found[k] = {name: score.values.cpu() for name, score in scored.items()}
        for name, values in joined(found).items():
            measured[name, set] = values.numpy().astype(np.float32)
    return Reference(tuple(sets), names[0], measured, fitted.fitted, fitted.statistics)


def joined(found: dict[int, dict[str, Tensor]]) -> dict[str, Tensor]:
    """What all processes found, batch by batch, as one tensor a name, images last."""
    parts: dict[str, list[Tensor]] = {}
    for part in here().collected(found).values():
        for name, values in part.items():
            parts.setdefault(name, []).append(values)
    return {name: torch.cat(values, -1) for name, values in parts.items()}


def fit(model: Model, images: Tensor, seed: int, progress: bool) -> Reference:
    """What the scores compare with, from training images, as a reference without measurements."""
    found: dict[int, dict[str, Tensor]] = {}
    statistics: tuple[str, ...] = ()
    names = applicable(model)
    for k, (start, x) in own(_batches(images, model, "scores, fit", progress)):
        evidence = Evidence(model, x, generator(seed, 0, start))
        numbers = typical.statistics(evidence)
        statistics, found[k] = tuple(numbers), {s: v.cpu() for s, v in numbers.items()}
        if "denoising" in names:  # (T, B)
            found[k]["denoising"] = torch.stack([*denoising(evidence).details.values()]).cpu()
        if "likelihood" in names:
            found[k]["entropy"] = likelihood(evidence).values.cpu()
    every = joined(found)
    fitted = typical.fit({name: every[name].numpy() for name in statistics})
    if "entropy" in every:
        fitted["entropy"] = every["entropy"].mean(0, keepdim=True).numpy()
    if "denoising" in every:
        fitted["denoising_mean"] = every["denoising"].mean(1).numpy()
        fitted["denoising_std"] = every["denoising"].std(1).numpy()
    fitted = {name: np.asarray(array, np.float32) for name, array in fitted.items()}
    return Reference((), "", {}, fitted, statistics)


def other_sets(
    test: Dataset, data_dir: str | Path | None, n: int, seed: int
) -> Iterator[tuple[str, Tensor]]:
    """What the model never saw, by name, (n, C, H, W) uint8: other data sets' test images that are
    here, uniform noise, constant pictures of every level, and its own test images upside down."""
    shape = test.image_shape
    for name in OTHERS:
        if name == test.name:
            continue
        if not datasets.available(name, data_dir):
            log.warning("'%s' is not here: no score is measured on it.", name)
            continue
        if name == "shapes":  # all ten thousand take seconds to draw
            images = datasets.shapes(n, datasets.SHAPES_SPLITS["test"][1]).images
        else:
            images = datasets.load(name, "test", data_dir).images[:n]
            if len(images) < n:  # no model here saw any of it, so what is missing may be its other
                more = datasets.load(name, "train", data_dir).images[: n - len(images)]
                images = torch.cat([images, more])
        yield name, pictures.fitted(images, shape)
    rng = generator(seed, 0)
    yield "noise", (uniform((n, *shape), rng, "cpu") * 256).byte()
    level = (uniform((n, 1, 1, 1), rng, "cpu") * 256).byte()
    yield "constant", level.expand(n, *shape).contiguous()
    yield "flipped", test.images[:n].flip(2)


def _batches(
    images: Tensor, model: Model, what: str, progress: bool
) -> Iterator[tuple[int, Tensor]]:
    """Where a batch starts, and it: (B, C, H, W) in [0, 1] on the model's device."""
    starts = range(0, len(images), BATCH)
    for start in tqdm(starts, what, disable=not progress, leave=False):
        yield start, images[start : start + BATCH].to(model.device).float() / 255


def aurocs(reference: Reference) -> dict[str, dict[str, Any]]:
    """``auroc.SCORE.SET``: the chance that a picture of the set is stranger than a test image."""
    return {
        f"{AUROC}{score}.{set}": metric(
            metrics.auroc(reference.values(score, set), reference.values(score, "test")),
            n=len(reference.values(score, set)),
        )
        for score in reference.scores
        for set in reference.sets
        if set not in OWN
    }
