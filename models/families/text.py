r"""A small GPT: a causal transformer over characters.

A text is a sequence, and its probability a product of conditionals, as that of a picture was,

$$\log p(x) = \sum_t \log p(x_t \mid x_1, \dots, x_{t-1}),$$

each of them a softmax over all symbols. One network gives all of them at once: position t sees
the symbols before it through causal self-attention (Vaswani et al. 2017, eq. 1; pre-norm blocks
as in Radford et al. 2019). Training maximises the likelihood and nothing else. A text is written
one symbol at a time, with the keys and values of all earlier ones kept.

* **Bits.** $-\log_2 p$ of a symbol is its *surprise*, and what an arithmetic coder would spend on
  it: a model of text is a compressor.
* **Temperature, top-k, top-p.** A symbol can be drawn from $p$ itself, from $p^{1/\tau}$, from the
  $k$ likeliest symbols, or from the fewest that together have a given probability (Holtzman et al.
  2020).
* **What it sees.** The last 255 symbols and no more. A longer text is read through a window that
  moves by half its length.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.knobs import TEMPERATURE, Knob, check_temperature, named
from models.contract.model import Model, Objective
from models.contract.random import uniform
from models.contract.streams import Streams
from models.contract.symbols import STRIP, SYMBOLS
from models.families.autoregressive.transformer import Block

MOST_LENGTH = 10_000  # symbols of one text
TOP_K = Knob("top_k", "whole", "Only so many likeliest symbols; 0 for all.", 0, 0, len(SYMBOLS))
TOP_P = Knob(
    "top_p", "number", "Only the fewest symbols that hold this probability.", 1.0, 0, 1, above=True
)


@dataclass(frozen=True)
class TextConfig:
    image: tuple[int, ...] = setting((1, 1, STRIP), "A strip of text: the last number is symbols.")
    width: int = setting(160, "Numbers that a symbol is carried by.", low=8, high=1024)
    layers: int = setting(4, "Blocks of attention.", low=1, high=24)
    head_width: int = setting(32, "Numbers of an attention head.", low=4, high=128)
    dropout: float = setting(0.0, "Part dropped in training.", low=0.0, high=0.9)


class TextTransformer(Model):
    """Text (T,) of indices into ``SYMBOLS``; C symbols are seen at once."""

    Config = TextConfig
    PAPERS = ("1706.03762",)
    symbols = SYMBOLS

    def __init__(self, config: TextConfig) -> None:
        super().__init__(config)
        width = config.width
        codes = torch.full((256,), SYMBOLS.index(" "))  # of a byte that is no symbol
        codes[[ord(symbol) for symbol in SYMBOLS]] = torch.arange(len(SYMBOLS))
        self.register_buffer("of_byte", codes, persistent=False)
        allowed = torch.ones(self.context, self.context).triu(1).bool()
        self.register_buffer("mask", allowed, persistent=False)
        self.start = nn.Parameter(torch.zeros(width))
        self.read = nn.Embedding(len(SYMBOLS), width)
        self.place = nn.Parameter(torch.zeros(self.context, width))
        heads = max(1, width // config.head_width)
        self.blocks = nn.ModuleList(
            Block(width, heads, config.dropout) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, len(SYMBOLS))
        self.reset()

    def reset(self) -> None:
        """Small weights, smaller still where a block adds to the stream (Radford et al. 2019)."""
        for parameter in (self.start, self.read.weight, self.place, self.head.weight):
            nn.init.normal_(parameter, std=0.02)
        for block in self.blocks:
            for layer in (block.to_qkv, block.mlp[0], block.to_out, block.mlp[2]):
                adds = layer in (block.to_out, block.mlp[2])
                depth = 2 * len(self.blocks) if adds else 1
                nn.init.normal_(layer.weight, std=0.5 / math.sqrt(depth * layer.in_features))
                nn.init.zeros_(layer.bias)

    @property
    def context(self) -> int:
        """How many places are seen at once: the beginning, and a symbol less."""
        return math.prod(self.config.image)

    def inner_matrices(self) -> list[nn.Parameter]:
        return [p for p in self.blocks.parameters() if p.dim() == 2]

    def knobs(self, method: str = "text_steps") -> tuple[Knob, ...]:
        return (TEMPERATURE, TOP_K, TOP_P) if method == "text_steps" else ()

    # -- learning -----------------------------------------------------------------------------

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        k = self.of_byte[(x.flatten(1) * 255).round().long()]  # (B, T)
        logits = self.logits(k[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), k.flatten())
        bits = loss.detach() / math.log(2)
        yield Objective(list(self.parameters()), loss, {"bits_per_symbol": bits})

    def logits(self, k: Tensor) -> Tensor:
        """(B, T) symbols, T < C -> (B, T + 1, V): of the symbol at each place and at the next."""
        h = self._embedded(k)
        T = h.shape[1]
        for block in self.blocks:
            h = block(h, self.mask[:T, :T])
        return self.head(self.norm(h)).float()

    def _embedded(self, k: Tensor) -> Tensor:
        start = self.start.expand(len(k), 1, -1)
        return torch.cat([start, self.read(k)], 1) + self.place[: k.shape[1] + 1]

    # -- text ---------------------------------------------------------------------------------

    def read_text(self, text: str) -> Tensor:
        """(T,) int64. Raises ValueError where it holds a character that is no symbol."""
        known = {symbol: k for k, symbol in enumerate(SYMBOLS)}
        if wrong := [character for character in text if character not in known]:
            raise ValueError(
                f"This model does not know the character {wrong[0]!r}; it reads and writes plain "
                "ASCII: letters, digits, signs, spaces and new lines."
            )
        return torch.tensor([known[symbol] for symbol in text], dtype=torch.long)

    def say_text(self, k: Tensor) -> str:
        return "".join(SYMBOLS[i] for i in k.tolist())

    @torch.no_grad()
    def text_predict(self, k: Tensor) -> Tensor:
        """(B, T) symbols -> (B, T + 1, V): log p of each symbol at every place, and at the next,
        given those before it, as far as they are seen."""
        parts, done, begin = [], 0, 0
        while done <= k.shape[1]:
            window = k[:, begin : begin + self.context - 1]
            parts.append(self.logits(window)[:, done - begin :].log_softmax(-1))
            done = begin + window.shape[1] + 1
            begin = done - self.context // 2
        return torch.cat(parts, 1)

    def text_log_likelihood(self, k: Tensor) -> Tensor:
        """(B, T) symbols -> (B, T) nats."""
        return self.text_predict(k)[:, :-1].gather(2, k[..., None])[..., 0]

    @torch.no_grad()
    def text_steps(
        self, n: int, length: int, rng: Generator | Streams, prompt: Tensor | None = None, *,
        temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0,
    ) -> Iterator[Tensor]:  # fmt: skip
        """Yields (n, t) symbols for growing t up to ``length``, the (T,) of the prompt first.

        Raises ValueError for a wrong knob, and where the prompt leaves nothing to write.
        """
        knobs = named(self.knobs("text_steps"))
        check_temperature(temperature)
        top_k, top_p = knobs["top_k"].checked(top_k), knobs["top_p"].checked(top_p)
        k = torch.zeros(n, 0, dtype=torch.long, device=self.device)
        if prompt is not None:
            k = prompt.to(self.device).expand(n, -1)
        if not k.shape[1] < length <= MOST_LENGTH:
            raise ValueError(
                f"A text has to be longer than its beginning, which has {k.shape[1]} symbols, and "
                f"at most {MOST_LENGTH:,} long; {length} is not."
            )
        rng = Streams.of(rng, n)
        writer, logits = Writer(self, n), None
        begin = max(0, k.shape[1] - self.context // 2) if k.shape[1] >= self.context else 0
        logits = writer.put(k[:, begin:])
        while k.shape[1] < length:
            p = chances(logits, temperature, top_k, top_p)
            u = uniform((n,), rng, self.device).double()[:, None] * p.sum(1, keepdim=True)
            drawn = (p.cumsum(1) <= u).sum(1, keepdim=True).clamp(max=len(SYMBOLS) - 1)
            # Rounding may pass the last symbol that has a chance.
            drawn = torch.where(p.gather(1, drawn) > 0, drawn, p.argmax(1, keepdim=True))
            k = torch.cat([k, drawn], 1)
            yield k
            if writer.full:
                writer = Writer(self, n)
                logits = writer.put(k[:, -(self.context // 2) :])
            else:
                logits = writer.put(drawn)

    @torch.no_grad()
    def attention(self, k: Tensor) -> list[Tensor]:
        """(B, T) symbols, T < C -> of each layer (B, heads, T + 1, T + 1): how much each place
        looks at each before it and itself; place 0 is the beginning, before any symbol.

        Raises ValueError where the text is longer than what is seen at once.
        """
        if k.shape[1] >= self.context:
            raise ValueError(f"Attention is shown of at most {self.context - 1} symbols.")
        h, found = self._embedded(k), []
        T = h.shape[1]
        for block in self.blocks:
            q, keys, _ = block.qkv(h)
            found.append(block.weigh(q, keys, self.mask[:T, :T]))
            h = block(h, self.mask[:T, :T])
        return found


def chances(logits: Tensor, temperature: float, top_k: int = 0, top_p: float = 1.0) -> Tensor:
    """(n, V) logits -> (n, V) float64, what is drawn from: each row sums to one."""
    if temperature == 0:
        return F.one_hot(logits.argmax(1), logits.shape[1]).double()
    p = (logits.double() / temperature).softmax(1)
    order = p.argsort(dim=1, descending=True, stable=True)
    ordered = p.gather(1, order)
    kept = torch.ones_like(ordered, dtype=torch.bool)
    if top_k:
        kept[:, top_k:] = False
    if top_p < 1:
        before = (ordered * kept).cumsum(1) - ordered * kept
        kept &= before < top_p * (ordered * kept).sum(1, keepdim=True)
    p = p * torch.zeros_like(kept).scatter(1, order, kept)
    return p / p.sum(1, keepdim=True)


class Writer:
    """One symbol after another, with the keys and values of all before it kept."""

    def __init__(self, model: TextTransformer, n: int) -> None:
        self.model, self.t = model, 0
        width = model.config.width
        self.caches: Sequence[tuple[Tensor, Tensor]] = [
            tuple(
                model.place.new_zeros(n, b.heads, model.context, width // b.heads) for _ in range(2)
            )
            for b in model.blocks
        ]
        self.logits = self._token(model.start.expand(n, -1))

    @property
    def full(self) -> bool:
        return self.t == self.model.context

    def put(self, k: Tensor) -> Tensor:
        """(n, T) further symbols -> (n, V), the logits of the one after them."""
        for symbols in k.unbind(1):
            self.logits = self._token(self.model.read(symbols))
        return self.logits

    def _token(self, token: Tensor) -> Tensor:
        model = self.model
        h = (token + model.place[self.t])[:, None]  # (n, 1, E)
        for block, cache in zip(model.blocks, self.caches, strict=True):
            h = block.step(h, cache, self.t)
        self.t += 1
        return model.head(model.norm(h[:, 0])).float()
