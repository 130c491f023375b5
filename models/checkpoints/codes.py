"""codes.safetensors: the codes of test images, and their map as it was fitted.

Where that is more than a file of the Hub may be (see ``models.checkpoints.parts``), what was
computed of the codes lies beside it, in decoded.safetensors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.checkpoints.parts import LARGEST

CODES = "codes.safetensors"
DECODED = "decoded.safetensors"
COMPUTED = ("pictures", "embedding")  # what may lie there
FEATURES = "features.safetensors"  # of a judge: see models/codes/judged_map.py


@dataclass(frozen=True)
class Map:
    """Codes of images, and where they lie.

    codes: (N, D) float32. coordinates: (N, 2 or 3) float32. labels: (N,) int64 or None.
    indices: (N,) which images of the split these are. kl: (D,) mean KL of each dimension in nats,
    or None. facts: what is known besides (data, split, method), texts by name. embedding: (N, E)
    float32, what ``model.embed`` makes of the codes, where that differs from them. pictures:
    (N, C, H, W) uint8, the codes decoded, where that would take long.
    """

    codes: np.ndarray
    coordinates: np.ndarray
    labels: np.ndarray | None = None
    indices: np.ndarray | None = None
    kl: np.ndarray | None = None
    facts: dict[str, str] = field(default_factory=dict)
    embedding: np.ndarray | None = None
    pictures: np.ndarray | None = None

    @property
    def space(self) -> np.ndarray:
        """(N, E) float32, where distances mean something: the embedding, else the codes."""
        return self.codes if self.embedding is None else self.embedding

    def __len__(self) -> int:
        return len(self.codes)


def save_map(folder: str | Path, fitted: Map, file_name: str = CODES) -> Path:
    """Writes a map in a model's folder; the file appears whole or not at all."""
    tensors = {
        "codes": fitted.codes.astype(np.float16),
        "map": fitted.coordinates.astype(np.float32),
    }
    optional = {
        "labels": (fitted.labels, _label_type(fitted.labels)),
        "indices": (fitted.indices, np.int32),
        "kl": (fitted.kl, np.float32),
        "embedding": (fitted.embedding, np.float16),
        "pictures": (fitted.pictures, np.uint8),
    }
    for name, (values, dtype) in optional.items():
        if values is not None:
            tensors[name] = np.ascontiguousarray(values.astype(dtype))
    return write_codes(tensors, Path(folder), fitted.facts, file_name)


def write_codes(
    tensors: dict[str, np.ndarray], folder: Path, facts: dict[str, str], file_name: str = CODES
) -> Path:
    """Writes arrays as a model's codes: in one file, or in two where one would be too large."""
    from safetensors.numpy import save_file

    from models.machine.files import write_atomically

    second = folder / DECODED
    large = file_name == CODES and sum(array.nbytes for array in tensors.values()) > LARGEST
    computed = {name: tensors[name] for name in COMPUTED if name in tensors} if large else {}
    rest = {name: array for name, array in tensors.items() if name not in computed}
    if computed:
        write_atomically(second, lambda path: save_file(computed, path, facts))
    write_atomically(folder / file_name, lambda path: save_file(rest, path, facts))
    if file_name == CODES and not computed:
        second.unlink(missing_ok=True)  # of an earlier model
    return folder / file_name


def _files(path: Path) -> list[Path]:
    second = path.parent / DECODED
    return [path, second] if path.name == CODES and second.is_file() else [path]


def read_codes(path: Path, computed: bool = True) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays of a file of codes, and what is written beside them. computed: those of its second
    file, too.

    Raises SafetensorError or OSError.
    """
    from safetensors import safe_open

    tensors: dict[str, np.ndarray] = {}
    facts: dict[str, str] = {}
    for file in reversed(_files(path) if computed else [path]):
        with safe_open(file, "numpy") as opened:
            tensors |= {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            facts = opened.metadata() or {}
    return tensors, facts


def file_with(folder: str | Path, name: str) -> Path | None:
    """The one of a model's files of codes in which the array of that name lies, None without.

    Raises SafetensorError or OSError.
    """
    from safetensors import safe_open

    for path in _files(Path(folder) / CODES):
        if path.is_file():
            with safe_open(path, "numpy") as file:
                if name in set(file.keys()):
                    return path
    return None


def _label_type(labels: np.ndarray | None) -> type:
    """A byte a label, where it holds them all."""
    return np.int32 if labels is not None and labels.max(initial=0) > 255 else np.uint8


def load_map(folder: str | Path, file_name: str = CODES) -> Map | None:
    """The map in a model's folder, None where it has none. Needs no torch.

    Raises ValueError with one sentence where the file cannot be read or its parts do not fit.
    """
    path = Path(folder) / file_name
    if not path.is_file():
        return None
    from safetensors import SafetensorError

    try:
        tensors, facts = read_codes(path)
        codes = tensors["codes"].astype(np.float32)
        coordinates = tensors["map"].astype(np.float32)
    except (SafetensorError, KeyError, OSError) as error:
        raise ValueError(
            f"The map in '{path.parent.name}' is damaged; "
            "'python -m models evaluate' writes it anew."
        ) from error
    n = len(codes)
    rest = {name: tensors.get(name) for name in ("labels", "indices")}
    embedding, pictures = tensors.get("embedding"), tensors.get("pictures")
    parts = [v for v in (coordinates, embedding, pictures, *rest.values()) if v is not None]
    if codes.ndim != 2 or coordinates.ndim != 2 or any(len(part) != n for part in parts):
        raise ValueError(
            f"The parts of the map in '{path.parent.name}' do not belong together; "
            "'python -m models evaluate' writes it anew."
        )
    whole = {k: None if v is None else v.astype(np.int64) for k, v in rest.items()}
    embedding = None if embedding is None else embedding.astype(np.float32)
    return Map(
        codes, coordinates, **whole, kl=tensors.get("kl"), facts=facts, embedding=embedding,
        pictures=pictures,
    )  # fmt: skip
