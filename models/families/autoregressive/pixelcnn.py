r"""Masked convolutions: the PixelCNN with its blind spot, and the gated one without.

A convolution keeps the order of writing when its kernel has no weight on the pixel itself (a mask
of kind A, for the first layer, which reads the picture) or none beyond it (kind B, for the layers
above, which read features that already keep the order). Here kernels end where the mask begins:
the rows below are left out, not multiplied by zero.

A 3 x 3 mask sees one pixel further to the right in each row above it; stacked, the pixels seen
spread along a diagonal, and those above and far to the right are never seen: the blind spot. The
gated PixelCNN splits the work (van den Oord et al. 2016b, section 2.2): a vertical stack whose
kernels are whole rectangles of the rows above, and a horizontal stack along the row that reads the
vertical one. Each layer is a gate, $y = \tanh(W_f * x) \odot \sigma(W_g * x)$ (their eq. 2).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.contract.model import Mask
from models.families.autoregressive.made import MaskedMLP, at_least_float32


def raster_order(image: tuple[int, int, int]) -> Tensor:
    """(D,): pixels row by row, the channels of each in turn."""
    C, H, W = image
    return torch.arange(C * H * W).view(C, H * W).T.flatten()


class RectangleConv(nn.Module):
    """A convolution whose output at (r, c) sees the rows r - above d .. r - below d and the columns
    c - left d .. c + right d, d the dilation; what lies outside the picture is 0.

    weight: (out, channels * rows * columns), a matrix, as Muon wants it.
    """

    def __init__(
        self, channels: int, out: int, *, above: int = 0, below: int = 0, left: int = 0,
        right: int = 0, dilation: int = 1, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        d = dilation
        self.dilation, self.out = d, out
        self.rows = [-d * k for k in range(above, below - 1, -1)]  # offsets from the pixel
        self.columns = [d * k for k in range(-left, right + 1)]
        self.around = (d * left, d * right, d * above, -d * below)  # negative: cut off
        self.shape = (out, channels, len(self.rows), len(self.columns))
        inputs = channels * len(self.rows) * len(self.columns)
        self.weight = nn.Parameter(torch.randn(out, inputs) / inputs**0.5)
        self.bias = nn.Parameter(torch.zeros(out)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        if any(self.around):
            x = F.pad(x, self.around)
        kernel = self.weight.view(self.shape)
        return F.conv2d(x, kernel, self.bias, dilation=self.dilation)

    def row(self, x: Tensor, r: int) -> Tensor:
        """Row r of the output, (B, out, W), where x (B, channels, H, W) is known that far."""
        rows = [x[:, :, r + k] if r + k >= 0 else torch.zeros_like(x[:, :, 0]) for k in self.rows]
        rows = F.pad(torch.stack(rows, 2), self.around[:2])
        kernel = self.weight.view(self.shape)
        return F.conv2d(rows, kernel, self.bias, dilation=(1, self.dilation))[:, :, 0]


class RowReader:
    """A ``RectangleConv`` of one row, a pixel at a time. What it reads of the row is kept here, the
    features of each pixel (n, channels) side by side in memory."""

    def __init__(self, conv: RectangleConv, n: int, W: int) -> None:
        out, channels, _, columns = conv.shape
        kernel = conv.weight.view(out, channels, columns)
        self.left = -conv.columns[0]  # so many pixels of zeros before the row's first
        self.taps = [  # where from, and the matrix (channels, out)
            (self.left + offset, kernel[:, :, j].T.contiguous())
            for j, offset in enumerate(conv.columns)
        ]
        self.cells = conv.weight.new_zeros(self.left + W, n, channels)

    def put(self, c: int, h: Tensor) -> None:
        self.cells[self.left + c] = h

    def read(self, c: int, rest: Tensor) -> Tensor:
        """rest (n, out) and what the kernel makes of the row up to column c."""
        for start, matrix in self.taps:
            rest = torch.addmm(rest, self.cells[start + c], matrix)
        return rest

    def row(self) -> Tensor:
        """The whole row, (n, channels, W)."""
        return self.cells[self.left :].permute(1, 2, 0)


def by_pixel(row: Tensor) -> Tensor:
    """(n, out, W) as W pixels' features, (W, n, out)."""
    return row.permute(2, 0, 1).contiguous()


def kernel_mask(*parts: RectangleConv) -> Tensor:
    """Where these kernels have weights, (k, k), the pixel itself in the middle."""
    reach = max(abs(offset) for part in parts for offset in (*part.rows, *part.columns))
    grid = torch.zeros(2 * reach + 1, 2 * reach + 1, dtype=torch.bool)
    for part in parts:
        for up in part.rows:
            for right in part.columns:
                grid[reach + up, reach + right] = True
    return grid


class MaskedConv(nn.Module):
    """A k x k convolution under a mask of kind A or B, as its two rectangles: the rows above, and
    the row itself up to the pixel (B) or to the one before (A)."""

    def __init__(self, channels: int, out: int, k: int, kind: str) -> None:
        super().__init__()
        k = k // 2
        self.above = RectangleConv(channels, out, above=k, below=1, left=k, right=k)
        self.beside = RectangleConv(
            channels, out, left=k, right=-1 if kind == "A" else 0, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.above(x) + self.beside(x)


class Values(nn.Module):
    """What the first layer reads of x (B, C, ...) in [-1, 1]: (B, C or 3 C, ...).

    The value itself; and, with ``ends``, whether it is black and whether it is white, up to
    ``NEAR``: most pixels are, and a layer that is linear in a grey level cannot tell those from
    their neighbours.
    """

    NEAR = 3.5 / 255

    def __init__(self, ends: bool) -> None:
        super().__init__()
        self.ends, self.each = ends, 3 if ends else 1

    def forward(self, x: Tensor) -> Tensor:
        if not self.ends:
            return x
        black, white = x < -1 + 2 * self.NEAR, x > 1 - 2 * self.NEAR
        return torch.cat([x, black.to(x), white.to(x)], 1)


class PixelHead(nn.Module):
    """Features of a pixel (..., E) and its values (..., C) -> (..., C, P), by ``hidden`` units.

    The channels of a colour are written in turn, each given those before it (van den Oord et al.
    2016a, section 2.2), by a small masked network rather than by masks in every layer.
    """

    def __init__(self, features: int, hidden: int, channels: int, per_value: int) -> None:
        super().__init__()
        self.per_value = per_value
        self.body = nn.Sequential(nn.ReLU(), nn.Linear(features, hidden), nn.ReLU())
        if channels == 1:
            self.last = nn.Linear(hidden, per_value)
        else:
            self.last = MaskedMLP(channels, per_value, hidden, 1, context=hidden)

    def forward(self, h: Tensor, v: Tensor) -> Tensor:
        h = self.body(h)
        if isinstance(self.last, MaskedMLP):
            return self.last(v, h)
        return at_least_float32(self.last(h))[..., None, :]

    def writer(self, h: Tensor) -> PixelHeadWriter:
        return PixelHeadWriter(self, h)


class PixelHeadWriter:
    """The values of one pixel, one at a time."""

    def __init__(self, head: PixelHead, h: Tensor) -> None:
        h = head.body(h)
        self.inner = head.last.writer(len(h), h) if isinstance(head.last, MaskedMLP) else None
        self.one = None if self.inner else at_least_float32(head.last(h))

    def numbers(self) -> Tensor:
        return self.inner.numbers() if self.inner else self.one

    def put(self, v: Tensor) -> None:
        if self.inner:
            self.inner.put(v)


class Bottleneck(nn.Module):
    """relu, 1 x 1 to half the channels, masked 3 x 3, 1 x 1 back; added to what came in."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.down = RectangleConv(width, width // 2)
        self.conv = MaskedConv(width // 2, width // 2, 3, "B")
        self.up = RectangleConv(width // 2, width)
        self.told = nn.Linear(classes, width // 2, bias=False) if classes else None

    def before(self, h: Tensor) -> Tensor:
        return F.relu(self.down(F.relu(h)))

    def after(self, a: Tensor, y: Tensor) -> Tensor:
        if self.told is not None:
            a = a + self.told(y)[:, :, None, None]
        return self.up(F.relu(a))

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        return h + self.after(self.conv(self.before(h)), y)


class PixelCNN(nn.Module):
    """x (B, C, H, W) in [-1, 1], y one-hot (B, K) -> (B, D, P), the values in raster order."""

    def __init__(
        self, image: tuple[int, int, int], per_value: int, width: int, layers: int, classes: int,
        ends: bool = False, hidden: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.image = image
        self.register_buffer("orders", raster_order(image)[None], persistent=False)
        self.register_buffer("layout", raster_order(image), persistent=False)
        self.values = Values(ends)
        self.build(image[0] * self.values.each, width, layers, classes)
        self.head = PixelHead(width, hidden or width, image[0], per_value)

    def build(self, read: int, width: int, layers: int, classes: int) -> None:
        """The layers, of which the first reads ``read`` channels."""
        self.first = MaskedConv(read, width, 7, "A")
        self.layers = nn.ModuleList(Bottleneck(width, classes) for _ in range(layers))

    def pictured_masks(self, order: int = 0) -> list[Mask]:
        found = [Mask(
            "Kind A, first layer", "Reads the picture: the pixels before, not the pixel itself.",
            kernel_mask(self.first.above, self.first.beside), kernel=True,
        )]  # fmt: skip
        for layer in list(self.layers)[:1]:
            found.append(Mask(
                "Kind B, layers above",
                "Reads features: the pixel's own too, which know only of pixels before.",
                kernel_mask(layer.conv.above, layer.conv.beside), kernel=True,
            ))  # fmt: skip
        return found

    def inner_matrices(self) -> list[nn.Parameter]:
        return [p for p in self.layers.parameters() if p.dim() == 2]

    def features(self, x: Tensor, y: Tensor) -> Tensor:
        """(B, width, H, W); those of a pixel know the pixels before it."""
        h = self.first(self.values(x))
        for layer in self.layers:
            h = layer(h, y)
        return h

    def forward(self, x: Tensor, y: Tensor, order: int = 0) -> Tensor:
        h = self.features(x, y).permute(0, 2, 3, 1).flatten(1, 2)  # (B, H W, width)
        v = x.flatten(2).transpose(1, 2)  # (B, H W, C)
        return self.head(h, v).flatten(1, 2)

    def writer(self, n: int, y: Tensor, order: int = 0) -> RasterWriter:
        return RasterWriter(self, n, y)

    # -- one pixel at a time ---------------------------------------------------------------------

    def caches(self, n: int, y: Tensor) -> dict:
        """What each masked convolution reads: the rows above, and the row so far."""
        _, H, W = self.image
        convs = [self.first, *(layer.conv for layer in self.layers)]
        half = self.first.above.out // 2
        like = self.first.above.weight
        return {
            "y": y,
            "rows": [like.new_zeros(n, half, H, W) for _ in self.layers],
            "along": [RowReader(conv.beside, n, W) for conv in convs],
            "above": [],
        }

    def begin_row(self, cache: dict, x: Tensor, r: int) -> None:
        """What the rows above say is known before the row's first pixel is written."""
        if r:
            for rows, along in zip(cache["rows"], cache["along"][1:], strict=True):
                rows[:, :, r - 1] = along.row()
        cache["above"] = [by_pixel(self.first.above.row(self.values(x), r))]
        for layer, rows in zip(self.layers, cache["rows"], strict=True):
            above = layer.conv.above.row(rows, r)
            if layer.told is not None:
                above = above + layer.told(cache["y"])[:, :, None]
            cache["above"].append(by_pixel(above))

    def at(self, cache: dict, x: Tensor, r: int, c: int) -> Tensor:
        """The features of pixel (r, c), (n, width), where x is known before it."""
        first, *along = cache["along"]
        before, *above = cache["above"]
        if c:
            first.put(c - 1, self.values(x[:, :, r, c - 1]))
        h = first.read(c, before[c])
        for layer, reader, rest in zip(self.layers, along, above, strict=True):
            a = F.relu(F.linear(F.relu(h), layer.down.weight, layer.down.bias))
            reader.put(c, a)
            a = F.relu(reader.read(c, rest[c]))
            h = h + F.linear(a, layer.up.weight, layer.up.bias)
        return h


class GatedLayer(nn.Module):
    """The vertical stack's features v and the horizontal one's h, each through a gate.

    Residual in both stacks; the vertical one is read by the horizontal before its gate (van den
    Oord et al. 2016b, figure 2).
    """

    def __init__(self, width: int, dilation: int, classes: int) -> None:
        super().__init__()
        d = dilation
        self.down = RectangleConv(width, 2 * width, above=1, below=0, left=1, right=1, dilation=d)
        self.along = RectangleConv(width, 2 * width, left=1, dilation=d)
        self.link = RectangleConv(2 * width, 2 * width, bias=False)
        self.out = RectangleConv(width, width)
        self.told = nn.Linear(classes, 2 * width, bias=False) if classes else None

    def class_bias(self, y: Tensor) -> Tensor | float:
        return 0.0 if self.told is None else self.told(y)[:, :, None, None]

    def forward(self, v: Tensor, h: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        a = self.down(v)  # (B, 2 width, H, W)
        b = self.along(h) + self.link(a) + self.class_bias(y)
        return v + gate(a), h + self.out(gate(b))


def gate(a: Tensor) -> Tensor:
    """tanh of one half of the channels times sigmoid of the other."""
    f, g = a.chunk(2, 1)
    return torch.tanh(f) * torch.sigmoid(g)


class GatedPixelCNN(PixelCNN):
    """Two stacks: no pixel before is out of sight (van den Oord et al. 2016b, section 2.2)."""

    DILATIONS = (1, 2, 1, 4, 1, 2, 1)  # by which a few layers see the whole picture

    def build(self, read: int, width: int, layers: int, classes: int) -> None:
        self.first_down = RectangleConv(read, width, above=3, below=1, left=3, right=3)
        self.first_along = RectangleConv(read, width, left=3, right=-1)
        self.layers = nn.ModuleList(
            GatedLayer(width, self.DILATIONS[k % len(self.DILATIONS)], classes)
            for k in range(layers)
        )

    def features(self, x: Tensor, y: Tensor) -> Tensor:
        x = self.values(x)
        v, h = self.first_down(x), self.first_along(x)
        for layer in self.layers:
            v, h = layer(v, h, y)
        return h

    def pictured_masks(self, order: int = 0) -> list[Mask]:
        found = [
            Mask("Down, first layer", "Reads the picture: the rows above, to both sides.",
                 kernel_mask(self.first_down), kernel=True),
            Mask("Along, first layer", "Reads the picture: the row itself, up to the pixel.",
                 kernel_mask(self.first_along), kernel=True),
        ]  # fmt: skip
        by_dilation = {layer.down.dilation: layer for layer in self.layers}
        for dilation, layer in sorted(by_dilation.items()):
            far = "" if dilation == 1 else f", {dilation} apart"
            found += [
                Mask(f"Down{far}", "Features of rows: each row's know only the rows above it.",
                     kernel_mask(layer.down), kernel=True),
                Mask(f"Along{far}", "Features of the row so far, and the downward ones here.",
                     kernel_mask(layer.along), kernel=True),
            ]  # fmt: skip
        return found

    def caches(self, n: int, y: Tensor) -> dict:
        _, H, W = self.image
        like, width = self.first_down.weight, self.first_down.out
        convs = [self.first_along, *(layer.along for layer in self.layers)]
        return {
            "y": y,
            "v": [like.new_zeros(n, width, H, W) for _ in range(len(self.layers) + 1)],
            "along": [RowReader(conv, n, W) for conv in convs],
            "first": self.first_along.bias.expand(n, -1),
            "link": [],
        }

    def begin_row(self, cache: dict, x: Tensor, r: int) -> None:
        """The vertical stack knows its whole row before the row's first pixel is written."""
        v = cache["v"]
        v[0][:, :, r] = self.first_down.row(self.values(x), r)
        cache["link"] = []
        for k, layer in enumerate(self.layers):
            a = layer.down.row(v[k], r)[:, :, None]  # (n, 2 width, 1, W)
            v[k + 1][:, :, r] = v[k][:, :, r] + gate(a)[:, :, 0]
            rest = layer.link(a) + layer.class_bias(cache["y"]) + layer.along.bias[:, None, None]
            cache["link"].append(by_pixel(rest[:, :, 0]))

    def at(self, cache: dict, x: Tensor, r: int, c: int) -> Tensor:
        first, *along = cache["along"]
        if c:
            first.put(c - 1, self.values(x[:, :, r, c - 1]))
        h = first.read(c, cache["first"])
        for layer, reader, link in zip(self.layers, along, cache["link"], strict=True):
            reader.put(c, h)
            b = reader.read(c, link[c])
            h = h + F.linear(gate(b), layer.out.weight, layer.out.bias)
        return h


class RasterWriter:
    """One value at a time, with every layer's features kept (Ramachandran et al. 2017)."""

    def __init__(self, net: PixelCNN, n: int, y: Tensor) -> None:
        self.net, self.i, self.cache = net, 0, net.caches(n, y)
        self.x = next(net.parameters()).new_zeros(n, *net.image)
        self._next_pixel()

    def _next_pixel(self) -> None:
        C, H, W = self.net.image
        r, c = divmod(self.i // C, W)
        if r == H:
            return  # the picture is written
        if c == 0:
            self.net.begin_row(self.cache, self.x, r)
        self.values = self.net.head.writer(self.net.at(self.cache, self.x, r, c))

    def numbers(self) -> Tensor:
        return self.values.numbers()

    def put(self, v: Tensor) -> None:
        C, _, W = self.net.image
        r, c = divmod(self.i // C, W)
        self.x[:, self.i % C, r, c] = v
        self.values.put(v)
        self.i += 1
        if self.i % C == 0:
            self._next_pixel()
