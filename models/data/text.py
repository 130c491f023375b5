"""Texts as strips: (N, 1, 1, T) uint8, T characters of ASCII each, where pictures have pixels.

``python-library`` is text that every machine has: the source of Python's own standard library, as
it is installed. What is in it depends on the version of Python, so a split is told by its hash. A
text file is a data set by its name.
"""

from __future__ import annotations

import hashlib
import sys
import sysconfig
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.contract.symbols import STRIP, SYMBOLS

TEXTS = {"python-library": "The source of Python's standard library"}

# Tables, tests and what a machine wrote itself: not what a person writes as a program.
LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "encodings", "pydoc_data", "__pycache__"}
TEST_PART = 0.05  # of the files
OWN = "text-"  # how the name of a person's own text begins
FEWEST = 12  # strips of a text file, so that there is a test strip, and a batch
OWN_TEST_PART = 0.1  # of a text file: its end
# Signs that have a plain one for the same.
PLAIN = str.maketrans({
    "\u2018": "'", "\u2019": "'", "\u201a": ",", "\u201c": '"', "\u201d": '"', "\u201e": '"',
    "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2026": "...", "\u00df": "ss", "\u00e6": "ae",
    "\u00c6": "AE", "\u0153": "oe", "\u00f8": "o", "\u00d8": "O", "\u00a0": " ", "\u00ab": '"',
    "\u00bb": '"',
})  # fmt: skip


def python_library(split: str, folder: Path | None = None) -> np.ndarray:
    """(N, 1, 1, STRIP) uint8: the files of a split one after the other, cut into strips.

    A file is a test file as its name's hash says, so that no file is in both. Tabs are four spaces;
    a line with a character that is not of ``SYMBOLS`` is left out.
    """
    folder = folder or Path(sysconfig.get_paths()["stdlib"])
    text = "\n\n".join(_told(path) for path in _files(folder, split))
    codes = np.frombuffer(text.encode("ascii"), np.uint8)
    strips = len(codes) // STRIP
    return codes[: strips * STRIP].reshape(strips, 1, 1, STRIP).copy()


def is_own(name: str) -> bool:
    """Whether a data set is a text that a person brought."""
    return name.startswith(OWN)


def plain(text: str) -> str:
    """The text in ``SYMBOLS``: accents are taken off letters, tabs are four spaces, curled quotes
    and long dashes become plain ones; what has no plain sign is left out."""
    lines = text.translate(PLAIN).expandtabs(4).splitlines()
    plainer = unicodedata.normalize("NFKD", "\n".join(line.rstrip() for line in lines))
    known = set(SYMBOLS)
    return "".join(symbol for symbol in plainer if symbol in known)


def left_out(text: str) -> int:
    """How many characters of a text ``plain`` leaves out."""
    known = set(SYMBOLS)
    return sum(
        known.isdisjoint(unicodedata.normalize("NFKD", symbol))
        for symbol in text.translate(PLAIN)
        if not symbol.isspace() and not unicodedata.combining(symbol)
    )


def of_file(path: Path, split: str) -> np.ndarray:
    """(N, 1, 1, STRIP) uint8: the strips of a text file; its last tenth is the test split.

    Raises ValueError with one sentence where it is no text, or too short.
    """
    try:
        text = plain(path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise ValueError(f"'{path.name}' is not a text file in UTF-8; save it as UTF-8.") from None
    count = len(text) // STRIP
    if count < FEWEST:
        raise ValueError(
            f"{len(text):,} characters are too few to train on; bring {FEWEST * STRIP:,} at least."
        )
    codes = np.frombuffer(text[: count * STRIP].encode("ascii"), np.uint8)
    rows = codes.reshape(count, 1, 1, STRIP)
    cut = count - max(1, int(OWN_TEST_PART * count))
    return (rows[cut:] if split == "test" else rows[:cut]).copy()


def python_characters() -> int:
    """About how many characters ``python-library`` has for training: bytes of its files."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    return sum(path.stat().st_size for path in _files(folder, "train"))


def source() -> str:
    """Where the text comes from, in words."""
    version = ".".join(map(str, sys.version_info[:3]))
    return f"the standard library of Python {version}, as installed"


def _files(folder: Path, split: str) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.py")):
        inner = path.relative_to(folder)
        if LEFT_OUT & set(inner.parts) or inner.name.startswith("_sysconfigdata"):
            continue
        hashed = hashlib.sha256(inner.as_posix().encode()).digest()
        if (hashed[0] < 256 * TEST_PART) == (split == "test"):
            yield path


def _told(path: Path) -> str:
    lines = path.read_text("utf-8", errors="replace").expandtabs(4).splitlines()
    known = set(SYMBOLS)
    return "\n".join(line.rstrip() for line in lines if known.issuperset(line))
