r"""InfoGAN: a GAN, part of whose code can be read off its pictures (Chen et al. 2016).

A network Q learns to read the code, and both players of the game are paid where it can: by the
bound $L_I = H(c) + \mathbb{E} \log Q(c \mid G(z, c)) \le I(c; G(z, c))$ (their eq. 4).

Nothing in this says *what* the code shall be. Ten categories may as well be ten ways to hold the
pen, or ten marks too fine for an eye; three things make them ten things. What small noise cannot
do, a category must: the generator reads the noise ``contrast`` times smaller and the category as
much larger (Mukherjee et al. 2019, section 2.2, have noise of a tenth beside a one-hot code). What
a picture shows stays what it is when the picture is turned, moved, stretched and put under noise: a
``steady`` category is read through such a distorted look (as Ojha et al. 2020 do for the same
purpose). And two looks at one real picture should agree, with every category as common as the
others: ``clusters`` pays for the information that they have in common (Ji et al. 2019, eq. 3).
"""

from __future__ import annotations

import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from models.contract.model import Code, Objective, differentiable
from models.contract.numbers import log_normal
from models.contract.random import normal, uniform
from models.contract.streams import Streams
from models.families.gan.gan import GAN, GANConfig
from models.families.gan.nets import Reader
from models.machine.processes import whole

# The log standard deviation beyond which Q is not believed: a density has no largest value, so that
# a generator would be paid without end for writing its continuous codes ever more finely.
SHARPEST = -0.7
LOOKS = 3  # at a real picture, each held against one more: a batch has few pictures for its pairs


class InfoGAN(GAN):
    """A code is noise, then one categorical code as its one-hot vector, then the continuous ones,
    uniform in [-1, 1]. Q reads them off the discriminator's features, and learns with it; a steady
    category it reads off the picture."""

    PAPERS = ("1606.03657",)

    def __init__(self, config: GANConfig) -> None:
        super().__init__(config)
        c, noise = config, config.noise
        if (c.steady or c.clusters) and not c.categories:
            raise ValueError("Without categories there is none to be steady; set categories.")
        if c.clusters and not c.steady:
            raise ValueError("Clusters are for a steady category; set steady as well.")
        self.generator.scale[:noise] /= c.contrast
        self.generator.scale[noise : noise + c.categories] *= c.contrast
        # The categories, unless steady; mean and log standard deviation of each continuous code.
        numbers = 2 * c.continuous + (0 if c.steady else c.categories)
        self.Q = nn.Sequential(nn.Linear(c.hidden, 128), nn.LeakyReLU(0.2), nn.Linear(128, numbers))
        if c.steady:
            self.category = nn.Sequential(
                Reader(c.image, max(8, 2 * c.width // 3), c.halvings, c.blocks, 128),
                nn.Linear(128, c.categories),
            )

    @property
    def latent(self) -> int:
        c = self.config
        return c.noise + c.categories + c.continuous

    @property
    def codes(self) -> tuple[Code, ...]:
        """Where each code is in z, and which values it takes."""
        c, at = self.config, self.config.noise
        found = []
        if c.categories:
            found.append(Code("category", "categorical", at, at + c.categories, 0.0, 1.0))
            at += c.categories
        for k in range(c.continuous):
            found.append(Code(f"code {k + 1}", "continuous", at + k, at + k + 1, -1.0, 1.0))
        return tuple(found)

    def draw(self, n: int, rng: Generator | Streams) -> Tensor:
        c, parts = self.config, [super().draw(n, rng)]
        if c.categories:
            drawn = (uniform((n,), rng, self.device) * c.categories).long()
            parts.append(F.one_hot(drawn, c.categories).to(parts[0]))
        parts.append(2 * uniform((n, c.continuous), rng, self.device) - 1)
        return torch.cat(parts, 1)

    # -- training --------------------------------------------------------------------------------

    def judging(self) -> list[nn.Parameter]:
        category = self.category.parameters() if self.config.steady else ()
        return [*super().judging(), *self.Q.parameters(), *category]

    def _discriminator_objective(self, x: Tensor, y: Tensor, rng: Generator) -> Objective:
        objective = super()._discriminator_objective(x, y, rng)
        if not self.config.clusters:
            return objective
        seen = self.category(distorted(x.repeat(1 + LOOKS, 1, 1, 1), rng)).float().softmax(1)
        first, others = seen[: len(x)].repeat(LOOKS, 1), seen[len(x) :]
        common = common_information(whole(first), whole(others))
        loss = objective.loss - self.config.clusters * common
        logs = {**objective.logs, "clusters_nats": common}
        return dataclasses.replace(objective, loss=loss, logs=logs)

    def _informative(
        self, made: Tensor, features: Tensor, z: Tensor, logs: dict, rng: Generator
    ) -> Tensor:
        c = self.config
        read = self._read(distorted(made, rng) if c.steady else made, features)
        category, continuous = self.information_bounds(read, z[:, c.noise :])
        logs["information_nats"] = category + continuous
        return c.information * category + c.continuous_information * continuous

    def _read(self, x: Tensor, features: Tensor) -> Tensor:
        """What Q says of pictures x: logits of the categories, then the continuous codes' means and
        log standard deviations, (B, categories + 2 continuous)."""
        read = self.Q(features).float()
        return torch.cat([self.category(x).float(), read], 1) if self.config.steady else read

    def information_bounds(self, read: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """L_I = H(c) + E log Q(c | x) <= I(c; x), in nats, of the categorical code and of the
        continuous ones together (Chen et al. 2016, eq. 4).

        read: (B, numbers), what Q says of each picture; codes: (B, K + continuous), drawn.
        """
        c, K = self.config, self.config.categories
        category = continuous = read.new_zeros(())
        if K:
            log_q = (read[:, :K].log_softmax(1) * codes[:, :K]).sum(1)
            category = math.log(K) + log_q.mean()
        if c.continuous:
            mean, log_std = read[:, K:].chunk(2, 1)
            log_q = log_normal(codes[:, K:], mean, log_std.clamp(SHARPEST, 3).exp()).sum(1)
            continuous = c.continuous * math.log(2) + log_q.mean()
        return category, continuous

    @differentiable
    def read_codes(self, x: Tensor) -> Tensor:
        """The codes that Q sees in pictures x (B, C, H, W): (B, K + continuous), probabilities of
        the categories, then means."""
        K = self.config.categories
        read = self._read(self.checked(x), self.discriminator.features(x))
        return torch.cat([read[:, :K].softmax(1), read[:, K:].chunk(2, 1)[0]], 1)


def distorted(x: Tensor, rng: Generator) -> Tensor:
    """Pictures x (B, C, H, W), each turned by up to 20 degrees, slanted, stretched, moved by up to
    a tenth of its side, and under noise: what it shows can still be seen."""
    B = len(x)

    def within(most: float) -> Tensor:
        return (2 * uniform((B,), rng, x.device) - 1) * most

    angle, slant = within(0.35), within(0.3)
    tall, wide = within(0.2).exp(), within(0.15).exp()
    cos, sin = angle.cos() * tall, angle.sin() * tall
    rows = [
        torch.stack([cos * wide, slant - sin, within(0.2)], 1),
        torch.stack([sin * wide, cos, within(0.2)], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    seen = F.grid_sample(x.float(), grid, align_corners=False)
    return seen + 0.15 * normal(tuple(x.shape), rng, x.device)


def common_information(first: Tensor, second: Tensor) -> Tensor:
    """I(a; b) in nats of the categories a and b of two looks at the same pictures, a scalar (Ji et
    al. 2019, eq. 3). first, second: the probabilities of the categories, (B, K)."""
    joint = first.T @ second / len(first)
    joint = ((joint + joint.T) / 2).clamp(min=1e-8)
    return (joint * (joint / (joint.sum(0) * joint.sum(1)[:, None])).log()).sum()
