r"""Density of states: is this combination of numbers usual among training images?

One number can be fooled: a blank picture is likely, a digit is likely to a model of clothes. But a
picture must be unusual in *some* statistic of the model to be unusual to it, so Morningstar et al.
(2021) take several, $T_1(x), \dots, T_K(x)$, fit a density to their values on training images, and
score a picture by $-\log p(T_1(x), \dots, T_K(x))$. Here the density is a Gaussian
kernel estimate after whitening, so that what counts includes how the statistics hang together: the
likelihood *for its code length* is what input complexity looks at.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.contract.abilities import Noises
from models.contract.capabilities import Denoises, HasEnergy, HasLikelihood
from models.scores.code_length import shortest
from models.scores.functions import TIMES, Evidence
from models.scores.registry import Scored, compresses

FLOOR = 1e-6  # of a squared error before its logarithm is taken


def statistics(evidence: Evidence) -> dict[str, Tensor]:
    """The numbers that are looked at together, (B,) each, by name: whatever the model can say.

    Lengths and nats as they are; errors as logarithms, since they spread over orders of magnitude.
    """
    model = evidence.model
    found = {"code_length": shortest(evidence.code_lengths)}
    denoises = isinstance(model, Denoises) and isinstance(model, Noises)
    if isinstance(model, HasLikelihood) and not denoises:  # a denoiser's takes seconds a picture
        result = evidence.likelihood
        found["nll"] = -result.nats
        for name in ("kl", "log_det"):  # what a code costs; what a flow stretches
            if name in result.details:
                found[name] = result.details[name]
        if result.per_pixel is not None:
            found["log_spread"] = result.per_pixel.flatten(1).std(1).clamp(min=FLOOR).log()
            if "kl" not in result.details:  # else the pixels lack what the code costs
                found |= centre(-result.per_pixel)
    if isinstance(model, HasEnergy) and "nll" not in found:  # else they differ by a constant
        with torch.no_grad():
            found["energy"] = model.energy(evidence.x)
    if denoises:
        for t, errors in zip(TIMES, evidence.denoising, strict=True):
            found[f"log_error_{t:g}"] = _log(errors)
    elif compresses(model):
        found["log_reconstruction"] = _log(evidence.reconstruction)
    return {name: values.float().cpu() for name, values in found.items()}


def centre(surprise: Tensor) -> dict[str, Tensor]:
    """Where in the picture the surprise lies: its centre of gravity, from -1 (top, left) to 1, (B,)
    each. surprise: (B, C, H, W), nats; what is below 0 does not pull."""
    weight = surprise.sum(1).clamp(min=0) + FLOOR  # (B, H, W)
    _, H, W = weight.shape
    rows, columns = (torch.linspace(-1, 1, n).to(weight) for n in (H, W))
    whole = weight.sum((1, 2))
    return {
        "centre_row": (weight.sum(2) @ rows) / whole,
        "centre_column": (weight.sum(1) @ columns) / whole,
    }


def _log(errors: Tensor) -> Tensor:
    return errors.flatten(1).sum(1).clamp(min=FLOOR).log()


def fit(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of a reference that ``several`` needs, from statistics of training images, (N,)
    each. Raises ValueError for fewer than twice as many images as statistics."""
    values = np.stack(list(found.values()), 1).astype(np.float64)  # (N, K)
    N, K = values.shape
    if N < 2 * K + 2:
        raise ValueError(f"{N} training images are too few for a density of {K} statistics.")
    mean, std = values.mean(0), values.std(0).clip(1e-6)
    z = (values - mean) / std
    variances, directions = np.linalg.eigh(np.cov(z, rowvar=False).reshape(K, K))
    # A direction in which training images do not differ must not count for infinitely much.
    whitening = directions / np.sqrt(variances.clip(1e-3))
    return {
        "several_mean": mean,
        "several_std": std,
        "several_whitening": whitening,
        "several_points": z @ whitening,
    }


def several(evidence: Evidence) -> Scored:
    """-log density of the picture's statistics among those of training images; nats.

    details: each statistic, in standard deviations from its mean on training images.
    """
    from sklearn.neighbors import KernelDensity

    fitted, found = evidence.reference.fitted, statistics(evidence)
    if not set(evidence.reference.statistics) <= set(found):
        raise ValueError(
            "The training images were measured with other statistics; run 'python -m models "
            "evaluate NAME --only scores' again."
        )
    # What the model could say when it was measured; it may have learned to say more since.
    found = {name: found[name] for name in evidence.reference.statistics}
    values = torch.stack(list(found.values()), 1).double().numpy()  # (B, K)
    z = (values - fitted["several_mean"]) / fitted["several_std"]
    points = fitted["several_points"]
    density = KernelDensity(bandwidth=bandwidth(*points.shape)).fit(points)
    values = -density.score_samples(z @ fitted["several_whitening"])
    device = evidence.x.device
    return Scored(
        torch.from_numpy(values).float().to(device),
        details={
            name: torch.from_numpy(column).float().to(device)
            for name, column in zip(found, z.T, strict=True)
        },
    )


def bandwidth(N: int, K: int) -> float:
    """Scott's rule for N whitened points of K numbers (Scott 1992): N^(-1 / (K + 4))."""
    return float(N ** (-1 / (K + 4)))
