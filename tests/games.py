"""Tiny GANs of digits whose training was kept, for tests of the Game tab."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from models.data.datasets import Dataset
from models.evaluation import evaluate
from models.training import train
from tests.conftest import tiny_judge
from tests.models.checkpoints.test_snapshots import tiny_gan

RUNS = {
    "healthy": ({"steps": 6, "snapshots": 3}, {}),
    "failing": ({"steps": 4, "snapshots": 4}, {"game": "hinge", "num_classes": 0}),
    "bare": ({"steps": 1, "snapshots": 0}, {}),
}


def write_games(root: Path, digits: Dataset, names: tuple[str, ...] = tuple(RUNS)) -> Path:
    """A judge and GANs in ``root``: of two snapshots were kept and measured, of one none were."""
    train.train(tiny_judge(), digits, root / "judge")
    for name in names:
        settings, model = RUNS[name]
        recipe = tiny_gan(model, snapshot_spacing="linear", **settings)
        recipe = dataclasses.replace(recipe, name=name, title=name.title())
        folder = train.train(recipe, digits, root / name)
        if settings["snapshots"]:
            evaluate.evaluate(folder, n=40, only=["snapshots", "truncation"], progress=False)
    return root
