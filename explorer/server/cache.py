"""What was computed lately, kept as long as it fits into so many bytes."""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from typing import Any

LEAST = 64  # bytes that anything kept is taken to need


def size_of(value: Any) -> int:
    """Bytes that a value takes, near enough: of arrays and texts, and of what holds them."""
    if (nbytes := getattr(value, "nbytes", None)) is not None:
        return LEAST + int(nbytes)
    if isinstance(value, (bytes, str)):
        return LEAST + len(value)
    if isinstance(value, dict):
        return LEAST + sum(map(size_of, value.values()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return LEAST + sum(map(size_of, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return LEAST + sum(size_of(getattr(value, f.name)) for f in dataclasses.fields(value))
    if hasattr(value, "__dict__"):
        return LEAST + sum(map(size_of, vars(value).values()))
    return LEAST


class Cache:
    """Values by key, thread-safe. limit: bytes kept; the least recently used go first, and a value
    larger than the limit is not kept at all."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._items: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any, default: Any = None) -> Any:
        """The value, or the default where there is none."""
        with self._lock:
            if key not in self._items:
                return default
            self._items.move_to_end(key)
            return self._items[key][0]

    def put(self, key: Any, value: Any) -> Any:
        """Keeps a value, and returns it."""
        size = size_of(value)
        with self._lock:
            self._drop(key)
            if size <= self.limit:
                self._items[key] = value, size
                self.size += size
            while self.size > self.limit:
                self._drop(next(iter(self._items)))
        return value

    def clear(self) -> None:
        """Lets go of everything."""
        with self._lock:
            self._items.clear()
            self.size = 0

    def forget(self, name: str) -> None:
        """Lets go of all that was kept under keys with this name in them."""
        with self._lock:
            for key in [key for key in self._items if isinstance(key, tuple) and name in key]:
                self._drop(key)

    def _drop(self, key: Any) -> None:
        _, size = self._items.pop(key, (None, 0))
        self.size -= size

    def __len__(self) -> int:
        return len(self._items)


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
