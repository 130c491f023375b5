"""The lectures as files, and what a server adds to one: measured numbers, and what is missing."""

from __future__ import annotations

import copy
from functools import lru_cache
from pathlib import Path
from typing import Any

from explorer.server.store import Store
from explorer.tours.records import read

FOLDER = Path(__file__).parent

# In the order of the lectures. A new one is its file and its name here.
LECTURES = ("density", "latent", "gan-vae", "models", "crash")


@lru_cache
def lecture(key: str) -> dict[str, Any]:
    """A lecture's record. Raises ValueError where there is none of that name: names come from the
    browser, and are no way to other files."""
    if key not in LECTURES:
        raise ValueError("There is no such lecture.")
    return {**read((FOLDER / f"{key}.toml").read_text(encoding="utf-8"), lecture=True), "key": key}


def listed() -> list[dict[str, Any]]:
    """What a list says of each lecture: key, title, lecture, blurb, and how many stations."""
    tours = map(lecture, LECTURES)
    told = ("key", "title", "lecture", "blurb")
    return [{**{k: t[k] for k in told}, "stations": len(t["stations"])} for t in tours]


def prepared(record: dict[str, Any], store: Store) -> dict[str, Any]:
    """A checked record for the browser: metrics have their values, and every station says which of
    the models that it needs are ``missing`` on this server."""
    record = copy.deepcopy(record)
    for station in record["stations"]:
        station["missing"] = [name for name in station["needs"] if name not in store.names]
        for number in station["numbers"].values():
            if number["from"] == "metric" and number["model"] in store.names:
                header = store.header(number["model"])
                measured = {"parameters": {"value": header.parameters}, **header.metrics}
                number["value"] = measured.get(number["metric"], {}).get("value")
    return record
