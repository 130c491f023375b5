"""Measures a checkpoint on test images, by what it can do, and writes the results beside it.

A model with a likelihood gets nats, one that samples is held against real images in the judge's
features, one that encodes gets its codes mapped, a classifier its accuracy, and its features kept.
Training images appear in one number only, the floor of the Fréchet distance, which is not about the
model.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from models.checkpoints import weights
from models.checkpoints.codes import CODES
from models.checkpoints.header import SHIPPED, CheckpointError, Header, find, read_header
from models.checkpoints.judges import SECOND, is_judge, is_second
from models.checkpoints.parts import weights_in
from models.checkpoints.preview import save_preview
from models.checkpoints.reference import AUROC, save_reference
from models.checkpoints.tricks import TRICK
from models.codes.judged_map import keep_features
from models.contract.abilities import (
    HasDomains,
    HasTeacher,
    QuantisesCodes,
    Translates,
    WritesText,
)
from models.contract.capabilities import (
    Classifies,
    Encodes,
    HasLikelihood,
    Samples,
    TellsClasses,
    capabilities,
)
from models.contract.model import Model
from models.data import datasets
from models.data.datasets import Dataset
from models.evaluation import cas, copies, metrics
from models.evaluation import samples as evaluate_samples
from models.evaluation.batches import batches, faster
from models.evaluation.card import write_card
from models.evaluation.codes import codes
from models.evaluation.likelihoods import by_class, codebook, likelihood
from models.evaluation.metrics import RealFeatures, metric
from models.evaluation.moments import moments_of_map
from models.evaluation.text import of_text
from models.evaluation.translation import save_preview as save_translations
from models.evaluation.translation import translation
from models.evaluation.tricks import by_trick
from models.machine.files import CannotWrite, attempt, check_folder
from models.machine.processes import here
from models.scores.background import background_of
from models.scores.scores import applicable

log = logging.getLogger(__name__)

PARTS = ("accuracy", "likelihood", "quality", "steps", "codes")
# Eight sets of pictures by every score, up to an hour; samples of every snapshot of the run, or at
# every truncation, some minutes; the codes at every snapshot; two classifiers trained anew.
OF_SAMPLES = {"quality", "steps", "cas", "snapshots", "truncation", "chains"}
ON_REQUEST = ("scores", "cas", "snapshots", "truncation", "chains", "moments", "tricks")


class NotKept(CannotWrite):
    """Results that were measured and could not be written; ``header`` holds them."""

    def __init__(self, error: CannotWrite, header: Header) -> None:
        OSError.__init__(self, str(error))
        self.header = header


def evaluate(
    folder: Path,
    data_dir: str | Path | None = None,
    device: torch.device | str = "cpu",
    *,
    n: int | None = None,
    samples: int | None = None,
    seed: int = 0,
    only: Sequence[str] = (),
    write: bool = True,
    progress: bool = True,
    run: Path | None = None,
) -> Header:
    """All metrics that apply, as a new header; written into the checkpoint where ``write``.

    n: test images (0 is all), or, of parts that ``only`` names, samples; samples: importance
    samples an image; both default to the recipe's.
    only: some of ``PARTS`` or ``ON_REQUEST``; what the others measured before stays as it is.
    run: where "moments" takes its snapshots from, if not from the checkpoint itself; the folder of
    the runs that "tricks" measures.
    Raises ValueError where the data cannot be had or do not fit the model, or, before anything is
    measured, where the folder cannot be written into; NotKept where it no longer can be afterwards.
    """
    header = read_header(folder)
    if write and here().main:
        check_folder(folder)
    effort = header.recipe.get("evaluate", {})
    n_scores = n or effort.get("scores_n", 2000)
    n_drawn = n or effort.get("quality_n", 2048)
    n_quality = n_drawn if only else effort.get("quality_n", 2048)
    n = effort.get("n", 0) if n is None else n
    samples = samples or effort.get("samples", 500)
    model = weights.load(folder, device)
    write, progress = write and here().main, progress and here().main
    test = datasets.load(header.data["name"], "test", data_dir)
    if test.image_shape != model.image_shape:
        raise ValueError(
            f"'{test.name}' holds images of {test.image_shape}, the model reads "
            f"{model.image_shape}."
        )
    images = test.images[: n or len(test)]

    parts = set(only or PARTS)
    results: dict[str, dict[str, Any]] = {}
    problems: list[ValueError] = []

    @contextlib.contextmanager
    def measuring(*names: str) -> Iterator[None]:
        """A part that cannot be measured is left out with a sentence: the others are not lost."""
        try:
            yield
        except ValueError as error:
            problems.append(error)
            log.warning("Left out (%s): %s", ", ".join(names), error)

    try:
        if isinstance(model, Classifies) and "accuracy" in parts:
            with measuring("accuracy"):
                results |= classification(model, images, test.labels[: len(images)], progress)
        if isinstance(model, Classifies) and "codes" in parts and write:
            with measuring("codes"):
                attempt(lambda: keep_features(model, test, folder))
        kl = None
        if isinstance(model, HasLikelihood) and "likelihood" in parts:
            # A conditional model's likelihood is that of an image given its class.
            asks = "Conditional" in capabilities(model) and test.labels is not None
            given = test.labels[: len(images)] if asks else None
            with measuring("likelihood"):
                numbers, kl = likelihood(model, images, samples, seed, progress, given)
                results |= numbers
                if isinstance(model, TellsClasses) and given is not None:
                    space = numbers["nll_nats"]["space"]
                    results |= by_class(model, images, given, space, seed, progress)
        if isinstance(model, WritesText) and "likelihood" in parts:
            with measuring("likelihood"):
                training = datasets.load(header.data["name"], "train", data_dir).images
                results |= of_text(model, images, training, progress)
        if isinstance(model, QuantisesCodes) and "codes" in parts:
            with measuring("codes"):
                results |= codebook(model, images, progress)
        if isinstance(model, Samples) and parts & OF_SAMPLES:
            with measuring(*sorted(parts & OF_SAMPLES)):
                _samples(
                    model, header, folder, test, data_dir, parts, n_quality, n_drawn, seed, write,
                    progress, results,
                )  # fmt: skip
            if write and "quality" in parts:
                attempt(lambda: save_preview(model, folder))
        if isinstance(model, Translates) and isinstance(model, HasDomains) and "quality" in parts:
            with measuring("quality"):
                judge = find_judge(header.data["name"], folder.parent)
                train = datasets.load(header.data["name"], "train", data_dir)
                count = effort.get("quality_n", 2048)
                results |= translation(model, test, train, judge, count, seed, progress)
            if write:
                attempt(lambda: save_translations(model, test, folder))
        if isinstance(model, Encodes) and "codes" in parts:
            if kl is None and (folder / CODES).is_file():
                kl = load_file(folder / CODES).get("kl")
            with faster(model), measuring("codes"):
                results |= codes(model, test, kl, folder if write else None, progress)
        if isinstance(model, Encodes) and "moments" in parts:
            with measuring("moments"):
                results |= moments_of_map(model, header, folder, test, run, write)
        if "tricks" in parts:
            with measuring("tricks"):
                judge = find_judge(header.data["name"], folder.parent)
                train = datasets.load(header.data["name"], "train", data_dir)
                if judge is not None:
                    judge = judge.to(model.device)
                    results |= by_trick(header, run, judge, train, n_drawn, seed, progress)
        if "scores" in parts and applicable(model):
            with measuring("scores"):
                results |= scores(
                    model, header, folder, test, data_dir, n_scores, seed, write, progress
                )
    finally:
        # Also where a later part has failed or was stopped: what was measured stands on the card.
        before = header.metrics
        for table in (AUROC, TRICK):  # they come as a whole
            if any(table in name for name in results):
                before = {k: entry for k, entry in before.items() if table not in k}
        # What it can do is asked anew: it may have been trained before there was a word for it.
        header = dataclasses.replace(
            header, metrics={**before, **results}, capabilities=capabilities(model)
        )
        if write:
            try:
                weights.rewrite_header(folder, header)
                write_card(header, folder)
            except CannotWrite as error:
                raise NotKept(error, header) from error
    here().wait()
    if problems and not results:
        raise problems[0]
    return header


def _samples(
    model: Model,
    header: Header,
    folder: Path,
    test: Dataset,
    data_dir: str | Path | None,
    parts: set[str],
    count: int,
    n: int,
    seed: int,
    write: bool,
    progress: bool,
    results: dict[str, dict[str, Any]],
) -> None:
    """What samples are worth to a judge, where there is one, into ``results`` as it is measured.

    count: samples; n: samples of every snapshot and at every truncation.
    """
    judge = find_judge(header.data["name"], folder.parent)
    if judge is None:
        return
    effort = header.recipe.get("evaluate", {})
    train = datasets.load(header.data["name"], "train", data_dir)
    judge = judge.to(model.device)
    if parts & {"quality", "cas"}:
        made, label = evaluate_samples.drawn(model, count, seed, "sample", progress, train.labels)
    if "cas" in parts:
        results |= cas.of_samples(model, made, label, judge, test, train, seed, progress)
    if parts == {"cas"}:
        return
    real = evaluate_samples.reference(model, judge, test, train, count, seed)
    if "quality" in parts:
        results |= metrics.sample_quality(made, real, judge, fake_labels=label, seed=seed)
        results |= _second_opinion(model, header, folder, test, train, made, label, seed)
        results |= copies.of_samples(model, made, test, train, seed)
        results |= evaluate_samples.by_category(model, judge, test, count, seed)
    if "steps" in parts:
        guidance = effort.get("guidance", 2.0)
        with faster(model):
            results |= evaluate_samples.by_steps(
                model, judge, real, count, seed, guidance, progress, train.labels
            )
        if isinstance(model, HasTeacher) and model.teacher:
            results |= _of_the_teacher(model, folder, judge, real, count, seed, progress, train)
    if "chains" in parts:
        results |= evaluate_samples.by_chain(model, judge, n, seed, progress)
    if n != count:
        real = evaluate_samples.reference(model, judge, test, train, n, seed)
    if "truncation" in parts:
        results |= evaluate_samples.by_truncation(
            model, judge, real, n, seed, progress, train.labels
        )
    if "snapshots" in parts:
        snapshots(folder, judge, real, test.classes, n, seed, write, progress, train.labels)


def _second_opinion(
    model: Model,
    header: Header,
    folder: Path,
    test: Dataset,
    train: Dataset,
    made: Tensor,
    label: Tensor | None,
    seed: int,
) -> dict:
    """The same samples by the second judge, where there is one: ``fd.second`` and so on."""
    judge = find_judge(header.data["name"], folder.parent, is_second)
    if judge is None:
        return {}
    judge = judge.to(model.device)
    real = evaluate_samples.reference(model, judge, test, train, len(made), seed, "second judge")
    found = metrics.sample_quality(made, real, judge, fake_labels=label, seed=seed)
    return {f"{name}{SECOND}": entry for name, entry in found.items()}


def _of_the_teacher(
    model: Model,
    folder: Path,
    judge: Model,
    real: RealFeatures,
    n: int,
    seed: int,
    progress: bool,
    train: Dataset,
) -> dict:
    """The same of the model that this one learned from, where it is here."""
    for candidate in (folder.parent / model.teacher, SHIPPED / model.teacher):
        if weights_in(candidate) is not None:
            teacher = weights.load(candidate, str(model.device))
            with faster(teacher):
                return evaluate_samples.by_teacher(
                    teacher, model.teacher, judge, real, n, seed, progress, train.labels
                )
    return {}


@torch.no_grad()
def classification(model: Model, images: Tensor, labels: Tensor, progress: bool) -> dict:
    logits = torch.cat(
        [model.classify(x).cpu() for x in batches(images, 256, model, "classify", progress)]
    )
    accuracy = metrics.label_accuracy(logits, labels)
    error = metrics.bootstrap_stderr(
        lambda *rows: metrics.calibration(*rows).ece, logits.numpy(), labels.numpy(), n=100
    )
    return {
        "accuracy": metric(accuracy, n=len(images)),
        "mean_confidence": metric(
            metrics.mean_and_stderr(logits.double().softmax(1).amax(1)), n=len(images)
        ),
        "calibration_error": metric(metrics.calibration(logits, labels).ece, error, n=len(images)),
    }


def find_judge(
    data_name: str, folder: Path, wanted: Callable[[Header], bool] = is_judge
) -> Model | None:
    """The classifier of that data set in ``folder`` or among the shipped ones, else None.

    wanted: which one, the judge or the second judge.
    """
    for candidate in [*find(folder), *find(SHIPPED)]:
        try:
            header = read_header(candidate)
        except CheckpointError as error:  # of no concern to the model measured here
            log.warning("%s", error)
            continue
        if header.data["name"] == data_name and wanted(header):
            return weights.load(candidate)
    if wanted is is_judge:
        log.warning("No judge for '%s' here: no Fréchet distance is measured.", data_name)
    return None


def scores(
    model: Model,
    header: Header,
    folder: Path,
    test: Dataset,
    data_dir: str | Path | None,
    n: int,
    seed: int,
    write: bool,
    progress: bool,
) -> dict:
    """What the anomaly scores tell apart; their values are kept in ``folder``."""
    from models.evaluation.scores import aurocs, measure

    background = background_of(header, (folder.parent, SHIPPED), model.device)
    train = datasets.load(header.data["name"], "train", data_dir)
    reference = measure(model, train, test, data_dir, background, n, seed, progress)
    if write:
        attempt(lambda: save_reference(reference, folder))
    return aurocs(reference)


def snapshots(
    folder: Path,
    judge: Model,
    real: metrics.RealFeatures,
    classes: Sequence[str],
    n: int,
    seed: int,
    write: bool,
    progress: bool,
    labels: Tensor | None,
) -> None:
    """What the run's snapshots are worth, kept beside them."""
    from models.checkpoints.snapshots import save_measured
    from models.evaluation.snapshots import measure

    found = measure(folder, judge, real, classes, n, seed, progress, labels)
    if found is None:
        log.warning("'%s' was trained without snapshots: none is measured.", folder.name)
    elif write:
        attempt(lambda: log.info("Wrote %s.", save_measured(found, folder)))
