"""The last few results by key."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any


class Recent:
    """The last few results by key, thread-safe: what was just computed is not computed again."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._items: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> Any:
        """The result, or None."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
            return self._items.get(key)

    def put(self, key: Any, item: Any) -> Any:
        """Keeps the result, and returns it."""
        with self._lock:
            self._items[key] = item
            self._items.move_to_end(key)
            while len(self._items) > self.size:
                self._items.popitem(last=False)
        return item
