"""Work that a person can take back: a newer wish ends an older one, and Stop ends any.

The row of buttons that starts and stops it, and what they say, is here too.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import gradio as gr

from explorer import components
from explorer.components import say


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


def newest_only(
    key: str,
    handler: Callable[..., Iterator[Any]],
    stopped: Mapping[int, Any] | None = None,
    ends: Sequence[str] = (),
) -> Callable[..., Iterator[Any]]:
    """The handler, a generator, as an event's function: a newer call of the same visitor and key
    ends it at its next yield. Declare the event with ``**LIVE``.

    Where the handler has nothing to show but may be ended, it yields None. stopped: outputs by
    place that a run ends with when a person stops it. It says so itself, as what it told last may
    reach the page after the Stop button's own answer. ends: keys of other runs that end with this
    one's start, because they follow from an older one of it.
    """

    def wanted(request: gr.Request, *values: Any) -> Iterator[Any]:
        session = getattr(request, "session_hash", None)
        whose = (key, session)
        ticket = newest.take(whose)
        for other in ends:
            newest.end((other, session))
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

    return never_silent(wanted)


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


def stoppable(handler: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """The handler with one more output, a Stop button that can be pressed while a status is busy.

    It goes out with the last outputs, not after them: of yields that follow closely upon each other
    the browser may show the last alone. For that reason handlers end with all that there is.
    """

    def run(*values: Any) -> Iterator[Any]:
        before = None
        for outputs in handler(*values):
            if outputs is None:  # nothing to show, but a moment to be ended at
                yield None
                continue
            busy = any(isinstance(each, dict) and each.get("kind") == "busy" for each in outputs)
            yield *outputs, gr.skip() if busy is before else gr.Button(interactive=busy)
            before = busy

    return run


def rested(handler: Callable[..., Iterator[Any]], seconds: float = 0.4) -> Callable[..., Any]:
    """The handler after a moment's rest: of strokes that follow one another, the last is worked on.

    For controls that send many events, inside ``newest_only``. A pad rests by itself.
    """

    def run(*values: Any) -> Iterator[Any]:
        time.sleep(seconds)
        yield None
        yield from handler(*values)

    return run


def end_while_drawing(pad: gr.HTML, *keys: str) -> None:
    """What runs under these keys ends when a stroke begins on the pad: its answer is of an older
    drawing, and would take the time that the pen needs."""

    def end(request: gr.Request) -> None:
        for key in keys:
            newest.end((key, getattr(request, "session_hash", None)))

    pad.pen(
        end, None, None, queue=False, show_progress="hidden", api_visibility="private",
        trigger_mode="multiple",
    )  # fmt: skip


def stopped() -> tuple[Any, Any]:
    """(status, Stop button) once a person has stopped."""
    return say("Stopped."), gr.update(interactive=False)


def stopped_at(status: int, button: int) -> dict[int, Any]:
    """What a run ends with when a person stops it: places of its status and its Stop button."""
    return dict(zip((status, button), stopped(), strict=True))


class RunRow(NamedTuple):
    """What ``run_row`` made."""

    go: gr.Button
    halt: gr.Button
    status: gr.HTML

    def wire_stop(self, key: str, js: str | None = None, status: gr.HTML | None = None) -> None:
        """Stop ends what runs under ``key``, and says so, in another status than the row's where
        one is given. js: for what the browser is to stop."""
        self.halt.click(
            stopper(key, stopped), None, [status or self.status, self.halt], js=js, queue=False,
            show_progress="hidden", api_visibility="private",
        )  # fmt: skip


def run_row(words: str, go_id: str, stop_id: str) -> RunRow:
    """The button that starts, called ``words``, and Stop beside it; below, how far it is."""
    with gr.Row(elem_classes="ge-run"):
        go = gr.Button(words, variant="primary", elem_id=go_id)
        halt = gr.Button("Stop", interactive=False, elem_id=stop_id)
    return RunRow(go, halt, components.status())
