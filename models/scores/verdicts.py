"""What a discriminator says of pictures as each class, and how that changes with every pixel."""

from __future__ import annotations

import torch
from torch import Tensor

from models.contract.capabilities import Discriminates


def verdicts(model: Discriminates, x: Tensor, classes: int = 0) -> Tensor:
    """Verdicts on pictures x (N, C, H, W) as each class, (N, K); (N, 1) of a model without any."""
    if not classes:
        return model.verdict(x)[:, None]
    return torch.stack([model.verdict(x, k) for k in range(classes)], 1)


def verdict_slope(model: Discriminates, x: Tensor, classes: int = 0) -> tuple[Tensor, Tensor]:
    """Verdicts on a picture x (1, C, H, W) as each class, (K,), and the slope of the highest by the
    picture's numbers, (C, H, W). It asks for gradients by itself."""
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        found = verdicts(model, x, classes)[0]
        [slope] = torch.autograd.grad(found.max(), x)
    return found.detach(), slope[0]
