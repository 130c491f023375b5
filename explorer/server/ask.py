"""The page's way to a model: arrays and plain values in, arrays out.

    ask = context.ask
    z = ask(name, "encode", pixels)                              # (N, D) float32
    for frame in ask.steps(name, "sample_steps", 16, Seed(7)):   # Frames that hold arrays
        ...
    map = ask.kept(("map", name), lambda: ...)                   # once for all who ask
    yield from ask.kept_steps(("draw", name, settings), lambda: ask.steps(...))
    ask(name, compare, pixels, Other(judge))                     # a function of two models

What is asked for is a method's name or a function ``f(model, ...)``, and everything else a plain
value: an engine (``explorer.server.engines``) knows of devices, dtypes, tapes and generators, and
computes here or elsewhere. Where a GPU is lent for one call at a time, large ones of ``steps``
borrow it.

Two visitors who want the same thing at once compute it once: ``kept`` lets the second wait for the
first, ``kept_steps`` lets both follow the same steps.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from explorer.server import zerogpu
from explorer.server.cache import Cache
from explorer.server.engines.asked import Asked, Engine, Other, Seed, answers, as_arrays, others
from explorer.server.engines.local import Local
from explorer.server.reading import is_whole
from explorer.server.store import Store

__all__ = ["Ask", "Other", "Seed", "as_arrays", "work_of"]

KEPT = 256 << 20  # bytes of results kept


class Ask:
    """Asks the models of a store. engine: where they compute; in this process unless given.
    limit: bytes of results kept."""

    def __init__(self, store: Store, limit: int = KEPT, engine: Engine | None = None) -> None:
        self.store = store
        self.engine = engine or Local(store)
        self.cache = Cache(limit)
        self._lock = threading.Lock()
        self._running: dict[Any, _Shared] = {}

    def __call__(self, name: str, verb: str | Callable, *values: Any, tape: bool = False,
                 **named: Any) -> Any:  # fmt: skip
        """What the model's method ``verb``, or ``verb(model, ...)``, answers.

        Arrays become tensors where the model is (floats in its precision), ``Seed`` a generator,
        ``Other`` a model; tensors in the answer become arrays. tape: gradients by the input are
        asked for.
        """
        return self.engine.call(self._asked(name, verb, values, named, tape))

    def steps(self, name: str, verb: str | Callable, *values: Any, tape: bool = False,
              **named: Any) -> Iterator[Any]:  # fmt: skip
        """Yields what the model's method yields, as ``__call__`` answers.

        Large work is done on a lent GPU where there is one, if ``verb`` is a method's name: what
        goes there are plain values.
        """
        asked = self._asked(name, verb, values, named, tape)
        if isinstance(verb, str) and zerogpu.worth_a_gpu(asked.work):
            yield from _on_lent_gpu(asked.work, asked.folders[name], asked)
        else:
            yield from self.engine.steps(asked)

    def kept(self, key: Any, compute: Callable[[], Any]) -> Any:
        """The value of ``compute()``, kept under the key; computed once for all who ask at once.

        None is a value too. Where computing fails, whoever waited tries for himself.
        """
        missing = object()
        if (found := self.cache.get(key, missing)) is not missing:
            return found
        with self._shared(key, lambda: iter(())) as shared, shared.lock:
            if (found := self.cache.get(key, missing)) is not missing:
                return found
            return self.cache.put(key, compute())

    def kept_steps(self, key: Any, begin: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        """Yields the steps of ``begin()``, shared by all who ask for them at once; the last one
        that is not None is kept, and is all that whoever asks later gets.

        Whoever comes late begins with the newest step. The steps go on as long as one reader does.
        """
        if (found := self.cache.get(key)) is not None:
            yield found
            return
        with self._shared(key, begin) as shared:
            yield from shared.read()
            if shared.last is not None:
                self.cache.put(key, shared.last)

    @contextmanager
    def _shared(self, key: Any, begin: Callable[[], Iterator[Any]]) -> Iterator[_Shared]:
        with self._lock:
            shared = self._running.get(key)
            if shared is None or shared.failed:
                shared = self._running[key] = _Shared(begin)
            shared.readers += 1
        try:
            yield shared
        finally:
            with self._lock:
                shared.readers -= 1
                if not shared.readers:
                    if self._running.get(key) is shared:
                        del self._running[key]
                    shared.close()

    def forget(self, name: str, folder: str | None = None) -> None:
        """Lets go of all that was kept of a model, and of the model in its folder."""
        self.cache.forget(name)
        if folder is not None:
            self.engine.forget(folder)

    def _asked(self, name: str, verb: str | Callable, values: tuple, named: dict[str, Any],
               tape: bool) -> Asked:  # fmt: skip
        header = self.store.header(name)
        names = (name, *others(values), *others(named))
        folders = {each: str(self.store.header(each).folder) for each in names}
        work = work_of(header, values, named)
        return Asked(name, verb, values, named, tape, folders, work)


class _Shared:
    """Steps that several readers follow: whoever needs the next one first computes it."""

    def __init__(self, begin: Callable[[], Iterator[Any]]) -> None:
        self._begin = begin
        self._steps: Iterator[Any] | None = None
        self._error: BaseException | None = None
        self._count = 0
        self._done = False
        self.newest: Any = None
        self.last: Any = None
        self.lock = threading.Lock()
        self.readers = 0

    @property
    def failed(self) -> bool:
        return self._error is not None

    def read(self) -> Iterator[Any]:
        seen = 0
        while True:
            with self.lock:
                if self._count == seen and not self._done:
                    self._advance()
                if self._error is not None:
                    raise self._error
                if self._count == seen:
                    return
                seen, step = self._count, self.newest
            yield step

    def _advance(self) -> None:
        try:
            if self._steps is None:
                self._steps = self._begin()
            self.newest = next(self._steps)
            self._count += 1
            if self.newest is not None:
                self.last = self.newest
        except StopIteration:
            self._done = True
        except Exception as error:
            self._error, self._done = error, True

    def close(self) -> None:
        if hasattr(self._steps, "close"):
            self._steps.close()


def work_of(header: Any, values: tuple, named: dict[str, Any]) -> zerogpu.Work:
    """How much a call asks of a model: pictures are counted by the first number or array given."""
    pictures = 1
    for value in values:
        if isinstance(value, np.ndarray) or is_whole(value):
            pictures = len(np.atleast_1d(value)) if isinstance(value, np.ndarray) else int(value)
            break
    if "WritesPixels" in header.capabilities:
        return zerogpu.Work(header.parameters, pictures, math.prod(header.config["image"]))
    steps = named.get("steps") or header.config.get("steps") or 1
    return zerogpu.Work(header.parameters, pictures, int(steps) if is_whole(steps) else 1)


@zerogpu.borrows_gpu
def _on_lent_gpu(work: zerogpu.Work, folder: str, asked: Asked) -> Iterator[Any]:
    from models.checkpoints import weights

    model = weights.load(folder, device="cuda")
    yield from answers(asked, lambda name: model)
