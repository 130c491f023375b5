"""Settings that know their own help and limits, and configs made of plain values."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from dataclasses import field
from typing import Any

from models.contract.knobs import MOST_SEED


def setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] | None = None,
    live: bool = False,
) -> Any:
    """A dataclass field that knows its own help text and limits: the page builds controls of it.

    live: whether it may change during a run, as no weight's shape depends on it.
    """
    metadata = {
        "help": help, "low": low, "high": high, "choices": tuple(choices or ()), "live": live,
    }  # fmt: skip
    return field(default=default, metadata=metadata)


def build_config(cls: type, values: dict[str, Any]) -> Any:
    """A config of class ``cls`` from plain values (TOML, JSON, a form).

    Raises ValueError with one sentence where a key is unknown, a value has another type than its
    field's, or lies outside the limits that the field states.
    """
    fields = {f.name: f for f in dataclasses.fields(cls)}
    hints = typing.get_type_hints(cls)
    checked = {}
    for key, value in values.items():
        if key not in fields:
            raise ValueError(f"Unknown setting '{key}'. Known settings: {', '.join(fields)}.")
        checked[key] = _checked(key, value, hints[key], fields[key].metadata)
    return cls(**checked)


def tuned(config: Any, values: dict[str, Any]) -> Any:
    """A config with some settings changed between two steps of a run. Raises ValueError, one
    sentence, where one of them is not of those that may change (``live``), or has no such value."""
    known = {f.name: f.metadata.get("live") for f in dataclasses.fields(config)}
    for key in values:
        if not known.get(key):
            raise ValueError(f"'{key}' cannot be changed during a run.")
    checked = vars(build_config(type(config), values))
    return dataclasses.replace(config, **{key: checked[key] for key in values})


def _checked(key: str, value: Any, hint: Any, limits: Any) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if not isinstance(value, (list, tuple)) or not all(type(v) is inner for v in value):
            raise ValueError(f"'{key}' must be a list of {inner.__name__}, not {value!r}.")
        return tuple(value)
    if type(value) is not hint:
        raise ValueError(f"'{key}' must be {_a(hint.__name__)}, not {value!r}.")
    if limits.get("choices") and value not in limits["choices"]:
        raise ValueError(f"'{key}' must be one of {', '.join(limits['choices'])}, not {value!r}.")
    low, high = limits.get("low"), limits.get("high")
    if high is None and hint is int:  # beyond it numbers are exact neither in JSON nor in a tensor
        high = MOST_SEED
    # Written so that nan, which compares false with everything, is refused too.
    if low is not None and not value >= low:
        raise ValueError(f"'{key}' must be at least {low:g}, not {value!r}.")
    if high is not None and not value <= high:
        raise ValueError(f"'{key}' must be at most {_number(high)}, not {value!r}.")
    return value


def _number(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else f"{value:,}"


def _a(type_name: str) -> str:
    words = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}
    return words.get(type_name, type_name)
