"""What a model can be asked for, told from its header or its methods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from explorer.server.reading import is_whole
from models.contract.abilities import FEW_STEPS


def meets(capabilities: Iterable[str], need: str) -> bool:
    """Whether one of these is what is needed: a name, or several between bars of which one will
    do ("HasEnergy|HasLikelihood")."""
    return not set(need.split("|")).isdisjoint(capabilities)


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
    """Whether the model's method has a knob of this name."""
    return model.takes(knob, method)


MOST_STEPS = 200

NO_TRUNCATION = 4.0  # so far out that it says: as it is


def truncates(header: Any) -> bool:
    """Whether the model's codes can be kept near what is typical, in place of a temperature."""
    return "Truncates" in header.capabilities


def walks(header: Any) -> bool:
    """Whether the model goes from noise to picture in steps that one may count out to it."""
    return "Denoises" in header.capabilities


def takes_its_time(header: Any) -> bool:
    """Whether a draw has moments between which it can be stopped."""
    return walks(header) or "WritesPixels" in header.capabilities


def few_steps(header: Any) -> bool:
    """Whether the model needs only a few such steps, and takes no more; it cannot be guided."""
    return "TakesFewSteps" in header.capabilities


def most_steps(header: Any) -> int:
    """The steps that such a model can be asked for at most."""
    return FEW_STEPS if few_steps(header) else MOST_STEPS


def guides(header: Any) -> bool:
    """Whether such a model can be pushed towards a class: it was also trained without one."""
    both = header.config.get("drop_label", 1) > 0
    return walks(header) and bool(classes_of(header)) and both and not few_steps(header)


def student_of(header: Any, headers: Iterable[Any]) -> Any:
    """Which of these learned from that model to need only a few steps; None where none did."""
    of = (h for h in headers if few_steps(h) and h.config.get("teacher") == header.name)
    return next(of, None)


def own_steps(header: Any) -> int:
    """The steps such a model takes unless it is told otherwise, as far as the slider goes."""
    return min(MOST_STEPS, int(header.config.get("steps") or 20))
