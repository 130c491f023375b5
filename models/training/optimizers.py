"""The optimizers of a player, and how their rates rise and fall.

AdamW (Loshchilov and Hutter 2019) for everything, unless a recipe sets ``muon_rate``: then the
matrices between hidden layers, where a family names such, are Muon's (Jordan et al. 2024), which
steps by the nearest orthogonal matrix to the momentum instead of by its entries. On a small
transformer that is worth half the epochs.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from models.training.recipe import TrainConfig


def make_optimizers(
    params: list[nn.Parameter], matrices: list[nn.Parameter], config: TrainConfig,
    device: torch.device,
) -> dict[str, torch.optim.Optimizer]:  # fmt: skip
    """By the suffix of their name: "" is AdamW's, ".muon" that of the matrices.

    Each group's "peak" is its learning rate where the schedule is at its height. Raises ValueError
    where Muon is asked for and there is no matrix for it.
    """
    c = config
    if c.muon_rate and not matrices:
        raise ValueError("muon_rate is for families that have matrices between hidden layers.")
    if not c.muon_rate:
        params, matrices = params + matrices, []
    made: dict[str, torch.optim.Optimizer] = {
        "": torch.optim.AdamW(
            params,
            lr=c.learning_rate,
            betas=(c.beta1, c.beta2),
            weight_decay=c.weight_decay,
            fused=device.type in ("cpu", "cuda"),
        )
    }
    if matrices:
        made[".muon"] = torch.optim.Muon(
            matrices,
            lr=c.muon_rate,
            weight_decay=c.weight_decay,
            momentum=0.95,
            # Steps as large as AdamW's, so that one weight decay serves both (Liu et al. 2025).
            adjust_lr_fn="match_rms_adamw",
        )
    for optimizer in made.values():
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return made


def rate_part(step: int, total: int, config: TrainConfig) -> float:
    """Of the peak learning rate: a linear warm-up, then half a cosine down to ``final_rate``."""
    position = step / max(1, total)
    if position < config.warmup:
        return min(1.0, (step + 1) / (config.warmup * total))
    fall = (position - config.warmup) / max(1e-9, 1 - config.warmup)
    low = config.final_rate
    return low + (1 - low) * 0.5 * (1 + math.cos(math.pi * fall))
