"""Where a run of one's own begins: settings for each family in three sizes.

``starts/FAMILY.toml`` holds, over the defaults of the family's Config and of TrainConfig,

    [all.model]  [all.train]         what every size shares
    [colour.model]                   what is different where pictures have colour
    [small.model]  [small.train]     likewise medium and large
    [small-colour.model]             what is different in this size where they have colour

A family without such a file begins with its defaults; smaller sizes have a half and a quarter of
its widths. These are beginnings for minutes on a processor, not the recipes of what is shipped.
"""

from __future__ import annotations

import dataclasses
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from models import FAMILIES, family
from models.contract.model import GenerativeModel
from models.data.collection import spoken
from models.training.recipe import Recipe, from_dict

STARTS = Path(__file__).parent / "starts"
SIZES = ("small", "medium", "large")
STEPS = {"small": 1500, "medium": 3000, "large": 6000}  # of a family without a file
HELD_OUT = 6, 500  # one image in so many is set aside to watch the run by, this many at most


def families() -> list[str]:
    """The families one can sample from, in the order of FAMILIES: what a run can be of."""
    return [name for name in FAMILIES if issubclass(family(name), GenerativeModel)]


def start(family_name: str, size: str, dataset: Any) -> Recipe:
    """The recipe to begin with. dataset: what it is trained on (a ``Dataset``, or
    anything with ``name``, ``image_shape``, ``classes`` and a length).

    Raises ValueError for an unknown family or size.
    """
    if size not in SIZES:
        raise ValueError(f"There is no size '{size}'; there are {', '.join(SIZES)}.")
    table = _table(family_name)
    colour = dataset.image_shape[0] > 1
    layers = ["all", "colour", size, f"{size}-colour"] if colour else ["all", size]
    model = _merged(table, layers, "model") if table else _scaled(family_name, size)
    if model.get("num_classes") == -1 and not dataset.classes:
        model["num_classes"] = 0
    train = {"steps": STEPS[size], "batch_size": 64, **_merged(table, layers, "train")}
    share, most = HELD_OUT
    train["held_out"] = min(most, len(dataset) // share)
    # So that a small set does not end up with fewer than one batch.
    train["batch_size"] = max(1, min(train["batch_size"], len(dataset) - train["held_out"]))
    name = f"{family_name}-{size}"
    return from_dict(
        {
            "name": name,
            "family": family_name,
            "title": f"My {FAMILIES[family_name].rpartition(':')[2]}, {size}",
            "about": f"Trained on the page, on {_said(dataset.name)}.",
            "data": {"name": dataset.name},
            "model": model,
            "train": train,
            "evaluate": {"n": 200, "samples": 20, "quality_n": 512},
        }
    )


def _said(data: str) -> str:
    return "pictures of one's own" if data.startswith("pictures-") else spoken(data)


@lru_cache
def _table(family_name: str) -> dict[str, Any]:
    if family_name not in FAMILIES:  # names may come from a browser, and are no way to other files
        return {}
    path = STARTS / f"{family_name}.toml"
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}


def _merged(table: dict[str, Any], layers: list[str], section: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for layer in layers:
        merged |= table.get(layer, {}).get(section, {})
    return merged


def _scaled(family_name: str, size: str) -> dict[str, Any]:
    """Widths of a half or a quarter of the defaults, not below their limits."""
    share = {"small": 4, "medium": 2, "large": 1}[size]
    scaled = {}
    for field in dataclasses.fields(family(family_name).Config):
        wide = field.name.endswith(("width", "hidden"))
        if wide and isinstance(field.default, int) and share > 1:
            low = field.metadata.get("low") or 1
            scaled[field.name] = max(int(low), field.default // share)
    return scaled
