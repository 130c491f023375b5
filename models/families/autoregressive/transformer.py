r"""A causal transformer over square patches: matrix products instead of 784 steps of a sequence.

The picture is cut into patches, read row by row as the T tokens of a sentence. Token t is told the
patch before it, attends to all tokens up to itself (Vaswani et al. 2017, eq. 1),

$$\mathrm{softmax}\Big(\frac{Q K^\top}{\sqrt{d}} + M\Big) V, \qquad
M_{tu} = 0 \text{ for } u \le t, \; -\infty \text{ else},$$

and so knows every patch before its own. A small masked network then writes the patch's values one
by one given that token. Nothing is approximated: $\log p(x) = \sum_t \sum_i \log p(x_{t,i} \mid
x_{t,<i}, x_{<t})$, but attention sees 49 tokens where a pixel at a time would be 784.

Held upside down, on its side or before a mirror, a picture is written in another order by the same
weights, which are told how it is held; the mean of what all orders find likely is a distribution,
too, and a better one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.contract.model import Mask
from models.families.autoregressive.augmentation import NUMBERS
from models.families.autoregressive.made import Ends, MaskedMLP, MaskedWriter


def patches(x: Tensor, side: int) -> Tensor:
    """(B, C, H, W) -> (B, T, S), T patches row by row, S = side^2 C values pixel by pixel."""
    B, C, H, W = x.shape
    x = x.reshape(B, C, H // side, side, W // side, side)
    return x.permute(0, 2, 4, 3, 5, 1).reshape(B, -1, side * side * C)


HELD = {
    "raster": lambda places: places,
    "reversed": lambda places: places.flip(1, 2),
    "columns": lambda places: places.transpose(1, 2),
    "mirrored": lambda places: places.flip(2),
}


def patch_order(image: tuple[int, int, int], side: int, name: str = "raster") -> Tensor:
    """(D,): the place in a flattened (C, H, W) picture of the k-th value that is written, where the
    picture is held in one of the ways of ``HELD``."""
    places = HELD[name](torch.arange(math.prod(image)).view(image))
    return patches(places[None], side).flatten()


class Block(nn.Module):
    """Attention over the tokens so far, then a two-layer network on each (pre-norm)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_a, self.norm_b = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_qkv = nn.Linear(width, 3 * width)
        self.to_out = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def qkv(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, E) -> three of (B, heads, T, d)."""
        qkv = self.to_qkv(self.norm_a(h)).unflatten(-1, (3, self.heads, -1))  # (B, T, 3, heads, d)
        return qkv.permute(2, 0, 3, 1, 4).unbind(0)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """Written out: on a CPU the backward pass of the fused kernel is slow in bfloat16."""
        if mask is not None and q.is_cuda:
            a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.to_out(a.transpose(1, 2).flatten(2))
        a = self.weigh(q, k, mask).to(v.dtype)
        return self.to_out((a @ v).transpose(1, 2).flatten(2))  # (B, T, E)

    def weigh(self, q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
        """(B, heads, T, T): how much each token looks at each; every row sums to one."""
        a = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
        if mask is not None:  # added: in bfloat16 filling takes twice as long
            a = a + torch.zeros_like(mask, dtype=a.dtype).masked_fill(mask, -math.inf)
        return a.softmax(-1)

    def forward(self, h: Tensor, mask: Tensor) -> Tensor:
        h = h + self.dropout(self.attend(*self.qkv(h), mask))
        return h + self.dropout(self.mlp(self.norm_b(h)))

    def step(self, h: Tensor, cache: tuple[Tensor, Tensor], t: int) -> Tensor:
        """One token, (B, 1, E), given the keys and values of those before it."""
        q, k, v = self.qkv(h)
        cache[0][:, :, t : t + 1], cache[1][:, :, t : t + 1] = k, v
        h = h + self.attend(q, cache[0][:, :, : t + 1], cache[1][:, :, : t + 1], None)
        return h + self.mlp(self.norm_b(h))


class PatchTransformer(nn.Module):
    """x (B, C, H, W) in [-1, 1], y one-hot (B, K) -> (B, D, P), the values patch by patch."""

    def __init__(
        self, image: tuple[int, int, int], per_value: int, *, patch: int, width: int, layers: int,
        head_width: int, hidden: int, hidden_layers: int, dropout: float, classes: int,
        orders: Sequence[str] = ("raster",), ends: bool = False, moves: bool = False,
    ) -> None:  # fmt: skip
        """orders: names of ``HELD``. ends: as of ``MaskedMLP``. moves: whether pictures are moved
        in training (``augmentation.moved``)."""
        super().__init__()
        C, H, W = image
        if H % patch or W % patch:
            raise ValueError(
                f"Images of {H} x {W} cannot be cut into patches of {patch} x {patch}."
            )
        if "columns" in orders and H != W:
            raise ValueError("By columns a transformer writes only pictures as high as wide.")
        self.image, self.patch, self.values = image, patch, patch * patch * C
        T, S = (H // patch) * (W // patch), self.values
        order = torch.stack([patch_order(image, patch, name) for name in orders])
        self.register_buffer("orders", order, persistent=False)  # (O, D)
        self.register_buffer("mask", torch.ones(T, T).triu(1).bool(), persistent=False)
        self.register_buffer("layout", self.orders[0], persistent=False)
        # Where the values of the layout are among those of each order.
        back = torch.stack([o.argsort()[self.layout] for o in order])
        self.register_buffer("back", back, persistent=False)
        self.marks = Ends() if ends else nn.Identity()
        each = 3 if ends else 1
        self.read = nn.Sequential(nn.Linear(each * S, width), nn.GELU(), nn.Linear(width, width))
        self.start = nn.Parameter(torch.zeros(width))
        self.place = nn.Parameter(torch.zeros(T, width))
        self.held = nn.Parameter(torch.zeros(len(order), T, width)) if len(order) > 1 else None
        # Zero for a picture that was not moved, so that nothing but training needs it.
        self.moves = nn.Sequential(
            nn.Linear(NUMBERS, width, bias=False), nn.GELU(), nn.Linear(width, width, bias=False)
        ) if moves else None  # fmt: skip
        self.told = nn.Linear(classes, width, bias=False) if classes else None
        self.blocks = nn.ModuleList(
            Block(width, max(1, width // head_width), dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = MaskedMLP(
            S, per_value, hidden, hidden_layers, context=width, dropout=dropout, ends=ends
        )
        self.reset(layers)

    def reset(self, layers: int) -> None:
        """Small weights, smaller still where a block adds to the stream (Radford et al. 2019)."""
        nn.init.normal_(self.start, std=0.02)
        nn.init.normal_(self.place, std=0.02)
        if self.held is not None:
            nn.init.normal_(self.held, std=0.02)
        for block in self.blocks:
            for layer in (block.to_qkv, block.mlp[0]):
                nn.init.normal_(layer.weight, std=0.5 / math.sqrt(layer.in_features))
            for layer in (block.to_out, block.mlp[2]):
                std = 0.5 / math.sqrt(2 * layers * layer.in_features)
                nn.init.normal_(layer.weight, std=std)
            for layer in (block.to_qkv, block.to_out, block.mlp[0], block.mlp[2]):
                nn.init.zeros_(layer.bias)

    def pictured_masks(self, order: int = 0) -> list[Mask]:
        tokens = Mask(
            "Patches to patches", "Attention: a patch looks at those before it, never ahead.",
            ~self.mask,
        )  # fmt: skip
        return [tokens, *self.head.pictured_masks(values="a patch's values")]

    def inner_matrices(self) -> list[nn.Parameter]:
        return [p for p in self.blocks.parameters() if p.dim() == 2]

    def places(self, order: int) -> Tensor:
        """(T, E): what each token is told of where it is."""
        return self.place if self.held is None else self.place + self.held[order]

    def forward(
        self, x: Tensor, y: Tensor, order: int = 0, moved: Tensor | None = None
    ) -> Tensor:  # fmt: skip
        """moved: (B, NUMBERS) how each picture was moved; None for not at all."""
        v = x.flatten(1)[:, self.orders[order]].unflatten(1, (-1, self.values))  # (B, T, S)
        read = self.read(self.marks(v[:, :-1]))  # (B, T - 1, E)
        start = self.start.expand(len(x), 1, -1).to(read.dtype)
        h = torch.cat([start, read], 1) + self.places(order)
        if self.told is not None:
            h = h + self.told(y)[:, None]
        if moved is not None:
            h = h + self.moves(moved)[:, None]
        for block in self.blocks:
            h = block(h, self.mask)
        out = self.head(v, self.norm(h)).flatten(1, 2)  # (B, T S, P)
        return out.index_select(1, self.back[order]) if order else out

    def writer(self, n: int, y: Tensor, order: int = 0) -> PatchWriter:
        return PatchWriter(self, n, y, order)


class PatchWriter:
    """One value at a time, with every token's keys and values kept."""

    def __init__(self, net: PatchTransformer, n: int, y: Tensor, order: int = 0) -> None:
        self.net, self.n, self.t = net, n, -1
        self.places = net.places(order)
        self.told = None if net.told is None else net.told(y)
        T, E = net.place.shape
        self.caches = [
            tuple(net.place.new_zeros(n, b.heads, T, E // b.heads) for _ in range(2))
            for b in net.blocks
        ]
        self.values: MaskedWriter | None = None
        self._next_patch()

    def _next_patch(self) -> None:
        net = self.net
        h = (
            net.start.expand(self.n, -1)
            if self.values is None
            else net.read(net.marks(self.values.v))
        )
        self.t += 1
        if self.t == len(self.places):
            return  # the picture is written
        h = h + self.places[self.t]
        if self.told is not None:
            h = h + self.told
        h = h[:, None]  # (n, 1, E)
        for block, cache in zip(net.blocks, self.caches, strict=True):
            h = block.step(h, cache, self.t)
        self.values = net.head.writer(self.n, net.norm(h[:, 0]))

    def numbers(self) -> Tensor:
        return self.values.numbers()

    def put(self, v: Tensor) -> None:
        self.values.put(v)
        if self.values.i == self.net.values:
            self._next_patch()
