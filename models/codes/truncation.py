"""What was measured of a model whose codes were truncated, under which names; needs no torch.

``precision.truncation_0.5`` is the precision of samples of noise within +-0.5, and
``precision.truncation_inf`` that of samples as they are.
"""

from __future__ import annotations

from typing import Any

TRUNCATION = ".truncation_"  # stands before the threshold in a metric's name


def truncations(metrics: dict[str, Any]) -> dict[float, dict[str, Any]]:
    """The metrics of truncated samples, by name, for each threshold, rising; infinity is last."""
    found: dict[float, dict[str, Any]] = {}
    for key, entry in metrics.items():
        name, between, threshold = key.partition(TRUNCATION)
        if between:
            found.setdefault(float(threshold), {})[name] = entry
    return dict(sorted(found.items()))
