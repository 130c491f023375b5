"""Lines of JSON between a process and whoever started it: reports out, orders in."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
from typing import Any


class Wire:
    """Reports out, orders in. stdout is taken for the reports; what else is printed goes to stderr.

    Orders are read by a thread of their own, so that they are there between two steps.
    """

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._orders: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin:
            self._orders.put(json.loads(line))
        os._exit(0)  # whoever asked is gone

    def report(self, what: str, **values: Any) -> None:
        self._out.write(json.dumps({"is": what, **values}) + "\n")
        self._out.flush()

    @property
    def hurried(self) -> bool:
        """Whether another order has come already."""
        return not self._orders.empty()

    def order(self, wait: bool = False) -> dict[str, Any] | None:
        """The next order; None where there is none and none is waited for."""
        with contextlib.suppress(queue.Empty):
            return self._orders.get(block=wait)
        return None
