"""What short runs with tricks switched on one at a time were worth, by a header's metrics.

``fd.trick_3-0`` is the Fréchet distance of the run of seed 0 that has tricks 0 to 3; its note is
the title of trick 3. ``models.evaluation.tricks`` measures them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TRICK = ".trick_"  # stands before the trick's number and the run's seed in a metric's name


@dataclass(frozen=True)
class Row:
    """One trick, with those before it. runs: of each seed the metrics by name."""

    number: int
    title: str
    runs: tuple[dict[str, Any], ...]

    def mean(self, name: str) -> float:
        """Of all seeds, of the metric of that name."""
        return sum(run[name]["value"] for run in self.runs) / len(self.runs)


def rows(metrics: dict[str, Any]) -> list[Row]:
    """The tricks in their order; [] where none was measured."""
    found: dict[int, dict[int, dict[str, Any]]] = {}
    for key, entry in metrics.items():
        name, between, which = key.partition(TRICK)
        if between:
            number, _, seed = which.partition("-")
            found.setdefault(int(number), {}).setdefault(int(seed), {})[name] = entry
    return [
        Row(
            number,
            next(iter(runs[min(runs)].values()))["note"],
            tuple(runs[k] for k in sorted(runs)),
        )
        for number, runs in sorted(found.items())
    ]


def is_trick(name: str) -> bool:
    """Whether a metric's name is one that ``rows`` can read."""
    number, _, seed = name.partition(TRICK)[2].partition("-")
    return number.isascii() and number.isdigit() and seed.isascii() and seed.isdigit()
