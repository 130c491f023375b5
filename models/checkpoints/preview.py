"""preview.webp: pictures that a model sampled, for lists and cards."""

from __future__ import annotations

from pathlib import Path

import torch

from models.contract.model import Model
from models.contract.random import generator
from models.data import pictures
from models.machine.files import write_atomically

PREVIEW = "preview.webp"


@torch.no_grad()
def save_preview(model: Model, folder: Path) -> None:
    """64 samples of seed 0: what the page shows before anything has been computed."""
    sheet = pictures.grid(model.sample(64, generator(0)))
    write_atomically(folder / PREVIEW, lambda path: sheet.save(path, format="webp", lossless=True))
