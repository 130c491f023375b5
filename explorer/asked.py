"""What a person may ask a model for, and what the controls say: plain values, read with care."""

from __future__ import annotations

import inspect
import math
from typing import Any

ANY = -1  # no particular class


def is_number(value: Any) -> bool:
    """A finite number, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(value: Any) -> bool:
    """A finite whole number, whether it came as 7 or as 7.0."""
    return is_number(value) and value == int(value)


def next_seed(seed: Any) -> int:
    """The seed after this one, even after nonsense."""
    return int(seed) + 1 if is_whole(seed) and 0 <= seed < 2**53 - 1 else 0


def read_label(header: Any, label: Any) -> int | None:
    """The class asked for; None where the model has no such class."""
    known = is_whole(label) and 0 <= label < len(classes_of(header))
    return int(label) if known else None


def classes_of(header: Any) -> list[str]:
    """Names of the classes one can ask the model for; none where it takes no class."""
    able = "Conditional" in header.capabilities
    count = max(0, header.config.get("num_classes", 0)) if able else 0
    names = list(header.data.get("classes") or [])
    return names if len(names) == count else [str(k) for k in range(count)]


def takes(model: Any, knob: str, method: str = "sample_steps") -> bool:
    """Whether the model's method has a parameter of this name."""
    called = getattr(model, method, None)
    return called is not None and knob in inspect.signature(called).parameters


def class_choices(classes: list[str], none: str) -> list[tuple[str, int]]:
    """Choices of a class dropdown. none: what it is called to ask for no particular one (-1)."""
    return [(none, -1), *((text, k) for k, text in enumerate(classes))]
