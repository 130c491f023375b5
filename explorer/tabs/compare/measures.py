"""What was measured of models, as axes: one for each quantity in each space.

Numbers of different spaces, or whose expectation depends on a number of samples that differs, are
different quantities here, so that no axis and no column of a group holds two of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from explorer.page.context import Context
from explorer.server.reading import is_number
from explorer.server.words import data_title

PACE = "pace"
PICTURES = 4  # drawn at once to measure a model's speed


class Quantity(NamedTuple):
    """Something measured. better: "lower", "higher" or "" where neither is. by_samples: whether
    what is expected depends on how many samples were measured."""

    title: str
    unit: str
    better: str
    by_samples: bool = False


QUANTITIES = {
    "nll_nats": Quantity("−log p(x)", "nats", "lower"),
    "nll_given": Quantity("−log p(x given its class)", "nats", "lower"),
    "bpd": Quantity("Bits per dimension", "bits", "lower"),
    "fd_over_floor": Quantity("Fréchet distance over its floor", "", "lower", True),
    "fd": Quantity("Fréchet distance", "", "lower", True),
    "kid": Quantity("Kernel distance", "", "lower"),  # unbiased, whatever the number of samples
    "precision": Quantity("Precision", "share of samples that look real", "higher", True),
    "recall": Quantity("Recall", "share of real pictures reached", "higher", True),
    "density": Quantity("Density", "", "higher", True),
    "coverage": Quantity("Coverage", "share of real pictures near a sample", "higher", True),
    "label_accuracy": Quantity("Class as asked", "share, by the judge", "higher"),
    "cas": Quantity("Classification accuracy score", "share", "higher"),
    "knn_accuracy": Quantity("5-NN accuracy in the map", "share", "higher"),
    PACE: Quantity("Time per picture, on this machine", "ms", "lower"),
    "parameters": Quantity("Parameters", "", ""),
    "minutes": Quantity("Training", "minutes", "lower"),
}
SPACES = {"binary": "black and white", "uint8": "256 grey levels"}


class Measured(NamedTuple):
    """A number. kind: of a likelihood, "exact", "lower bound" or "estimate", else ""."""

    value: float
    stderr: float | None = None
    kind: str = ""
    n: int | None = None
    note: str = ""


class Axis(NamedTuple):
    """A quantity in one space. key: names it in links. space: in words, "" where there is none."""

    key: str
    quantity: Quantity
    space: str

    @property
    def words(self) -> str:
        """ "−log p(x), nats, black and white"."""
        parts = (self.quantity.title, self.quantity.unit, self.space)
        return ", ".join(part for part in parts if part)


Table = dict[Axis, dict[str, Measured]]


def table_of(context: Context, names: Sequence[str]) -> Table:
    """All that is known of these models: by axis, in the order of ``QUANTITIES``, by name."""
    found: Table = {}
    for name in names:
        for axis, measured in facts_of(context, name).items():
            found.setdefault(axis, {})[name] = measured
    order = list(QUANTITIES)
    return {
        axis: found[axis]
        for axis in sorted(found, key=lambda a: (order.index(_base(a.key)), -len(found[a]), a.key))
    }


def facts_of(context: Context, name: str) -> dict[Axis, Measured]:
    """What is known of one model."""
    header = context.store.header(name)
    found: dict[Axis, Measured] = {}
    for key in QUANTITIES:
        metric = header.metrics.get(key)
        if isinstance(metric, dict) and is_number(metric.get("value")):
            found |= _measured(key, metric)
    # Of a model that is told the class, p(x) is the mean over the classes.
    over_classes = header.metrics.get("nll_nats.any_class")
    if isinstance(over_classes, dict) and is_number(over_classes.get("value")):
        found |= _measured("nll_nats", {**over_classes, "note": "mean over the classes"})
    found[axis_of("parameters")] = Measured(float(header.parameters))
    minutes, hardware = header.training.get("minutes"), str(header.training.get("hardware") or "")
    if is_number(minutes) and minutes > 0:
        found[axis_of("minutes", plain_hardware(hardware))] = Measured(float(minutes))
    seconds = context.ask.cache.get(("compare-pace", name))
    if seconds is not None:
        found[axis_of(PACE)] = Measured(1000 * seconds)
    return found


def _measured(key: str, metric: dict[str, Any]) -> dict[Axis, Measured]:
    note, n = str(metric.get("note") or ""), metric.get("n")
    if key == "nll_nats" and note.startswith("given"):
        key = "nll_given"
    space = spoken(str(metric.get("space") or ""))
    if QUANTITIES[key].by_samples and n:
        space = f"{space}, {n:,} samples".removeprefix(", ")
    measured = Measured(
        float(metric["value"]), metric.get("stderr"), str(metric.get("kind") or ""), n, note
    )
    return {axis_of(key, space): measured}


def axis_of(key: str, space: str = "") -> Axis:
    slug = "".join(c if c.isalnum() else "-" for c in space.lower())
    return Axis(f"{key}.{slug}" if slug else key, QUANTITIES[key], space)


def _base(key: str) -> str:
    return key.partition(".")[0]


def spoken(space: str) -> str:
    """A space in words: "black and white", "judge of MNIST at 2 levels"."""
    if space.startswith("judge of "):
        data, at, rest = space.removeprefix("judge of ").partition(" at ")
        return f"judge of {data_title(data)}{at}{rest}"
    return SPACES.get(space, space)


def plain_hardware(hardware: str) -> str:
    """What a model was trained on, in few words: minutes on one compare with no other's."""
    if "CPU" in hardware:
        threads = hardware.partition(" ")[0]
        return (
            f"{threads} CPU thread{'' if threads == '1' else 's'}" if threads.isdigit() else "CPU"
        )
    return hardware or "unknown hardware"


def named(table: Table, key: Any) -> Axis | None:
    return next((axis for axis in table if axis.key == key), None)


def offered(table: Table) -> list[Axis]:
    """The axes on which there is something to compare; all where no two models share one."""
    return [axis for axis, found in table.items() if len(found) > 1] or list(table)


def usual(table: Table) -> tuple[Axis, Axis]:
    """The axes to begin with: a likelihood and a quality that most models share; else parameters
    and what most have."""
    known = offered(table)
    likelihoods = [axis for axis in known if _base(axis.key) == "nll_nats"]
    qualities = [axis for axis in known if _base(axis.key) == "fd_over_floor"]
    pairs = [(x, y) for x in likelihoods for y in qualities if table[x].keys() & table[y].keys()]
    if pairs:
        return max(pairs, key=lambda pair: len(table[pair[0]].keys() & table[pair[1]].keys()))
    size = axis_of("parameters")
    others = [axis for axis in known if axis != size]
    return size, max(others, key=lambda axis: len(table[axis]), default=size)


def as_text(measured: Measured, axis: Axis) -> str:
    """A number with its error: "81.2 ± 0.2"."""
    value, error = measured.value, measured.stderr
    if _base(axis.key) == "parameters":
        return f"{value:,.0f}"
    digits = 1 if value >= 20 else 2 if value >= 1 else 3
    text = f"{value:,.{digits}f}"
    return f"{text} ± {error:.{digits}f}" if is_number(error) and error else text
