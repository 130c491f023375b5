"""The page's way to a model: arrays and plain values in, arrays out.

    ask = context.ask
    z = ask(name, "encode", pixels)                              # (N, D) float32
    for frame in ask.steps(name, "sample_steps", 16, Seed(7)):   # Frames that hold arrays
        ...
    map = ask.kept(("map", name), lambda: ...)                   # once for all who ask
    yield from ask.kept_steps(("draw", name, settings), lambda: ask.steps(...))
    ask(name, compare, pixels, Other(judge))                     # a function of two models

This is the one place that knows of devices, dtypes, tapes and generators. What is asked for is a
method's name or a function ``f(model, ...)``, and everything else a plain value, so that whatever
computes elsewhere one day (many visitors' wishes in one batch, another machine) plugs in here and
nowhere else. Where a GPU is lent for one call at a time, large ones of ``steps`` borrow it.

Two visitors who want the same thing at once compute it once: ``kept`` lets the second wait for the
first, ``kept_steps`` lets both follow the same steps.
"""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from explorer.server import zerogpu
from explorer.server.cache import Cache
from explorer.server.reading import is_whole
from explorer.server.store import Store

KEPT = 256 << 20  # bytes of results kept


class Seed(tuple):
    """Whole numbers that stand for the random generator made of them, where the model is."""

    def __new__(cls, *parts: int) -> Seed:
        return super().__new__(cls, parts)

    def __getnewargs__(self) -> tuple[int, ...]:
        return tuple(self)


class Other(str):
    """The name of a further model among the values, in whose place the function gets the model."""


class Ask:
    """Asks the models of a store. limit: bytes of results kept."""

    def __init__(self, store: Store, limit: int = KEPT) -> None:
        self.store = store
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
        model = self._model(name)
        values, named = _given(model, values, self._model), _given(model, named, self._model)
        with _grad_mode(tape):
            return as_arrays(_method(model, verb)(*values, **named))

    def steps(self, name: str, verb: str | Callable, *values: Any, tape: bool = False,
              **named: Any) -> Iterator[Any]:  # fmt: skip
        """Yields what the model's method yields, as ``__call__`` answers.

        Large work is done on a lent GPU where there is one, if ``verb`` is a method's name: what
        goes there are plain values.
        """
        header = self.store.header(name)
        work = work_of(header, values, named)
        if isinstance(verb, str) and zerogpu.worth_a_gpu(work):
            yield from _on_lent_gpu(work, str(header.folder), verb, values, named, tape)
        else:
            model = self._model(name)
            values, named = _given(model, values, self._model), _given(model, named, self._model)
            yield from _steps_of(model, verb, values, named, tape)

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

    def forget(self, name: str) -> None:
        """Lets go of all that was kept of a model."""
        self.cache.forget(name)

    def _model(self, name: str) -> Any:
        return self.store.get(name)


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
def _on_lent_gpu(
    work: zerogpu.Work, folder: str, verb: str, values: tuple, named: dict[str, Any], tape: bool
) -> Iterator[Any]:
    from models.checkpoints import weights

    model = weights.load(folder, device="cuda")
    yield from _steps_of(model, verb, _given(model, values), _given(model, named), tape)


def _steps_of(
    model: Any, verb: str | Callable, values: tuple, named: dict[str, Any], tape: bool
) -> Iterator[Any]:
    with _grad_mode(tape):
        steps = iter(_method(model, verb)(*values, **named))
    try:
        while True:
            # The mode holds while the model works, never while the page does.
            with _grad_mode(tape):
                try:
                    step = as_arrays(next(steps))
                except StopIteration:
                    return
            yield step
    finally:
        if hasattr(steps, "close"):
            steps.close()


def _method(model: Any, verb: str | Callable) -> Callable:
    return getattr(model, verb) if isinstance(verb, str) else lambda *a, **b: verb(model, *a, **b)


@contextmanager
def _grad_mode(tape: bool) -> Iterator[None]:
    import torch

    with torch.set_grad_enabled(tape):
        yield


def _given(model: Any, value: Any, others: Callable[[str], Any] | None = None) -> Any:
    """A value of the page as a model takes it. others: gives further models by name."""
    import torch

    from models.contract.random import generator

    if isinstance(value, Seed):
        return generator(*value)
    if isinstance(value, Other):
        return others(value)
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value)
        tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
        if tensor.is_floating_point():
            return tensor.to(model.device, next(model.parameters()).dtype)
        return tensor.to(model.device)
    if isinstance(value, dict):
        return {key: _given(model, each, others) for key, each in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value
    if isinstance(value, (list, tuple)):
        return type(value)(_given(model, each, others) for each in value)
    return value


def as_arrays(value: Any) -> Any:
    """The value with its tensors as arrays; floating-point ones as float32 unless float64."""
    import torch

    if isinstance(value, torch.Tensor):
        value = value.detach()
        if value.dtype in (torch.bfloat16, torch.float16):
            value = value.float()
        return value.cpu().numpy()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: as_arrays(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    if isinstance(value, dict):
        return {key: as_arrays(each) for key, each in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(as_arrays, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(as_arrays, value))
    return value
