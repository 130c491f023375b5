"""Values of a picture that a person set, one by one, as a text that an address can carry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

MOST_CHANGES = 12


class Change(NamedTuple):
    """A value that a person set: ``level`` at ``place``."""

    place: int
    level: int


def read_changes(text: Any, name: str, places: int, levels: int) -> tuple[Change, ...]:
    """The changes that a text "NAME:place.level-place.level" tells of; none for another model's.

    Raises ValueError, one sentence, where the text is none.
    """
    if not text:
        return ()
    whose, _, told = str(text).rpartition(":")
    if whose != name:
        return ()
    if not re.fullmatch(r"\d{1,7}\.\d{1,3}(-\d{1,7}\.\d{1,3})*", told, re.ASCII):
        raise ValueError("The change came garbled; choose the place again.")
    changes = [Change(*map(int, pair.split("."))) for pair in told.split("-")]
    if any(c.place >= places or c.level >= levels for c in changes):
        raise ValueError("The change is of a value that this picture does not have.")
    if len(changes) > MOST_CHANGES:
        raise ValueError(
            f"{MOST_CHANGES} values are changed already; go back to what it wrote first."
        )
    return tuple(changes)


def write_changes(name: str, changes: Sequence[Change]) -> str:
    """The text of changes, "" for none."""
    told = "-".join(f"{c.place}.{c.level}" for c in changes)
    return f"{name}:{told}" if told else ""


def changes_text(text: str) -> str:
    """The parser of changes in addresses. Raises ValueError where they cannot be some."""
    if len(text) > 400 or not re.fullmatch(r"[\w.-]+:[\d.-]+", text, re.ASCII):
        raise ValueError("This is no change.")
    return text
