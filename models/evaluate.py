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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from models import checkpoint, data, evaluate_samples, metrics, pictures
from models.base import (
    Classifies,
    Decodes,
    Denoises,
    Encodes,
    Flows,
    HasLikelihood,
    Model,
    Samples,
    WritesPixels,
    capabilities,
    generator,
)
from models.checkpoint import Header
from models.data import Dataset
from models.devices import wants_bf16
from models.judged_map import keep_features
from models.metrics import metric
from models.processes import here, own
from models.reference import AUROC, save_reference
from models.scores import applicable, background_of

log = logging.getLogger(__name__)

CODES = "codes.safetensors"
PREVIEW = "preview.webp"
PARTS = ("accuracy", "likelihood", "quality", "steps", "codes")
# Eight sets of pictures by every score, up to an hour; samples of every snapshot of the run, or at
# every truncation, some minutes.
ON_REQUEST = ("scores", "snapshots", "truncation")
# Codes longer than this are noises of a picture's size rather than a few numbers: fewer of them
# are kept, with what is costly to compute of them.
LONG_CODE = 256
LONG_CODES = 5000
PER_IMAGE = ("nll", "elbo", "reconstruction", "kl", "ess")  # what a likelihood gives on its way
ACTIVE_NATS = 0.01  # a dimension whose mean KL is below this says nothing of the picture


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
) -> Header:
    """All metrics that apply, as a new header; written into the checkpoint where ``write``.

    n: test images (0 is all), or samples of every snapshot and at every truncation; samples:
    importance samples an image; both default to the recipe's.
    only: some of ``PARTS`` or ``ON_REQUEST``; what the others measured before stays as it is.
    Raises ValueError where the data cannot be had or do not fit the model.
    """
    header = checkpoint.read_header(folder)
    effort = header.recipe.get("evaluate", {})
    n_scores = n or effort.get("scores_n", 2000)
    n_drawn = n or effort.get("quality_n", 2048)
    n = effort.get("n", 0) if n is None else n
    samples = samples or effort.get("samples", 500)
    model = checkpoint.load(folder, device)
    write, progress = write and here().main, progress and here().main
    test = data.load(header.data["name"], "test", data_dir)
    if test.image_shape != model.image_shape:
        raise ValueError(
            f"'{test.name}' holds images of {test.image_shape}, the model reads "
            f"{model.image_shape}."
        )
    images = test.images[: n or len(test)]

    results: dict[str, dict[str, Any]] = {}
    parts = set(only or PARTS)
    if isinstance(model, Classifies) and "accuracy" in parts:
        results |= classification(model, images, test.labels[: len(images)], progress)
    if isinstance(model, Classifies) and "codes" in parts and write:
        keep_features(model, test, folder)
    kl = None
    if isinstance(model, HasLikelihood) and "likelihood" in parts:
        # A conditional model's likelihood is that of an image given its class.
        asks = "Conditional" in capabilities(model) and test.labels is not None
        given = test.labels[: len(images)] if asks else None
        numbers, kl = likelihood(model, images, samples, seed, progress, given)
        results |= numbers
    if isinstance(model, Samples) and parts & {"quality", "steps", "snapshots", "truncation"}:
        judge = find_judge(header.data["name"], folder.parent)
        if judge is not None:
            train = data.load(header.data["name"], "train", data_dir)
            judge = judge.to(model.device)
            count = effort.get("quality_n", 2048)
            real = evaluate_samples.reference(model, judge, test, train, count, seed)
            if "quality" in parts:
                results |= evaluate_samples.quality(model, judge, real, count, seed, progress)
                results |= evaluate_samples.by_category(model, judge, test, count, seed)
            if "steps" in parts:
                guidance = effort.get("guidance", 2.0)
                with faster(model):
                    results |= evaluate_samples.by_steps(
                        model, judge, real, count, seed, guidance, progress
                    )
            if n_drawn != count:
                real = evaluate_samples.reference(model, judge, test, train, n_drawn, seed)
            if "truncation" in parts:
                results |= evaluate_samples.by_truncation(
                    model, judge, real, n_drawn, seed, progress
                )
            if "snapshots" in parts:
                snapshots(folder, judge, real, test.classes, n_drawn, seed, write, progress)
        if write and "quality" in parts:
            save_preview(model, folder)
    if isinstance(model, Encodes) and "codes" in parts:
        if kl is None and (folder / CODES).is_file():
            kl = load_file(folder / CODES).get("kl")
        with faster(model):
            results |= codes(model, test, kl, folder if write else None, progress)
    before = header.metrics
    if "scores" in parts and applicable(model):
        results |= scores(model, header, folder, test, data_dir, n_scores, seed, write, progress)
        before = {name: entry for name, entry in before.items() if not name.startswith(AUROC)}

    # What it can do is asked anew: it may have been trained before there was a word for it.
    header = dataclasses.replace(
        header, metrics={**before, **results}, capabilities=capabilities(model)
    )
    if write:
        checkpoint.rewrite_header(folder, header)
    here().wait()
    return header


def faster(model: Model) -> contextlib.AbstractContextManager:
    """bfloat16 products for a denoiser, which is asked a hundred thousand times.

    What it says is scaled down with the noise that is left, and its rounding with it: samples in
    20 steps moved by 0.0015 of the range, a third of a grey level, in half the time.
    """
    wanted = isinstance(model, Denoises) and wants_bf16("auto", model.device)
    return torch.autocast(model.device.type, torch.bfloat16, enabled=wanted)


def batches(images: Tensor, size: int, model: Model, what: str, progress: bool) -> Iterator[Tensor]:
    """(B, C, H, W) in [0, 1] on the model's device, with a bar on stderr."""
    for part in tqdm(images.split(size), what, disable=not progress, leave=False):
        x = part.to(model.device).float() / 255
        yield x.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def classification(model: Model, images: Tensor, labels: Tensor, progress: bool) -> dict:
    logits = torch.cat(
        [model.classify(x).cpu() for x in batches(images, 256, model, "classify", progress)]
    )
    accuracy = metrics.label_accuracy(logits, labels)
    calibration = metrics.calibration(logits, labels)
    return {
        "accuracy": metric(accuracy, n=len(images)),
        "calibration_error": metric(calibration.ece, n=len(images)),
    }


def likelihood(
    model: Model,
    images: Tensor,
    samples: int,
    seed: int,
    progress: bool,
    labels: Tensor | None = None,
) -> tuple[dict, Tensor | None]:
    """Negative log-likelihoods over ``images``, and the mean KL of each latent dimension (D,)."""
    # Millions of decodings: matrix products in bfloat16 where the machine has them. For vae-mnist
    # that moved the mean over 500 images by 0.001 nats, a thousandth of its standard error.
    # Not for a denoiser, whose ODE adds up what rounding leaves: there it moved 8 digits by 3 nats;
    # nor for what is exact or nearly so, which costs a pass or a few.
    exact = isinstance(model, (Denoises, Flows, WritesPixels))
    bf16 = wants_bf16("auto", model.device) and not exact
    found: dict[int, dict[str, Any]] = {}  # by batch
    for index, x in own(batches(images, 50, model, "likelihood", progress)):
        with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16):
            effort = {"samples": samples}
            if labels is not None:
                effort["label"] = labels[50 * index : 50 * index + len(x)].to(model.device)
            result = model.log_likelihood(x, generator(seed, index), **effort)
        numbers = {"nll": -result.nats, **result.details}
        kl_per_dimension = result.details.get("kl_per_dimension")
        found[index] = {
            "numbers": {k: v.cpu() for k, v in numbers.items() if k in PER_IMAGE},
            "kl": None if kl_per_dimension is None else kl_per_dimension.sum(0).cpu(),
            "told": (result.kind, result.space, result.how),
        }
    found = here().collected(found)
    kind, space, how = found[0]["told"]
    per_image = {
        name: torch.cat([part["numbers"][name] for part in found.values()])
        for name in found[0]["numbers"]
    }
    facts = {"n": len(images), "space": space}
    mean = {name: metrics.mean_and_stderr(values) for name, values in per_image.items()}
    numbers = {"nll_nats": metric(mean["nll"], kind=kind, **facts)}
    if how:
        numbers["nll_nats"]["note"] = how
    if "elbo" in mean:
        numbers["elbo_nats"] = metric(mean["elbo"], kind="lower bound", **facts)
    if "kl" in mean:
        numbers["reconstruction_nats"] = metric(mean["reconstruction"], **facts)
        numbers["kl_nats"] = metric(mean["kl"], **facts)
    if "ess" in mean:
        numbers["effective_samples"] = metric(mean["ess"], n=len(images))
    if space == "uint8":
        bpd = metrics.bits_per_dim(per_image["nll"], model.image_shape)
        numbers["bpd"] = metric(metrics.mean_and_stderr(bpd), kind=kind, **facts)
        if how:
            numbers["bpd"]["note"] = how
    kl = None
    if found[0]["kl"] is not None:
        kl = (sum(part["kl"] for part in found.values()) / len(images)).float()
        active = int((kl > ACTIVE_NATS).sum())
        numbers["active_dimensions"] = metric(active, n=len(images), note=f"of {len(kl)}")
    return numbers, kl


def find_judge(data_name: str, folder: Path) -> Model | None:
    """The classifier of that data set in ``folder`` or among the shipped ones, else None."""
    for candidate in [*checkpoint.find(folder), *checkpoint.find(checkpoint.SHIPPED)]:
        try:
            header = checkpoint.read_header(candidate)
        except checkpoint.CheckpointError as error:  # of no concern to the model measured here
            log.warning("%s", error)
            continue
        if header.data["name"] == data_name and "Classifies" in header.capabilities:
            return checkpoint.load(candidate)
    log.warning("No judge for '%s' here: no Fréchet distance is measured.", data_name)
    return None


@torch.no_grad()
def codes(
    model: Model, test: Dataset, kl: Tensor | None, folder: Path | None, progress: bool
) -> dict:
    """Codes of the test images, their map, and what these are worth; kept in ``folder``."""
    from models.projection import fit_map

    # A conditional model's code of a picture is that of the picture given its class.
    asks = "Conditional" in capabilities(model) and test.labels is not None

    def told(start: int, count: int) -> dict[str, Tensor]:
        return {"label": test.labels[start : start + count]} if asks else {}

    found: dict[int, Tensor] = {}
    for i, x in own(batches(test.images, 256, model, "encode", progress)):
        found[i] = model.encode(x, **told(256 * i, len(x))).cpu()
        if found[i].shape[1] > LONG_CODE and 256 * (i + 1) >= LONG_CODES:
            break
    found = here().collected(found)
    if not here().main:  # a map is made by one
        return {}
    long = found[0].shape[1] > LONG_CODE
    z = torch.cat([*found.values()])[: LONG_CODES if long else None]
    labels = None if test.labels is None else test.labels[: len(z)]
    results: dict[str, dict] = {}
    if test.factors is not None:
        gap = metrics.mutual_information_gap(z, test.factors)
        error = metrics.bootstrap_stderr(
            lambda a, b: metrics.mutual_information_gap(a, b).value,
            z.numpy(),
            test.factors.numpy(),
            n=20,
        )
        per_factor = {
            name: round(float(value), 4)
            for name, value in zip(test.factor_names, gap.per_factor, strict=True)
        }
        results["mig"] = metric(gap.value, float(error), n=len(z), per_factor=per_factor)
    # Stored codes are rounded, and so is what is computed from them: a map of what is kept.
    z = z.half().float()
    embedding = torch.cat(
        [
            model.embed(part.to(model.device), **told(256 * i, len(part))).cpu()
            for i, part in enumerate(tqdm(z.split(256), "embed", disable=not progress, leave=False))
        ]
    )
    coordinates = z.numpy() if z.shape[1] == 2 else fit_map(embedding.numpy(), "umap")
    results["trustworthiness"] = metric(
        metrics.trustworthiness(embedding, coordinates), n=min(4000, len(z))
    )
    if labels is not None:
        results["knn_accuracy"] = metric(
            metrics.knn_accuracy(coordinates, labels), n=len(z), note="5-fold held out"
        )
    if folder is not None:
        tensors = {
            "codes": z.half(),
            "map": torch.from_numpy(np.ascontiguousarray(coordinates)).float(),
        }
        if labels is not None:
            tensors["labels"] = labels.to(torch.uint8)
        if kl is not None:
            tensors["kl"] = kl
        if not torch.equal(embedding, z):
            tensors["embedding"] = embedding.half()
        if long and isinstance(model, Decodes):
            tensors |= long_code_extras(model, z, labels if asks else None, progress)
        about = {
            "data": test.name,
            "split": test.split,
            "n": str(len(z)),
            "map": "umap" if z.shape[1] != 2 else "the code itself",
        }
        checkpoint.write_atomically(folder / CODES, lambda path: save_file(tensors, path, about))
    return results


@torch.no_grad()
def long_code_extras(
    model: Model, z: Tensor, labels: Tensor | None, progress: bool, count: int = 24
) -> dict[str, Tensor]:
    """What a page cannot compute while somebody waits, for codes as long as a picture.

    pictures: (N, C, H, W) uint8, the codes decoded. directions: (count, D), orthonormal, along
    which to move a code, since a single number of it changes nothing to be seen: the principal
    components of the pictures, for a Gaussian's are those of the map from noise to picture too.
    moves: (count,) how much a pixel changes on average, a standard deviation each way; the most
    first.
    """

    from sklearn.decomposition import PCA

    def decoded(codes: Tensor, label: Tensor | None, what: str) -> Tensor:
        pictures = []
        for i in tqdm(range(0, len(codes), 256), what, disable=not progress, leave=False):
            asked = {} if label is None else {"label": label[i : i + 256].to(model.device)}
            pictures.append(model.decode(codes[i : i + 256].to(model.device), **asked).cpu())
        return torch.cat(pictures)

    pictures = decoded(z, labels, "decode")
    # Not torch's own, which draws from the global generator: directions are to be the same again.
    flat = pictures.flatten(1).double().numpy()
    solver = PCA(count, svd_solver="randomized", random_state=0).fit(flat)
    directions = torch.from_numpy(solver.components_).float()  # (count, D)
    chosen = torch.arange(0, len(z), max(1, len(z) // 16))[:16]
    start = z[chosen].repeat(count, 1)  # (count * 16, D)
    step = directions.repeat_interleave(len(chosen), 0)
    asked = None if labels is None else labels[chosen].repeat(count)
    change = decoded(start + step, asked, "directions") - decoded(start - step, asked, "directions")
    moves = change.abs().flatten(1).mean(1).view(count, -1).mean(1) / 2
    order = moves.argsort(descending=True)
    return {
        "pictures": (pictures.clamp(0, 1) * 255).round().byte(),
        "directions": directions[order].half(),
        "moves": moves[order],
    }


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
    from models.evaluate_scores import aurocs, measure

    background = background_of(header, (folder.parent, checkpoint.SHIPPED), model.device)
    train = data.load(header.data["name"], "train", data_dir)
    reference = measure(model, train, test, data_dir, background, n, seed, progress)
    if write:
        save_reference(reference, folder)
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
) -> None:
    """What the run's snapshots are worth, kept beside them."""
    from models.evaluate_snapshots import measure
    from models.snapshots import save_measured

    found = measure(folder, judge, real, classes, n, seed, progress)
    if found is None:
        log.warning("'%s' was trained without snapshots: none is measured.", folder.name)
    elif write:
        log.info("Wrote %s.", save_measured(found, folder))


@torch.no_grad()
def save_preview(model: Model, folder: Path) -> None:
    """64 samples of seed 0: what the page shows before anything has been computed."""
    sheet = pictures.grid(model.sample(64, generator(0)))
    checkpoint.write_atomically(
        folder / PREVIEW, lambda path: sheet.save(path, format="webp", lossless=True)
    )
