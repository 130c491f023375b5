"""Bits a character: of a model, of compressors, and of counts."""

from __future__ import annotations

import gzip
import math
from collections import Counter

import numpy as np
import pytest
import torch

from models.contract.symbols import STRIP
from models.evaluation.text import ngram_bits, of_text
from tests.conftest import small_text_model

WORDS = b"def mean(values):\n    return sum(values) / len(values)\n\n\n"


def strips(n: int, shift: int = 0) -> torch.Tensor:
    text = (WORDS * (n * STRIP // len(WORDS) + 2))[shift:]
    codes = np.frombuffer(text[: n * STRIP], np.uint8)
    return torch.from_numpy(codes.copy()).view(n, 1, 1, STRIP)


def test_bits_are_what_the_model_says_and_files_are_what_gzip_writes():
    model, test = small_text_model(), strips(3, shift=5)
    found = of_text(model, test, strips(8), progress=False)
    text = test.numpy().tobytes()
    nats = model.text_log_likelihood(model.read_text(text.decode())[None])[0]
    wanted = float(-nats.double().mean() / math.log(2))
    assert found["bits_per_symbol"]["value"] == pytest.approx(wanted, rel=1e-6)
    assert found["bits_per_symbol"]["n"] == len(text) and found["bits_per_symbol"]["stderr"] > 0
    size = 8 * len(gzip.compress(text, 9)) / len(text)
    assert found["bits_per_symbol.gzip"]["value"] == pytest.approx(size)
    assert set(found) >= {f"bits_per_symbol.{name}" for name in ("bz2", "xz", "ngram")}
    assert found["bits_per_symbol.ngram"]["value"] < 0.5  # it has seen the text


def counted(training: bytes, test: bytes, order: int) -> list[float]:
    """Witten and Bell's interpolation by dictionaries, a character at a time."""
    counts = [Counter() for _ in range(order)]
    for n in range(order):
        for k in range(len(training) - n):
            counts[n][training[k : k + n + 1]] += 1

    def p(history: bytes, symbol: int) -> float:
        n = len(history)
        after = {g: c for g, c in counts[n].items() if g[:-1] == history}
        lower = p(history[1:], symbol) if n else 1 / 256
        if not after:
            return lower
        kinds, total = len(after), sum(after.values())
        return (after.get(history + bytes([symbol]), 0) + kinds * lower) / (total + kinds)

    return [-math.log2(p(test[max(0, k - order + 1) : k], test[k])) for k in range(len(test))]


def test_an_ngram_model_is_what_dictionaries_count():
    training, test = b"abracadabra, abracadabra" * 3, b"cadabra abracad zab"
    found = ngram_bits(np.frombuffer(training, np.uint8), np.frombuffer(test, np.uint8), 4)
    np.testing.assert_allclose(found, counted(training, test, 4), rtol=1e-9)


def test_the_chances_of_all_bytes_sum_to_one():
    training = np.frombuffer(WORDS * 4, np.uint8)
    ends = [np.r_[np.frombuffer(b"return s", np.uint8), np.uint8(k)] for k in range(256)]
    p = [2.0 ** -ngram_bits(training, end, 5)[-1] for end in ends]
    assert sum(p) == pytest.approx(1)
