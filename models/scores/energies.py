"""The energy of pictures from pixel to pixel: its gradient, and the way down it."""

from __future__ import annotations

import torch
from torch import Tensor

from models.contract.capabilities import HasEnergy

HALVINGS = 12  # of a step, until it leads down


def energy_slope(model: HasEnergy, x: Tensor) -> tuple[Tensor, Tensor]:
    """The energies of pictures x (B, C, H, W), (B,) nats, and their gradient by x, (B, C, H, W),
    nats for a whole step from black to white. It asks for gradients by itself."""
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        energy = model.energy(x)
        [slope] = torch.autograd.grad(energy.sum(), x)
    return energy.detach(), slope


def downhill(model: HasEnergy, x: Tensor, most: float = 0.1) -> tuple[Tensor, Tensor]:
    """Pictures x (B, C, H, W) in [0, 1] one step down their energy, and the energies there, (B,).

    The step is against the gradient, but for pixels that it would take out of [0, 1]: the pixel
    that changes most does so by ``most``, or by half of that, a quarter, ... until the energy
    falls. A picture from which no such step leads down stays.
    """
    energy, slope = energy_slope(model, x)
    held = ((x <= 0) & (slope > 0)) | ((x >= 1) & (slope < 0))
    slope = slope.masked_fill(held, 0)
    steepest = slope.abs().flatten(1).max(1).values
    size = most / steepest.clamp_min(torch.finfo(x.dtype).tiny)
    down, reached = x.clone(), energy.clone()
    for _ in range(HALVINGS):
        tried = (x - size.view(-1, 1, 1, 1) * slope).clamp(0, 1)
        with torch.no_grad():
            there = model.energy(tried)
        better = (there < energy) & (reached == energy)
        down = torch.where(better.view(-1, 1, 1, 1), tried, down)
        reached = torch.where(better, there, reached)
        if (reached < energy).all():
            break
        size = size / 2
    return down, reached
