r"""A VQ-VAE: pictures as words of a small language, and a prior that learns its grammar.

The encoder turns a picture into a coarse grid of vectors, and each is replaced by the nearest of
$K$ entries of a **codebook** (van den Oord et al. 2017),

$$z_e(x) \in \mathbb{R}^{h \times w \times d}, \qquad c_{ij} = \arg\min_k \lVert z_e(x)_{ij} - e_k
\rVert^2 , \qquad z_q = e_{c} .$$

What is left of a picture is a grid of $h \times w$ whole numbers. The decoder turns it back into a
distribution over pictures, $p_\theta(x \mid c)$. No gradient passes through the choice of the
nearest; the **straight-through** estimator hands the decoder's gradient at $z_q$ to $z_e$ as if
they were one, and a commitment term keeps the two close,

$$z_q^{\text{st}} = z_e + \mathrm{sg}[z_q - z_e], \qquad
\mathcal{L} = -\log p_\theta(x \mid z_q^{\text{st}}) + \beta\, \lVert z_e - \mathrm{sg}[z_q]
\rVert^2 .$$

Each entry of the codebook follows the running mean of the vectors that chose it; one that hardly
any chooses is put where one of the batch's vectors is, so that no entry lies idle.

The second stage is a **prior** over the grids: a causal transformer that reads a grid row by row
and says what comes next, $p_\psi(c) = \prod_t p_\psi(c_t \mid c_{<t})$. To sample is to write a
grid and decode it. The two stages together bound the likelihood, for the sum over all grids is at
least its one term:

$$\log p(x) = \log \sum_{c} p_\psi(c)\, p_\theta(x \mid c) \;\ge\; \log p_\psi\big(c(x)\big) +
\log p_\theta\big(x \mid c(x)\big) .$$

Both learn in one run. The first stage settles on the way, its learning rate falling to 0, and from
then on the prior learns a language that no longer changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.knobs import BINARISE, TEMPERATURE, Knob, check_temperature
from models.contract.model import Frame, GenerativeModel, Likelihood, Objective, checked_mask
from models.contract.random import uniform
from models.contract.streams import Streams
from models.families.autoregressive.transformer import Block
from models.families.nets import Downsample, ResBlock, Upsample, check_halvings, group_norm
from models.families.pixels import LIKELIHOODS, DecodesPixels, likelihood_setting
from models.machine.processes import whole


@dataclass(frozen=True)
class VQConfig:
    image: tuple[int, ...] = setting((1, 28, 28), "Channels, height and width of an image.")
    entries: int = setting(128, "Vectors in the codebook.", low=2, high=8192)
    depth: int = setting(16, "Numbers in each of them.", low=1, high=512)
    width: int = setting(96, "Channels at the resolution of the codes.", low=8, high=1024)
    blocks: int = setting(2, "Residual blocks of encoder and decoder.", low=0, high=16)
    halvings: int = setting(2, "How many times the side is halved.", low=1, high=5)
    commitment: float = setting(
        0.25, "Weight of the distance between a vector and its entry.", low=0.0, high=100.0
    )
    decay: float = setting(
        0.99, "Decay of the running means that the codebook follows.", low=0.0, high=0.9999
    )
    likelihood: str = likelihood_setting("logistic")
    hidden: int = setting(160, "Width of the prior's transformer.", low=8, high=2048)
    layers: int = setting(4, "Blocks of the prior's transformer.", low=1, high=32)
    head_width: int = setting(32, "Width of each of its attention heads.", low=4, high=256)
    dropout: float = setting(
        0.0, "Part of the prior's hidden units dropped in training.", low=0.0, high=0.9
    )
    settle_steps: int = setting(
        0, "Step at which encoder, decoder and codebook have settled; 0 is never.", low=0
    )


class Codebook(nn.Module):
    """K vectors of d numbers, which follow the vectors that choose them; no gradient moves them.

    The running sums and counts are those of van den Oord et al. (2017, appendix A.1).
    """

    def __init__(self, entries: int, depth: int, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("vectors", torch.randn(entries, depth))
        self.register_buffer("sums", torch.zeros(entries, depth))
        self.register_buffer("counts", torch.zeros(entries))

    def nearest(self, z: Tensor) -> Tensor:
        """The entry nearest to each vector, int64. z: (..., d)."""
        e = self.vectors
        with torch.autocast(z.device.type, enabled=False):  # near ones are told apart by little
            far = e.square().sum(1) - 2 * z.float() @ e.T  # up to |z|^2, the same for all
        return far.argmin(-1)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """(..., d) -> the nearest entries, straight through: their values, with z's gradient; and
        which they are, int64 (...)."""
        indices = self.nearest(z)
        chosen = self.vectors[indices].to(z.dtype)
        return z + (chosen - z).detach(), indices

    @torch.no_grad()
    def follow(self, z: Tensor, indices: Tensor, rng: Generator, part: Tensor | float) -> None:
        """Moves the entries towards the vectors z (n, d) that chose them. part: of a whole step,
        0 leaves everything as it is."""
        z, K = z.float(), len(self.vectors)
        chosen = F.one_hot(indices, K).to(z.dtype)  # (n, K)
        rate = (1 - self.decay) * part
        counts = torch.lerp(self.counts, chosen.mean(0), rate)
        with torch.autocast(z.device.type, enabled=False):
            sums = torch.lerp(self.sums, chosen.T @ z / len(z), rate)
        # An entry with less than a twentieth of its share is put where a vector of the batch is.
        share = counts.sum() / K
        idle = (counts < 0.05 * share) & (torch.as_tensor(part, device=z.device) > 0)
        rows = (torch.rand(K, generator=rng, device=rng.device).to(z.device) * len(z)).long()
        counts = torch.where(idle, share, counts)
        sums = torch.where(idle[:, None], z[rows] * share, sums)
        moved = sums / counts.clamp(min=1e-8)[:, None]
        self.counts.copy_(counts)
        self.sums.copy_(sums)
        self.vectors.copy_(torch.where((counts > 0)[:, None], moved, self.vectors))


class CodePrior(nn.Module):
    """A causal transformer over grids of codes, read row by row, by the patch transformer's
    blocks. indices (B, T) -> log-odds of every entry at each place, (B, T, K)."""

    def __init__(
        self, entries: int, places: int, hidden: int, layers: int, head_width: int, dropout: float
    ) -> None:
        super().__init__()
        self.entry = nn.Embedding(entries, hidden)
        self.start = nn.Parameter(0.02 * torch.randn(hidden))
        self.place = nn.Parameter(0.02 * torch.randn(places, hidden))
        self.blocks = nn.ModuleList(
            Block(hidden, max(1, hidden // head_width), dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(hidden)
        self.out = nn.Linear(hidden, entries)
        self.register_buffer("mask", torch.ones(places, places).triu(1).bool(), persistent=False)
        nn.init.normal_(self.entry.weight, std=0.02)

    def forward(self, indices: Tensor) -> Tensor:
        before = self.entry(indices[:, :-1])
        start = self.start.expand(len(indices), 1, -1).to(before.dtype)
        h = torch.cat([start, before], 1) + self.place  # (B, T, hidden)
        for block in self.blocks:
            h = block(h, self.mask)
        return self.out(self.norm(h)).float()

    def log_prob(self, indices: Tensor) -> Tensor:
        """log p of each code given those before it, (B, T) nats. indices: (B, T)."""
        log_p = self(indices).log_softmax(-1)
        return log_p.gather(-1, indices[..., None])[..., 0]

    def write(
        self,
        u: Tensor,
        temperature: float,
        given: Tensor | None = None,
        known: Tensor | None = None,
    ) -> Iterator[Tensor]:
        """Writes grids from uniforms u (n, T), a place at a time, with every block's keys and
        values kept; yields the (n, T) codes so far, the rest -1. Where ``known`` (n, T) is true
        the code is that of ``given``."""
        n, T = u.shape
        caches = [
            tuple(u.new_zeros(n, b.heads, T, self.start.numel() // b.heads) for _ in range(2))
            for b in self.blocks
        ]
        written = torch.full((n, T), -1, dtype=torch.int64, device=u.device)
        token = self.start.expand(n, -1)
        for t in range(T):
            h = (token + self.place[t])[:, None]
            for block, cache in zip(self.blocks, caches, strict=True):
                h = block.step(h, cache, t)
            p = (self.out(self.norm(h[:, 0])).float() / temperature).softmax(-1).double()
            code = (p.cumsum(-1) < u[:, t, None].double() * p.sum(-1, keepdim=True)).sum(-1)
            code = code.clamp(max=p.shape[-1] - 1)
            if known is not None:
                code = torch.where(known[:, t], given[:, t], code)
            written[:, t] = code
            token = self.entry(code)
            yield written.clone()


class VQVAE(DecodesPixels, GenerativeModel):
    """Encoder, codebook, decoder; and a prior over what the codebook makes of a picture."""

    Config = VQConfig
    PAPERS = ("1711.00937",)

    def __init__(self, config: VQConfig) -> None:
        check_halvings(config.image, config.halvings)
        C, H, W = config.image
        super().__init__(config)
        c = config
        self.grid = (H // 2**c.halvings, W // 2**c.halvings)
        self.encoder = nn.Sequential(
            Downsample(C, c.width, c.halvings),
            *[ResBlock(c.width) for _ in range(c.blocks)],
            group_norm(c.width),
            nn.SiLU(),
            nn.Conv2d(c.width, c.depth, 1),
            # Vectors of a size that does not depend on the weights: none can flee its entry.
            nn.GroupNorm(1, c.depth, affine=False),
        )
        self.codebook = Codebook(c.entries, c.depth, c.decay)
        per_pixel = LIKELIHOODS[c.likelihood]
        self.decoder = nn.Sequential(
            nn.Conv2d(c.depth, c.width, 3, padding=1),
            *[ResBlock(c.width) for _ in range(c.blocks)],
            Upsample(c.width, per_pixel * C, c.halvings),
        )
        self.prior = CodePrior(
            c.entries, math.prod(self.grid), c.hidden, c.layers, c.head_width, c.dropout
        )
        # How many objectives were computed in training: it settles the first stage.
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def inner_matrices(self) -> list[nn.Parameter]:
        return [p for p in self.prior.blocks.parameters() if p.dim() == 2]

    # -- codes -----------------------------------------------------------------------------------

    def vectors(self, x: Tensor) -> Tensor:
        """The encoder's grid, (B, h, w, d), before the nearest entries. x: observed."""
        return self.encoder(2 * x - 1).permute(0, 2, 3, 1).float()

    @property
    def codebook_size(self) -> int:
        """How many vectors the codebook has, K."""
        return self.config.entries

    @torch.no_grad()
    def encode_indices(self, x: Tensor) -> Tensor:
        """The grid of codes of pictures x (B, C, H, W) in [0, 1]: int64 (B, h, w)."""
        return self.codebook.nearest(self.vectors(self.checked(x)))

    @torch.no_grad()
    def decode_indices(self, indices: Tensor) -> Tensor:
        """The expected picture of each grid of codes, (B, C, H, W) in [0, 1]. indices: int64
        (B, h, w). Raises ValueError for another size, or a code there is not."""
        indices = self.checked_indices(indices)
        return self.expected(self.numbers(self.codebook.vectors[indices]))

    @torch.no_grad()
    def rebuild(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """The expected picture of a picture's grid of codes, (B, C, H, W) in [0, 1]."""
        return self.decode_indices(self.encode_indices(x))

    def checked_indices(self, indices: Tensor) -> Tensor:
        h, w = self.grid
        if (
            indices.dim() != 3
            or tuple(indices.shape[1:]) != self.grid
            or indices.is_floating_point()
        ):
            raise ValueError(f"This model's codes are grids of {h} x {w} whole numbers.")
        if indices.min() < 0 or indices.max() >= self.config.entries:
            raise ValueError(f"Codes go from 0 to {self.config.entries - 1}.")
        return indices.long()

    @torch.no_grad()
    def code_usage(self) -> Tensor:
        """The part of all codes that each entry of the codebook is, (K,), in training of late."""
        return self.codebook.counts / self.codebook.counts.sum().clamp(min=1e-8)

    @torch.no_grad()
    def index_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
    ) -> Iterator[Tensor]:
        """Grids of codes as the prior writes them, place by place: (n, h, w) int64, -1 where
        nothing is written yet."""
        check_temperature(temperature, likeliest="code")
        u = uniform((n, math.prod(self.grid)), Streams.of(rng, n), self.device)
        for codes in self.prior.write(u, temperature):
            yield codes.view(n, *self.grid)

    @torch.no_grad()
    def index_log_likelihood(self, k: Tensor, label: int | Tensor | None = None) -> Tensor:
        """log p of grids of codes (B, h, w) under the prior, (B,) nats."""
        return self.prior.log_prob(self.checked_indices(k).flatten(1)).sum(1)

    @torch.no_grad()
    def predict_indices(self, indices: Tensor) -> Tensor:
        """log p of every entry at each place given the codes before it, (B, h, w, K)."""
        flat = self.checked_indices(indices).flatten(1)
        return self.prior(flat).log_softmax(-1).unflatten(1, self.grid)

    # -- pictures --------------------------------------------------------------------------------

    def numbers(self, z: Tensor) -> Tensor:
        """What the decoder says of each pixel, (B, P, H, W). z: (B, h, w, d)."""
        return self.decoder(z.permute(0, 3, 1, 2)).float()

    # -- training --------------------------------------------------------------------------------

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """Two players: the first stage ("codes"), at a rate that falls to 0 by ``settle_steps``,
        and the prior over the codes that it makes now ("prior")."""
        c = self.config
        x = self.observed(x, rng)
        part = max(0.0, 1 - int(self.seen) / c.settle_steps) if c.settle_steps else 1.0
        if self.training:
            self.seen += 1
        if part > 0 or not self.training:
            z = self.vectors(x)
            chosen, indices = self.codebook(z)
            distance = (z - chosen.detach()).square().sum(-1).sum((1, 2)).mean()
            log_p_x = self.log_p_pixels(x, self.numbers(chosen)).sum((1, 2, 3)).mean()
            params = [*self.encoder.parameters(), *self.decoder.parameters()]
            logs = {"reconstruction_nats": log_p_x, "distance": distance}
            if self.training:
                every, chosen_by = whole(z.detach()), whole(indices)
                self.codebook.follow(every.flatten(0, 2), chosen_by.flatten(), rng, part)
            loss = -log_p_x + c.commitment * distance
            yield Objective(params, loss, logs, player="codes", rate=part)
        else:
            with torch.no_grad():
                indices = self.codebook.nearest(self.vectors(x))
        nll = -self.prior.log_prob(indices.detach().flatten(1)).sum(1).mean()
        yield Objective(list(self.prior.parameters()), nll, {"code_nats": nll}, player="prior")

    # -- what it can do --------------------------------------------------------------------------

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        temperature = (replace(TEMPERATURE, above=True),)
        declared = {
            "sample_steps": temperature,
            "complete_steps": temperature,
            "index_steps": temperature,
            "log_likelihood": (BINARISE,),
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
        """A frame for each row of codes that the prior has written, what is not yet written left
        black. info["indices"]: the codes so far, (n, h, w), the rest -1. temperature: of each
        code's distribution."""
        yield from self._written(n, rng, temperature)

    @torch.no_grad()
    def complete_steps(
        self,
        x: Tensor,
        known: Tensor,
        rng: Generator,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
    ) -> Iterator[Frame]:
        """x (B, C, H, W) with what is not ``known`` (bool, the same shape or (B, 1, H, W)) written
        in code space: cells of which every pixel is known keep their codes, the others are drawn
        row by row given those before them. What is known is shown as it is."""
        x = self.checked(x)
        known = checked_mask(known, x)
        seen = torch.where(known, x, torch.zeros_like(x))
        cell = 2**self.config.halvings
        complete = -F.max_pool2d(-known.all(1, keepdim=True).float(), cell)  # 1 where all are known
        complete = complete[:, 0].bool().flatten(1)  # (B, T)
        given = self.encode_indices(seen).flatten(1)
        for frame in self._written(len(x), rng, temperature, given, complete):
            shown = torch.where(known, x, frame.x)
            yield Frame(frame.step, frame.total, shown, info=frame.info)

    def _written(
        self,
        n: int,
        rng: Generator,
        temperature: float,
        given: Tensor | None = None,
        known: Tensor | None = None,
    ) -> Iterator[Frame]:
        check_temperature(temperature, likeliest="code")
        h, w = self.grid
        cell = self.image_shape[1] // h
        u = uniform((n, h * w), Streams.of(rng, n), self.device)
        for t, codes in enumerate(self.prior.write(u, temperature, given, known), 1):
            if t % w:
                continue
            codes = codes.view(n, h, w)
            x = self.decode_indices(codes.clamp(min=0))
            x[:, :, t // w * cell :] = 0
            yield Frame(t // w, h, x, info={"indices": codes, "label": None})

    @torch.no_grad()
    def log_likelihood(self, x: Tensor, rng: Generator, binarise: bool = True) -> Likelihood:
        r"""The bound log p(c(x)) + log p(x | c(x)) of the two stages together, always the same for
        a picture. x: (B, C, H, W) in [0, 1]; grey pixels are first drawn 0 or 1 by ``rng`` for a
        Bernoulli likelihood (not with ``binarise=False``).

        details, in nats: "reconstruction" (B,), log p(x | c); "code_nats" (B,), -log p(c);
        "code_map" (B, h, w), what each code costs. In ``per_pixel`` a code's cost is spread over
        its cell.
        """
        x = self.checked(x)
        if binarise or not self.binary:
            x = self.observed(x, rng)
        indices = self.codebook.nearest(self.vectors(x))
        pixels = self.log_p_pixels(x, self.numbers(self.codebook.vectors[indices]))
        costs = -self.prior.log_prob(indices.flatten(1)).unflatten(1, self.grid)
        cell, C = 2**self.config.halvings, x.shape[1]
        reconstruction = pixels.sum((1, 2, 3))
        spread = costs.repeat_interleave(cell, 1).repeat_interleave(cell, 2) / (C * cell**2)
        details = {
            "reconstruction": reconstruction, "code_nats": costs.sum((1, 2)), "code_map": costs,
        }  # fmt: skip
        return Likelihood(
            reconstruction - details["code_nats"],
            "lower bound",
            self.space,
            per_pixel=pixels - spread[:, None],
            details=details,
        )
