"""The likelihood of test images, and what a bound is made of."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from models.contract.abilities import HasLevels
from models.contract.capabilities import (
    Denoises,
    Flows,
    WritesPixels,
)
from models.contract.model import Model
from models.contract.numbers import bits_per_dim
from models.contract.random import generator
from models.evaluation import metrics
from models.evaluation.batches import batches
from models.evaluation.card import GIVEN
from models.evaluation.metrics import metric
from models.machine.devices import wants_bf16
from models.machine.processes import here, own

# What a likelihood gives on its way.
PER_IMAGE = ("nll", "elbo", "reconstruction", "kl", "ess", "code_nats")
LEVEL = "kl_nats."  # and the level's name
ACTIVE_NATS = 0.01  # a dimension whose mean KL is below this says nothing of the picture


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
            effort = {}
            if model.takes("samples", "log_likelihood"):
                effort["samples"] = samples
            if labels is not None:
                effort["label"] = labels[50 * index : 50 * index + len(x)].to(model.device)
            result = model.log_likelihood(x, generator(seed, index), **effort)
        numbers = {"nll": -result.nats, **result.details}
        kl_per_dimension = result.details.get("kl_per_dimension")
        kl_per_level = result.details.get("kl_per_level")
        found[index] = {
            "numbers": {k: v.cpu() for k, v in numbers.items() if k in PER_IMAGE},
            "kl": None if kl_per_dimension is None else kl_per_dimension.sum(0).cpu(),
            "levels": None if kl_per_level is None else kl_per_level.cpu(),
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
    notes = ", ".join(note for note in (GIVEN if labels is not None else "", how) if note)
    if notes:
        numbers["nll_nats"]["note"] = notes
    if "elbo" in mean:
        numbers["elbo_nats"] = metric(mean["elbo"], kind="lower bound", **facts)
    if "kl" in mean:
        numbers["reconstruction_nats"] = metric(mean["reconstruction"], **facts)
        numbers["kl_nats"] = metric(mean["kl"], **facts)
    if "ess" in mean:
        numbers["effective_samples"] = metric(mean["ess"], n=len(images))
    if "code_nats" in mean:
        numbers["code_nats"] = metric(mean["code_nats"], **facts)
        numbers["reconstruction_nats"] = metric(mean["reconstruction"], **facts)
    if found[0]["levels"] is not None and isinstance(model, HasLevels):
        kl_per_level = torch.cat([part["levels"] for part in found.values()])  # (n, L)
        for name, nats in zip(model.levels, kl_per_level.unbind(1), strict=True):
            numbers[f"{LEVEL}{name}"] = metric(metrics.mean_and_stderr(nats), **facts)
    if space == "uint8":
        bpd = bits_per_dim(per_image["nll"], model.image_shape)
        numbers["bpd"] = metric(metrics.mean_and_stderr(bpd), kind=kind, **facts)
        if notes:
            numbers["bpd"]["note"] = notes
    kl = None
    if found[0]["kl"] is not None:
        kl = (sum(part["kl"] for part in found.values()) / len(images)).float()
        active = int((kl > ACTIVE_NATS).sum())
        numbers["active_dimensions"] = metric(active, n=len(images), note=f"of {len(kl)}")
    return numbers, kl


@torch.no_grad()
def codebook(model: Model, images: Tensor, progress: bool) -> dict:
    """What part of a codebook's entries the codes of test images use."""
    used = torch.zeros(model.codebook_size, dtype=torch.bool)
    for x in batches(images, 256, model, "codes", progress):
        used[model.encode_indices(x).flatten().unique().cpu()] = True
    share = float(used.float().mean())
    return {"codebook_use": metric(share, n=len(images), note=f"of {len(used)} entries")}


def by_class(
    model: Model, images: Tensor, labels: Tensor, space: str, seed: int, progress: bool
) -> dict:
    """How often the likeliest class is the right one, and what a picture of unknown class costs:
    log p(x) = log 1/K sum_y p(x | y), exact where p(x | y) is."""
    found = {
        index: model.class_nats(x, generator(seed, index)).cpu()
        for index, x in own(batches(images, 50, model, "classes", progress))
    }
    nats = torch.cat([*here().collected(found).values()])  # (N, K)
    free = nats.logsumexp(1) - math.log(nats.shape[1])
    right = metrics.label_accuracy(nats, labels)
    return {
        "class_accuracy": metric(right, n=len(images), note="by Bayes' rule"),
        "nll_nats.any_class": metric(metrics.mean_and_stderr(-free), n=len(images), space=space),
    }
