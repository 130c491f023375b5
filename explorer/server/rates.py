"""How much one address may ask at a time, so that no one holds the server alone.

A lecture hall is one address: what it may do is far beyond what a hundred people do together, and
far below what a program can. What one visitor may have waiting is bounded besides
(``MOST_WAITING``), as is how much waits altogether (``MOST_IN_QUEUE``).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_OPEN = 1200  # requests in flight, streams too: each page has two
A_SECOND = 400.0  # requests that change something, in the long run
AT_ONCE = 2000.0  # and as many of them as have not been used before
BYTES_A_SECOND = 2e6  # of files that are brought, in the long run
BYTES_AT_ONCE = 4e9  # and as many of them as have not been used before
MOST_ADDRESSES = 4096
MOST_WAITING = 48  # events of one page that wait or run
MOST_IN_QUEUE = 600  # events of all pages that wait

BUSY = "Too much is asked at once from this address. Wait a few seconds, and try again."
WAITING = "Too much of this page is still being worked on. Wait until some of it is done."
BROUGHT = "Too much was uploaded from this address of late. Try again in some minutes."
FULL = "Too many people are asking at once. Try again in about a minute."


@dataclass
class _Address:
    left: float
    time: float
    bytes_left: float
    open: int = 0


class Rates:
    """Counts requests by address; of addresses that have been silent for longest nothing is
    kept."""

    def __init__(
        self,
        most_open: int = MOST_OPEN,
        a_second: float = A_SECOND,
        at_once: float = AT_ONCE,
        bytes_a_second: float = BYTES_A_SECOND,
        bytes_at_once: float = BYTES_AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most_open, self.a_second, self.at_once = most_open, a_second, at_once
        self.bytes_a_second, self.bytes_at_once = bytes_a_second, bytes_at_once
        self._clock = clock
        self._addresses: OrderedDict[str, _Address] = OrderedDict()
        self._lock = threading.Lock()

    def enter(self, address: str, counted: bool = True) -> str:
        """A request begins: "" where it may, else a sentence; then nothing is to be left.

        counted: whether it changes something, and so counts for the rate.
        """
        now = self._clock()
        with self._lock:
            of = self._addresses.get(address)
            if of is None:
                of = self._addresses[address] = _Address(self.at_once, now, self.bytes_at_once)
            self._addresses.move_to_end(address)
            passed, of.time = now - of.time, now
            of.left = min(self.at_once, of.left + passed * self.a_second)
            of.bytes_left = min(self.bytes_at_once, of.bytes_left + passed * self.bytes_a_second)
            if of.open >= self.most_open or (counted and of.left < 1):
                return BUSY
            of.open += 1
            of.left -= counted
            self._forget()
        return ""

    def bring(self, address: str, size: float) -> str:
        """Files of so many bytes are brought within a request that has begun: "" where they may
        be, else a sentence."""
        with self._lock:
            of = self._addresses[address]
            if of.bytes_left < size:
                return BROUGHT
            of.bytes_left -= size
        return ""

    def give_back(self, address: str, size: float) -> None:
        """So many of the bytes that were to be brought did not come."""
        with self._lock:
            self._addresses[address].bytes_left += size

    def leave(self, address: str) -> None:
        """A request has been answered."""
        with self._lock:
            if (of := self._addresses.get(address)) is not None:
                of.open -= 1

    def _forget(self) -> None:
        while len(self._addresses) > MOST_ADDRESSES:
            idle = next((key for key, of in self._addresses.items() if not of.open), None)
            if idle is None:
                return
            del self._addresses[idle]
