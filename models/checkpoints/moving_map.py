"""moments.safetensors: where codes of the same test images lay at every moment of a training.

A page shows it without the snapshots, which take megabytes, and without a data set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

MOMENTS = "moments.safetensors"


@dataclass(frozen=True)
class MovingMap:
    """Codes of N images at T moments of a training.

    steps, epochs: (T,), rising. places: (T, N, 2) float32, each moment's turned to fit the next.
    codes: (N, D) float32, of the finished model. indices: (N,) which images of the split these are.
    labels: (N,) int64 or None. agreement: (T,) how often the five nearest codes name an image's
    class, from 0 to 1, or None. facts: what is known besides, texts by name.
    """

    steps: np.ndarray
    epochs: np.ndarray
    places: np.ndarray
    codes: np.ndarray
    indices: np.ndarray
    labels: np.ndarray | None = None
    agreement: np.ndarray | None = None
    facts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (T, N, two), n = self.places.shape, len(self.codes)
        if two != 2 or not T == len(self.steps) == len(self.epochs) or n != N:
            raise ValueError("moments of other points")
        if len(self.indices) != N or (self.labels is not None and len(self.labels) != N):
            raise ValueError("facts of other points")
        if self.agreement is not None and len(self.agreement) != T:
            raise ValueError("numbers of other moments")


def save_moving_map(folder: str | Path, found: MovingMap) -> Path:
    """Writes it beside a model's weights; it appears whole or not at all. Places are rounded to
    float16, a thousandth of what is to be seen."""
    from safetensors.numpy import save_file

    from models.machine.files import write_atomically

    tensors = {
        "steps": found.steps.astype(np.int32),
        "epochs": found.epochs.astype(np.float32),
        "places": found.places.astype(np.float16),
        "codes": found.codes.astype(np.float16),
        "indices": found.indices.astype(np.int32),
    }
    if found.labels is not None:
        tensors["labels"] = found.labels.astype(np.int32 if found.labels.max() > 255 else np.uint8)
    if found.agreement is not None:
        tensors["agreement"] = found.agreement.astype(np.float32)
    tensors = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    target = Path(folder) / MOMENTS
    write_atomically(target, lambda path: save_file(tensors, path, found.facts))
    return target


def load_moving_map(folder: str | Path) -> MovingMap | None:
    """What lies beside a model's weights, None where nothing does. Needs no torch.

    Raises ValueError with one sentence where the file cannot be read or its parts do not fit.
    """
    path = Path(folder) / MOMENTS
    if not path.is_file():
        return None
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = file.metadata() or {}
        labels = tensors.get("labels")
        return MovingMap(
            tensors["steps"].astype(np.int64),
            tensors["epochs"].astype(np.float64),
            tensors["places"].astype(np.float32),
            tensors["codes"].astype(np.float32),
            tensors["indices"].astype(np.int64),
            None if labels is None else labels.astype(np.int64),
            tensors.get("agreement"),
            facts,
        )
    except (SafetensorError, KeyError, OSError, ValueError) as error:
        raise ValueError(
            f"The moments of '{path.parent.name}' are damaged; "
            "'python -m models evaluate NAME --only moments' writes them anew."
        ) from error
