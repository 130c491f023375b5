r"""A CycleGAN: it translates between two kinds of pictures of which nobody has seen a pair.

There are pictures $x$ of a domain $X$ and pictures $y$ of a domain $Y$, and nothing says which
belong together. A generator $G: X \to Y$ and another, $F: Y \to X$, each play against a
discriminator of the domain that they write (Zhu et al. 2017, eq. 1, here with squares as in their
section 4),

$$\mathcal{L}_{D_Y} = \mathbb{E}_y \big(D_Y(y) - 1\big)^2 + \mathbb{E}_x D_Y(G(x))^2 , \qquad
\mathcal{L}_G = \mathbb{E}_x \big(D_Y(G(x)) - 1\big)^2 .$$

That makes $G(x)$ a picture of $Y$, but any picture of $Y$ would do, whatever $x$ was. So the two
have to lead back (eq. 2),

$$\mathcal{L}_{\mathrm{cyc}} = \mathbb{E}_x \lVert F(G(x)) - x \rVert_1 +
\mathbb{E}_y \lVert G(F(y)) - y \rVert_1 ,$$

and both generators make $\mathcal{L}_G + \mathcal{L}_F + \lambda \mathcal{L}_{\mathrm{cyc}}$ small
(eq. 3), perhaps with $\lVert G(y) - y \rVert_1 + \lVert F(x) - x \rVert_1$ in it, so that what is
of the domain already stays as it is. A discriminator judges squares of a picture, not the whole
(Isola et al. 2017), for what the whole shall be is in the picture that is read.

**What a small cycle loss does not say.** For a map $T$ that can be undone, such as the mirror,
$G' = T \circ G$ and $F' = F \circ T^{-1}$ have $F' \circ G' = F \circ G$: that cycle stays exactly
the same, and every translation is mirrored. (The other, $G' \circ F'$, errs at $y$ as much as the
old one at $T^{-1}(y)$.) Only a discriminator can object, and it has nothing to object to where
mirrored pictures are as common as the others. And where one domain holds less than the other, a
small loss is possible only if $G$ writes the rest into its translations as well, where no
discriminator takes offence (Chu et al. 2017 found it too faint to be seen).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from models.contract.config import setting
from models.contract.model import Model, Objective
from models.families.translation.domains import DOMAINS
from models.families.translation.nets import PatchNet, TranslatorNet


@dataclass(frozen=True)
class CycleGANConfig:
    image: tuple[int, ...] = setting((1, 28, 28), "Channels, height and width of an image.")
    domains: str = setting(
        "outlines",
        "The two kinds: pictures and outlines of others, or thin strokes and bold ones.",
        choices=tuple(DOMAINS),
    )
    width: int = setting(32, "Channels of a generator at half of the side.", low=8, high=512)
    blocks: int = setting(3, "Residual blocks at a quarter of the side.", low=1, high=16)
    judge_width: int = setting(48, "Channels of a discriminator.", low=8, high=512)
    cycle: float = setting(
        10.0, "Weight of the cycle loss, lambda in the paper.", low=0.0, high=1000.0, live=True
    )
    identity: float = setting(
        0.0,
        "Weight of what a picture of the domain already may not change; the paper has 5.",
        low=0.0,
        high=1000.0,
        live=True,
    )
    judge_rate: float = setting(
        1.0, "Learning rate of the discriminators, over the recipe's.", low=0.001, high=10.0
    )


class CycleGAN(Model):
    """Two generators, G from domain a to b and F back, and a discriminator of each domain."""

    Config = CycleGANConfig
    PAPERS = ("1703.10593",)

    def __init__(self, config: CycleGANConfig) -> None:
        super().__init__(config)
        c = config
        self.kinds = DOMAINS[c.domains]
        self.G, self.F = (TranslatorNet(c.image, c.width, c.blocks) for _ in range(2))
        self.judge_a, self.judge_b = (PatchNet(c.image, c.judge_width) for _ in range(2))

    @property
    def snapshot_parts(self) -> tuple[str, ...]:
        return ("G", "F")

    # -- training --------------------------------------------------------------------------------

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """The generators' loss, then the discriminators', on the same translations. Each picture of
        the batch serves one domain, or none."""
        c = self.config
        first, second = self.kinds.chosen(x)
        a, b = self.kinds.as_a(x[first]), self.kinds.as_b(x[second])
        as_b, as_a = self.G(a), self.F(b)
        game = real_loss(self.judge_b(as_b)) + real_loss(self.judge_a(as_a))
        cycle = distance(self.F(as_b), a) + distance(self.G(as_a), b)
        loss, logs = game + c.cycle * cycle, {"cycle": cycle, "game": game}
        if c.identity:
            identity = distance(self.F(a), a) + distance(self.G(b), b)
            loss, logs = loss + c.identity * identity, logs | {"identity": identity}
        yield Objective([*self.G.parameters(), *self.F.parameters()], loss, logs, "generators")

        loss = real_loss(self.judge_a(a)) + made_loss(self.judge_a(as_a.detach()))
        loss = loss + real_loss(self.judge_b(b)) + made_loss(self.judge_b(as_b.detach()))
        judges = [*self.judge_a.parameters(), *self.judge_b.parameters()]
        # Halved, as in the paper: discriminators learn more slowly than generators do.
        yield Objective(judges, loss / 2, {}, "discriminators", c.judge_rate)

    # -- what it can do --------------------------------------------------------------------------

    @property
    def domains(self) -> tuple[str, str]:
        return self.kinds.a, self.kinds.b

    @property
    def directions(self) -> tuple[str, str]:
        a, b = self.domains
        return f"{a} to {b}", f"{b} to {a}"

    @torch.no_grad()
    def translate(self, x: Tensor, direction: str) -> Tensor:
        """G(x) or F(x), (B, C, H, W) in [0, 1]. x: the same. Raises ValueError for a direction that
        is not of ``directions``."""
        if direction not in self.directions:
            known = " and ".join(f"'{each}'" for each in self.directions)
            raise ValueError(f"This model does not translate '{direction}'. It knows {known}.")
        net = self.G if direction == self.directions[0] else self.F
        return net(self.checked(x))

    def belonging(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Which of pictures x (B, C, H, W) serve the first domain and which the second: two (n,)
        lists of places; no place stands in both."""
        return self.kinds.chosen(self.checked(x))

    def in_domain(self, x: Tensor, domain: str) -> Tensor:
        """What pictures x of the data set look like in a domain: as they are, or as outlines. x and
        the result (B, C, H, W) in [0, 1]. Raises ValueError for a domain there is not."""
        self._checked_domain(domain)
        look = self.kinds.as_b if domain == self.kinds.b else self.kinds.as_a
        return look(self.checked(x))

    @torch.no_grad()
    def domain_verdict(self, x: Tensor, domain: str) -> Tensor:
        """The mean verdict on the squares of pictures x (B, C, H, W), (B,): about 1 for what the
        discriminator takes for a picture of the domain, and 0 for what it takes for a translation.
        Raises ValueError for a domain there is not."""
        self._checked_domain(domain)
        judge = self.judge_b if domain == self.kinds.b else self.judge_a
        return judge(self.checked(x)).mean((1, 2, 3))

    def _checked_domain(self, domain: str) -> None:
        if domain not in self.domains:
            a, b = self.domains
            raise ValueError(f"This model has no domain '{domain}'. It knows '{a}' and '{b}'.")


def distance(x: Tensor, y: Tensor) -> Tensor:
    """The mean difference of a pixel, a scalar; 0 where there are no pictures."""
    return (x - y).abs().sum() / max(1, x.numel())


def real_loss(d: Tensor) -> Tensor:
    """The mean of (d - 1)^2 over all verdicts d, a scalar; 0 where there are none."""
    return (d - 1).square().sum() / max(1, d.numel())


def made_loss(d: Tensor) -> Tensor:
    """The mean of d^2 over all verdicts d, a scalar; 0 where there are none."""
    return d.square().sum() / max(1, d.numel())
