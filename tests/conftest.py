"""What tests of several modules share: a tiny model that was really trained."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.checkpoints import weights
from models.checkpoints.snapshots import moments
from models.contract.random import generator
from models.data import datasets, sources
from models.data.fetching import CACHE
from models.families.vae.vae import VAE, VAEConfig
from models.training import recipe, train

# Nothing that was fetched to this machine is there in tests; their processes inherit it.
os.environ[CACHE] = os.path.join(tempfile.gettempdir(), f"no-data-sets-{os.getpid()}")

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


def tiny_judge(name: str = "judge", steps: int = 60, **model) -> recipe.Recipe:
    """A recipe of a tiny classifier of digits. model: its settings, instead of the smallest."""
    model = model or {"width": 8, "blocks": 1, "shift": 0}
    tiny = tiny_recipe(name=name, family="classifier", train={"steps": steps})
    return dataclasses.replace(tiny, model=model)


WRITER = {"network": "transformer", "width": 16, "layers": 1, "head_width": 8, "hidden": 16}


def tiny_writer(**train_settings) -> recipe.Recipe:
    """A recipe of a tiny autoregressive transformer, which has matrices for Muon."""
    tiny = tiny_recipe(family="autoregressive", train=train_settings)
    return dataclasses.replace(tiny, model=WRITER)


def trained(run: train.Run, steps: int | None = None) -> list[dict[str, float]]:
    """Takes so many steps (all that are left, unless given) and returns their logs."""
    logs = []
    for progress in run.steps():
        logs.append(progress.logs)
        if len(logs) == steps:
            break
    return logs


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    ours, theirs = a.state_dict(), b.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def at_moment(folder: Path, k: int) -> nn.Module:
    """The model of a checkpoint as it was at its k-th snapshot."""
    return next(islice(moments(folder), k, None))[1]


def log_lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / train.LOG).read_text("utf-8").splitlines()]


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Random bytes of a shape."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


# Files whose tests take longest together, the longest first. A process takes a file at a time: one
# of these begun last would run on alone.
LONG = (
    "browser/test_tours.py", "browser/test_denoise_more.py", "browser/test_start.py",
    "ideas/test_page.py", "browser/test_replicas.py", "browser/test_denoise.py",
    "browser/test_plane.py", "browser/test_map.py", "browser/test_links.py",
    "browser/test_components.py", "browser/test_latent.py", "browser/test_tour_player.py",
    "browser/test_pixels.py", "browser/test_steady.py", "browser/test_scoring.py",
    "explorer/test_sweep.py", "explorer/test_sweep_too.py", "machine/test_processes.py",
    "contract/test_contract.py", "evaluation/test_evaluate.py", "contract/test_capabilities.py",
    "plane/test_sampled.py", "families/test_rbm.py", "codes/test_projection.py",
    "training/test_resume.py", "training/test_train.py", "training/test_session.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the Makefile's ``--no-loadscope-reorder`` keeps that order."""
    order = {name: k for k, name in enumerate(LONG)}

    def place(item: pytest.Item) -> int:
        return order.get("/".join(item.path.parts[-2:]), len(LONG))

    items.sort(key=place)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Every test begins at the same random numbers, its fixtures too, whatever ran before it."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture
def alone(monkeypatch):
    """No data folder in the environment, and no Hub."""
    monkeypatch.delenv(datasets.ENVIRONMENT, raising=False)
    monkeypatch.setattr(sources, "reachable", lambda seconds=0.0: False)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A stand-in of the Hub in its place, with an empty cache, and nobody signed in."""
    from huggingface_hub import constants

    from models.checkpoints.header import _fetched
    from tests.hub import Hub

    with Hub() as stand_in:
        place = stand_in.endpoint
        monkeypatch.setattr(constants, "ENDPOINT", place)
        template = f"{place}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache-of-hub"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        _fetched.cache_clear()
        yield stand_in
        _fetched.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def few_threads():
    """The models here are too small to share out; and others may be using this machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> datasets.Dataset:
    return datasets.load("digits", "train")


@pytest.fixture(scope="session")
def tiny_vae(tmp_path_factory, digits) -> Path:
    """The folder of a tiny VAE trained on digits. Not to be written to: copy it first."""
    return train.train(tiny_recipe(), digits, tmp_path_factory.mktemp("runs") / "tiny")


def small_vae(scale: float = 1.0, seed: int = 0, **settings) -> VAE:
    """A small VAE whose every weight is moved away from where it starts."""
    small = {"image": (1, 4, 4), "latent": 3, "width": 8, "blocks": 1, "hidden": 8, "halvings": 1}
    torch.manual_seed(seed)
    model = VAE(VAEConfig(**{**small, **settings}))
    rng = generator(seed, 1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * scale * torch.randn(parameter.shape, generator=rng)
    return model.eval()


def small_text_model():
    """A small model of text that sees 16 symbols, each weight moved away from where it starts."""
    values = {"image": (1, 1, 16), "width": 16, "layers": 2, "head_width": 8}
    torch.manual_seed(0)
    model = weights.build("text", values)
    rng = generator(0, 1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=rng)
    return model.eval()
