"""Bars that say how far a long command is, on a terminal's stderr: ``--json`` has stdout to itself.

None is shown where nobody looks, or where the command is done before one would be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

    from models.contract.model import Frame

DELAY = 0.5  # seconds that a command takes before it has a bar


def bar(what: str, total: float | None = None, unit: str = "it", **options: Any) -> tqdm:
    """A bar, to be used in a ``with``. Of several processes the first has one."""
    from tqdm import tqdm

    from models.machine.processes import here

    return tqdm(
        desc=what, total=total, unit=unit, leave=False, dynamic_ncols=True, delay=DELAY,
        disable=None if here().main else True, **options,
    )  # fmt: skip


def each(items: Iterable[Any], what: str, unit: str) -> Iterator[Any]:
    """The items, with a bar that counts them."""
    items = list(items)
    with bar(what, len(items), unit) as shown:
        for item in items:
            yield item
            shown.update()


def frames(steps: Iterable[Frame], what: str) -> Iterator[Frame]:
    """The frames of a generation, with a bar of how many there will be."""
    with bar(what, unit="step") as shown:
        for frame in steps:
            shown.total = frame.total
            shown.update(frame.step - shown.n)
            yield frame
