"""Ctrl-C during a run: noted first, so that the step under way can end and be written."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Within it a first Ctrl-C is only noted, and a second one does what it always does.

    Yields a function that says whether there was one. In a thread, which gets no signals, nothing
    changes.
    """
    noted = False
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal noted
        noted = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: noted
    finally:
        signal.signal(signal.SIGINT, before)
