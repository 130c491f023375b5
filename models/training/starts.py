"""Where a run of one's own begins: settings for each family in three sizes.

``starts/FAMILY.toml`` holds, over the defaults of the family's Config and of TrainConfig,

    [all.model]  [all.train]         what every size shares
    [colour.model]                   what is different where pictures have colour
    [small.model]  [small.train]     likewise medium and large
    [small-colour.model]             what is different in this size where they have colour

A family without such a file begins with its defaults; smaller sizes have a half and a quarter of
its widths. A file of another name is a further start of the ``family`` that it names, with a
``title`` and a ``note`` of its own, where settings make another kind of model of it. These are
beginnings for minutes on a processor, not the recipes of what is shipped.
"""

from __future__ import annotations

import dataclasses
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from models import FAMILIES, family
from models.data.collection import spoken
from models.data.text import TEXTS as NAMED
from models.data.text import is_own as is_own_text
from models.training.recipe import Recipe, from_dict

STARTS = Path(__file__).parent / "starts"
SIZES = ("small", "medium", "large")
STEPS = {"small": 1500, "medium": 3000, "large": 6000}  # of a family without a file
HELD_OUT = 6, 500  # one image in so many is set aside to watch the run by, this many at most


PICTURES, TEXTS = "pictures", "texts"  # what a family is trained on


def families() -> list[str]:
    """What a run can be of: the families that make something a run can show, in the order of
    FAMILIES, and after each its further starts."""
    from models.contract.abilities import HasDomains, WritesText
    from models.contract.model import GenerativeModel

    found = []
    for name in FAMILIES:
        cls = family(name)
        if issubclass(cls, GenerativeModel) or _has(cls, WritesText) or _has(cls, HasDomains):
            found += [name, *(start for start, of in further().items() if of == name)]
    return found


def _has(cls: type, ability: type) -> bool:
    return all(hasattr(cls, method) for method in vars(ability) if not method.startswith("_"))


@lru_cache
def further() -> dict[str, str]:
    """The starts that are of a family by another name: that name, and the family's."""
    tables = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in STARTS.glob("*.toml")}
    return {name: tables[name]["family"] for name in sorted(tables) if "family" in tables[name]}


def family_of(start_name: str) -> str:
    """The family of a start: itself, unless its file names another."""
    return further().get(start_name, start_name)


def words_of(start_name: str) -> tuple[str, str]:
    """The title and the note of a further start; two empty texts for a family."""
    table = _table(start_name) if start_name in further() else {}
    return table.get("title", ""), table.get("note", "")


def reads(start_name: str) -> str:
    """What a start is trained on: PICTURES or TEXTS."""
    from models.contract.abilities import WritesText

    return TEXTS if _has(family(family_of(start_name)), WritesText) else PICTURES


def start(start_name: str, size: str, dataset: Any) -> Recipe:
    """The recipe to begin with. start_name: a family, or one of ``further``. dataset: what it is
    trained on (a ``Dataset``, or anything with ``name``, ``image_shape``, ``classes``, a length).

    Raises ValueError for an unknown family or size.
    """
    if size not in SIZES:
        raise ValueError(f"There is no size '{size}'; there are {', '.join(SIZES)}.")
    family_name, table = family_of(start_name), _table(start_name)
    title = table.get("title") or FAMILIES[family_name].rpartition(":")[2]
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
    name = f"{start_name}-{size}"
    return from_dict(
        {
            "name": name,
            "family": family_name,
            "title": f"My {title}, {size}",
            "about": f"Trained on the page, on {_said(dataset.name)}.",
            "data": {"name": dataset.name},
            "model": model,
            "train": train,
            "evaluate": {"n": 200, "samples": 20, "quality_n": 512},
        }
    )


def _said(data: str) -> str:
    if is_own_text(data):
        return "a text of one's own"
    if data in NAMED:
        return NAMED[data][:1].lower() + NAMED[data][1:]
    return "pictures of one's own" if data.startswith("pictures-") else spoken(data)


@lru_cache
def _table(start_name: str) -> dict[str, Any]:
    # Names may come from a browser, and are no way to other files.
    if start_name not in FAMILIES and start_name not in further():
        return {}
    path = STARTS / f"{start_name}.toml"
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
