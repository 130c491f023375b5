"""Hugging Face's ZeroGPU: a GPU that is lent for one call at a time. Elsewhere this does nothing.

On such a machine the page itself computes on the CPU, which is enough for small models and costs
no one's quota; only work that ``worth_a_gpu`` says is large borrows the GPU.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

# Parameters times pictures above which borrowing a GPU takes less time than the CPU would.
LARGE = 5e9


def present() -> bool:
    """Whether this is a ZeroGPU machine."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true")


def worth_a_gpu(parameters: int, count: int) -> bool:
    """Whether work of this size is to borrow a GPU here."""
    return present() and parameters * count > LARGE


def borrows_gpu(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a function or generator that may use a lent GPU: ``spaces.GPU`` where there is one.

    Such a function runs in a process of its own there: plain values and arrays in and out.
    """
    try:
        import spaces
    except ImportError:
        return fn
    return spaces.GPU(fn)
