"""The settings of a diffusion model, and those that its few-step students share."""

from __future__ import annotations

from dataclasses import dataclass

from models.contract.config import setting
from models.families.diffusion.schedules import PREDICTIONS, SCHEDULES


@dataclass(frozen=True)
class DenoiserConfig:
    """The network that takes noise off, as every model on noise levels has it."""

    image: tuple[int, ...] = setting((1, 28, 28), "Channels, height and width of an image.")
    width: int = setting(64, "Channels at the highest resolution of the network.", low=8, high=1024)
    halvings: int = setting(
        1, "How many times the side is halved; each doubles the channels.", low=0, high=4
    )
    blocks: int = setting(1, "Residual blocks a resolution, on each way.", low=1, high=8)
    middle: int = setting(4, "Residual blocks at the lowest resolution.", low=0, high=16)
    heads: int = setting(
        0, "Attention heads at the lowest resolution; 0 is no attention.", low=0, high=64
    )
    patch: int = setting(
        2, "Side of the squares of pixels that the network reads as one.", low=1, high=8
    )


@dataclass(frozen=True)
class DiffusionConfig(DenoiserConfig):
    dropout: float = setting(0.0, "Part of the features dropped in training.", low=0.0, high=0.9)
    schedule: str = setting(
        "edm",
        "The noise schedule: edm, ddpm (linear beta), cosine, or flow (rectified flow).",
        choices=tuple(SCHEDULES),
    )
    prediction: str = setting(
        "edm",
        "What the network predicts: edm (preconditioned), eps, x0, v, or velocity.",
        choices=PREDICTIONS,
    )
    noise: str = setting(
        "lognormal",
        "Levels trained on: lognormal (Karras et al. 2022), or uniform in the schedule's time.",
        choices=("lognormal", "uniform"),
    )
    noise_mean: float = setting(
        -1.2,
        "Mean of log sigma in training, for lognormal levels.",
        low=-10.0,
        high=10.0,
        live=True,
    )
    noise_spread: float = setting(
        1.2,
        "Deviation of log sigma in training, for lognormal levels.",
        low=0.01,
        high=10.0,
        live=True,
    )
    low: float = setting(0.01, "Lowest noise level that is sampled.", low=1e-4, high=1.0)
    high: float = setting(80.0, "Highest noise level, where sampling starts.", low=1.0, high=1000.0)
    centre: float = setting(0.5, "Mean grey level of the data, taken off first.", low=0.0, high=1.0)
    sigma_data: float = setting(
        0.5, "Deviation of the data, on the scale where black to white is 2.", low=0.01, high=10.0
    )
    steps: int = setting(20, "Steps a sample takes, where nothing else is asked.", low=1, high=1000)
    num_classes: int = setting(
        0, "Classes to condition on; 0 is none, -1 as many as the data has.", low=-1, high=1000
    )
    drop_label: float = setting(
        0.1, "How often a class is left out in training, which guidance needs.", low=0.0, high=1.0
    )
