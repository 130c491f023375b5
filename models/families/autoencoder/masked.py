r"""A masked autoencoder: most of a picture is hidden, and the rest has to say what was there.

The picture is cut into square patches, and a large part of them, drawn anew each time, is taken
away (He et al. 2022). A transformer reads the patches $x_V$ that are left, each with its place; a
smaller one is given what it found, and one learned vector in the place of each hidden patch, and
paints those,

$$\mathcal{L} = \mathbb{E}_{x, V}\; \frac{1}{|H|} \sum_{i \in H} \big\lVert x_i - g_\theta(x_V)_i
\big\rVert^2 , \qquad H = \text{the patches not in } V .$$

To paint a sleeve from a collar one has to know what shirts look like: the encoder learns features
without a label. Its mean output is the code of a picture.

It is a poor generator, and its loss says why: the best answer in squared error is the **mean** of
all that could be there, $\mathbb{E}[x_i \mid x_V]$, a grey blur wherever there is a choice.
Read as a distribution, squared error is a Gaussian around that mean, each pixel by itself,
$p(x_i \mid x_V) = \mathcal{N}(g_\theta(x_V)_i, \sigma^2 I)$, and a picture can be drawn patch after
patch in a random order, as an autoregression does. But independent grain is no choice between two
sleeves: at temperature 1 samples are grainy, at 0 they are the average of everything. What would
help is a distribution over patches that can choose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.knobs import TEMPERATURE, Knob, check_temperature
from models.contract.model import Frame, GenerativeModel, Objective, checked_mask, differentiable
from models.contract.random import normal, uniform
from models.contract.streams import Streams
from models.families.autoregressive.transformer import patches
from models.machine.processes import whole


@dataclass(frozen=True)
class MaskedConfig:
    image: tuple[int, ...] = setting((1, 28, 28), "Channels, height and width of an image.")
    patch: int = setting(4, "Side of a patch in pixels.", low=1, high=32)
    hidden_part: float = setting(
        0.75, "Part of the patches that is hidden in training.", low=0.05, high=0.95, live=True
    )
    width: int = setting(128, "Numbers a token of the encoder.", low=8, high=1024)
    layers: int = setting(4, "Blocks of the encoder.", low=1, high=24)
    painter_width: int = setting(64, "Numbers a token of the decoder.", low=8, high=1024)
    painter_layers: int = setting(2, "Blocks of the decoder.", low=1, high=24)
    heads: int = setting(4, "Heads of attention.", low=1, high=16)


class MaskedAutoencoder(GenerativeModel):
    """An encoder of the patches that are left, and a decoder that paints the others."""

    Config = MaskedConfig
    PAPERS = ("2111.06377",)

    def __init__(self, config: MaskedConfig) -> None:
        C, H, W = config.image
        if H % config.patch or W % config.patch:
            raise ValueError(
                f"Images of {H} x {W} cannot be cut into patches of {config.patch}; use another "
                "size of patch."
            )
        if config.width % config.heads or config.painter_width % config.heads:
            raise ValueError(f"Tokens cannot be shared among {config.heads} attention heads.")
        super().__init__(config)
        self.grid = (H // config.patch, W // config.patch)
        T, S = self.grid[0] * self.grid[1], C * config.patch**2
        self.read = nn.Linear(S, config.width)
        self.places = nn.Parameter(0.02 * torch.randn(T, config.width))
        self.encoder = _blocks(config.width, config.heads, config.layers)
        self.hand_over = nn.Linear(config.width, config.painter_width)
        self.hidden_token = nn.Parameter(0.02 * torch.randn(config.painter_width))
        self.painter_places = nn.Parameter(0.02 * torch.randn(T, config.painter_width))
        self.painter = _blocks(config.painter_width, config.heads, config.painter_layers)
        self.paint = nn.Linear(config.painter_width, S)
        # sigma^2, the mean squared error of a hidden pixel: a running mean over the steps.
        self.register_buffer("variance", torch.tensor(0.1))

    # -- the network -----------------------------------------------------------------------------

    def features(self, tokens: Tensor, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the encoder finds in the patches that are seen, and nothing of the others.

        tokens: (B, T, S) patches in [0, 1]; seen: (B, T) bool, at least one of each picture.
        Returns (B, K, E) features, K the most that are seen of one picture, the places of those
        (B, K), and which of them are there at all (B, K) bool.
        """
        K = int(seen.sum(1).max())
        order = seen.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, :K]  # (B, K)
        there = seen.gather(1, order)
        chosen = tokens.gather(1, order[..., None].expand(-1, -1, tokens.shape[2]))
        h = self.read(chosen - 0.5) + self.places[order]
        return self.encoder(h, src_key_padding_mask=~there).float(), order, there

    def predicted(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """The mean of every patch given those that are seen, (B, T, S), not clamped. tokens: (B, T,
        S) in [0, 1]; seen: (B, T) bool, at least one of each picture."""
        h, order, there = self.features(tokens, seen)
        handed = self.hand_over(h)
        filled = self.hidden_token.expand(*tokens.shape[:2], -1)
        handed = torch.where(there[..., None], handed, self.hidden_token).to(filled.dtype)
        filled = filled.scatter(1, order[..., None].expand_as(handed), handed)
        return self.paint(self.painter(filled + self.painter_places)).float() + 0.5

    def picture(self, tokens: Tensor) -> Tensor:
        """(B, T, S) patches as pictures (B, C, H, W)."""
        C, P, (h, w) = self.image_shape[0], self.config.patch, self.grid
        x = tokens.reshape(-1, h, w, P, P, C).permute(0, 5, 1, 3, 2, 4)
        return x.reshape(-1, *self.image_shape)

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """The squared error of the hidden patches, a pixel's mean. As many are seen of each."""
        tokens = patches(x, self.config.patch)
        T = tokens.shape[1]
        K = min(T - 1, max(1, round(T * (1 - self.config.hidden_part))))
        rank = uniform((len(x), T), rng, x.device).argsort(1).argsort(1)
        seen = rank < K
        error = (self.predicted(tokens, seen) - tokens).square().mean(2)[~seen].mean()
        if self.training:
            self.variance.lerp_(whole(error.detach()[None]).mean().to(self.variance), 0.01)
        yield Objective(list(self.parameters()), error, {"hidden_error": error})

    # -- what it can do --------------------------------------------------------------------------

    @property
    def latent(self) -> int:
        """How many numbers a code has, those of a token."""
        return self.config.width

    @differentiable
    def encode(self, x: Tensor) -> Tensor:
        """The mean feature of a whole picture, (B, E). x: (B, C, H, W) in [0, 1]."""
        tokens = patches(self.checked(x), self.config.patch)
        seen = torch.ones(tokens.shape[:2], dtype=torch.bool, device=x.device)
        return self.features(tokens, seen)[0].mean(1)

    @torch.no_grad()
    def rebuild(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """x with the patches painted of which not every pixel is known, (B, C, H, W) in [0, 1]; it
        says nothing of those that it has seen, and keeps them. known: bool, as x."""
        x = self.checked(x)
        known = torch.ones_like(x, dtype=torch.bool) if known is None else known.expand_as(x)
        tokens, seen = (patches(part, self.config.patch) for part in (x.clamp(0, 1), known))
        return self.picture(self._painted(tokens, seen.all(2)))

    @torch.no_grad()
    def complete_steps(
        self, x: Tensor, known: Tensor, rng: Generator, label: int | Tensor | None = None
    ) -> Iterator[Frame]:
        """One frame: x with what is not known painted, all at once. Only patches of which every
        pixel is known are read. x: (B, C, H, W) in [0, 1]; known: bool, the same or (B, 1, H, W).
        Raises ValueError where the mask hides nothing, or everything."""
        x = self.checked(x)
        known = checked_mask(known, x)
        seen = patches(known, self.config.patch).all(2)
        painted = self._painted(patches(x, self.config.patch), seen)
        yield Frame(0, 1, torch.where(known, x, self.picture(painted)), info={"label": None})

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        T = self.grid[0] * self.grid[1]
        steps = Knob("steps", "whole", "Steps in which the patches are painted.", T, 1, T)
        return (TEMPERATURE, steps) if method == "sample_steps" else ()

    @torch.no_grad()
    def sample_steps(
        self,
        n: int,
        rng: Generator | Streams,
        label: int | Tensor | None = None,
        temperature: float = 1.0,
        steps: int | None = None,
    ) -> Iterator[Frame]:
        """From nothing to a picture: at each step some more patches are drawn around what is
        predicted of them, in a random order of each picture's own; x0 is the prediction of all. A
        frame a step.

        temperature: of sigma; at 0 the predictions are kept as they are.
        """
        T = self.grid[0] * self.grid[1]
        steps = T if steps is None else steps
        if not 1 <= steps <= T:
            raise ValueError(f"The patches can be painted in 1 to {T} steps.")
        check_temperature(temperature)
        rng, S = Streams.of(rng, n), self.paint.out_features
        rank = uniform((n, T), rng, self.device).argsort(1).argsort(1)
        grain = temperature * self.variance.sqrt() * normal((n, T, S), rng, self.device)
        tokens = torch.full((n, T, S), 0.5, device=self.device)
        for step in range(steps):
            seen = round(step * T / steps)
            painted = self._painted(tokens, rank < seen)
            done = rank < round((step + 1) * T / steps)
            drawn = torch.where((rank < seen)[..., None], tokens, (painted + grain).clamp(0, 1))
            tokens = torch.where(done[..., None], drawn, tokens)
            info = {"label": None}
            yield Frame(step, steps, self.picture(tokens), self.picture(painted), info)

    def _painted(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """The patches, those that are not seen as predicted, (B, T, S) in [0, 1]. Where nothing is
        seen one grey patch is read as if it were: a network of attention has to read something."""
        read = seen | (~seen.any(1, keepdim=True) & (torch.arange(seen.shape[1]) == 0).to(seen))
        tokens = torch.where(seen[..., None], tokens, torch.full_like(tokens, 0.5))
        return torch.where(seen[..., None], tokens, self.predicted(tokens, read).clamp(0, 1))


def _blocks(width: int, heads: int, layers: int) -> nn.TransformerEncoder:
    block = nn.TransformerEncoderLayer(
        width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    norm = nn.LayerNorm(width)
    return nn.TransformerEncoder(block, layers, norm, enable_nested_tensor=False)
