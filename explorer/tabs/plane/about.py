"""What the browser is told of the methods and the sets before any film: words, settings, thumbs."""

from __future__ import annotations

import ast
import base64
import dataclasses
import hashlib
import typing
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from explorer.tabs.plane import library

FIRST = ("ddpm", "flow-matching", "coupling")
THUMB = 24  # cells of a set's small picture, each way
ROOT = Path(__file__).parents[3]


def of_methods() -> list[dict[str, Any]]:
    """Every method: key, title, paper, the kind of its density, its settings with their help."""
    from models.plane import METHODS
    from models.plane.contract import method

    known = {key: method(key) for key in METHODS}
    return [
        {
            "key": key, "title": cls.TITLE, "short": cls.TITLE, "paper": cls.PAPER,
            "density": cls.DENSITY, "fields": _fields(cls.Config),
        }
        for key, cls in known.items()
    ]  # fmt: skip


def first_of(methods: list[dict[str, Any]], films: dict[str, list[str]]) -> str:
    """The method that is on stage at first: one whose paths are to be seen, where it is here."""
    known = [one["key"] for one in methods]
    return next((key for key in FIRST if key in films), next(iter(films), known[0]))


@lru_cache
def idea(key: str) -> str:
    """A method's explanation: its module's docstring, read without importing it (and torch)."""
    from models.plane import METHODS

    if key not in METHODS:  # names come from the browser
        return ""
    source = Path(find_spec(METHODS[key].partition(":")[0]).origin).read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""


def _fields(config: type) -> list[dict[str, Any]]:
    hints = typing.get_type_hints(config)
    return [
        {
            "key": f.name, "label": f.name.replace("_", " ").capitalize(),
            "help": f.metadata["help"], "kind": hints[f.name].__name__,
            "low": f.metadata["low"], "high": f.metadata["high"],
            "choices": list(f.metadata["choices"]), "value": f.default, "live": f.metadata["live"],
        }
        for f in dataclasses.fields(config)
        if "help" in f.metadata
    ]  # fmt: skip


def of_sets() -> list[dict[str, Any]]:
    """Every named set: key, title, and its density as THUMB x THUMB bytes, the lowest row first."""
    from models.plane.contract import grid
    from models.plane.data import DENSITIES, TITLES

    sets = []
    for key, title in TITLES.items():
        density = DENSITIES[key]().log_density(grid(THUMB)).exp().numpy()
        bytes_ = np.rint(255 * (density / density.max()) ** 0.6).astype(np.uint8).tobytes()
        sets.append({"key": key, "title": title, "thumb": base64.b64encode(bytes_).decode()})
    return sets


def mixture() -> list[list[float]]:
    """The mixture that is there before anybody edits it: x, y, width, weight of each Gaussian."""
    from models.plane.data import DENSITIES

    density = DENSITIES["mixture"]()
    widths = density.covariances[:, 0, 0].sqrt()
    rows = zip(density.means.tolist(), widths.tolist(), density.weights.tolist(), strict=True)
    return [[*(round(v, 4) for v in mean), round(w, 4), round(p, 4)] for mean, w, p in rows]


# "Show the code": the browser puts in what is on stage (script/extras.js).
_NAMED = "from models import generator\nfrom models.plane.data import dataset\n"
_RUN = """from models.plane.run import Run

data = DATA
run = Run("METHOD", data, CONFIG, seed=SEED)
while run.seconds < 10 and not run.model.finished:
    run.advance()
samples = run.shown.sample(400, generator(SEED))
"""
CODE = {
    "named": _NAMED + _RUN.replace("DATA", 'dataset("SET", n=COUNT)'),
    "mixture": _NAMED
    + _RUN.replace(
        "DATA",
        'dataset("mixture", n=COUNT, means=MEANS,\n               widths=WIDTHS, weights=WEIGHTS)',
    ),
    "own": "import numpy as np\n\nfrom models import generator\nfrom models.plane.data import own\n"
    + _RUN.replace("DATA", 'own(np.loadtxt("points.csv", delimiter=","))'),
}


def films_version(folder: Path) -> str:
    """Names what the browser may keep of the films: other weights, another name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    facts = [f"{path.relative_to(folder)} {path.stat().st_size} {path.stat().st_mtime_ns}"
             for path in files]  # fmt: skip
    return hashlib.sha256("\n".join([library.version(), *facts]).encode()).hexdigest()[:12]
