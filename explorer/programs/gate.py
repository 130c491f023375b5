"""How much programs may ask at a time, so that one that loops leaves the page to people."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

A_SECOND, AT_ONCE = 5.0, 10  # calls a visitor may begin: so many a second, after so many at once
IN_FLIGHT = 3  # calls of one visitor that go on at a time
EVERYBODY = 8  # calls of all that wait or compute
COMPUTING = 2  # of those that compute
VISITORS = 4096  # who are remembered


class Busy(ValueError):
    """Too many requests: one sentence that says of what, and when to try again."""


class Gate:
    """Counts calls by visitor. clock: seconds, for tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._computing = threading.BoundedSemaphore(COMPUTING)
        self._flying: dict[str, int] = {}
        # By visitor: how many calls may still begin at once, as of when.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @contextmanager
    def entered(self, visitor: str) -> Iterator[None]:
        """Within it a call of the visitor computes. Raises Busy, at once, where it may not."""
        self._enter(visitor)
        try:
            with self._computing:
                yield
        finally:
            with self._lock:
                self._flying[visitor] -= 1
                if not self._flying[visitor]:
                    del self._flying[visitor]

    def _enter(self, visitor: str) -> None:
        with self._lock:
            now = self.clock()
            left, since = self._left.pop(visitor, (AT_ONCE, now))
            left = min(AT_ONCE, left + (now - since) * A_SECOND)
            self._left[visitor] = (max(0.0, left - 1), now) if left >= 1 else (left, now)
            while len(self._left) > VISITORS:
                self._left.popitem(last=False)
            if left < 1:
                raise Busy(
                    f"Too many requests: this server takes {A_SECOND:g} calls a second of one "
                    "visitor. Wait a second and try again."
                )
            if self._flying.get(visitor, 0) >= IN_FLIGHT:
                raise Busy(
                    f"Too many requests: {IN_FLIGHT} of your calls are still going on. "
                    "Wait for one to end and try again."
                )
            if sum(self._flying.values()) >= EVERYBODY:
                raise Busy(
                    "Too many requests: the server is busy with others' calls. "
                    "Try again in a few seconds."
                )
            self._flying[visitor] = self._flying.get(visitor, 0) + 1


def visitor_of(request: Any) -> str:
    """Whom a call comes from: the address that it was sent from.

    A Hugging Face Space stands behind a proxy, which says whom it asks for; elsewhere such a header
    is anybody's claim.
    """
    headers = getattr(request, "headers", None) or {}
    if os.environ.get("SPACE_ID") and (forwarded := headers.get("x-forwarded-for")):
        return str(forwarded).partition(",")[0].strip()
    return str(getattr(getattr(request, "client", None), "host", "") or "")
