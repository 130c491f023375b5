"""Lessons: tours of a person's own, which come as text, by a link or from a file.

The server reads a lesson and keeps nothing of it. It is a tour of another's making, so it may do
less than a lecture of ours: it shows states and asks, and presses no buttons.
"""

from __future__ import annotations

import tomllib
from typing import Any

from explorer.components.lesson.lesson import lesson
from explorer.page.context import Context
from explorer.tours import library, records

LARGEST = 20_000  # characters
# What else may be hidden or locked: the picker, the row of tabs, the row of a tab's parts.
PLACES = ("model", "tab", "part")


def install(context: Context) -> None:
    """Adds lessons to the page. Called when all tabs are there."""
    controls = named_controls(context)
    known = {control["key"] for control in controls}.union(PLACES)

    def read(text: Any) -> dict[str, Any]:
        try:
            record = read_lesson(text, known)
        except ValueError as error:
            return {"problem": str(error)}
        return {
            "record": library.prepared(record, context.store),
            "lesson": tomllib.loads(text),
        }

    lesson(read, controls)


def named_controls(context: Context) -> list[dict[str, str]]:
    """The controls that a person sees and the address keeps: key, the element's id, label.

    Those without an id get one of their key."""
    told = []
    for key, component, _ in context.remembered:
        if not (label := getattr(component, "label", None)):
            continue
        component.elem_id = component.elem_id or f"at-{key.replace('.', '-')}"
        told.append({"key": key, "id": component.elem_id, "label": str(label)})
    return told


def read_lesson(text: Any, known: set[str]) -> dict[str, Any]:
    """The record of a lesson. known: keys of controls that may be hidden or locked. Raises
    ValueError with a sentence."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError("This lesson is empty.")
    if len(text) > LARGEST:
        raise ValueError(f"A lesson may have {LARGEST} characters.")
    try:
        record = records.read(text)
    except RecursionError:
        raise ValueError("This is no lesson: its lists lie too deep in each other.") from None
    for k, station in enumerate(record["stations"], 1):
        if station["press"]:
            raise ValueError(f"Station {k}: a lesson presses no buttons; use 'until' and 'then'.")
        for what in ("hide", "lock"):
            if unknown := [key for key in station[what] if key not in known]:
                raise ValueError(
                    f"Station {k}: '{what}' names '{unknown[0]}', which no control is."
                )
    return record
