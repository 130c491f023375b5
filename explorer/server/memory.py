"""How much memory is free on this machine, and what is refused because it is too little.

A request that takes more than there is would end the whole page: the system kills a process without
asking it. So a model is not loaded that does not fit, and nothing is begun where almost nothing is
left; whoever asked is told, and the page goes on. Runs are the first that the system kills
(``models.training.worker``).
"""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

MEMINFO = Path("/proc/meminfo")
# What a container may have, what it has, and of that files that need not stay in memory: of the
# second and of the first version of control groups.
GROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    (
        Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)  # fmt: skip
LEAST = 128 << 20  # bytes that are to be free where something is begun
FRESH_SECONDS = 0.5  # that a reading is good for

TOO_MUCH = (
    "This takes more memory than the server has. Ask for fewer pictures, or take a smaller model."
)
SHORT = "The server has almost no memory left. Try again in a minute."


class OutOfMemory(ValueError):
    """What was asked for takes more memory than there is; the message is a sentence."""


def is_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had; torch says so in words alone."""
    said = str(error)
    words = ("allocate memory", "out of memory", "bad allocation", "Cannot allocate")
    return isinstance(error, MemoryError) or (
        isinstance(error, (RuntimeError, OSError)) and any(each in said for each in words)
    )


def free() -> int | None:
    """Bytes that a process here may still take; None where the system does not tell."""
    found = [each for each in (_of_machine(), *(_of_group(*group) for group in GROUPS))
             if each is not None]  # fmt: skip
    return min(found, default=None)


def check(size: float, what: str) -> None:
    """Raises OutOfMemory where so many bytes more would leave less than is to be free."""
    there = free()
    if there is not None and size + LEAST > there:
        raise OutOfMemory(
            f"{what} takes {_megabytes(size)}, and {_megabytes(there)} of the server's memory are "
            "free. Try a smaller one, or try again in some minutes."
        )


class Watch:
    """Whether anything may be begun. let_go: returns memory that is kept for convenience."""

    def __init__(self, let_go: Callable[[], None] = lambda: None) -> None:
        self.let_go = let_go
        self._read, self._short = -FRESH_SECONDS, False

    def check(self) -> None:
        """Raises OutOfMemory where almost nothing is free, also after what could be let go."""
        now = time.monotonic()
        if now - self._read >= FRESH_SECONDS:
            self._short = self._is_short()
            if self._short:
                log.warning("Almost no memory is free; what is kept of results is let go.")
                self.let_go()
                self._short = self._is_short()
            self._read = now
        if self._short:
            raise OutOfMemory(SHORT)

    @staticmethod
    def _is_short() -> bool:
        there = free()
        return there is not None and there < LEAST


def _of_machine() -> int | None:
    with contextlib.suppress(OSError):
        found = re.search(r"^MemAvailable:\s+(\d+) kB", MEMINFO.read_text(), re.M)
        return int(found[1]) << 10 if found else None
    return None


def _of_group(folder: Path, most: str, now: str, files: str) -> int | None:
    with contextlib.suppress(OSError, ValueError):  # "max" is no limit
        left = int((folder / most).read_text()) - int((folder / now).read_text())
        found = re.search(rf"^{files} (\d+)", (folder / "memory.stat").read_text(), re.M)
        return left + (int(found[1]) if found else 0)
    return None


def _megabytes(size: float) -> str:
    return f"{max(0, round(size / 1e6)):,} MB"
