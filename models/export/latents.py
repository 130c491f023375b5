"""What a page is told of a model's codes: which of their numbers do most, and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.checkpoints.codes import load_map
from models.contract.capabilities import HasCodes
from models.contract.random import generator, normal

if TYPE_CHECKING:
    from pathlib import Path

    from models.contract.model import Model

CODES = 4  # at which is looked
MOST = 64  # numbers that are offered
DOTS = 1000


def latents(model: Model, folder: Path | None) -> dict[str, Any]:
    """For the page: "ranks", numbers of the code by how much they move a picture from -2 to 2,
    "names" and "notes" of all of them, and "dots", codes of test pictures where a code is a point
    of the plane (as the component ``latent_pad`` takes them; None else).

    A categorical part of a code (``HasCodes``) is left out: it is one of a few, not a number.
    """
    D = model.latent
    names, categorical = [f"z{k + 1}" for k in range(D)], set()
    codes = model.codes if isinstance(model, HasCodes) else ()
    for code in codes:
        if code.kind == "categorical":
            categorical |= set(range(code.start, code.stop))
        else:
            names[code.start] = code.name
    sway = _sway(model)
    ranks = [int(k) for k in np.argsort(-sway, kind="stable") if int(k) not in categorical]
    notes = [f"changes a pixel by {value:.1%}" for value in sway]
    start = {code.start: 1.0 for code in codes if code.kind == "categorical"}
    dots = _dots(folder) if D == 2 and folder is not None else None
    return {
        "ranks": ranks[:MOST],
        "names": names,
        "notes": notes,
        "dots": dots,
        "start": [[k, value] for k, value in start.items()],
    }


def _sway(model: Model) -> np.ndarray:
    """(D,): how much a number of a code moves a pixel on average, from -2 to 2."""
    import torch

    D = model.latent
    found = torch.zeros(D)
    with torch.no_grad():
        for z in normal((CODES, D), generator(0), "cpu"):
            low, high = z.repeat(D, 1), z.repeat(D, 1)
            low.fill_diagonal_(-2)
            high.fill_diagonal_(2)
            label = 0 if model.class_count else None
            moved = (model.decode(high, label) - model.decode(low, label)).abs()
            found += moved.flatten(1).mean(1) / CODES
    return found.numpy()


def _dots(folder: Path) -> dict[str, Any] | None:
    """Codes of test pictures, none where there are none beside the model."""
    fitted = load_map(folder)
    if fitted is None or fitted.labels is None:
        return None
    chosen = np.linspace(0, len(fitted) - 1, min(DOTS, len(fitted))).astype(int)
    codes = fitted.codes[chosen].astype(float)
    inside = np.abs(codes).max(1) <= 3
    places = codes[inside].round(3)
    return {
        "a": places[:, 0].tolist(),
        "b": places[:, 1].tolist(),
        "labels": fitted.labels[chosen][inside].tolist(),
    }
