r"""Pictures moved in training by a model that is told how: likelihoods stay those of real pictures.

Sixty thousand pictures are few, and moved ones are as good as new. But a model of the moved ones
is a model of something else: a digit that may lie anywhere has to be found first, which costs nats.
So the network is told how each picture was moved (Jun et al. 2020, distribution augmentation): what
it learns of moved pictures helps it with the others, and of a picture as it is, which is all that
is asked afterwards, it knows that nothing was done to it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from models.contract.random import uniform

NUMBERS = 7  # that say how a picture was moved
AS_IT_IS = 0.5  # part of the pictures that are left alone


def moved(
    x: Tensor, rng: Generator, shift: int = 0, bend: float = 0.0, mirror: bool = False
) -> tuple[Tensor, Tensor]:
    """Pictures x (B, C, H, W), and how each was moved, (B, NUMBERS) from -1 to 1, 0 for not at all.

    shift: whole pixels to each side, at most. bend: turned, slanted and stretched by at most so
    much (0.1 is 6 degrees, or a tenth of the side). mirror: left to right, half of them. Half of
    the pictures stay as they are. What comes in from outside is black.
    """
    B, _, H, W = x.shape
    told = torch.zeros(B, NUMBERS, device=x.device)
    # Drawn alike whatever is asked for: a seed then means the same moves in every run.
    drawn = 2 * uniform((B, NUMBERS), rng, x.device) - 1
    if shift:
        steps = 2 * shift + 1
        told[:, :2] = ((drawn[:, :2] + 1) / 2 * steps).floor().clamp(max=steps - 1) / shift - 1
    if bend:
        told[:, 2:6] = drawn[:, 2:6]
    if mirror:
        told[:, 6] = (drawn[:, 6] > 0).to(told)
    told = told * (uniform((B,), rng, x.device) >= AS_IT_IS)[:, None]
    matrix = torch.eye(2, device=x.device) + bend * told[:, 2:6].view(B, 2, 2)
    matrix[:, :, 0] = matrix[:, :, 0] * (1 - 2 * told[:, 6:])
    size = torch.tensor([W, H], device=x.device)
    by = 2 * shift * told[:, :2] / size  # a side is 2 long to ``affine_grid``
    matrix = torch.cat([matrix, by[:, :, None]], 2)
    with torch.autocast(x.device.type, enabled=False):  # places rounded to 1/256 would blur
        grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
        out = F.grid_sample(x.float(), grid, align_corners=False)
    return out.clamp(0, 1).to(x.dtype), told
