"""Which checkpoints are judges: classifiers that others' pictures are read by."""

from __future__ import annotations

from models.checkpoints.header import Header

SECOND = ".second"  # ends the names of what a second judge measured


def is_judge(header: Header) -> bool:
    """Whether it is a classifier that pictures are judged by, unless for a second opinion."""
    return "Classifies" in header.capabilities and not is_second(header)


def is_second(header: Header) -> bool:
    """Whether it is a second judge: a classifier of another kind, which has no part in choosing
    anything. Measures are repeated by it; nobody is offered it."""
    return "Classifies" in header.capabilities and bool(header.recipe.get("second"))
