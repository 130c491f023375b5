"""Texts as strips: (N, 1, 1, T) uint8, T characters of ASCII each, where pictures have pixels.

``python-library`` is text that every machine has: the source of Python's own standard library, as
it is installed. What is in it depends on the version of Python, so a split is told by its hash.
"""

from __future__ import annotations

import hashlib
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.contract.symbols import STRIP, SYMBOLS

TEXTS = {"python-library": "The source of Python's standard library"}

# Tables, tests and what a machine wrote itself: not what a person writes as a program.
LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "encodings", "pydoc_data", "__pycache__"}
TEST_PART = 0.05  # of the files


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
