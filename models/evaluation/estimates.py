"""A number and how sure it is: the entry that cards, checkpoints and ``evaluate --json`` hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

Array = np.ndarray | Tensor


class Estimate(NamedTuple):
    """A number and its standard error, in the same unit."""

    value: float
    stderr: float


def metric(
    value: float | Estimate,
    stderr: float | None = None,
    n: int | None = None,
    space: str | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """The entry of one metric: plain JSON, never nan or infinity.

    value: the number, or an Estimate, which brings its standard error. n: images measured.
    space: what was measured ("binary", "uint8", the judge whose features were used). extra: other
    facts of the measurement, by name. Raises ValueError where the value is not finite.
    """
    if isinstance(value, Estimate):
        value, stderr = value
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"A metric must be a finite number, not {value}.")
    if stderr is not None:
        stderr = float(stderr) if math.isfinite(stderr) else None
    return {
        "value": value,
        "stderr": stderr,
        "n": None if n is None else int(n),
        "space": space,
        **extra,
    }


def mean_and_stderr(values: Array) -> Estimate:
    """The mean of independent values, (N,), and its standard error s / sqrt(N)."""
    values = float64(values, "the values").ravel()
    stderr = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Estimate(float(values.mean()), float(stderr))


def bootstrap_stderr(
    fn: Callable[..., Any], *arrays: Array, n: int = 200, seed: int = 0, paired: bool = True
) -> Any:
    """The standard error of ``fn(*arrays)`` by resampling rows with replacement n times.

    paired: True where row i of every array belongs to the same image (scores and labels), False
    where the arrays are independent samples (generated and real features). Returns a float, or an
    array where fn returns one. Raises ValueError where paired arrays differ in length.
    """
    arrays = [numpy_of(a) for a in arrays]
    lengths = [len(a) for a in arrays]
    if paired and len(set(lengths)) > 1:
        raise ValueError(
            f"Arrays of lengths {lengths} cannot be resampled in pairs: pass paired=False where "
            "they are independent samples."
        )
    rng = np.random.default_rng(seed)
    results = []
    for _ in range(n):
        if paired:
            rows = [rng.integers(lengths[0], size=lengths[0])] * len(arrays)
        else:
            rows = [rng.integers(length, size=length) for length in lengths]
        results.append(fn(*(a[r] for a, r in zip(arrays, rows, strict=True))))
    stderr = np.std(np.asarray(results, np.float64), axis=0, ddof=1)
    return float(stderr) if stderr.ndim == 0 else stderr


def numpy_of(values: Array) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def float64(values: Array, what: str) -> np.ndarray:
    if isinstance(values, Tensor):
        values = values.detach().double()  # bfloat16 has no numpy type
    array = numpy_of(values).astype(np.float64)
    if array.size == 0:
        raise ValueError(f"Nothing can be measured: {what} are empty.")
    if not np.isfinite(array).all():
        raise ValueError(f"Nothing can be measured: {what} hold nan or infinity.")
    return array


def rows_of(values: Array) -> np.ndarray:
    """(N, ...) to (N, F) float64."""
    array = float64(values, "the features")
    if len(array) < 2:
        raise ValueError("Nothing can be measured on a single image.")
    return array.reshape(len(array), -1)
