"""The laboratories as files: what the browser fetches of each."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

# In the order of the lectures. A new laboratory is its folder and its name here.
LABS = (
    "divergences",
    "coding",
    "likelihood",
    "montecarlo",
    "overfitting",
    "bound",
    "reparametrisation",
    "game",
    "langevin",
    "diffusion",
    "judging",
)
TOOLS = ("maths.js", "plot.js", "state.js", "text.js", "controls.js", "kit.js")
SHEETS = ("host.css", "plot.css", "controls.css", "text.css", "narrow.css")


@lru_cache
def text(name: str) -> str:
    """The text of a file of this package."""
    return (FOLDER / name).read_text(encoding="utf-8")


def _file(name: str, file: str) -> str:
    """The text of a laboratory's file. Raises ValueError where there is none of that name: names
    come from the browser, and are no way to other files."""
    if name not in LABS:
        raise ValueError("There is no such laboratory.")
    return text(f"labs/{name}/{file}")


@lru_cache
def about(name: str) -> dict[str, Any]:
    """The words of a laboratory. Raises ValueError where there is none of that name."""
    words = tomllib.loads(_file(name, "lab.toml"))
    return {
        **{key: words[key] for key in ("title", "blurb", "lecture", "returns")},
        "questions": words["question"],
        "code": words["code"]["text"].strip("\n"),
    }


def kit() -> dict[str, str]:
    """What all laboratories share: ``script`` and ``style``."""
    return {"script": "\n".join(map(text, TOOLS)), "style": "\n".join(map(text, SHEETS))}


def script(name: str) -> str:
    """A laboratory's mathematics, then its view."""
    return _file(name, f"{name}.js") + view(name)


def view(name: str) -> str:
    """A laboratory's state and what its scenes share, then its scenes, in their order."""
    scenes = tomllib.loads(_file(name, "lab.toml"))["scenes"]
    return _file(name, "view.js") + "".join(_file(name, f"{scene}.js") for scene in scenes)


def lab(name: str, tabs: dict[str, str]) -> dict[str, Any]:
    """A laboratory for the browser: ``script`` and ``about``, its words. tabs: titles by key."""
    return {"script": script(name), "about": {**about(name), "tabs": tabs}}
