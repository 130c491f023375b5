r"""How a code follows a picture: the Jacobian of an encoder, its size and its strongest directions.

For a picture $x$ and an encoder $f$ the matrix $J = \partial f / \partial x$ says what every small
change of the picture does to the code. Its norm $\lVert J \rVert_F$ is what a contractive
autoencoder keeps small (Rifai et al. 2011, eq. 3). Its singular values say in how many directions
the code still moves, and the right singular vectors are those directions, as pictures: the tangents
of the sheet on which the model takes pictures to lie (Rifai et al. 2011b, section 3).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.contract.capabilities import Encodes


class Tangents(NamedTuple):
    """Of B pictures: values (B, K), the K largest singular values of J, falling; directions
    (B, K, C, H, W), unit vectors, of either sign; norm (B,), that of the whole J."""

    values: Tensor
    directions: Tensor
    norm: Tensor


def jacobian(model: Encodes, x: Tensor) -> Tensor:
    """d code / d picture, (B, D, C, H, W), row by row. x: (B, C, H, W) in [0, 1]."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        codes = model.encode(x).flatten(1)  # (B, D); each picture's code depends on it alone
        rows = [
            torch.autograd.grad(code.sum(), x, retain_graph=True)[0] for code in codes.unbind(1)
        ]
    return torch.stack(rows, 1)


def tangents(model: Encodes, x: Tensor, unit: Tensor | float = 1.0, most: int = 8) -> Tangents:
    """The singular values and directions of each picture's Jacobian.

    x: (B, C, H, W) in [0, 1]. unit: what a code's numbers are counted in, (D,) or one for all, such
    as their spread over many pictures. Raises ValueError where a unit is not above 0.
    """
    if not bool((torch.as_tensor(unit) > 0).all()):
        raise ValueError("A unit of a code must be above 0.")
    J = jacobian(model, x).flatten(2)  # (B, D, CHW)
    J = J / torch.as_tensor(unit, dtype=J.dtype, device=J.device).view(1, -1, 1)
    _, values, directions = torch.linalg.svd(J, full_matrices=False)
    directions = directions[:, :most].unflatten(2, x.shape[1:])
    return Tangents(values[:, :most], directions, J.square().sum((1, 2)).sqrt())
