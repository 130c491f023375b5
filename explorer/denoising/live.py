"""Work that a person can take back: a newer wish ends an older one, and Stop ends any."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr


class Newest:
    """Which run each visitor wants: a run goes on while its ticket is the newest of its key."""

    def __init__(self, size: int = 512) -> None:
        self._size = size
        self._tickets: OrderedDict[Any, object] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: Any) -> object:
        """A new ticket: from now on older ones of this key are not wanted."""
        with self._lock:
            ticket = self._tickets[key] = object()
            self._tickets.move_to_end(key)
            while len(self._tickets) > self._size:
                self._tickets.popitem(last=False)
        return ticket

    def wants(self, key: Any, ticket: object) -> bool:
        with self._lock:
            return self._tickets.get(key) is ticket


newest = Newest()


def newest_only(key: str, handler: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """The handler, a generator, as an event's function: a newer call of the same visitor and key
    ends it at its next yield. Declare the event with ``**LIVE``.

    Where the handler has nothing to show but may be ended, it yields None.
    """

    def wanted(request: gr.Request, *values: Any) -> Iterator[Any]:
        whose = (key, getattr(request, "session_hash", None))
        ticket = newest.take(whose)
        for outputs in handler(*values):
            if not newest.wants(whose, ticket):
                return
            if outputs is not None:
                yield outputs

    return wanted


def stopper(key: str, outputs: Callable[[], Any]) -> Callable[[gr.Request], Any]:
    """The function of a Stop button: what runs under ``key`` ends; ``outputs()`` is shown."""

    def stop(request: gr.Request) -> Any:
        newest.take((key, getattr(request, "session_hash", None)))
        return outputs()

    return stop


# A newer call starts at once, beside the one that it ends.
LIVE = {
    "trigger_mode": "multiple",
    "concurrency_limit": 8,
    "show_progress": "hidden",
    "api_visibility": "private",
}
