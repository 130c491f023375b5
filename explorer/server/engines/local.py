"""The engine of this process: models are those of the page's store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from explorer.server.engines.asked import Asked, answered, answers
from explorer.server.store import Store


class Local:
    """Computes in the thread that asks."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def call(self, asked: Asked) -> Any:
        return answered(asked, self.store.get)

    def steps(self, asked: Asked) -> Iterator[Any]:
        return answers(asked, self.store.get)

    def forget(self, folder: str) -> None:
        """The store itself lets go of what visitors brought."""

    def warm_up(self) -> None:
        """There is nothing to start."""

    def close(self) -> None:
        """There is nothing to end."""
