"""The forward passes as one script for a worker."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "forward"


@cache
def passes() -> str:
    """All forward passes and what they share: ``FORWARD``, and functions beside it."""
    names = sorted(path.name for path in FOLDER.glob("*.js"))
    middle = [name for name in names if name not in ("labels.js", "worker.js")]
    return "\n".join(map(_text, ["labels.js", *middle]))


def worker() -> str:
    """The script of a worker that runs them."""
    return f"{passes()}\n{_text('worker.js')}"


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
