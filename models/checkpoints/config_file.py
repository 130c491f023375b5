"""config.json: what a model is, beside its weights, where the Hub and its tools look for it.

The facts stand in the weights file as well, which is what is read; this is their copy for others.
A copy that says something else is refused: one of the two is of another model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.machine.files import write_atomically

CONFIG = "config.json"
LIBRARY = "generative-explorer"
LARGEST = 1 << 20  # bytes that are read of one


def config_of(header: Any) -> dict[str, Any]:
    """What config.json says of the model with this ``Header``.

    library_name, version: what reads it. family, config: what builds it, as in the header.
    capabilities: what it can do. dtype: of the stored weights.
    """
    return {
        "library_name": LIBRARY,
        "version": header.version,
        "name": header.name,
        "title": header.title,
        "family": header.family,
        "config": header.config,
        "capabilities": list(header.capabilities),
        "data": {"name": header.data["name"], "classes": header.data.get("classes", [])},
        "parameters": header.parameters,
        "dtype": "float16",
    }


def write_config(header: Any, folder: str | Path) -> None:
    """Writes config.json into a checkpoint's folder; it appears whole or not at all."""
    text = json.dumps(config_of(header), ensure_ascii=False, indent=2) + "\n"
    write_atomically(Path(folder) / CONFIG, lambda path: Path(path).write_text(text, "utf-8"))


def read_config(folder: str | Path) -> dict[str, Any] | None:
    """What a folder's config.json says; None where there is none.

    Raises ValueError, one sentence, where it is no JSON object, or of another library.
    """
    file = Path(folder) / CONFIG
    if not file.is_file():
        return None
    try:
        with file.open("rb") as opened:
            text = opened.read(LARGEST + 1)
        values = json.loads(text.decode("utf-8")) if len(text) <= LARGEST else None
    except (OSError, ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise ValueError("its config.json is damaged: it holds no JSON object")
    if values.get("library_name") != LIBRARY:
        raise ValueError("its config.json is that of another library's model")
    return values


def check_config(folder: str | Path, family: str, config: dict[str, Any]) -> None:
    """Raises ValueError, the middle of a sentence, where config.json contradicts the weights' own
    facts: their family and its settings."""
    said = read_config(folder)
    if said is None:
        return
    if said.get("family") != family:
        raise ValueError(
            f"its config.json names the family '{said.get('family')}', its weights '{family}'"
        )
    settings = said.get("config")
    if not isinstance(settings, dict):
        raise ValueError("its config.json has no settings")
    keys = sorted(settings.keys() | config.keys())
    others = [key for key in keys if settings.get(key, keys) != config.get(key, keys)]
    if others:
        raise ValueError(f"its config.json and its weights disagree about '{others[0]}'")
