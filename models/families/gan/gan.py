"""A generator, a discriminator and their game; and a BiGAN, which has an encoder as well."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.knobs import LABEL, TRUNCATION, Knob
from models.contract.model import Frame, GenerativeModel, Objective, differentiable
from models.contract.random import generator, normal
from models.contract.streams import Streams
from models.families.gan.augment import augmented
from models.families.gan.losses import GAMES, gradient_penalty, r1
from models.families.gan.nets import DiscriminatorNet, EncoderNet, GeneratorNet
from models.families.nets import check_halvings

JUDGED = 64  # pictures on which a snapshot keeps the discriminator's verdict


@dataclass(frozen=True)
class GANConfig:
    image: tuple[int, ...] = setting((1, 28, 28), "Channels, height and width of an image.")
    noise: int = setting(64, "Numbers of noise in a code.", low=1, high=1024)
    width: int = setting(64, "Channels at the lowest resolution.", low=8, high=1024)
    blocks: int = setting(1, "Residual blocks at each resolution.", low=0, high=16)
    hidden: int = setting(256, "Units at the end of the discriminator.", low=8, high=8192)
    halvings: int = setting(2, "How many times the side is halved.", low=1, high=5)
    game: str = setting("nonsaturating", "What the two players play for.", choices=tuple(GAMES))
    r1: float = setting(
        0.0,
        "Weight of half the squared gradient on real images (Mescheder et al. 2018).",
        low=0.0,
        high=1e6,
        live=True,
    )
    gradient_penalty: float = setting(
        0.0,
        "Weight of what gradients between real and made images differ from 1 (Gulrajani et al. "
        "2017).",
        low=0.0,
        high=1e6,
        live=True,
    )
    penalised: float = setting(
        1.0, "Part of a batch on which penalties are measured.", low=0.001, high=1.0
    )
    spectral: bool = setting(False, "Spectral normalisation of the discriminator.")
    generator_spectral: bool = setting(
        False, "Spectral normalisation of the generator (Zhang et al. 2019)."
    )
    attention: int = setting(
        0,
        "How often the side is halved where both players attend; 0 is nowhere (SAGAN).",
        low=0,
        high=5,
    )
    augment: bool = setting(
        False,
        "The discriminator is shown real and generated pictures moved and with a hole (Zhao et al. "
        "2020).",
    )
    critic_steps: int = setting(
        1,
        "Steps of the discriminator to one of the generator, each on its own part of the batch.",
        low=1,
        high=100,
    )
    critic_rate: float = setting(
        1.0,
        "Learning rate of the discriminator, over the generator's.",
        low=0.0,
        high=100.0,
        live=True,
    )
    categories: int = setting(
        0, "Values of InfoGAN's categorical code; 0 is none.", low=0, high=1000
    )
    continuous: int = setting(0, "InfoGAN's continuous codes.", low=0, high=100)
    information: float = setting(
        1.0,
        "Weight of the bound on the category's information (InfoGAN).",
        low=0.0,
        high=1000.0,
        live=True,
    )
    continuous_information: float = setting(
        0.1,
        "Weight of the bound on the continuous codes' information (InfoGAN).",
        low=0.0,
        high=1000.0,
        live=True,
    )
    contrast: float = setting(
        1.0,
        "How many times larger the generator reads the category than it is drawn, and smaller the "
        "noise (InfoGAN).",
        low=1.0,
        high=100.0,
    )
    steady: bool = setting(
        False,
        "The category is read, by a network of its own, off pictures that were turned, moved, "
        "stretched and put under noise (InfoGAN).",
    )
    clusters: float = setting(
        0.0,
        "Weight of the information that two such looks at a real picture have in common (Ji et "
        "al. 2019); for a steady category.",
        low=0.0,
        high=1000.0,
        live=True,
    )
    encoder: bool = setting(False, "An encoder is learned as well (BiGAN).")
    num_classes: int = setting(
        0, "Classes to condition on; 0 is none, -1 as many as the data has.", low=-1, high=1000
    )


class GAN(GenerativeModel):
    """Generator and discriminator (Goodfellow et al. 2014), in any of ``GAMES``."""

    Config = GANConfig
    PAPERS = ("1406.2661",)

    @classmethod
    def papers(cls, config: GANConfig) -> tuple[str, ...]:
        return (*cls.PAPERS, *GAMES[config.game].papers)

    def __init__(self, config: GANConfig) -> None:
        c = config
        check_halvings(c.image, c.halvings)
        if c.game == "wasserstein" and not (c.gradient_penalty or c.spectral):
            raise ValueError(
                "A Wasserstein critic's slope must be held; set gradient_penalty or spectral."
            )
        if c.attention > c.halvings:
            raise ValueError(
                f"The side is halved {c.halvings} times: attention goes from 0 to {c.halvings}."
            )
        super().__init__(c)
        self.game = GAMES[c.game]
        shared = (c.width, c.halvings, c.blocks)
        self.generator = GeneratorNet(
            c.image,
            self.latent,
            self.class_count,
            *shared,
            attention=c.attention,
            spectral=c.generator_spectral,
        )
        self.discriminator = DiscriminatorNet(
            c.image,
            self.class_count,
            *shared,
            c.hidden,
            latent=self.latent if c.encoder else 0,
            spectral=c.spectral,
            attention=c.attention,
        )

    @property
    def latent(self) -> int:
        return self.config.noise

    @property
    def snapshot_parts(self) -> tuple[str, ...]:
        return ("generator",)

    def snapshot_remarks(self, kept: GAN) -> dict[str, list[float]]:
        """ "verdicts": what the discriminator of the moment says of the ``snapshot_pictures`` that
        the generator to be kept makes."""
        z, label = kept.judged_codes()
        return {"verdicts": self.verdict(kept.decode(z, label), label).tolist()}

    @torch.no_grad()
    def snapshot_pictures(self) -> Tensor:
        return self.decode(*self.judged_codes())

    def judged_codes(self) -> tuple[Tensor, int | Tensor | None]:
        """Codes and classes on which verdicts are kept: of one stream, so as the shipped ones."""
        rng = generator(0)
        return self.draw(JUDGED, rng), self.label_or_drawn(None, JUDGED, rng)

    # -- training --------------------------------------------------------------------------------

    def draw(self, n: int, rng: Generator | Streams) -> Tensor:
        """n whole codes, (n, latent)."""
        return normal((n, self.config.noise), rng, self.device)

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """The discriminator's loss, ``critic_steps`` times, each on another part of the batch; then
        the generator's. "value" is what the discriminator makes large, without its penalties."""
        n = self.config.critic_steps
        parts = x.chunk(n)
        labels = [None] * n if y is None or not self.class_count else y.chunk(n)
        for part, label in zip(parts, labels, strict=False):
            yield self._discriminator_objective(part, self.one_hot(label, len(part)), rng)
        yield self._generator_objective(part, self.one_hot(label, len(part)), rng)

    def _discriminator_objective(self, x: Tensor, y: Tensor, rng: Generator) -> Objective:
        c, D = self.config, self.discriminator
        B, z = len(x), self.draw(len(x), rng)
        with torch.no_grad():
            real, made = self._beside(x, self.encoded(x, y)), self._beside(self.generator(z, y), z)
        pairs = [torch.cat(both) for both in zip(real, made, strict=True)]
        features = D.features(*self._shown(pairs, rng))  # (2B, hidden), the real ones first
        d_real, d_made = D.judge(features, torch.cat([y, y])).split(B)
        loss = self.game.discriminator(d_real, d_made)
        logs = {"value": -loss, "real_verdict": d_real.mean(), "made_verdict": d_made.mean()}
        if c.r1 or c.gradient_penalty:
            k = max(1, round(c.penalised * B))
            real, made = [a[:k] for a in real], [a[:k] for a in made]

            def verdict(x: Tensor, *z: Tensor) -> Tensor:
                return D(x, y[:k], *z)

            penalty = torch.zeros_like(loss)
            if c.r1:
                penalty = penalty + c.r1 * r1(verdict, *real)
            if c.gradient_penalty:
                held = gradient_penalty(verdict, real, made, rng)
                penalty = penalty + c.gradient_penalty * held
            logs["penalty"] = penalty
            loss = loss + penalty
        loss = loss - self._informative(pairs[0][B:], features[B:], z, logs, rng)
        return Objective(self.judging(), loss, logs, "discriminator", c.critic_rate)

    def _generator_objective(self, x: Tensor, y: Tensor, rng: Generator) -> Objective:
        z = self.draw(len(x), rng)
        made = self.generator(z, y)
        features = self.discriminator.features(*self._shown(self._beside(made, z), rng))
        loss = self.game.generator(self.discriminator.judge(features, y))
        loss = loss - self._informative(made, features, z, {}, rng)
        return Objective(list(self.generator.parameters()), loss, {}, "generator")

    # What the variants below add; here there is neither code nor encoder.

    def judging(self) -> list[nn.Parameter]:
        """The discriminator's parameters."""
        return list(self.discriminator.parameters())

    def encoded(self, x: Tensor, y: Tensor) -> Tensor | None:
        """The codes that are judged beside pictures x, where codes are."""
        return None

    def _beside(self, x: Tensor, z: Tensor | None) -> list[Tensor]:
        """What the discriminator is shown of a picture and its code."""
        return [x, z] if self.config.encoder else [x]

    def _shown(self, pair: list[Tensor], rng: Generator) -> list[Tensor]:
        """The same as the discriminator sees it while it learns and is learned from."""
        x, *z = pair
        return [augmented(x, rng) if self.config.augment else x, *z]

    def _informative(
        self, made: Tensor, features: Tensor, z: Tensor, logs: dict, rng: Generator
    ) -> Tensor | float:
        """What both players gain where the codes z can be read off the pictures made of them, or
        off the features that the discriminator sees in those."""
        return 0.0

    # -- what it can do --------------------------------------------------------------------------

    @differentiable
    def decode(self, z: Tensor, label: int | Tensor | None = None) -> Tensor:
        """G(z), (B, C, H, W) in [0, 1]. z: (B, latent)."""
        if z.dim() != 2 or z.shape[1] != self.latent:
            raise ValueError(
                f"This model's codes have {self.latent} numbers, not {tuple(z.shape)[1:]}."
            )
        return self.generator(z, self.one_hot(label, len(z)))

    def truncate(self, z: Tensor, threshold: float) -> Tensor:
        """Codes z, (n, latent), with the noise in them N(0, I) within +-threshold, which gives
        better pictures and fewer kinds of them (Brock et al. 2019, section 3.1); see ``truncated``.
        """
        noise = truncated(z[:, : self.config.noise], threshold)
        return torch.cat([noise, z[:, self.config.noise :]], 1)

    @differentiable
    def early_features(self, z: Tensor, label: int | Tensor | None = None) -> Tensor:
        """What the generator's first blocks make of codes z (B, latent): (B, features)."""
        return self.generator.early(z, self.one_hot(label, len(z)))[0].float().flatten(1)

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        label = (LABEL,) if self.class_count else ()
        declared = {
            "sample_steps": (TRUNCATION,),
            **dict.fromkeys(("decode", "early_features", "verdict"), label),
        }
        return declared.get(method, ())

    @torch.no_grad()
    def sample_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        truncation: float = math.inf,
    ) -> Iterator[Frame]:
        """One frame: G(z). info["z"] holds the codes, (n, latent).

        truncation: see ``truncate``.
        """
        rng = Streams.of(rng, n)
        z = self.truncate(self.draw(n, rng), truncation)
        label = self.label_or_drawn(label, n, rng)
        yield Frame(0, 1, self.decode(z, label), info={"z": z, "label": label})

    @property
    def verdict_is_logit(self) -> bool:
        """Whether sigma(d) is the probability that a picture is real: not every game has one."""
        return self.game.probability

    @differentiable
    def verdict(self, x: Tensor, label: int | Tensor | None = None) -> Tensor:
        """d(x), (B,): how real the discriminator finds pictures x (B, C, H, W) in [0, 1].

        sigma(d) is a probability where ``verdict_is_logit``. It can be differentiated by x. With
        ``label``, how real they are as pictures of that class. It knows the pictures its own
        generator made at the end of its training, and no others: it is no measure of quality.
        """
        y = self.one_hot(label, len(self.checked(x)))
        x, *z = self._beside(x, self.encoded(x, y))
        return self.discriminator(x, y, *z)


class BiGAN(GAN):
    """A GAN with an encoder; its discriminator judges picture and code together (Donahue et al.
    2017, eq. 2; Dumoulin et al. 2017, eq. 1)."""

    PAPERS = ("1605.09782", "1606.00704")

    def __init__(self, config: GANConfig) -> None:
        super().__init__(config)
        c = config
        self.encoder = EncoderNet(
            c.image, self.latent, self.class_count, c.width, c.halvings, c.blocks, c.hidden
        )

    @property
    def snapshot_parts(self) -> tuple[str, ...]:
        return ("generator", "encoder")

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        return super().knobs("decode" if method == "encode" else method)

    @differentiable
    def encode(self, x: Tensor, label: int | Tensor | None = None) -> Tensor:
        """E(x), (B, latent). x: (B, C, H, W) in [0, 1]."""
        return self.encoder(self.checked(x), self.one_hot(label, len(x)))

    @torch.no_grad()
    def rebuild(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """G(E(x)), (B, C, H, W) in [0, 1]: nothing was ever trained to make it x."""
        return self.decode(self.encode(x))

    def encoded(self, x: Tensor, y: Tensor) -> Tensor:
        return self.encoder(x, y)

    def _generator_objective(self, x: Tensor, y: Tensor, rng: Generator) -> Objective:
        """Encoder and generator are one player: each wants its own pairs taken for the other's."""
        made = super()._generator_objective(x, y, rng)
        verdict = self.discriminator(x, y, self.encoded(x, y))
        loss = made.loss + self.game.generator(-verdict)
        return Objective([*made.params, *self.encoder.parameters()], loss, made.logs, made.player)


def truncated(z: Tensor, threshold: float) -> Tensor:
    """Standard normal numbers z as ones of the normal within +-threshold, in the same order.

    F_t^{-1}(F(z)) with F the normal's distribution function and F_t that of the truncated one:
    what redrawing everything outside gives (Brock et al. 2019, section 3.1), but the same seed's
    pictures change gradually with the threshold. Raises ValueError where that is not above 0.
    """
    if not threshold > 0:
        raise ValueError("The truncation must be a number above 0.")
    if math.isinf(threshold):
        return z
    low = 0.5 * math.erfc(threshold / math.sqrt(2))
    # On the CPU, for not every device counts in double precision.
    p = low + (1 - 2 * low) * torch.special.ndtr(z.cpu().double())
    return torch.special.ndtri(p).clamp(-threshold, threshold).to(z)
