"""The codes of test images: kept, mapped, and measured by their neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from models.checkpoints.codes import write_codes
from models.contract.capabilities import (
    Decodes,
    capabilities,
)
from models.contract.model import Model
from models.data.datasets import Dataset
from models.evaluation import metrics
from models.evaluation.batches import batches
from models.evaluation.metrics import metric
from models.machine.files import attempt
from models.machine.processes import here, own

# Codes longer than this are noises of a picture's size rather than a few numbers: fewer of them
# are kept, with what is costly to compute of them.
NEIGHBOURS = 15  # of each point in the map of the codes; there have to be more points than that
LONG_CODE = 256
LONG_CODES = 5000


@torch.no_grad()
def codes(
    model: Model, test: Dataset, kl: Tensor | None, folder: Path | None, progress: bool
) -> dict:
    """Codes of the test images, their map, and what these are worth; kept in ``folder``."""
    from models.codes.projection import fit_map

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
    if len(z) <= NEIGHBOURS:
        raise ValueError(
            f"{len(z)} test images are too few for a map of their codes; it takes more than "
            f"{NEIGHBOURS}."
        )
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
    if labels is not None and int(labels.bincount().max()) >= metrics.FOLDS:
        results["knn_accuracy"] = metric(
            metrics.knn_accuracy(coordinates, labels), n=len(z), note="5-fold held out"
        )
    if folder is not None:
        tensors = {
            "codes": z.half(),
            "map": torch.from_numpy(np.ascontiguousarray(coordinates)).float(),
        }
        if labels is not None:
            tensors["labels"] = labels.to(torch.uint8 if int(labels.max()) < 256 else torch.int32)
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
        arrays = {name: value.contiguous().numpy() for name, value in tensors.items()}
        attempt(lambda: write_codes(arrays, folder, about))
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

    count = min(count, len(z))

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
