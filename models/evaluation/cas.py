"""Classification accuracy score: what a classifier learns from samples alone, of real pictures.

Ravuri and Vinyals (2019). One number that every family shares: samples have to look right, to be of
the class that was asked for, and to vary as real ones do, else the classifier fails on real images.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from models.checkpoints import weights
from models.contract.model import Model
from models.contract.random import generator
from models.data.datasets import Dataset
from models.evaluation import metrics
from models.evaluation.estimates import Estimate, metric
from models.evaluation.samples import observed

STEPS, BATCH, RATE = 600, 128, 2e-3
NETWORK = {"layers": "plain", "width": 48, "shift": 2}


def of_samples(
    model: Model,
    made: Tensor,
    label: Tensor | None,
    judge: Model,
    test: Dataset,
    train: Dataset,
    seed: int,
    progress: bool = False,
) -> dict[str, dict[str, Any]]:
    """``cas`` of a model's samples, and ``cas_real``, the same of as many training images.

    made: (N, C, H, W) samples. label: (N,) the classes asked for, or None, and the judge labels
    them, which the entry says: of such a model the score asks whether its pictures vary as real
    ones do, but not whether it knows the classes. Raises ValueError for data without labels.
    """
    if test.labels is None or train.labels is None:
        raise ValueError(f"'{test.name}' has no labels: no classifier can be trained on samples.")
    held, seen, _ = observed(model, test, train, seed)
    note = "classes as asked for"
    if label is None:
        label = torch.from_numpy(metrics.judged(judge.classify, made, judge).argmax(1))
        note = "classes by the judge"
    rows = torch.randperm(len(seen), generator=generator(seed))[: len(made)]
    found = {}
    for name, images, labels, words in (
        ("cas", made, label, note),
        ("cas_real", seen[rows], train.labels[rows], "classes as labelled"),
    ):
        score = accuracy_of_training_on(
            images, labels, held, test.labels, len(test.classes), judge.device, seed, progress
        )
        words = f"{words}, {STEPS} steps of {BATCH}"
        found[name] = metric(score, n=len(images), note=words)
    return found


def accuracy_of_training_on(
    images: Tensor,
    labels: Tensor,
    test: Tensor,
    test_labels: Tensor,
    classes: int,
    device: torch.device | str = "cpu",
    seed: int = 0,
    progress: bool = False,
    steps: int | None = None,
) -> Estimate:
    """The accuracy on test images of a small classifier that saw these images alone.

    images: (N, C, H, W), test: (M, C, H, W), float in [0, 1] or uint8; labels: (N,) and (M,). The
    standard error is that of M test images, for this one training.
    """
    steps = steps or STEPS
    settings = {"image": list(images.shape[1:]), "num_classes": classes, **NETWORK}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = weights.build("classifier", settings).to(device).train()
    optimizer = torch.optim.AdamW(network.parameters(), RATE, (0.9, 0.99), weight_decay=0.02)
    rng = generator(seed)
    with torch.enable_grad():
        for step in tqdm(range(steps), "train on samples", disable=not progress, leave=False):
            rows = torch.randint(len(images), (BATCH,), generator=rng)
            x = _levels(images[rows]).to(device)
            rise, fall = min(1, (step + 1) / (0.1 * steps)), math.cos(math.pi * step / steps)
            optimizer.param_groups[0]["lr"] = RATE * rise * (1 + fall) / 2
            (objective,) = network.objectives(x, labels[rows].to(device), generator(seed, step))
            optimizer.zero_grad()
            objective.loss.backward()
            optimizer.step()
    logits = metrics.judged(network.eval().classify, test, network)
    return metrics.label_accuracy(logits, test_labels)


def _levels(images: Tensor) -> Tensor:
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()
