"""Hugging Face's ZeroGPU: a GPU that is lent for one call at a time. Elsewhere this does nothing.

On such a machine the page itself computes on the CPU, which is enough for small models and costs
no one's quota; only work that is large borrows the GPU (``explorer.server.ask`` decides).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

# Parameters times pictures above which borrowing a GPU takes less time than the CPU would.
LARGE = 5e9
# A GPU is lent for a time that is said beforehand: to fetch the weights, and then for so many
# parameters times pictures a second, taken low, as work is ended where the time is up.
FETCHING, PACE, LONGEST = 15, 1e10, 120


class Work(NamedTuple):
    """What a call asks of a model: its parameters, pictures, and evaluations a picture."""

    parameters: int
    pictures: int = 1
    evaluations: int = 1

    @property
    def seconds(self) -> int:
        """How long a GPU is to be lent for it."""
        each = self.parameters * self.pictures / PACE
        return round(min(LONGEST, FETCHING + self.evaluations * each))


def present() -> bool:
    """Whether this is a ZeroGPU machine."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true")


def worth_a_gpu(work: Work) -> bool:
    """Whether work of this size is to borrow a GPU here."""
    return present() and work.parameters * work.pictures > LARGE


def borrows_gpu(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a function or generator of a ``Work`` and more, which may use a lent GPU for as
    long as the work takes: ``spaces.GPU`` where there is one.

    Such a function runs in a process of its own there: plain values and arrays in and out.
    """
    try:
        import spaces
    except ImportError:
        return fn
    return spaces.GPU(duration=lambda work, *_: work.seconds)(fn)
