"""Measures a translation between two kinds of pictures, on test images: there, and back.

Every number has a name that ends in ``.there`` (from the first domain to the second) or ``.back``,
and the way in words beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from models.checkpoints.preview import PREVIEW
from models.contract.model import Model
from models.contract.random import generator, normal
from models.data import pictures
from models.data.datasets import Dataset
from models.evaluation import metrics
from models.evaluation.metrics import mean_and_stderr, metric
from models.machine.files import write_atomically

BATCH = 256
NOISE = 0.1  # its standard deviation, black to white being 1: faint, and plain to be seen
TRAINED = 12_000  # training images that the floor of a Fréchet distance is measured with
WAYS = ("there", "back")


def unit(images: Tensor) -> Tensor:
    """(N, C, H, W) uint8 as float32 in [0, 1]."""
    return images.float() / 255


def translated(model: Model, x: Tensor, direction: str, progress: bool = False) -> Tensor:
    """``model.translate`` of (N, C, H, W) in [0, 1], in batches; on the CPU."""
    parts = tqdm(x.split(BATCH), direction, disable=not progress, leave=False)
    return torch.cat([model.translate(part.to(model.device), direction).cpu() for part in parts])


def domains_of(model: Model, images: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Of each domain: the places of the images (N, C, H, W), uint8, that serve it, and what they
    look like in it, (n, C, H, W) in [0, 1]."""
    x = unit(images)
    places = model.belonging(x)
    return [(k, model.in_domain(x[k], name)) for k, name in zip(places, model.domains, strict=True)]


def error(x: Tensor, y: Tensor) -> metrics.Estimate:
    """The mean difference of a pixel, with the standard error over pictures. (N, C, H, W) each."""
    return mean_and_stderr((x - y).abs().flatten(1).mean(1).double())


def translation(
    model: Model, test: Dataset, train: Dataset, judge: Model | None, n: int, seed: int,
    progress: bool = False,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Cycle errors, errors where a counterpart is known, and what a judge says of translations.

    n: pictures of each domain at most. judge: a classifier of the data set, or None.
    """
    tested, trained = domains_of(model, test.images), domains_of(model, train.images[:TRAINED])
    results: dict[str, dict[str, Any]] = {}
    for k, (way, direction) in enumerate(zip(WAYS, model.directions, strict=True)):
        places, x = (each[:n] for each in tested[k])
        there = translated(model, x, direction, progress)
        facts = {"n": len(x), "space": "uint8", "note": direction}
        again = model.directions[1 - k]
        back = translated(model, there, again, progress)
        results[f"cycle_error.{way}"] = metric(error(back, x), **facts)
        noisy = (there + NOISE * normal(there.shape, generator(seed, k), "cpu")).clamp(0, 1)
        back = translated(model, noisy, again, progress)
        results[f"cycle_error_noisy.{way}"] = metric(error(back, x), **facts)

        known = unit(test.images[places])  # as the data set has them
        counterpart = model.in_domain(known, model.domains[1 - k])
        if not torch.equal(counterpart, x):
            results[f"pair_error.{way}"] = metric(error(there, counterpart), **facts)
            constant = trained[1 - k][1].mean(0, keepdim=True)
            results[f"pair_error_mean.{way}"] = metric(error(constant, counterpart), **facts)
        if judge is None:
            continue
        facts["space"] = f"judge of {test.name}"
        real = tested[1 - k][1], trained[1 - k][1]
        real = metrics.real_features(*real, judge, facts["space"], n, seed)
        found = metrics.sample_quality(there, real, judge, seed=seed)["fd_over_floor"]
        results[f"fd_over_floor.{way}"] = {**found, "note": direction}
        if test.labels is not None and torch.equal(counterpart, known):
            # A judge reads what is as it stands in the data set; it has seen nothing else.
            logits = metrics.judged(judge.classify, there, judge)
            kept = metrics.label_accuracy(logits, test.labels[places])
            results[f"label_kept.{way}"] = metric(kept, **facts)
    return results


def save_preview(model: Model, test: Dataset, folder: Path) -> None:
    """Eight rows: test pictures of the first domain, and below each eight their translations."""
    (_, x), _ = domains_of(model, test.images[:512])
    if not len(x):
        return
    x = x[torch.arange(32) % len(x)]
    there = translated(model, x, model.directions[0])
    rows = torch.stack([x.view(4, 8, *x.shape[1:]), there.view(4, 8, *x.shape[1:])], 1)
    sheet = pictures.grid(rows.flatten(0, 2))
    write_atomically(folder / PREVIEW, lambda path: sheet.save(path, format="webp", lossless=True))
