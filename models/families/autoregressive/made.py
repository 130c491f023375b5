r"""Masked dense networks: every output sees only the values before it, because the other weights
are zero.

``MaskedMLP`` is the one building block: a few hidden layers between S values in order, each hidden
unit with a degree $m$ that says how many of the values it may see, $M_{jk} = 1$ where
$m_j \ge m_k$ (Germain et al. 2015, eqs. 8 and 9). With no hidden layer it is the fully visible
sigmoid belief network (FVSBN; Frey 1998); over all values of a picture it is MADE; over the values
of one patch, given what a transformer says of the patches before, it is that transformer's head.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.contract.model import Mask


def at_least_float32(x: Tensor) -> Tensor:
    """x with the digits that probabilities need, whatever autocast made of it."""
    return x if x.dtype == torch.float64 else x.float()


class Ends(nn.Module):
    """v (..., S) in [-1, 1] -> (..., 3 S): the values, then whether each is black, and whether it
    is white, up to ``NEAR``. Most values of a picture of many levels are, and what is linear in a
    grey level cannot tell those from their neighbours."""

    NEAR = 3.5 / 255

    def forward(self, v: Tensor) -> Tensor:
        black, white = v < -1 + 2 * self.NEAR, v > 1 - 2 * self.NEAR
        return torch.cat([v, black.to(v), white.to(v)], -1)


class MaskedMLP(nn.Module):
    """v (..., S) and a context (..., E) -> (..., S, P); output i depends on the values before i.

    "Before" is by one of ``orders``, each (S,): the places of the values in the order of writing.
    The same weights serve every order, with other masks. Hidden units are sorted by degree: unit j
    of H sees the first floor(j S / H) values. So the units of one degree lie side by side, which
    is what lets ``MaskedWriter`` compute each once.
    """

    def __init__(
        self, values: int, per_value: int, hidden: int, layers: int, context: int = 0,
        dropout: float = 0.0, orders: Sequence[Tensor] | None = None, ends: bool = False,
    ) -> None:  # fmt: skip
        """ends: each value is read as ``Ends`` has it, by three numbers."""
        super().__init__()
        S, P, H = values, per_value, hidden
        self.marks, self.each = (Ends(), 3) if ends else (nn.Identity(), 1)
        self.values, self.per_value = S, P
        orders = torch.stack(list(orders)) if orders else torch.arange(S)[None]
        degrees = torch.div(torch.arange(H) * S, H, rounding_mode="floor")
        self.register_buffer("orders", orders, persistent=False)  # (O, S)
        self.register_buffer("position", orders.argsort(1), persistent=False)  # (O, S)
        self.register_buffer("degrees", degrees, persistent=False)  # (H,)
        self.direct = nn.Linear(self.each * S, S * P)
        self.read = nn.ModuleList(nn.Linear(H if k else self.each * S, H) for k in range(layers))
        self.write = nn.Linear(H, S * P, bias=False) if layers else None
        self.told = nn.ModuleList(nn.Linear(context, H, bias=False) for _ in self.read if context)
        self.told_last = nn.Linear(context, S * P, bias=False) if context else None
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.direct.weight)

    def masks(self, order: int = 0) -> dict[str, Tensor]:
        """Which weights there are, of each kind of layer: (outputs, inputs), true or false."""
        position = self.position[order]
        writes = position.repeat_interleave(self.per_value)[:, None]
        return {
            "direct": position < writes,
            "first": position < self.degrees[:, None],
            "inner": self.degrees <= self.degrees[:, None],
            "write": self.degrees <= writes,
        }

    def forward(self, v: Tensor, context: Tensor | None = None, order: int = 0) -> Tensor:
        masks = self.masks(order)
        for name in ("direct", "first"):
            masks[name] = masks[name].repeat(1, self.each)
        v = self.marks(v)
        out = F.linear(v, self.direct.weight * masks["direct"], self.direct.bias)  # (..., S P)
        h = v
        for k, layer in enumerate(self.read):
            a = F.linear(h, layer.weight * masks["inner" if k else "first"], layer.bias)
            if self.told:
                a = a + self.told[k](context)
            a = self.dropout(F.relu(a))  # (..., H)
            h = h + a if k else a
        if self.write is not None:
            out = out + F.linear(h, self.write.weight * masks["write"])
        if self.told_last is not None:
            out = out + self.told_last(context)
        return at_least_float32(out.unflatten(-1, (self.values, self.per_value)))

    def pictured_masks(self, order: int = 0, values: str = "values") -> list[Mask]:
        """To look at: values in the order of writing, and one row for the P numbers of a value."""
        masks, by, P = self.masks(order), self.orders[order], self.per_value
        name = f"{values[0].upper()}{values[1:]}"
        found = [
            Mask(
                f"{name} to {values}", "Straight from a value to those after it, none to itself.",
                masks["direct"][::P][by][:, by],
            )
        ]  # fmt: skip
        if self.write is not None:
            found.append(Mask(
                f"{name} to hidden units", "Each unit has a degree: it reads the first so many.",
                masks["first"][:, by],
            ))  # fmt: skip
        if len(self.read) > 1:
            found.append(Mask(
                "Hidden to hidden units", "A unit reads units of no higher degree than its own.",
                masks["inner"],
            ))  # fmt: skip
        if self.write is not None:
            found.append(Mask(
                f"Hidden units to {values}", "A value reads units that saw none but those before.",
                masks["write"][::P][by],
            ))  # fmt: skip
        return found

    def inner_matrices(self) -> list[nn.Parameter]:
        return [layer.weight for layer in list(self.read)[1:]]

    def writer(self, n: int, context: Tensor | None = None, order: int = 0) -> MaskedWriter:
        return MaskedWriter(self, n, context, order)


class MaskedWriter:
    """The same network one value at a time: each weight is used once for the whole picture.

    The units of degree i need the values before i and the units of degree up to i of the layer
    below, all of which are there when value i is about to be written; nothing changes afterwards.
    So slices take the place of masks.
    """

    def __init__(self, net: MaskedMLP, n: int, context: Tensor | None, order: int) -> None:
        self.net, self.i = net, 0
        S, P, H = net.values, net.per_value, len(net.degrees)
        like = net.direct.weight
        # Where the units of each degree begin.
        self.starts = torch.searchsorted(net.degrees, torch.arange(S + 1).to(like.device)).tolist()
        self.v = like.new_zeros(n, S)  # in the order of writing
        self.h = [like.new_zeros(n, H) for _ in net.read]
        self.told = [
            (layer.bias + (net.told[k](context) if net.told else 0)).expand(n, H)
            for k, layer in enumerate(net.read)
        ]
        last = net.direct.bias + (net.told_last(context) if net.told_last is not None else 0)
        # Weights with the values in the order of writing, (S, P, ...) where they lead to values.
        order = net.orders[order]
        self.last = last.expand(n, S * P).view(n, S, P)[:, order]
        self.direct = self.by_value(net.direct.weight, order).view(S, P, -1)[order]
        self.read = [
            layer.weight if k else self.by_value(layer.weight, order)
            for k, layer in enumerate(net.read)
        ]
        self.write = None if net.write is None else net.write.weight.view(S, P, H)[order]

    def by_value(self, weight: Tensor, order: Tensor) -> Tensor:
        """Weights (out, each S) with the numbers of each value side by side, in this order."""
        return weight.unflatten(1, (self.net.each, -1))[:, :, order].transpose(1, 2).flatten(1)

    def before(self) -> Tensor:
        """(n, each i): what is read of the values written so far."""
        v = self.v[:, : self.i]
        if self.net.each == 1:
            return v
        return self.net.marks(v).unflatten(1, (self.net.each, -1)).transpose(1, 2).flatten(1)

    def numbers(self) -> Tensor:
        """(n, P): what the network says of the value about to be written."""
        i = self.i
        new, seen = slice(self.starts[i], self.starts[i + 1]), self.starts[i + 1]
        first = self.before()
        if seen > new.start:
            below = first
            for k, weight in enumerate(self.read):
                a = F.linear(below, weight[new, : below.shape[1]]) + self.told[k][:, new]
                a = F.relu(a)
                self.h[k][:, new] = a + self.h[k - 1][:, new] if k else a
                below = self.h[k][:, :seen]
        out = F.linear(first, self.direct[i, :, : first.shape[1]]) + self.last[:, i]
        if self.write is not None:
            out = out + F.linear(self.h[-1][:, :seen], self.write[i, :, :seen])
        return at_least_float32(out)

    def put(self, v: Tensor) -> None:
        """Writes the next value, (n,)."""
        self.v[:, self.i] = v
        self.i += 1


class MADE(MaskedMLP):
    """x (B, C, H, W) in [-1, 1], y one-hot (B, K) -> (B, D, P), over all values of a picture."""

    def __init__(
        self, values: int, per_value: int, hidden: int, layers: int, classes: int, dropout: float,
        orders: Sequence[Tensor],
    ) -> None:  # fmt: skip
        super().__init__(values, per_value, hidden, layers, classes, dropout, orders)
        self.register_buffer("layout", torch.arange(values), persistent=False)

    def forward(self, x: Tensor, y: Tensor, order: int = 0) -> Tensor:
        return super().forward(x.flatten(1), y, order)
