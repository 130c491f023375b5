"""What a person may ask a model for, and what the controls say: plain values, read with care."""

from __future__ import annotations

import math
from typing import Any

from models.contract.knobs import MOST_SEED

ANY = -1  # no particular class


class NotYet(ValueError):
    """What there is to be done first: a prompt, for nothing went wrong."""


def is_number(value: Any) -> bool:
    """A finite number, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(value: Any) -> bool:
    """A finite whole number, whether it came as 7 or as 7.0."""
    return is_number(value) and value == int(value)


def next_seed(seed: Any) -> int:
    """The seed after this one, even after nonsense."""
    return int(seed) + 1 if is_whole(seed) and 0 <= seed < MOST_SEED else 0


def class_choices(classes: list[str], none: str) -> list[tuple[str, int]]:
    """Choices of a class dropdown. none: what it is called to ask for no particular one (-1)."""
    return [(none, -1), *((text, k) for k, text in enumerate(classes))]
