"""Tiny real models for tests of the Denoise tab: untrained, but of the family that ships."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import torch

from models.checkpoints import weights
from models.checkpoints.header import read_header
from models.checkpoints.preview import save_preview
from models.contract.random import generator
from tests import toys

SMALL = {"width": 8, "blocks": 1, "middle": 1, "halvings": 1}


def write(folder: Path) -> None:
    """Three checkpoints: "free", "asked" (ten classes) and "colour"; and a VAE-like "toy"."""
    toys.write(folder, "free", family="diffusion", image=(1, 8, 8), **SMALL)
    toys.write(folder, "asked", family="diffusion", image=(1, 8, 8), num_classes=10, **SMALL)
    toys.write(folder, "colour", family="diffusion", data="shapes", image=(3, 12, 12), **SMALL)
    for name in ("free", "asked", "colour"):
        _shake(folder / name)
    toys.write(folder, "toy")


def write_student(folder: Path, name: str, of: str) -> None:
    """A checkpoint of a few-step student of one of these with ten classes."""
    toys.write(
        folder, name, family="consistency", image=(1, 8, 8), num_classes=10, teacher=of, steps=4,
        **SMALL,
    )  # fmt: skip
    _shake(folder / name)


def _shake(folder: Path) -> None:
    """Moves every weight: as it starts, the network's last layer answers nothing at all."""
    model, header = weights.load(folder), read_header(folder)
    rng = generator(11)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=rng)
    weights.save(model, header, folder)
    save_preview(weights.load(folder), folder)


def pictures(sprite: dict) -> np.ndarray:
    """(N, C, H, W) uint8 of a sprite."""
    raw = np.frombuffer(base64.b64decode(sprite["b64"]), np.uint8)
    return raw.reshape(sprite["n"], sprite["h"], sprite["w"], sprite["c"]).transpose(0, 3, 1, 2)


def told(steps) -> list[tuple]:
    """What a handler yielded, without the moments at which it only could be ended."""
    return [outputs for outputs in steps if outputs is not None]


def merged(steps) -> list:
    """What stands on screen at the end: of each output the last value that was no skip."""
    shown: list = []
    for outputs in told(steps):
        shown = shown or [None] * len(outputs)
        shown = [old if skipped(new) else new for old, new in zip(shown, outputs, strict=True)]
    return shown


def skipped(value) -> bool:
    return isinstance(value, dict) and value.get("__type__") == "update" and len(value) == 1


def drawing(side: int = 112) -> dict:
    """What the pad sends: a white ring on black."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    ring = ((np.hypot(x, y) > 0.2) & (np.hypot(x, y) < 0.33)).astype(np.uint8) * 255
    b64 = base64.b64encode(ring.tobytes()).decode("ascii")
    return {"kind": "drawing", "b64": b64, "W": side, "H": side, "C": 1, "polarity": "keep"}
