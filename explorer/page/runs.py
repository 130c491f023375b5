"""Work that a person can take back: a newer wish ends an older one, and Stop ends any.

The row of buttons that starts and stops it, and what they say, is here too.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gradio as gr

from explorer import components


class Newest:
    """Which run each visitor wants: a run goes on while its ticket is the newest of its key."""

    def __init__(self, size: int = 512) -> None:
        self._size = size
        self._tickets: OrderedDict[Any, object] = OrderedDict()
        self._wishes: dict[Any, Any] = {}
        self._lock = threading.Lock()

    def take(self, key: Any, wish: Any = None) -> object:
        """A new ticket: from now on older ones of this key are not wanted. wish: what it is for."""
        with self._lock:
            ticket = self._tickets[key] = object()
            self._wishes[key] = (ticket, wish)
            self._tickets.move_to_end(key)
            while len(self._tickets) > self._size:
                self._wishes.pop(self._tickets.popitem(last=False)[0], None)
        return ticket

    def has(self, key: Any, wish: Any) -> bool:
        """Whether the newest run of this key is for this very wish, and was not taken back."""
        with self._lock:
            ticket, known = self._wishes.get(key, (None, None))
            return known is not None and known == wish and self._tickets.get(key) is ticket

    def forget(self, key: Any, ticket: object) -> None:
        """What this run was for did not come about: the same wish is a new one."""
        with self._lock:
            if self._wishes.get(key, (None,))[0] is ticket:
                self._wishes[key] = (ticket, None)

    def stop(self, key: Any) -> None:
        """No run of this key is wanted any more."""
        self.take(key)
        with self._lock:
            self._tickets[key] = STOPPED

    def end(self, key: Any) -> None:
        """What runs under this key ends, and says nothing: something newer is on its way."""
        with self._lock:
            if key in self._tickets:
                self._tickets[key] = object()

    def state(self, key: Any, ticket: object) -> str:
        """What is to become of a run: "wanted", "stopped" by a person, or "old"."""
        with self._lock:
            now = self._tickets.get(key)
        return "wanted" if now is ticket else "stopped" if now is STOPPED else "old"


STOPPED = object()
newest = Newest()


def never_silent(handler: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """The handler, which says that nothing changes where it has nothing to say.

    For a generator that ends without a yield Gradio sends None to every output, which costs a
    button its words.
    """

    def run(request: gr.Request, *values: Any) -> Iterator[Any]:
        told = False
        for outputs in handler(request, *values):
            told = True
            yield outputs
        if not told:
            yield gr.skip()

    return run


# A newer call starts at once, beside the one that it ends.
LIVE = {
    "trigger_mode": "multiple",
    "concurrency_limit": 8,
    "show_progress": "hidden",
    "api_visibility": "private",
}


class RunRow(NamedTuple):
    """What ``run_row`` made."""

    go: gr.Button
    halt: gr.Button
    status: gr.HTML


def run_row(words: str, go_id: str, stop_id: str) -> RunRow:
    """The button that starts, called ``words``, and Stop beside it; below, how far it is."""
    with gr.Row(elem_classes="ge-run"):
        go = gr.Button(words, variant="primary", elem_id=go_id)
        halt = gr.Button("Stop", interactive=False, elem_id=stop_id)
    return RunRow(go, halt, components.status())
