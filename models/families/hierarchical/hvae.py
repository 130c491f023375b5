r"""A hierarchical variational autoencoder: codes of codes, from one point to every pixel.

One layer of latent variables has to say everything at once: which digit, how slanted, where the
stroke ends. A hierarchy shares that out over levels $z_1, \dots, z_L$, from a single point ($1
\times 1$) to the picture's own resolution, each drawn given those above it,

$$p_\theta(x, z) = p_\theta(x \mid z_{1:L}) \prod_{l=1}^{L} p_\theta(z_l \mid z_{<l}), \qquad
p_\theta(z_l \mid z_{<l}) = \mathcal{N}\big(\mu_l(z_{<l}), \sigma_l^2(z_{<l})\big) .$$

The encoder reads the picture upwards, and then guesses the levels **top down**, in the order in
which they are drawn and with the same network (Sønderby et al. 2016; Child 2021):
$q_\phi(z \mid x) = \prod_l q_\phi(z_l \mid z_{<l}, x)$. It says each guess in the prior's
own units,

$$q_\phi(z_l \mid z_{<l}, x) = \mathcal{N}\big(\mu_l + \sigma_l\, \Delta\mu_l,\;
(\sigma_l\, \Delta\sigma_l)^2\big)$$

(Vahdat and Kautz 2020, section 3.2), so that what a level costs depends on the two deltas alone:

$$\mathrm{KL}_l = \tfrac12 \sum \big(\Delta\mu_l^2 + \Delta\sigma_l^2 - 1\big) -
\sum \log \Delta\sigma_l , \qquad
\log p_\theta(x) \ge \mathbb{E}_{q_\phi} \log p_\theta(x \mid z) - \sum_{l=1}^{L}
\mathbb{E}_{q_\phi} \mathrm{KL}_l .$$

Each $\mathrm{KL}_l$ is the number of nats that the picture puts into that level. Hold the upper
levels and draw the lower ones anew, and you see what lives where.

A level can also say nothing: where $\Delta\mu_l = 0$ and $\Delta\sigma_l = 1$ the guess is the
prior, it costs 0 nats, and the decoder learns to ignore it. This **posterior collapse** is a local
optimum into which training falls when a code costs its full price before it is of any use; raising
the weight of the KL terms from 0 avoids it (Sønderby et al. 2016).

As for any VAE, averaging $K$ draws of all levels inside the logarithm gives a tighter bound (Burda
et al. 2016, eq. 8).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.knobs import (
    BINARISE,
    SAMPLES,
    TEMPERATURE,
    Knob,
    check_temperature,
    with_default,
)
from models.contract.model import Frame, GenerativeModel, Likelihood, Objective
from models.contract.numbers import gaussian_kl
from models.contract.random import normal
from models.contract.streams import Streams
from models.families.hierarchical.nets import Grow, Level, Up, strides
from models.families.nets import check_halvings
from models.families.pixels import (
    LIKELIHOODS,
    DecodesPixels,
    importance_weighted,
    likelihood_setting,
)
from models.machine.processes import whole


@dataclass(frozen=True)
class HierarchicalConfig:
    image: tuple[int, ...] = setting((1, 28, 28), "Channels, height and width of an image.")
    width: int = setting(
        96, "Channels at the lowest resolution; half as many where the side doubles.", low=8,
        high=1024,
    )  # fmt: skip
    halvings: int = setting(2, "How many times the side is halved above one point.", low=1, high=5)
    groups: str = setting(
        "1, 3, 1, 1", "Levels at each resolution, from one point to every pixel, with commas."
    )
    depths: str = setting(
        "16, 4, 2, 1",
        "Numbers at each place of a level, from one point to every pixel, with commas.",
    )
    blocks: int = setting(
        1, "Residual blocks after each level, and at each resolution of the encoder.", low=0, high=8
    )
    dropout: float = setting(
        0.0, "Part of the decoder's channels dropped in training.", low=0.0, high=0.9
    )
    likelihood: str = likelihood_setting("bernoulli")
    beta: float = setting(1.0, "Weight of the KL terms.", low=0.0, high=1000.0, live=True)
    warmup_steps: int = setting(
        0, "Steps over which the KL terms' weight rises from 0.", low=0, high=10_000_000
    )
    free_nats: float = setting(
        0.0,
        "Nats a level that are not charged for at the start; none are free once the KL terms have "
        "their whole weight.",
        low=0.0,
        high=100.0,
    )


class Walk(NamedTuple):
    """One way down the hierarchy. numbers: (B, P, H, W), what the decoder says of each pixel.
    codes: every level's z. kl: (B, L) nats, and log_ratio: (B, L), log p(z_l) - log q(z_l), both
    given the levels above; zeros where no picture was read."""

    numbers: Tensor
    codes: tuple[Tensor, ...]
    kl: Tensor
    log_ratio: Tensor


class HierarchicalVAE(DecodesPixels, GenerativeModel):
    """Levels of latent variables, guessed top down (Child 2021)."""

    Config = HierarchicalConfig
    PAPERS = ("2011.10650",)

    def __init__(self, config: HierarchicalConfig) -> None:
        check_halvings(config.image, config.halvings)
        C, H, W = config.image
        groups, depths = counts(config, "groups"), counts(config, "depths")
        super().__init__(config)
        sides = [(1, 1)] + [(H >> k, W >> k) for k in reversed(range(config.halvings + 1))]
        if len(set(sides)) < len(sides):
            raise ValueError(
                f"Images of {H} x {W} are one point after {config.halvings} halvings; use fewer."
            )
        widths = [config.width, *[max(1, config.width >> k) for k in range(config.halvings + 1)]]
        self.sides = sides
        self.up = Up(C, sides, widths, config.blocks)
        self.start = nn.Parameter(torch.zeros(widths[0], 1, 1))
        self.levels_at = nn.ModuleList(
            nn.ModuleList(
                Level(width, depth, side, config.blocks, config.dropout) for _ in range(count)
            )
            for side, width, depth, count in zip(sides, widths, depths, groups, strict=True)
        )
        self.grow = nn.ModuleList(
            Grow(above, below, side, factor)
            for above, below, side, factor in zip(
                widths[:-1], widths[1:], sides[1:], strides(sides), strict=True
            )
        )
        per_pixel = LIKELIHOODS[config.likelihood]
        self.write = nn.Sequential(nn.SiLU(), nn.Conv2d(widths[-1], per_pixel * C, 3, padding=1))
        # How many objectives were computed in training: it sets the weight of the KL terms.
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def inner_matrices(self) -> list[nn.Parameter]:
        return [p for name, p in self.named_parameters() if name.endswith(".matrix")]

    # -- the levels ------------------------------------------------------------------------------

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels' names, from one point to every pixel."""
        return tuple(
            f"{h}x{w}" if count == 1 else f"{h}x{w}, {k + 1} of {count}"
            for (h, w), count in zip(self.sides, counts(self.config, "groups"), strict=True)
            for k in range(count)
        )

    @property
    def code_shapes(self) -> tuple[tuple[int, int, int], ...]:
        """(depth, h, w) of every level's code."""
        return tuple(level.shape for levels in self.levels_at for level in levels)

    def walk(
        self,
        noise: Tensor,
        features: Sequence[Tensor] | None = None,
        held: Sequence[Tensor] = (),
    ) -> Walk:
        """Down the hierarchy: each level drawn from q where the picture's ``features`` are given
        (``Up``), else from p. noise: (B, D) standard normal, D the numbers of all levels. held:
        the codes of the uppermost levels, which are not drawn."""
        B = len(noise)
        drawn = [
            part.unflatten(1, shape)
            for part, shape in zip(
                noise.split([math.prod(s) for s in self.code_shapes], 1),
                self.code_shapes,
                strict=True,
            )
        ]
        h = self.start.expand(B, -1, -1, -1)
        codes, kls, ratios = [], [], []
        for at, levels in enumerate(self.levels_at):
            h = h if at == 0 else self.grow[at - 1](h)
            for level in levels:
                k = len(codes)
                u = drawn[k]  # z in the prior's own units
                if features is not None:
                    shift, scale = level.posterior(h, features[at])
                    eps, u = u, shift + scale * u
                    kls.append(gaussian_kl(shift, scale).sum((1, 2, 3)))
                    ratio = 0.5 * (eps.square() - u.square()) + scale.log()
                    ratios.append(ratio.sum((1, 2, 3)))
                mean, std, h = level.prior(h)
                codes.append(held[k] if k < len(held) else mean + std * u)
                h = level.put(h, codes[-1])
        zeros = noise.new_zeros(B, len(codes))
        return Walk(
            self.write(h).float(),
            tuple(codes),
            torch.stack(kls, 1) if kls else zeros,
            torch.stack(ratios, 1) if ratios else zeros,
        )

    def _noise(self, n: int, rng: Generator | Streams) -> Tensor:
        """All levels' at once."""
        return normal((n, sum(math.prod(s) for s in self.code_shapes)), rng, self.device)

    # -- the picture -----------------------------------------------------------------------------

    def features(self, x: Tensor) -> list[Tensor]:
        """What the encoder sees in pictures (B, C, H, W), coarsest resolution first."""
        return self.up(2 * x - 1)

    # -- training --------------------------------------------------------------------------------

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        c = self.config
        x = self.observed(x, rng)
        walk = self.walk(self._noise(len(x), rng), self.features(x))
        log_p_x = self.log_p_pixels(x, walk.numbers).sum((1, 2, 3)).mean()
        kl = whole(walk.kl).mean(0)  # (L,)
        # No number leaves the device here: a step can be recorded once and played again.
        part = ((self.seen + 1) / max(1, c.warmup_steps)).clamp(max=1.0)
        charged = torch.maximum(kl, c.free_nats * (1 - part))
        loss = -log_p_x + c.beta * part * charged.sum()
        if self.training:
            self.seen += 1
        logs = {"reconstruction_nats": log_p_x, "elbo_nats": log_p_x - kl.sum()}
        logs |= {f"kl_nats.{name}": nats for name, nats in zip(self.levels, kl, strict=True)}
        yield Objective(list(self.parameters()), loss, logs)

    # -- what it can do --------------------------------------------------------------------------

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        declared = {
            "sample_steps": (TEMPERATURE,),
            "sample_held": (TEMPERATURE,),
            "log_likelihood": (with_default(SAMPLES, 10), BINARISE),
        }
        return declared.get(method, ())

    @torch.no_grad()
    def sample_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
    ) -> Iterator[Frame]:
        """One frame: every level drawn given those above. info["codes"]: each level's (n, d, h, w).
        temperature: of every level's standard deviation."""
        check_temperature(temperature)
        walk = self.walk(temperature * self._noise(n, Streams.of(rng, n)))
        yield Frame(0, 1, self.expected(walk.numbers), info={"codes": walk.codes, "label": None})

    @torch.no_grad()
    def encode_levels(self, x: Tensor, rng: Generator) -> tuple[Tensor, ...]:
        """Every level's code of pictures x (B, C, H, W) in [0, 1], drawn from q: (B, d, h, w)."""
        x = self.checked(x)
        return self.walk(self._noise(len(x), rng), self.features(x)).codes

    @torch.no_grad()
    def rebuild(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """The expected picture of every level's posterior mean, (B, C, H, W) in [0, 1]."""
        x = self.checked(x)
        still = torch.zeros_like(self._noise(len(x), torch.Generator()))
        return self.expected(self.walk(still, self.features(x)).numbers)

    @torch.no_grad()
    def level_kl(self, x: Tensor, rng: Generator) -> Tensor:
        """How many nats each picture (B, C, H, W) puts into each level, (B, L)."""
        x = self.observed(self.checked(x), rng)
        return self.walk(self._noise(len(x), rng), self.features(x)).kl

    @torch.no_grad()
    def sample_held(
        self,
        level: int,
        codes: Sequence[Tensor],
        rng: Generator,
        n: int = 1,
        temperature: float = 1.0,
    ) -> Tensor:
        """Pictures (n B, C, H, W) that have the codes' levels above ``level``, and this one and
        those below drawn anew: n of each, one after another.

        codes: each level's (B, d, h, w), of ``encode_levels`` or a sample's info["codes"]; only
        those above ``level`` are read. level: 0 draws all anew, the number of levels none. Raises
        ValueError where there is no such level, or the codes are of another size.
        """
        if not 0 <= level <= len(self.levels):
            raise ValueError(
                f"This model has {len(self.levels)} levels: hold from 0 to {len(self.levels)}."
            )
        if n < 1:
            raise ValueError("At least one picture must be drawn.")
        check_temperature(temperature)
        held = [code.repeat_interleave(n, 0) for code in codes[:level]]
        shapes = [tuple(code.shape[1:]) for code in held]
        if shapes != [*self.code_shapes[:level]] or len({len(code) for code in held}) > 1:
            raise ValueError("These codes are not of this model's levels: encode a picture first.")
        B = len(held[0]) if held else n
        noise = temperature * self._noise(B, Streams.of(rng, B))
        return self.expected(self.walk(noise, held=held).numbers)

    @torch.no_grad()
    def log_likelihood(
        self,
        x: Tensor,
        rng: Generator,
        samples: int = 10,
        binarise: bool = True,
        chunk: int = 4096,
    ) -> Likelihood:
        r"""log p(x) by importance sampling with ``samples`` draws of all levels from q.

        log p(x) ~ log 1/K sum_k p(x | z_k) prod_l p(z_kl | z_k<l) / q(z_kl | z_k<l, x)
                                                                    (Burda et al. 2016, eq. 8)

        x: (B, C, H, W) in [0, 1]; grey pixels are first drawn 0 or 1 by ``rng`` for a Bernoulli
        likelihood (not with ``binarise=False``, for pictures that are binary already). With
        ``samples=1`` the kind is "lower bound", the ELBO; else "estimate": still below log p(x) on
        average, and stderr is the delta method's.

        details, in nats: "elbo", "reconstruction" and "kl", (B,) each; "kl_per_level" (B, L), which
        sums to "kl"; "ess" (B,), how many of the K draws effectively count. ``chunk`` bounds how
        many pictures are decoded at once.
        """
        if samples < 1:
            raise ValueError("A likelihood needs at least one sample.")
        x = self.checked(x)
        if binarise or not self.binary:
            x = self.observed(x, rng)
        B, K = len(x), samples
        features = self.features(x)
        log_w, pixels, kl = [], torch.zeros_like(x), 0.0
        step = max(1, chunk // max(1, B))
        for start in range(0, K, step):
            k = min(step, K - start)
            walk = self.walk(self._noise(k * B, rng), [f.repeat(k, 1, 1, 1) for f in features])
            per_pixel = self.log_p_pixels(x.repeat(k, 1, 1, 1), walk.numbers).unflatten(0, (k, B))
            pixels += per_pixel.sum(0) / K
            kl = kl + walk.kl.unflatten(0, (k, B)).sum(0) / K  # (B, L)
            log_w.append(per_pixel.sum((2, 3, 4)) + walk.log_ratio.sum(1).view(k, B))
        log_w = torch.cat(log_w)  # (K, B)
        reconstruction = pixels.sum((1, 2, 3))
        elbo = reconstruction - kl.sum(1)
        details = {
            "elbo": elbo, "reconstruction": reconstruction, "kl": kl.sum(1), "kl_per_level": kl,
        }  # fmt: skip
        return importance_weighted(log_w, pixels, reconstruction, details, self.space)


def counts(config: HierarchicalConfig, name: str) -> tuple[int, ...]:
    """The whole numbers of a setting, one for each resolution. Raises ValueError where they are
    not that."""
    texts = [text.strip() for text in getattr(config, name).split(",")]
    values = tuple(int(text) if text.isdecimal() else 0 for text in texts)
    if len(values) != config.halvings + 2 or not 1 <= min(values) <= max(values) <= 64:
        raise ValueError(
            f"'{name}' must be {config.halvings + 2} whole numbers from 1 to 64 with commas, one "
            f"for each resolution from one point to every pixel, not '{getattr(config, name)}'."
        )
    return values
