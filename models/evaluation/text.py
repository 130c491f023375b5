"""Bits a character of a model of text, beside those of compressors and of an n-gram model."""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
from typing import Any

import numpy as np
from torch import Tensor
from tqdm import tqdm

from models.contract.abilities import WritesText
from models.evaluation.metrics import mean_and_stderr, metric

WINDOW = 4096  # characters read at a time
PARTS = 32  # stretches of the text, whose spread tells the error of the mean
ORDER = 6  # characters that the n-gram model looks at, the predicted one among them


def of_text(
    model: WritesText, test: Tensor, training: Tensor, progress: bool
) -> dict[str, dict[str, Any]]:
    """The metrics. test, training: strips of text as ``models.data.text`` has them.

    The strips are one text in order, which the model reads through its window. Neighbouring
    characters are not independent, so the standard error is that of the means of ``PARTS``
    stretches. The compressors learn from the test text alone, as they go; the n-gram model, as
    ours, from the training text.
    """
    text = test.numpy().tobytes()
    bits = _bits(model, text.decode("ascii"), progress)
    stretches = np.array([part.mean() for part in np.array_split(bits, PARTS)])
    found = metric(bits.mean(), mean_and_stderr(stretches).stderr, len(bits), kind="exact")
    results = {"bits_per_symbol": found}
    for name, size in (
        ("gzip", len(gzip.compress(text, 9))),
        ("bz2", len(bz2.compress(text, 9))),
        ("xz", len(lzma.compress(text, preset=9))),
    ):
        results[f"bits_per_symbol.{name}"] = metric(8 * size / len(text), n=len(text))
    counted = ngram_bits(training.numpy().ravel(), test.numpy().ravel(), ORDER)
    results["bits_per_symbol.ngram"] = metric(
        counted.mean(), n=len(counted), note=f"n = {ORDER}", kind="exact"
    )
    return results


def _bits(model: WritesText, text: str, progress: bool) -> np.ndarray:
    """(T,) bits of each character, read in pieces of ``WINDOW``."""
    found = []
    for begin in tqdm(range(0, len(text), WINDOW), "text", disable=not progress):
        k = model.read_text(text[begin : begin + WINDOW]).to(model.device)
        found.append(-model.text_log_likelihood(k[None])[0].double().cpu().numpy() / math.log(2))
    return np.concatenate(found)


def ngram_bits(training: np.ndarray, test: np.ndarray, order: int) -> np.ndarray:
    """(T,) bits of each character of a test text by counts of a training text, (N,) uint8 both.

    Interpolated by Witten and Bell's method (1991; Chen and Goodman 1999, equation 13): with c
    counts of a context h and T(h) different characters after it,

        p(w | h) = (c(h w) + T(h) p(w | h')) / (c(h) + T(h)),

    where h' is h without its first character, and below the empty context all 256 bytes are as
    likely. ``order`` characters are looked at, w among them.
    """
    p = np.full(len(test), 1 / 256)
    for n in range(order):  # characters of the context
        grams, counts = np.unique(_grams(training, n + 1), return_counts=True)
        contexts, first, kinds = np.unique(grams >> 8, return_index=True, return_counts=True)
        totals = np.add.reduceat(counts, first)
        asked = _grams(test, n + 1)
        count = _looked_up(grams, counts, asked)
        total = _looked_up(contexts, totals, asked >> 8)
        different = _looked_up(contexts, kinds, asked >> 8)
        seen = total > 0
        now = (count[seen] + different[seen] * p[n:][seen]) / (total[seen] + different[seen])
        p[n:][seen] = now
    return -np.log2(p)


def _grams(text: np.ndarray, n: int) -> np.ndarray:
    """(T - n + 1,) uint64: n bytes after one another as one number, the last one lowest."""
    found = np.zeros(len(text) - n + 1, np.uint64)
    for k in range(n):
        found = (found << np.uint64(8)) | text[k : len(text) - n + 1 + k].astype(np.uint64)
    return found


def _looked_up(keys: np.ndarray, values: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The value of each key asked for, 0 where there is none. keys: ascending."""
    place = np.searchsorted(keys, asked).clip(max=len(keys) - 1)
    return np.where(keys[place] == asked, values[place], 0)
