"""What a model's scores are on pictures of its own and of other data: the scale a score is read on.

Kept beside the weights, as ``scores.safetensors``: the values of every score on every set of
pictures, and what was fitted on training images (the mean of -log p(x), the density of several
statistics). Numbers only, nothing is pickled; reading it needs no torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from models.checkpoints.header import CheckpointError
from models.machine.files import write_atomically

SCORES_FILE = "scores.safetensors"
AUROC = "auroc."  # how the names of metrics that come of it begin: auroc.SCORE.SET
OWN = ("train", "test")  # sets of a model's own data; all others are what it never saw


@dataclass(frozen=True)
class Reference:
    """The values of a model's scores, and what they needed to be fitted.

    sets: names of the sets of pictures. default: the score to begin with. measured: by score and
    set, (n,) float32, higher is stranger. fitted: arrays by name, from training images that are in
    no set. statistics: the names of those whose density is the score ``several``.
    """

    sets: tuple[str, ...]
    default: str
    measured: dict[tuple[str, str], np.ndarray]
    fitted: dict[str, np.ndarray] = field(default_factory=dict)
    statistics: tuple[str, ...] = ()

    @property
    def scores(self) -> tuple[str, ...]:
        """The names of the scores that were measured."""
        return tuple(dict.fromkeys(score for score, _ in self.measured))

    def values(self, score: str, set: str) -> np.ndarray:
        """(n,) float32. Raises ValueError where there are none."""
        try:
            return self.measured[score, set]
        except KeyError:
            raise ValueError(f"The score '{score}' was not measured on '{set}'.") from None

    def percentile(self, score: str, values: np.ndarray, set: str = "test") -> np.ndarray:
        """What part of a set's pictures are less strange, 0 to 100, ties counted half; as values.

        Raises ValueError where the score was not measured.
        """
        ordered = np.sort(self.values(score, set))
        values = np.asarray(values, np.float32)
        below, upto = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
        return 50.0 * (below + upto) / len(ordered)


def read_reference(folder: Path | str) -> Reference | None:
    """The reference of a checkpoint's folder, None where there is none.

    Raises CheckpointError where the file is damaged.
    """
    file = Path(folder) / SCORES_FILE
    if not file.is_file():
        return None
    try:
        with safe_open(file, "numpy") as tensors:
            about = tensors.metadata()
            keys = tensors.keys()
            arrays = {key: tensors.get_tensor(key) for key in keys}
        sets, scores, statistics = (
            tuple(json.loads(about[key])) for key in ("sets", "scores", "statistics")
        )
        measured = {
            (score, set): arrays.pop(f"values/{score}/{set}") for score in scores for set in sets
        }
        fitted = {key.removeprefix("fitted/"): array for key, array in arrays.items()}
        return Reference(sets, about["default"], measured, fitted, statistics)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"'{SCORES_FILE}' in '{Path(folder).name}' is damaged; measure it again with "
            f"'python -m models evaluate {Path(folder).name} --only scores'."
        ) from error


def save_reference(reference: Reference, folder: Path) -> Path:
    """Writes it beside the weights; the file appears whole or not at all."""
    from safetensors.numpy import save_file

    arrays = {f"values/{score}/{set}": v for (score, set), v in reference.measured.items()}
    arrays |= {f"fitted/{name}": array for name, array in reference.fitted.items()}
    arrays = {key: np.ascontiguousarray(array, np.float32) for key, array in arrays.items()}
    about = {
        "sets": json.dumps(reference.sets),
        "scores": json.dumps(reference.scores),
        "default": reference.default,
        "statistics": json.dumps(reference.statistics),
    }
    file = folder / SCORES_FILE
    write_atomically(file, lambda path: save_file(arrays, path, about))
    return file
