"""A text file as a data set: made plain, cut into strips, its end the test split."""

from __future__ import annotations

import pytest

from models.contract.symbols import STRIP
from models.data import datasets, text
from models.data.datasets import DataError


def test_a_text_is_made_plain():
    curled = "\u201cCaf\u00e9\u201d \u2014 Stra\u00dfe,\ta\u00f1o \u2603 \u0416\u2026  \nb\r\nc"
    assert text.plain(curled) == '"Cafe" - Strasse,   ano  ...\nb\nc'
    assert text.left_out(curled) == 2
    same = "def f(x):\n    return x  # ~!\n\nf(1)"
    assert text.plain(same) == same and text.left_out(same + "\r\n\t") == 0


def test_the_end_of_a_file_is_its_test_split(tmp_path):
    whole = "".join(f"{k:07d}\n" for k in range(STRIP * 20 // 8)) + "rest"
    (tmp_path / "own.txt").write_text(whole, "utf-8")
    train, test = (datasets.load("own.txt", split, tmp_path) for split in ("train", "test"))
    assert train.images.shape == (18, 1, 1, STRIP) and test.images.shape == (2, 1, 1, STRIP)
    joined = train.images.numpy().tobytes() + test.images.numpy().tobytes()
    assert joined.decode("ascii") + "rest" == whole
    assert datasets.available("own.txt", tmp_path) and not datasets.available("no.txt", tmp_path)


def test_a_file_that_is_no_text_or_too_short_is_refused(tmp_path):
    (tmp_path / "short.txt").write_text("too short", "utf-8")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="9 characters are too few"):
        datasets.load("short.txt", "train", tmp_path)
    with pytest.raises(DataError, match="not a text file in UTF-8"):
        datasets.load("binary.txt", "train", tmp_path)
