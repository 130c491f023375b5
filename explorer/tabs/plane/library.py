"""The tab's own files: the scripts and the style that the browser fetches when it is opened."""

from __future__ import annotations

import hashlib
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

# In the order in which they need each other.
SCRIPTS = (
    "maths", "points", "film", "state", "draw", "surfaces", "layers", "panel", "transport",
    "editor", "settings", "numbers", "lessons", "run", "extras", "stock", "chooser", "app",
)  # fmt: skip
SHEETS = ("tones", "controls", "stage", "screens")


@lru_cache
def text(name: str) -> str:
    """The text of a file of this package."""
    return (FOLDER / name).read_text(encoding="utf-8")


@lru_cache
def script() -> str:
    """All of the tab's scripts, which leave ``PLANE``."""
    return "\n".join(text(f"script/{name}.js") for name in SCRIPTS)


@lru_cache
def style() -> str:
    """The tab's sheets."""
    return "\n".join(text(f"style/{name}.css") for name in SHEETS)


@lru_cache
def lessons() -> list[dict[str, Any]]:
    """The lessons, as ``lessons.toml`` has them."""
    return tomllib.loads(text("lessons.toml"))["lesson"]


@lru_cache
def version() -> str:
    """Names what the browser may keep of the scripts and the style: another text, another name."""
    return hashlib.sha256((script() + style()).encode()).hexdigest()[:12]
