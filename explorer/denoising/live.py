"""Work that a person can take back: a newer wish ends an older one, and Stop ends any."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
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

    def stop(self, key: Any) -> None:
        """No run of this key is wanted any more."""
        self.take(key)
        with self._lock:
            self._tickets[key] = STOPPED

    def state(self, key: Any, ticket: object) -> str:
        """What is to become of a run: "wanted", "stopped" by a person, or "old"."""
        with self._lock:
            now = self._tickets.get(key)
        return "wanted" if now is ticket else "stopped" if now is STOPPED else "old"


STOPPED = object()
newest = Newest()


def newest_only(
    key: str, handler: Callable[..., Iterator[Any]], stopped: Mapping[int, Any] | None = None
) -> Callable[..., Iterator[Any]]:
    """The handler, a generator, as an event's function: a newer call of the same visitor and key
    ends it at its next yield. Declare the event with ``**LIVE``.

    Where the handler has nothing to show but may be ended, it yields None. stopped: outputs by
    place that a run ends with when a person stops it. It says so itself, as what it told last may
    reach the page after the Stop button's own answer.
    """

    def wanted(request: gr.Request, *values: Any) -> Iterator[Any]:
        whose = (key, getattr(request, "session_hash", None))
        ticket = newest.take(whose)
        width = 0
        for outputs in handler(*values):
            if (state := newest.state(whose, ticket)) != "wanted":
                width = width if outputs is None else len(outputs)
                if state == "stopped" and stopped and width:
                    yield tuple(stopped.get(k, gr.skip()) for k in range(width))
                return
            if outputs is not None:
                width = len(outputs)
                yield outputs

    return wanted


def stopper(key: str, outputs: Callable[[], Any]) -> Callable[[gr.Request], Any]:
    """The function of a Stop button: what runs under ``key`` ends; ``outputs()`` is shown."""

    def stop(request: gr.Request) -> Any:
        newest.stop((key, getattr(request, "session_hash", None)))
        return outputs()

    return stop


# A newer call starts at once, beside the one that it ends.
LIVE = {
    "trigger_mode": "multiple",
    "concurrency_limit": 8,
    "show_progress": "hidden",
    "api_visibility": "private",
}
