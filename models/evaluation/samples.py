"""Measures what a model samples: held against real images, in the features of a judge."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor
from tqdm import tqdm

from models.codes.truncation import TRUNCATION
from models.contract.abilities import ReadsCodes, TakesFewSteps
from models.contract.capabilities import HasCodes, HasEnergy, Truncates, WritesPixels
from models.contract.model import Frame, GenerativeModel, Model
from models.contract.random import generator
from models.contract.streams import Streams
from models.data.datasets import Dataset
from models.evaluation import metrics
from models.evaluation.metrics import RealFeatures, metric
from models.machine.processes import here

CHUNK = 256  # pictures sampled at once
STEPS = (10, 100)  # what the quality of a sampler in steps is measured at, besides its default
FEW = (1, 2, 4)  # likewise of a model that needs a few alone
THRESHOLDS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, math.inf)  # of a code's truncation
CHAINS = ((100, 2048), (2000, 512))  # lengths that a chain is judged at, and of how many
CONFIDENT = 0.9  # of a judge's highest probability: it takes the picture for one of its classes
TRUNCATED = ("fd_over_floor", "precision", "recall", "density", "coverage", "label_accuracy")


def reference(
    model: Model,
    judge: Model,
    test: Dataset,
    train: Dataset,
    n: int,
    seed: int,
    name: str = "judge",
) -> RealFeatures:
    """The real images that a model's samples are held against: n test and n training images."""
    real, others, note = observed(model, test, train, seed)
    return metrics.real_features(real, others, judge, f"{name} of {test.name}{note}", n, seed)


def observed(model: Model, test: Dataset, train: Dataset, seed: int) -> tuple[Tensor, Tensor, str]:
    """Test and training images as a model could have made them, uint8, and " at 2 levels" where its
    pictures have fewer levels than the data, which are brought to those then."""
    real, others = test.images, train.images
    if not isinstance(model, WritesPixels) or model.levels >= 256:
        return real, others, ""
    real, others = (
        model.observed(images.float() / 255, generator(seed, k)).mul(255).round().byte()
        for k, images in enumerate((real, others))
    )
    return real, others, f" at {model.levels} levels"


def drawn(
    model: Model,
    n: int,
    seed: int,
    what: str = "sample",
    progress: bool = False,
    labels: Tensor | None = None,
    **knobs: Any,
) -> tuple[Tensor, Tensor | None]:
    """n samples of a seed, (n, C, H, W) on the CPU, and the classes asked for, (n,): of a
    conditional model as often as they are among ``labels`` (every class alike without), else None.
    knobs: of ``sample_steps``."""
    label = None
    if model.class_count:
        label = torch.arange(n) % model.class_count
        if labels is not None:
            label = as_often(labels, n)
    streams, made = Streams.of(generator(seed), n), []
    with torch.no_grad():
        for i in tqdm(range(0, n, CHUNK), what, disable=not progress, leave=False):
            asked = None if label is None else label[i : i + CHUNK]
            rng = streams[i : i + CHUNK]
            made.append(sample(model, len(rng), rng, asked, **knobs).cpu())
    return torch.cat(made), label


def as_often(labels: Tensor, n: int) -> Tensor:
    """(n,) classes, mixed, each as often as it is among ``labels`` (N,).

    Digits are not all as frequent: with every class alike a perfect model of them would seem to be
    further from real ones than they are from each other.
    """
    rows = ((torch.arange(n) + 0.5) * len(labels) / n).long()
    return labels.sort().values[rows][torch.randperm(n, generator=generator(n))]


def quality(
    model: Model,
    judge: Model,
    real: RealFeatures,
    n: int,
    seed: int,
    progress: bool = False,
    labels: Tensor | None = None,
    **knobs: Any,
) -> dict:
    """``metrics.sample_quality`` of n samples. labels: as of ``drawn``; knobs: of
    ``sample_steps``."""
    words = ", ".join(["sample", *(f"{k} = {v:g}" for k, v in knobs.items())])
    made, label = drawn(model, n, seed, words, progress, labels, **knobs)
    return metrics.sample_quality(made, real, judge, fake_labels=label, seed=seed)


def by_steps(
    model: Model,
    judge: Model,
    real: RealFeatures,
    n: int,
    seed: int,
    guidance: float,
    progress: bool,
    labels: Tensor | None = None,
) -> dict:
    """For a sampler that takes steps: how quality depends on how many, and what guidance gives.

    ``fd_over_floor.steps_10`` and so on; ``label_accuracy.guided`` at this guidance. Of a model
    that needs a few steps alone ``fd.steps_1`` as well, to be held beside its teacher's.
    """
    results, few = {}, isinstance(model, TakesFewSteps)
    if model.takes("steps"):
        for steps in FEW if few else STEPS:
            found = quality(model, judge, real, n, seed, progress, labels, steps=steps)
            for name in ("fd", "fd_over_floor") if few else ("fd_over_floor",):
                results[f"{name}.steps_{steps}"] = found[name]
    if model.takes("guidance"):
        found = quality(model, judge, real, n, seed, progress, labels, guidance=guidance)
        for name in ("label_accuracy", "fd_over_floor"):
            results[f"{name}.guided"] = {**found[name], "note": f"guidance {guidance:g}"}
    return results


def by_teacher(
    teacher: Model,
    name: str,
    judge: Model,
    real: RealFeatures,
    n: int,
    seed: int,
    progress: bool,
    labels: Tensor | None = None,
) -> dict:
    """What samples of the model that another learned from are worth, measured alike and as that
    model samples unless told: ``fd.teacher`` and ``fd_over_floor.teacher``."""
    found = quality(teacher, judge, real, n, seed, progress, labels)
    steps = next(iter(teacher.sample_steps(1, generator(seed)))).total
    note = f"{name}, {steps} steps"
    return {f"{k}.teacher": {**found[k], "note": note} for k in ("fd", "fd_over_floor")}


@torch.no_grad()
def by_chain(model: Model, judge: Model, n: int, seed: int, progress: bool) -> dict:
    """For an energy's chains: what part of them are pictures to the judge, which is sure of one of
    its classes, after so many steps from their start: ``confident.steps_100`` and so on. Of n
    chains at most."""
    results = {}
    for steps, most in CHAINS if isinstance(model, HasEnergy) and model.takes("steps") else ():
        made, _ = drawn(model, min(n, most), seed, f"chains, {steps} steps", progress, steps=steps)
        sure = torch.cat([
            judge.classify(x.to(judge.device)).softmax(1).amax(1).cpu() for x in made.split(256)
        ])  # fmt: skip
        share = metrics.mean_and_stderr((sure > CONFIDENT).double())
        results[f"confident.steps_{steps}"] = metric(share, n=len(made))
    return results


@torch.no_grad()
def by_category(model: Model, judge: Model, test: Dataset, n: int, seed: int) -> dict:
    """For a model with a categorical code that it learned without labels: whether it means a class.

    Each category is matched to a class, one to one, so that most of n samples are read by the judge
    as the class of their category: ``category_match`` is that share. ``category_accuracy`` is the
    share of test images whose category, as the model reads it off them, is matched to their class;
    no test image had a part in the matching.
    """
    codes = model.codes if isinstance(model, HasCodes) else ()
    code = next((code for code in codes if code.kind == "categorical"), None)
    if code is None or test.labels is None:
        return {}
    streams, given, read = Streams.of(generator(seed), n), [], []
    for i in range(0, n, CHUNK):
        rng = streams[i : i + CHUNK]
        *_, frame = model.sample_steps(len(rng), rng)
        given.append(frame.info["z"][:, code.start : code.stop].argmax(1).cpu())
        read.append(judge.classify(frame.x.to(judge.device)).argmax(1).cpu())
    given, read = torch.cat(given).numpy(), torch.cat(read).numpy()
    matched = matching(given, read, code.stop - code.start)
    results = {
        "category_match": metric(metrics.mean_and_stderr(matched[given] == read), n=n),
    }
    if isinstance(model, ReadsCodes):
        seen = metrics.judged(model.read_codes, test.images, model)
        agree = matched[seen[:, : code.stop - code.start].argmax(1)] == test.labels.numpy()
        results["category_accuracy"] = metric(metrics.mean_and_stderr(agree), n=len(agree))
    return results


def matching(given: np.ndarray, read: np.ndarray, categories: int) -> np.ndarray:
    """(categories,) the class of each, one to one, by which most pairs of (n,) categories given and
    (n,) classes read agree; -1 for a category that is left over."""
    counts = np.zeros((categories, 1 + max(int(read.max()), categories - 1)), np.int64)
    np.add.at(counts, (given, read), 1)
    matched = np.full(categories, -1)
    rows, columns = linear_sum_assignment(-counts)
    matched[rows] = columns
    return matched


def by_truncation(
    model: Model,
    judge: Model,
    real: RealFeatures,
    n: int,
    seed: int,
    progress: bool,
    labels: Tensor | None = None,
) -> dict:
    """For a model whose codes can be truncated: what that gains, and what it costs in variety.

    ``fd_over_floor.truncation_0.5`` and so on, to ``truncation_inf``, which is none.
    """
    results = {}
    for threshold in THRESHOLDS if isinstance(model, Truncates) else ():
        found = quality(model, judge, real, n, seed, progress, labels, truncation=threshold)
        for name in TRUNCATED:
            if name in found:
                results[f"{name}{TRUNCATION}{threshold:g}"] = found[name]
    return results


def sample(
    model: GenerativeModel,
    n: int,
    rng: Generator | Streams,
    label: int | Tensor | None = None,
    watch: Callable[[Iterable[Frame]], Iterable[Frame]] = iter,
    **knobs: Any,
) -> Tensor:
    """``model.sample``, shared out: every process returns all n images, (n, C, H, W) in [0, 1].

    watch: is given the frames of this process, and gives them on.
    """
    processes, streams = here(), Streams.of(rng, n)
    # Every process makes as many; the last ones make some again, which are left out.
    filled = torch.arange(-(-n // processes.count) * processes.count) % n
    mine = processes.mine(filled)
    if isinstance(label, Tensor):
        label = label[mine.to(label.device)]
    rng = Streams(streams.key, [streams.rows[k] for k in mine.tolist()])
    frames = watch(model.sample_steps(len(mine), rng, label, **knobs))
    return processes.joined(deque(frames, maxlen=1)[0].x)[:n]
