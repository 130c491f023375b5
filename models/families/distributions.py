r"""What an autoregressive model may say of one value of a picture, given those before it.

Every distribution here is over the $L$ levels that a value can take, so probabilities are true
probabilities and no picture can be more than certain. What differs is how a network's few numbers
become $L$ probabilities:

* ``bernoulli``: black or white, $p = \sigma(\theta)$.
* ``categorical``: one number a level, $p = \mathrm{softmax}(\theta)$ (van den Oord et al. 2016a).
  It knows nothing of levels being ordered and can take any shape.
* ``logistic``: a mixture of logistics, each level the mass between its two edges,
  $\sigma((v + \tfrac12 - \mu)/s) - \sigma((v - \tfrac12 - \mu)/s)$, the outermost levels taking the
  whole tails (Salimans et al. 2017, eq. 2).
* ``beta``, ``kumaraswamy``, ``logit-normal``: densities $f$ on (0, 1). A level is the interval
  $[v/L, (v+1)/L)$ of it. Training adds uniform noise $u$ within the level (dequantisation), and by
  Jensen's inequality $\mathbb{E}_u \log f((v + u)/L) - \log L \le \log P(v)$: a lower bound.

Colour is the same thing three times: the network lets a value depend on the channels before it.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# A density's argument stays this far inside (0, 1): the ends may have no or infinite density.
EDGE = 1e-5


class PixelDistribution:
    """``numbers`` of a network, (..., numbers), as a distribution over ``levels`` levels.

    A level v is a whole number in 0 .. levels - 1, stored as a float. ``exact``: whether it is
    trained on probabilities; where not, ``log_prob`` with noise is that of a density at a noisy
    place, which is below the probability's on average.
    """

    exact = True

    def __init__(self, levels: int, numbers: int) -> None:
        self.levels, self.numbers = levels, numbers

    def log_prob(self, numbers: Tensor, v: Tensor, noise: Tensor | None = None) -> Tensor:
        """log P(v), (...), in nats. numbers: (..., numbers); v, noise in [0, 1): (...)."""
        raise NotImplementedError

    def log_probs(self, numbers: Tensor) -> Tensor:
        """Of every level, (..., levels), in nats; they sum to one."""
        raise NotImplementedError

    def draw(self, numbers: Tensor, u: Tensor, temperature: float = 1.0) -> Tensor:
        """The level at which the distribution function passes u in [0, 1), (...).

        Probabilities are raised to 1 / temperature first. One uniform a value: the same uniforms
        give the same picture, and neighbouring distributions neighbouring levels.
        """
        p = torch.softmax(self.log_probs(numbers) / temperature, -1)
        return (p.cumsum(-1) <= u[..., None]).sum(-1).clamp(max=self.levels - 1).to(u.dtype)


class Bernoulli(PixelDistribution):
    def __init__(self) -> None:
        super().__init__(levels=2, numbers=1)

    def log_prob(self, numbers: Tensor, v: Tensor, noise: Tensor | None = None) -> Tensor:
        return -F.binary_cross_entropy_with_logits(numbers[..., 0], v, reduction="none")

    def log_probs(self, numbers: Tensor) -> Tensor:
        return torch.cat([F.logsigmoid(-numbers), F.logsigmoid(numbers)], -1)

    def draw(self, numbers: Tensor, u: Tensor, temperature: float = 1.0) -> Tensor:
        return (u >= torch.sigmoid(-numbers[..., 0] / temperature)).to(u.dtype)


class Categorical(PixelDistribution):
    def __init__(self, levels: int) -> None:
        super().__init__(levels, numbers=levels)

    def log_prob(self, numbers: Tensor, v: Tensor, noise: Tensor | None = None) -> Tensor:
        return self.log_probs(numbers).gather(-1, v.long()[..., None])[..., 0]

    def log_probs(self, numbers: Tensor) -> Tensor:
        return numbers.log_softmax(-1)


class Mixture(PixelDistribution):
    """log sum_k w_k p_k: the first third of the numbers are the weights' logits, then a and b."""

    def __init__(self, levels: int, components: int) -> None:
        super().__init__(levels, numbers=3 * components)

    def log_prob(self, numbers: Tensor, v: Tensor, noise: Tensor | None = None) -> Tensor:
        logits, a, b = numbers.chunk(3, -1)
        each = self.component(v[..., None], a, b, None if noise is None else noise[..., None])
        return (logits.log_softmax(-1) + each).logsumexp(-1)

    def component(self, v: Tensor, a: Tensor, b: Tensor, noise: Tensor | None) -> Tensor:
        """log p_k(v), (..., K). v: (..., 1); a, b: (..., K) straight from the network."""
        raise NotImplementedError


def discretised_logistic(
    x: Tensor, mean: Tensor, log_scale: Tensor, half: float = 0.5 / 255, low: float = 0.0,
    high: float = 1.0,
) -> Tensor:  # fmt: skip
    """log P(x) for x in {low, low + 2 half, ..., high}: the logistic's mass within half a level.

    The outermost levels take the whole tails (Kingma et al. 2016, eq. 24; Salimans et al. 2017,
    eq. 2), so the probabilities sum to one.
    """
    inverse = torch.exp(-log_scale)
    upper, lower = (x - mean + half) * inverse, (x - mean - half) * inverse
    # log(sigmoid(upper) - sigmoid(lower)) in a form that stays finite far out in the tails, where
    # both sigmoids round to the same number: sigmoid(b) - sigmoid(a) =
    # sigmoid(b) sigmoid(-a) (1 - e^(a - b)).
    gap = torch.log(-torch.expm1(-2 * half * inverse))
    inside = F.logsigmoid(upper) + F.logsigmoid(-lower) + gap
    return torch.where(
        x < low + half,
        F.logsigmoid(upper),
        torch.where(x > high - half, F.logsigmoid(-lower), inside),
    )


class Logistics(Mixture):
    """Discretised logistics, on the scale where the levels span -1 to 1."""

    def component(self, v: Tensor, a: Tensor, b: Tensor, noise: Tensor | None) -> Tensor:
        half = 1 / (self.levels - 1)  # half the distance between two levels
        x = 2 * v * half - 1
        return discretised_logistic(x, a, (b - 2).clamp(min=-7.0), half, -1.0, 1.0)

    def log_probs(self, numbers: Tensor) -> Tensor:
        v = torch.arange(self.levels, dtype=numbers.dtype, device=numbers.device)
        return self.log_prob(numbers[..., None, :], v.expand(*numbers.shape[:-1], -1))


class Density(Mixture):
    """A mixture of densities on (0, 1); a level's probability is its interval's mass."""

    exact = False

    def log_prob(self, numbers: Tensor, v: Tensor, noise: Tensor | None = None) -> Tensor:
        if noise is not None:
            return super().log_prob(numbers, v, noise)
        return self.log_probs(numbers).gather(-1, v.long()[..., None])[..., 0]

    def component(self, v: Tensor, a: Tensor, b: Tensor, noise: Tensor | None) -> Tensor:
        x = ((v + noise) / self.levels).clamp(EDGE, 1 - EDGE)
        return self.log_density(x, a, b) - math.log(self.levels)

    def log_density(self, x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        raise NotImplementedError

    def distribution_function(self, x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """The mass below x of each component, (..., K)."""
        raise NotImplementedError

    def log_probs(self, numbers: Tensor) -> Tensor:
        logits, a, b = numbers[..., None, :].chunk(3, -1)
        edges = torch.linspace(0, 1, self.levels + 1, dtype=numbers.dtype, device=numbers.device)
        below = self.distribution_function(edges[:, None].clamp(EDGE, 1 - EDGE), a, b)
        below = torch.cat(  # what lies beyond the clamped ends belongs to the outermost levels
            [torch.zeros_like(below[..., :1, :]), below[..., 1:-1, :],
             torch.ones_like(below[..., :1, :])], -2
        )  # fmt: skip
        mass = (logits.softmax(-1) * below.diff(dim=-2)).sum(-1)  # (..., levels)
        return mass.clamp(min=1e-30).log()


class Kumaraswamy(Density):
    """f(x) = a b x^(a-1) (1 - x^a)^(b-1), F(x) = 1 - (1 - x^a)^b (Kumaraswamy 1980)."""

    def log_density(self, x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        a, b = shape(a), shape(b)
        log_x = x.log()
        return a.log() + b.log() + (a - 1) * log_x + (b - 1) * log1mexp(a * log_x)

    def distribution_function(self, x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return -torch.expm1(shape(b) * log1mexp(shape(a) * x.log()))


class LogitNormal(Density):
    """logit(x) ~ N(a, e^2b) (Atchison and Shen 1980)."""

    def log_density(self, x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        log_std = b.clamp(-5, 5)
        z = (torch.logit(x) - a) * torch.exp(-log_std)
        change = x.log() + torch.log1p(-x)
        return -0.5 * z.square() - log_std - 0.5 * math.log(2 * math.pi) - change

    def distribution_function(self, x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        return torch.special.ndtr((torch.logit(x) - a) * torch.exp(-b.clamp(-5, 5)))


class Beta(Density):
    """f(x) proportional to x^(a-1) (1-x)^(b-1)."""

    POINTS, POWER = 16, 8  # of the quadrature within a level: torch has no incomplete beta function

    def log_density(self, x: Tensor, a: Tensor, b: Tensor) -> Tensor:
        a, b = shape(a), shape(b)
        scale = torch.lgamma(a + b) - torch.lgamma(a) - torch.lgamma(b)
        return scale + (a - 1) * x.log() + (b - 1) * torch.log1p(-x)

    def log_probs(self, numbers: Tensor) -> Tensor:
        # Midpoints t of equal parts of each level; in the outermost two x = t^8, which flattens the
        # density's poles at 0 and 1. Then scaled to sum to one.
        t = torch.arange(self.POINTS, dtype=numbers.dtype, device=numbers.device) + 0.5
        t = t / self.POINTS
        inside = t.expand(self.levels, -1).clone()  # (levels, points): where in the level
        weight = torch.full_like(inside, 1 / self.POINTS)
        slope = self.POWER * t ** (self.POWER - 1) / self.POINTS
        inside[0], weight[0] = t**self.POWER, slope
        inside[-1], weight[-1] = 1 - t**self.POWER, slope
        start = torch.arange(self.levels, dtype=numbers.dtype, device=numbers.device)[:, None]
        x = ((start + inside) / self.levels).clamp(1e-12, 1 - 1e-7)[..., None]
        logits, a, b = numbers[..., None, None, :].chunk(3, -1)
        each = logits.log_softmax(-1) + self.log_density(x, a, b)  # (..., levels, points, K)
        return (each.logsumexp(-1) + weight.log()).logsumexp(-1).log_softmax(-1)


def shape(a: Tensor) -> Tensor:
    """A density's shape parameter, bounded: below a quarter nearly all mass is at the very end."""
    return F.softplus(a).clamp(0.25, 1e3)


def log1mexp(x: Tensor) -> Tensor:
    """log(1 - e^x) for x < 0, by the form that keeps its digits (Maechler 2012, eq. 7)."""
    x = x.clamp(max=-1e-7)
    near = torch.log(-torch.expm1(x))
    return torch.where(x > -math.log(2), near, torch.log1p(-torch.exp(x)))


KINDS = {
    "bernoulli": lambda levels, components: Bernoulli(),
    "categorical": lambda levels, components: Categorical(levels),
    "logistic": Logistics,
    "beta": Beta,
    "kumaraswamy": Kumaraswamy,
    "logit-normal": LogitNormal,
}
