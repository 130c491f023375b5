"""A family as somebody might bring it: one file of a package of their own, and one line of
``models.FAMILIES``."""

from __future__ import annotations

import importlib
from pathlib import Path

NAME = "averages"
FAMILY = '''"""A pixelwise average: every sample is the mean of the training pictures, and noise.

$x = m + \\\\sigma e$
"""

from dataclasses import dataclass

import torch
from torch import nn

from models.contract.config import setting
from models.contract.model import Frame, GenerativeModel, Likelihood, Objective
from models.contract.random import normal
from models.contract.streams import Streams


@dataclass(frozen=True)
class AveragesConfig:
    image: tuple[int, ...] = (1, 28, 28)
    spread: float = setting(0.1, "How far samples lie from the mean.", low=0.0)


class Averages(GenerativeModel):
    Config = AveragesConfig

    def __init__(self, config):
        super().__init__(config)
        self.mean = nn.Parameter(torch.full(tuple(config.image), 0.5))

    def objectives(self, x, y, rng):
        yield Objective(list(self.parameters()), ((x - self.mean) ** 2).mean())

    @torch.no_grad()
    def sample_steps(self, n, rng, label=None):
        e = normal((n, *self.image_shape), Streams.of(rng, n), self.device)
        yield Frame(1, 1, (self.mean + self.config.spread * e).clamp(0, 1))
'''


def install(folder: Path, monkeypatch) -> None:
    """Puts the package into the folder, and the family's line into the table."""
    import models

    package = folder / "somebodys_models"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / f"{NAME}.py").write_text(FAMILY, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    monkeypatch.setitem(models.FAMILIES, NAME, f"somebodys_models.{NAME}:Averages")


def write(folder: Path) -> Path:
    """A recipe of the family as a file, of very few steps."""
    recipe = folder / "mine.toml"
    recipe.write_text(
        f'name = "mine"\nfamily = "{NAME}"\ntitle = "Mine"\nabout = "A mean."\n'
        '[data]\nname = "digits"\n[model]\nspread = 0.2\n'
        "[train]\nsteps = 4\nbatch_size = 16\n",
        encoding="utf-8",
    )
    return recipe
