"""What the two players of a GAN play for: the games by name, and the penalties on a discriminator.

A game is two functions of the discriminator's verdicts, numbers d without bounds, each to be made
small: the discriminator's of those on real and on generated pictures, the generator's of those on
its own. Where it has a probability in mind, that a picture is real, it is sigma(d).

Every game's generator loss is written so that ``generator(-d)`` is what somebody would lose who
wants real pictures to be called made: that is what an encoder plays (Dumoulin et al. 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from models.contract.random import uniform


@dataclass(frozen=True)
class Game:
    """``discriminator(real, made)`` and ``generator(made)``: verdicts (B,) -> a scalar loss.

    probability: whether sigma(d) is the probability, of as many real as made, that one is real.
    papers: its own, by arXiv number.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    probability: bool = False
    papers: tuple[str, ...] = ()


def cross_entropy(real: Tensor, made: Tensor) -> Tensor:
    """-E log D(x) - E log(1 - D(G(z))), D = sigma(d) (Goodfellow et al. 2014, eq. 1).

    Its smallest value, at d = log p(x) - log q(x), is log 4 - 2 JS(p, q) (their theorem 1).
    """
    return F.softplus(-real).mean() + F.softplus(made).mean()


GAMES = {
    # Goodfellow et al. 2014, eq. 1: the generator makes E log(1 - D(G(z))) small. Where the
    # discriminator is sure, that is flat.
    "minimax": Game(cross_entropy, lambda made: -F.softplus(made).mean(), True),
    # The same fixed point, their section 3: it makes E log D(G(z)) large instead.
    "nonsaturating": Game(cross_entropy, lambda made: F.softplus(-made).mean(), True),
    # Mao et al. 2017, eq. 8: targets 1 and -1, and 0 for the generator: Pearson's chi squared
    # between p + q and 2 q. (The halves in front are left out.)
    "least-squares": Game(
        lambda real, made: (real - 1).square().mean() + (made + 1).square().mean(),
        lambda made: made.square().mean(),
        papers=("1611.04076",),
    ),
    # Miyato et al. 2018, eqs. 16 and 17.
    "hinge": Game(
        lambda real, made: F.relu(1 - real).mean() + F.relu(1 + made).mean(),
        lambda made: -made.mean(),
        papers=("1802.05957",),
    ),
    # Arjovsky et al. 2017, eqs. 2 and 3: over 1-Lipschitz verdicts, the distance W(p, q).
    "wasserstein": Game(
        lambda real, made: made.mean() - real.mean(),
        lambda made: -made.mean(),
        papers=("1701.07875",),
    ),
}


def squared_gradient(verdict: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """|grad d|^2 of each row by all inputs, (B,), itself differentiable in the weights.

    verdict: inputs, each (B, ...), -> (B,). Gradients are taken even where none are kept
    around it, and in float32.
    """
    with torch.enable_grad(), torch.autocast(inputs[0].device.type, enabled=False):
        inputs = tuple(x.detach().float().requires_grad_() for x in inputs)
        gradients = torch.autograd.grad(verdict(*inputs).sum(), inputs, create_graph=True)
        return sum(g.flatten(1).square().sum(1) for g in gradients)


def r1(verdict: Callable[..., Tensor], *real: Tensor) -> Tensor:
    """1/2 E |grad d(x)|^2 on real pictures, a scalar (Mescheder et al. 2018, eq. 9)."""
    return 0.5 * squared_gradient(verdict, *real).mean()


def gradient_penalty(
    verdict: Callable[..., Tensor], real: Sequence[Tensor], made: Sequence[Tensor], rng: Generator
) -> Tensor:
    """E (|grad d(x)| - 1)^2 on the lines between real and made, a scalar (Gulrajani et al. 2017,
    eq. 3). real, made: the inputs of ``verdict``, each (B, ...)."""
    B = len(real[0])
    t = uniform((B,), rng, real[0].device)
    between = [
        torch.lerp(a, b, t.to(a).view(B, *[1] * (a.dim() - 1)))
        for a, b in zip(real, made, strict=True)
    ]
    # The root has no slope at 0, where a critic may well be flat.
    return ((squared_gradient(verdict, *between) + 1e-12).sqrt() - 1).square().mean()
