"""Knobs: what a method of a model may be asked for besides its pictures, declared with its limits.

A family declares them (``Model.knobs``), by the method that takes them; the command line and the
page offer those and no others, and refuse a value before anything is computed or allocated. Seeds
and numbers of pictures, which every model takes, have their limits here too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

# A seed passes through JSON and a browser, where whole numbers are exact up to here.
MOST_SEED = 2**53 - 1
MOST_PICTURES = 10_000  # drawn by one call
MOST_STEPS = 10_000  # of a walk from noise to picture
MOST_DRAWS = 10_000  # for the estimate of one likelihood
MOST_IMAGES = 1_000_000  # to measure on

KINDS = ("number", "whole", "choice", "truth", "class")


@dataclass(frozen=True)
class Knob:
    """One argument of a model's method, and which values it has.

    kind: "number"; "whole", a whole number; "choice", one of ``choices``; "truth", on or off; or
    "class", a class label, which the model itself checks against how many it knows. default: what
    the method does unless told; None where that depends on something else. low, high: the ends,
    both included, but for ``low`` where ``above`` is true.
    """

    name: str
    kind: str
    help: str
    default: Any = None
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    choices: tuple[str, ...] = ()

    def checked(self, value: Any, called: str = "") -> Any:
        """value itself. Raises ValueError, one sentence, where it is none of the knob's.

        called: what the sentence calls the knob; its name in quotes unless given.
        """
        called = called or f"'{self.name}'"
        if self.kind == "class":
            return value
        if self.kind == "truth":
            if not isinstance(value, bool):
                raise ValueError(f"{called} must be true or false, not {value!r}.")
            return value
        if self.kind == "choice":
            if value not in self.choices:
                raise ValueError(
                    f"{called} must be one of {', '.join(self.choices)}, not {value!r}."
                )
            return value
        types = (int,) if self.kind == "whole" else (int, float)
        known = isinstance(value, types) and not isinstance(value, bool)
        # Written so that nan, which compares false with everything, is refused too.
        if not known or not self.low <= value <= self.high or (self.above and value == self.low):
            raise ValueError(f"{called} must be {self.range}, not {value!r}.")
        return value

    @property
    def range(self) -> str:
        """The values in words: "a number from 0 to 100", "a whole number from 1 to 10,000"."""
        words = "a whole number" if self.kind == "whole" else "a number"
        low, high = (_in_words(end) for end in (self.low, self.high))
        if self.above:
            return f"{words} above {low}" + (f", at most {high}" if high else "")
        return f"{words} from {low} to {high}" if high else f"{words} from {low} on"


def _in_words(end: float) -> str:
    """ "10,000", "0.5"; "" for an end that there is not."""
    if math.isinf(end):
        return ""
    return f"{end:,}" if isinstance(end, int) else f"{end:g}"


def named(knobs: Iterable[Knob]) -> dict[str, Knob]:
    """The knobs by their names."""
    return {knob.name: knob for knob in knobs}


SEED = Knob("seed", "whole", "Which random numbers are drawn.", 0, 0, MOST_SEED)


def checked_seed(value: Any, called: str = "The seed") -> int:
    """A seed of the page or the command line as a whole number, whether it came as 7 or as 7.0.

    Raises ValueError, one sentence, where it is none or out of the range: 0 to ``MOST_SEED``.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return SEED.checked(value, called)


# Knobs that several families share. A family narrows one down by ``dataclasses.replace``.
TEMPERATURE = Knob(
    "temperature", "number", "How far samples stray from the likeliest; 1 is as trained.",
    1.0, 0, 100,
)  # fmt: skip
LABEL = Knob("label", "class", "The class asked for.")
STEPS = Knob("steps", "whole", "Steps of a sample.", None, 1, MOST_STEPS)
GUIDANCE = Knob("guidance", "number", "How far towards the class; 1 is as trained.", 1.0, 0, 20)
SAMPLES = Knob("samples", "whole", "Draws an image of an estimate.", 1, 1, MOST_DRAWS)
BINARISE = Knob(
    "binarise", "truth", "Grey pixels are first drawn 0 or 1; off for pictures that are binary.",
    True,
)  # fmt: skip
ORDER = Knob("order", "whole", "Which order of writing.", 0, 0, 0)
TRUNCATION = Knob(
    "truncation", "number", "Noise stays within plus or minus this.", math.inf, 0, above=True
)


def with_default(knob: Knob, default: Any, **limits: Any) -> Knob:
    """The knob with another default, and other limits where they are given."""
    return replace(knob, default=default, **limits)


def check_temperature(temperature: float, likeliest: str = "") -> None:
    """Raises ValueError, one sentence, where it is none.

    likeliest: what a small temperature takes, in a model that has no temperature of 0.
    """
    if not 0 <= temperature < math.inf or (likeliest and not temperature):
        raise ValueError(
            f"The temperature must be a positive number; small ones take the likeliest {likeliest}."
            if likeliest
            else "The temperature must be 0 or a positive number."
        )
