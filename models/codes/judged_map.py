"""Where a judge sees real test pictures, kept beside it: for a page that has no data set at hand.

    FOLDER/features.safetensors    a ``projection.Map``: the features as float16, their UMAP, labels

Made pictures are then laid out beside real ones: kinds that are never made leave their place empty.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from models.checkpoints.codes import FEATURES, Map, load_map, save_map
from models.codes.projection import fit_map
from models.contract.capabilities import Classifies
from models.data.datasets import Dataset

KEPT = 2000


@torch.no_grad()
def features(judge: Classifies, x: torch.Tensor) -> np.ndarray:
    """(N, F) float32 features of pictures x (N, C, H, W), in [0, 1] or as bytes."""
    parts = []
    for part in x.split(250):
        part = part.to(next(judge.parameters()).device)
        part = part.float() / 255 if part.dtype == torch.uint8 else part
        parts.append(judge.features(part).float().cpu().numpy())
    return np.concatenate(parts)


def keep_features(judge: Classifies, test: Dataset, folder: Path, n: int = KEPT) -> Path:
    """Writes the features of n test pictures, evenly spaced, and where UMAP lays them out."""
    rows = np.linspace(0, len(test) - 1, min(n, len(test))).astype(int)
    # What is kept is rounded, and so is what the map is made of.
    found = features(judge, test.images[torch.from_numpy(rows)]).astype(np.float16)
    found = found.astype(np.float32)
    labels = None if test.labels is None else test.labels.numpy()[rows]
    facts = {"data": test.name, "split": test.split, "n": str(len(rows)), "map": "umap"}
    fitted = Map(found, fit_map(found, "umap"), labels, rows, facts=facts)
    return save_map(folder, fitted, FEATURES)


def load_features(folder: Path) -> Map | None:
    """What ``keep_features`` wrote, or None. Raises ValueError where it is damaged."""
    return load_map(folder, FEATURES)
