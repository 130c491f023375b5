"""What tests of several modules share: a tiny model that was really trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models import data, recipe, train

# Small enough to train in seconds, with each optional part of a VAE in use or one step away.
TINY = {
    "name": "tiny",
    "family": "vae",
    "title": "Tiny VAE",
    "about": "A small VAE of scikit-learn's digits.",
    "data": {"name": "digits"},
    "model": {"latent": 4, "width": 16, "blocks": 1, "hidden": 32, "halvings": 1},
    "train": {
        "steps": 60,
        "batch_size": 64,
        "learning_rate": 3e-3,
        "log_every": 10,
        "precision": "float32",
    },
    "evaluate": {"samples": 8},
}


def tiny_recipe(**sections) -> recipe.Recipe:
    """The tiny recipe with other settings, by section: ``tiny_recipe(train={"steps": 5})``."""
    values = {key: dict(v) if isinstance(v, dict) else v for key, v in TINY.items()}
    for key, value in sections.items():
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    return recipe.from_dict(values)


@pytest.fixture(scope="session", autouse=True)
def few_threads():
    """The models here are too small to share out; and others may be using this machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> data.Dataset:
    return data.load("digits", "train")


@pytest.fixture(scope="session")
def tiny_vae(tmp_path_factory, digits) -> Path:
    """The folder of a tiny VAE trained on digits. Not to be written to: copy it first."""
    return train.train(tiny_recipe(), digits, tmp_path_factory.mktemp("runs") / "tiny")
