r"""What the numbers of a decoder say of each pixel: black or white, or one of 256 levels.

``bernoulli``: one number a pixel, the logit of white. ``logistic``: two, the mean and log scale of
a discretised logistic (Salimans et al. 2017, eq. 2). The families that decode codes share it, and
the estimate that importance sampling makes of what they cannot sum.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from models.contract.config import setting
from models.contract.model import Likelihood
from models.contract.random import binarised
from models.families.distributions import discretised_logistic

LIKELIHOODS = {"bernoulli": 1, "logistic": 2}  # with how many numbers a pixel


def likelihood_setting(default: str) -> str:
    """The setting ``likelihood`` of a family that decodes pixels."""
    return setting(
        default,
        "What a decoder's output says of a pixel: bernoulli, black or white; logistic, one of 256 "
        "levels by a discretised logistic.",
        choices=tuple(LIKELIHOODS),
    )


class DecodesPixels:
    """Of a model with ``config.likelihood``: what it is of, what it expects, what it gives."""

    @property
    def binary(self) -> bool:
        return self.config.likelihood == "bernoulli"

    @property
    def space(self) -> str:
        """What is measured: see ``Likelihood``."""
        return "binary" if self.binary else "uint8"

    def observed(self, x: Tensor, rng: Generator) -> Tensor:
        """What the likelihood is of: pixels drawn 0 or 1 with their grey level as probability
        (see ``binarised``), or 8-bit levels over 255."""
        return binarised(x, rng) if self.binary else (x * 255).round() / 255

    def expected(self, numbers: Tensor) -> Tensor:
        """The mean picture, (B, C, H, W) in [0, 1], of the decoder's numbers (B, P C, H, W)."""
        if self.binary:
            return torch.sigmoid(numbers)
        return logistic_parameters(numbers)[0].clamp(0, 1)

    def log_p_pixels(self, x: Tensor, numbers: Tensor) -> Tensor:
        """log p(x | numbers) of each pixel in nats, (B, C, H, W). x: observed."""
        if self.binary:
            return -F.binary_cross_entropy_with_logits(numbers, x, reduction="none")
        return discretised_logistic(x, *logistic_parameters(numbers))


def logistic_parameters(out: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 2C, H, W) -> mean in the units of x, and log scale, each (B, C, H, W)."""
    mean, log_scale = out.chunk(2, 1)
    return mean + 0.5, (log_scale - 2.5).clamp(min=-7.0)


def importance_weighted(
    log_w: Tensor, pixels: Tensor, reconstruction: Tensor, details: dict[str, Tensor], space: str
) -> Likelihood:
    """log 1/K sum_k w_k of the weights w = p(x | z) p(z) / q(z | x) (Burda et al. 2016, eq. 8).

    log_w: (K, B). With K = 1 the number is details["elbo"], a lower bound; else an estimate, whose
    stderr is the delta method's, and details["ess"] (B,) says how many draws effectively count.
    pixels: (B, C, H, W), a mean over the draws, that sums to ``reconstruction`` (B,).
    """
    K = len(log_w)
    if K == 1:
        nats, kind, stderr = details["elbo"], "lower bound", None
    else:
        nats, kind = log_w.logsumexp(0) - math.log(K), "estimate"
        concentration = log_w.softmax(0).square().sum(0)  # (B,), 1/K where all agree
        stderr = (concentration - 1 / K).clamp(min=0).sqrt()
        details = {**details, "ess": 1 / concentration}
    # What the code costs belongs to no pixel: it is spread evenly, so that the map sums.
    pixels = pixels + ((nats - reconstruction) / pixels[0].numel())[:, None, None, None]
    how = f"importance sampling, K = {K}" if K > 1 else ""
    return Likelihood(nats, kind, space, stderr, pixels, details, how)
