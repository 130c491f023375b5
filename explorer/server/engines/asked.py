"""What is asked of a model, in plain values that can travel, and what an engine is."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np

from explorer.server.zerogpu import Work


class Seed(tuple):
    """Whole numbers that stand for the random generator made of them, where the model is."""

    def __new__(cls, *parts: int) -> Seed:
        return super().__new__(cls, parts)

    def __getnewargs__(self) -> tuple[int, ...]:
        return tuple(self)


class Other(str):
    """The name of a further model among the values, in whose place the function gets the model."""


class Asked(NamedTuple):
    """One thing that is asked of a model.

    verb: a method's name, or a function ``f(model, ...)``; one that is to travel is a module's own.
    tape: gradients by the input are asked for. folders: those of the model and of each ``Other``
    by name, for an engine that has no store of the page's. work: how much it is, by estimate.
    """

    name: str
    verb: str | Callable[..., Any]
    values: tuple = ()
    named: Mapping[str, Any] = {}
    tape: bool = False
    folders: Mapping[str, str] = {}
    work: Work = Work(0)


class Engine(Protocol):
    """What computes: arrays in, arrays out. Both raise what the model's code raises."""

    def call(self, asked: Asked) -> Any:
        """What the model answers, its tensors as arrays."""
        ...

    def steps(self, asked: Asked) -> Iterator[Any]:
        """Yields what the model yields, each as ``call`` answers; computes nothing ahead."""
        ...

    def forget(self, folder: str) -> None:
        """Lets go of the model in a folder: its visitor has gone."""
        ...

    def warm_up(self) -> None:
        """Gets ready for long work; returns at once."""
        ...

    def close(self) -> None:
        """Ends what it has started."""
        ...


def others(value: Any) -> Iterator[str]:
    """The names of further models among values."""
    if isinstance(value, Other):
        yield str(value)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from others(each)
    elif isinstance(value, (list, tuple)) and not isinstance(value, Seed):
        for each in value:
            yield from others(each)


def travels(asked: Asked) -> bool:
    """Whether another process can be asked: a function within a function is known here alone."""
    verb = asked.verb
    return isinstance(verb, str) or "<" not in verb.__qualname__


def digest(asked: Asked) -> str:
    """What stands for all that is asked, the same for the same; "" where a value is of a kind whose
    contents are not known here."""
    told = hashlib.sha256()
    try:
        for each in (asked.name, asked.verb, asked.values, asked.named, asked.tape, asked.folders):
            _tell(told, each)
    except TypeError:
        return ""
    return told.hexdigest()


def _tell(told: Any, value: Any) -> None:
    kind = type(value)
    told.update(f"{kind.__module__}.{kind.__qualname__}(".encode())
    if isinstance(value, np.ndarray) and value.dtype != object:
        told.update(f"{value.dtype.str}{value.shape}".encode() + value.tobytes())
    elif isinstance(value, Mapping):
        for key, each in value.items():
            _tell(told, key)
            _tell(told, each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _tell(told, each)
    elif isinstance(value, (str, bytes, bool, int, float, type(None))):
        told.update(repr(value).encode())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        _tell(told, {f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    elif callable(value) and "<" not in getattr(value, "__qualname__", "<"):
        told.update(f"{value.__module__}.{value.__qualname__}".encode())
    else:
        raise TypeError(f"a {kind.__name__} is not looked into")
    told.update(b")")


def answered(asked: Asked, model_of: Callable[[str], Any]) -> Any:
    """What is asked, computed here. model_of: gives models by name."""
    model = model_of(asked.name)
    values, named = given(model, asked.values, model_of), given(model, asked.named, model_of)
    with grad_mode(asked.tape):
        return as_arrays(method(model, asked.verb)(*values, **named))


def answers(asked: Asked, model_of: Callable[[str], Any]) -> Iterator[Any]:
    """``answered`` of what yields steps."""
    model = model_of(asked.name)
    values, named = given(model, asked.values, model_of), given(model, asked.named, model_of)
    with grad_mode(asked.tape):
        steps = iter(method(model, asked.verb)(*values, **named))
    try:
        while True:
            # The mode holds while the model works, never while the page does.
            with grad_mode(asked.tape):
                try:
                    step = as_arrays(next(steps))
                except StopIteration:
                    return
            yield step
    finally:
        if hasattr(steps, "close"):
            steps.close()


def method(model: Any, verb: str | Callable) -> Callable:
    """What a verb calls."""
    return getattr(model, verb) if isinstance(verb, str) else lambda *a, **b: verb(model, *a, **b)


@contextmanager
def grad_mode(tape: bool) -> Iterator[None]:
    """Gradients are recorded within, or not."""
    import torch

    with torch.set_grad_enabled(tape):
        yield


def given(model: Any, value: Any, model_of: Callable[[str], Any] | None = None) -> Any:
    """A value of the page as a model takes it. model_of: gives further models by name."""
    import torch

    from models.contract.random import generator

    if isinstance(value, Seed):
        return generator(*value)
    if isinstance(value, Other):
        return model_of(value)
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value)
        tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
        if tensor.is_floating_point():
            return tensor.to(model.device, next(model.parameters()).dtype)
        return tensor.to(model.device)
    if isinstance(value, dict):
        return {key: given(model, each, model_of) for key, each in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value
    if isinstance(value, (list, tuple)):
        return type(value)(given(model, each, model_of) for each in value)
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
