"""Directions of a code along which a generator changes most, as its first layers tell them."""

from __future__ import annotations

import numpy as np
import torch

from models.codes.inversion import codes_of, starting_codes
from models.contract.model import GenerativeModel
from models.contract.random import generator

CODES = 1024


@torch.no_grad()
def early_directions(
    model: GenerativeModel, n: int = CODES, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """(directions (K, D), largest first, orthonormal; their shares of the features' variance (K,)).

    GANSpace (Haerkoenen et al. 2020, section 2.2): the principal components of
    ``model.early_features`` over n codes from the prior, and for each the direction of codes that
    goes with its coordinate p by least squares, u = sum p z / sum p^2 (their eq. 4). One after the
    other they are made orthogonal, so that they span planes with right angles. Means are taken
    within a class, or a category of the code: what is left is what the walked numbers do; entries
    of categories are 0. K: the numbers that can be walked along, or fewer.
    """
    z = starting_codes(model, n, generator(seed))
    classes, group = max(1, model.class_count), 1
    free = torch.ones(z.shape[1], dtype=torch.bool, device=z.device)
    kinds = torch.zeros(n, dtype=torch.long, device=z.device)
    for code in codes_of(model):
        if code.kind == "categorical":
            free[code.start : code.stop] = False
            kinds = kinds * (code.stop - code.start) + z[:, code.start : code.stop].argmax(1)
            group *= code.stop - code.start
    label = (torch.arange(n, device=z.device) // group) % classes
    kinds = kinds * classes + label
    asked = (label,) if model.class_count else ()
    features = torch.cat(
        [model.early_features(part, *(a[k : k + 128] for a in asked))
         for k, part in zip(range(0, n, 128), z.split(128), strict=True)]
    ).double()  # fmt: skip
    walked = z[:, free].double()
    for kind in kinds.unique():
        rows = kinds == kind
        features[rows] -= features[rows].mean(0)
        walked[rows] -= walked[rows].mean(0)
    # Coordinates come from the n x n products: features are more than codes.
    values, vectors = torch.linalg.eigh(features @ features.T)
    K = min(int(free.sum()), n)
    values, vectors = values.flip(0)[:K].clamp(min=0), vectors.flip(1)[:, :K]  # (K,), (n, K)
    share = values / features.square().sum().clamp(min=1e-12)
    u = vectors.T @ walked  # (K, walked): least squares but for a factor
    q, r = torch.linalg.qr(u.T)
    q = (q * r.diagonal().sign()).T
    directions = torch.zeros(len(q), z.shape[1], dtype=torch.float64, device=z.device)
    directions[:, free] = q
    return directions.float().cpu().numpy(), share.float().cpu().numpy()
