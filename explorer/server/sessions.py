"""What the server keeps of open pages, and of those just closed: little, and no longer than needed.

Gradio keeps of every page, for ever, the settings of all components with the last value that each
sent or received: some twenty megabytes for a page that has seen films, of ten thousand pages. Only
its deep links read them, which this page has not.
"""

from __future__ import annotations

import ctypes
import datetime
import sys
import time
from collections.abc import Iterable
from typing import Any

from gradio.state_holder import SessionState, StateHolder

# Pages that are open at a time: beyond these the one that has been silent for longest starts anew.
MOST = 512
LONGEST_NAME = 64  # characters of the name that a page gives itself; Gradio's have eleven
# Closed ones are kept for a connection that comes back, as a laptop's does that has slept.
MOST_CLOSED = 16
TRIM_SECONDS = 30.0


class Session(SessionState):
    """What Gradio asks of a session: the components that handlers have changed, and states; without
    the settings and values of all components."""

    def __init__(self, blocks: Any) -> None:
        # Of SessionState.__init__ all but the settings of every component, which take longer than
        # the rest of a page's opening.
        from copy import copy

        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 3600

    def __setitem__(self, key: int, value: Any) -> None:
        from gradio.components import State

        block = self.blocks_config.blocks.get(key)
        if isinstance(block, State):
            self._state_ttl[key] = (block.time_to_live, datetime.datetime.now())
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


class Sessions(StateHolder):
    """Every open page's session, at most ``capacity``, and the last few that were closed."""

    def __init__(self, blocks: Any, capacity: int = MOST, closed: int = MOST_CLOSED) -> None:
        super().__init__()
        self.closed = closed
        self.set_blocks(blocks)
        self.capacity = capacity
        self._trimmed = time.monotonic()

    def __getitem__(self, session_id: str) -> Session:
        if not isinstance(session_id, str) or len(session_id) > LONGEST_NAME:
            raise ValueError("This is no page's name.")
        with self.lock:
            if session_id not in self.session_data:
                self.session_data[session_id] = Session(self.blocks)
            self.session_data.move_to_end(session_id)
            self.time_last_used[session_id] = datetime.datetime.now()
            session = self.session_data[session_id]
        self.forget_old()
        return session

    def delete_all_expired_state(self) -> None:
        """Gradio calls it every second."""
        super().delete_all_expired_state()
        self.forget_old()

    def forget_old(self) -> None:
        """Lets go of closed pages beyond the last few, and of the oldest where there are too
        many."""
        with self.lock:
            closed = [key for key, session in self.session_data.items() if session.is_closed]
            old = closed[: max(0, len(closed) - self.closed)]
            left = [key for key in self.session_data if key not in set(old)]
            old += left[: max(0, len(left) - self.capacity)]
            for key in old:
                del self.session_data[key]
                self.time_last_used.pop(key, None)
        if old:
            self._forget_messages(old)

    def _forget_messages(self, keys: Iterable[str]) -> None:
        """What runs of theirs have still to say, which nobody will fetch."""
        queue = self.blocks._queue
        for key in keys:
            queue.pending_messages_per_session.pop(key, None)
            self.blocks.pending_diff_streams.pop(key, None)
        if time.monotonic() - self._trimmed > TRIM_SECONDS:
            self._trimmed = time.monotonic()
            give_back()


def limit_arenas() -> None:
    """Has the C library share two heaps among all threads, before many threads have made one each.

    A thread's own heap keeps what pictures once took there, and each handler runs in another.
    """
    if sys.platform == "linux":
        M_ARENA_MAX = -8
        _libc("mallopt", M_ARENA_MAX, 2)


def give_back() -> None:
    """Returns memory that nobody uses to the system, where the C library can."""
    if sys.platform == "linux":
        _libc("malloc_trim", 0)


def _libc(name: str, *values: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None)  # musl has neither
    if function is not None:
        function(*values)
