"""What truncating a model's codes was measured to give, and where a slider of it stands."""

from __future__ import annotations

import math
from typing import Any

import gradio as gr

from explorer.components import component
from explorer.server.abilities import NO_TRUNCATION
from models.codes.truncation import truncations

LINES = (("precision", "Precision"), ("recall", "Recall"))


def truncation_curve(slider: gr.Slider, value: dict[str, Any] | None = None) -> gr.HTML:
    """Precision and recall over the threshold, and the Fréchet distance, with a rule where the
    slider stands. Value: ``as_truncation``; nothing is shown without one."""
    name = slider.elem_id
    curve = component("truncation", value, slider=name)
    told = f"{{ detail: {{ id: {name!r}, value }} }}"
    slider.change(
        None, slider, None, api_visibility="private",
        js=f"value => {{ document.dispatchEvent(new CustomEvent('ge:slider', {told})); }}",
    )  # fmt: skip
    return curve


def as_truncation(header: Any) -> dict[str, Any] | None:
    """The value of the curve: what was measured, from a header; None where nothing was.

    ``{"x": thresholds, "lines": [{"name", "y"}, ...], "fd": Fréchet distances over the floor,
    "n": samples each}``; no truncation stands where the slider says so.
    """
    found = truncations(header.metrics)
    rows = [row for row in found.values() if all(name in row for name, _ in LINES)]
    if not rows or len(rows) < len(found):
        return None
    x = [NO_TRUNCATION if math.isinf(threshold) else threshold for threshold in found]
    lines = [
        {"name": title, "y": [round(row[key]["value"], 4) for row in rows]} for key, title in LINES
    ]
    distances = [row["fd_over_floor"]["value"] if "fd_over_floor" in row else None for row in rows]
    return {"x": x, "lines": lines, "fd": distances, "n": rows[0]["precision"]["n"]}
