"""A map that moves: layouts of the same points at several moments, each fitted to the next.

A layout may be turned and mirrored without becoming another. Laid out apart, moments would jump for
no reason; so each is given the layout of the moment after it to start from (as in Aligned UMAP,
where layouts are tied to one another; here only their starts are), and is then turned to fit it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.checkpoints.snapshots import Snapshot, moments
from models.codes.projection import fit_map

if TYPE_CHECKING:
    from torch import Tensor

    from models.contract.model import Model

NEIGHBOURS = 15


def codes_at_moments(
    model: Model, folder: str | Path, x: Tensor, label: Tensor | None = None
) -> Iterator[tuple[Snapshot, Tensor]]:
    """Each snapshot of the checkpoint in ``folder``, and the codes of x as it was then: (N, E) as
    ``Model.embed`` has them. x: (N, C, H, W) in [0, 1]; label: (N,), of a conditional model.

    ``model`` tells the device and stays as it is. Raises CheckpointError as ``moments`` does.
    """
    import torch

    told = {} if label is None else {"label": label}
    for snapshot, then in moments(folder, str(model.device)):
        parts = []
        with torch.no_grad():
            for i in range(0, len(x), 256):
                some = {key: value[i : i + 256] for key, value in told.items()}
                part = x[i : i + 256].to(then.device)
                parts.append(then.embed(then.encode(part, **some).flatten(1), **some).cpu())
        yield snapshot, torch.cat(parts)


def fitted_to(moving: np.ndarray, fixed: np.ndarray, shift: bool = True) -> np.ndarray:
    """Points (N, C) turned or mirrored so that they lie as near to ``fixed`` as can be: the
    orthogonal Procrustes problem (Schönemann 1966). Nothing is stretched.

    shift: whether they are moved as well, as where the origin means nothing.
    """
    there = fixed.mean(0) if shift else np.zeros(fixed.shape[1])
    here = moving.mean(0) if shift else np.zeros(moving.shape[1])
    left, _, right = np.linalg.svd((moving - here).T.astype(np.float64) @ (fixed - there))
    return ((moving - here) @ (left @ right) + there).astype(np.float32)


def moving_layouts(
    spaces: Sequence[np.ndarray], last: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """(N, 2) float32 of each moment, the last moment's first. spaces: T times (N, D), in the order
    of the training. Codes of two numbers are laid out as they are, others by UMAP.

    last: (N, 2), where the points of the last moment start, such as on a map that is known.
    """
    after = last
    flat = spaces[-1].shape[1] == 2
    k = min(NEIGHBOURS, len(spaces[-1]) - 1)
    for space in reversed(spaces):
        space = np.asarray(space, np.float32)
        if flat:
            here = space if after is None else fitted_to(space, after, shift=False)
        else:
            here = fit_map(space, "umap", neighbours=k, start=after)
            if after is not None:
                here = fitted_to(here, after)
        after = here
        yield here
