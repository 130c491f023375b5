r"""Arithmetic coding of pictures by an autoregressive model: files as short as likelihood allows.

A model that gives $p(x_i \mid x_{<i})$ for one value after another is a code. The interval [0, 1)
is divided among the levels of the first value in proportion to their probabilities, the part of the
level that occurs among those of the second, and so on; any number of the last interval, of width
$p(x)$, names the picture, and takes about $-\log_2 p(x)$ bits (Rissanen and Langdon 1979). Who has
the model can divide in the same way and reads the picture back, value by value. A wrong model has
narrower intervals: what its files are longer by is, on average, the KL divergence.

The interval is kept in whole numbers and written out bit by bit as soon as its two ends agree
(Witten, Neal and Cleary 1987), so no precision is lost however long the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

# Probabilities are counts out of TOTAL, at least one each. The interval's ends have STATE bits.
TOTAL = 1 << 24
STATE = 48
HALF, QUARTER, MASK = 1 << (STATE - 1), 1 << (STATE - 2), (1 << STATE) - 1


class Encoder:
    """Narrows the interval value by value, and collects the bits that are settled."""

    def __init__(self) -> None:
        self.low, self.high, self.pending = 0, MASK, 0
        self.bits: list[int] = []

    def put(self, start: int, end: int, total: int = TOTAL) -> None:
        """Takes [start, end) out of ``total``. Raises ValueError for an empty part."""
        if not 0 <= start < end <= total:
            raise ValueError("A value of probability zero cannot be coded.")
        width = self.high - self.low + 1
        self.high = self.low + width * end // total - 1
        self.low += width * start // total
        while True:
            if self.high < HALF:
                self._settle(0)
            elif self.low >= HALF:
                self._settle(1)
                self.low -= HALF
                self.high -= HALF
            elif self.low >= QUARTER and self.high < 3 * QUARTER:
                # The ends straddle the middle: which bit comes is not known, but the next differs.
                self.pending += 1
                self.low -= QUARTER
                self.high -= QUARTER
            else:
                return
            self.low, self.high = 2 * self.low, 2 * self.high + 1

    def _settle(self, bit: int) -> None:
        self.bits += [bit, *([1 - bit] * self.pending)]
        self.pending = 0

    def finish(self) -> bytes:
        """The file. Two more bits name a quarter that lies within the interval."""
        self.pending += 1
        self._settle(0 if self.low < QUARTER else 1)
        return np.packbits(np.array(self.bits, np.uint8)).tobytes()


class Decoder:
    """Finds, value by value, in which part of the interval the file's number lies."""

    def __init__(self, data: bytes) -> None:
        self.bits = iter(np.unpackbits(np.frombuffer(data, np.uint8)).tolist())
        self.low, self.high, self.value = 0, MASK, 0
        for _ in range(STATE):
            self._read()

    def _read(self) -> None:
        self.value = 2 * self.value + next(self.bits, 0)

    def place(self, total: int = TOTAL) -> int:
        """Where the file's number lies, in 0 .. total - 1."""
        return ((self.value - self.low + 1) * total - 1) // (self.high - self.low + 1)

    def put(self, start: int, end: int, total: int = TOTAL) -> None:
        """Goes into [start, end), as the encoder did."""
        width = self.high - self.low + 1
        self.high = self.low + width * end // total - 1
        self.low += width * start // total
        while True:
            if self.high < HALF:
                shift = 0
            elif self.low >= HALF:
                shift = HALF
            elif self.low >= QUARTER and self.high < 3 * QUARTER:
                shift = QUARTER
            else:
                return
            self.low, self.high = 2 * (self.low - shift), 2 * (self.high - shift) + 1
            self.value -= shift
            self._read()


def edges(log_probs: Tensor) -> np.ndarray:
    """(n, levels + 1) int64: where each level's part of TOTAL begins, and the end.

    log_probs: (n, levels). Every level has at least a count of one, so that any picture can be
    written, and the likeliest takes what rounding has left.
    """
    p = log_probs.double().softmax(-1).cpu().numpy()
    counts = np.floor(p * (TOTAL - p.shape[1])).astype(np.int64) + 1
    counts[np.arange(len(p)), p.argmax(1)] += TOTAL - counts.sum(1)
    return np.pad(counts.cumsum(1), ((0, 0), (1, 0)))


@dataclass(frozen=True)
class Coded:
    """Pictures as files. bits (B, C, H, W): -log2 of the probability each value was coded with."""

    files: list[bytes]
    bits: Tensor


@torch.no_grad()
def encode(model, x: Tensor, label: int | Tensor | None = None, order: int = 0) -> Coded:
    """Pictures as files, by a model that writes pixels.

    x: (B, C, H, W) as the model observes it: 0 and 1, or its grey levels in [0, 1]. The same batch
    has to be decoded together: a batch of another size rounds otherwise in its last digits, and a
    code bears no difference at all. Raises ValueError where a value is no level of the model's.
    """
    x = model.checked(x)
    top = model.levels - 1
    v = (x * top).round()
    if not torch.allclose(v / top, x, atol=1e-4):
        raise ValueError(
            f"This model codes pictures of {model.levels} levels; round the pictures to them first."
        )
    values = v.flatten(1).long().cpu().numpy()
    places = model.order(order).tolist()
    bits = torch.zeros(values.shape, dtype=torch.float64)
    coders = [Encoder() for _ in values]
    steps = model.conditionals(len(x), label, order)
    log_probs = next(steps)
    for k, place in enumerate(places):
        parts = edges(log_probs)
        for b, coder in enumerate(coders):
            start, end = int(parts[b, values[b, place]]), int(parts[b, values[b, place] + 1])
            coder.put(start, end)
            bits[b, place] = -np.log2((end - start) / TOTAL)
        if k + 1 < len(places):
            log_probs = steps.send(v.flatten(1)[:, place])
    return Coded([coder.finish() for coder in coders], bits.view(x.shape))


@torch.no_grad()
def decode(model, files: list[bytes], label: int | Tensor | None = None, order: int = 0) -> Tensor:
    """The pictures of the files, (B, C, H, W) in [0, 1]: what ``encode`` was given, bit for bit."""
    places = model.order(order).tolist()
    coders = [Decoder(data) for data in files]
    values = np.zeros((len(files), len(places)), np.int64)
    steps = model.conditionals(len(files), label, order)
    log_probs = next(steps)
    for k, place in enumerate(places):
        parts = edges(log_probs)
        for b, coder in enumerate(coders):
            at = int(np.searchsorted(parts[b], coder.place(), side="right")) - 1
            coder.put(int(parts[b, at]), int(parts[b, at + 1]))
            values[b, place] = at
        if k + 1 < len(places):
            log_probs = steps.send(torch.from_numpy(values[:, place]).to(log_probs))
    x = torch.from_numpy(values).float() / (model.levels - 1)
    return x.view(len(files), *model.image_shape)
