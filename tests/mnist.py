"""A small MNIST on the stand-in of the Hub, laid out as the real one."""

from __future__ import annotations

import dataclasses
import hashlib
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from PIL import Image

from models.data import datasets

REPO = "ylecun/mnist"
COUNTS = {"train": 60, "test": 20}


def table_of(images: np.ndarray, labels: np.ndarray) -> bytes:
    """A split as the Hub keeps it."""
    cells = []
    for pixels in images:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        cells.append({"bytes": file.getvalue(), "path": None})
    out = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"image": cells, "label": labels}), out)
    return out.getvalue()


@dataclasses.dataclass
class Kept:
    """What lies on the Hub: images (n, 28, 28) and labels by split, and the files."""

    images: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    files: dict[str, bytes]


def put_mnist(hub, monkeypatch) -> Kept:
    """Puts it there, and has it taken for MNIST."""
    rng = np.random.default_rng(0)
    images = {k: rng.integers(0, 256, (n, 28, 28), np.uint8) for k, n in COUNTS.items()}
    labels = {k: rng.integers(0, 10, n).astype(np.int64) for k, n in COUNTS.items()}
    files = {
        f"mnist/{k}-00000-of-00001.parquet": table_of(images[k], labels[k]) for k in COUNTS
    } | {"README.md": b"# MNIST", ".gitattributes": b""}
    hub.put(REPO, files)
    known = dataclasses.replace(datasets.DATASETS["mnist"], n=COUNTS)
    monkeypatch.setitem(datasets.DATASETS, "mnist", known)
    for each in images.values():
        digest = hashlib.sha256(each.tobytes()).hexdigest()
        monkeypatch.setitem(datasets.FINGERPRINTS, digest, "mnist")
    return Kept(images, labels, files)
