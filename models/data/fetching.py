"""Data sets that are fetched from the Hub when somebody asks for them, checked, and kept.

What comes is a split's table (Parquet) with its pictures as PNG; what is kept are the IDX files
that ``models.data.datasets`` reads, in a folder of this user's, under the data set's name: it finds
them there by itself, in every process and from then on.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import logging
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np

from models.data.known import DATASETS, FETCHED, FINGERPRINTS
from models.data.sources import DataError, reachable

log = logging.getLogger(__name__)

CACHE = "GENERATIVE_EXPLORER_CACHE"
SPLITS = {"train": "train", "test": "t10k"}  # what the files of a split begin with
LARGEST = 200_000_000  # bytes of a table
BLOCK = 1 << 18
COMING = 0.9  # the share of the work that fetching is
SECONDS = 20.0  # in which the Hub has to say something


def cache_folder() -> Path:
    """Where fetched data sets lie: what the environment says, else this user's cache."""
    if given := os.environ.get(CACHE):
        return Path(given).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "generative-explorer" / "data"


class Progress(NamedTuple):
    """done of total: ``of`` is "bytes" that came or "pictures" that were checked. share:
    how much of all is done, 0 to 1."""

    of: str
    done: int
    total: int
    share: float


@dataclass(frozen=True)
class _Table:
    """A split on the Hub. sha256: of its bytes, where the Hub tells."""

    split: str
    path: str
    size: int
    sha256: str


def can_ask() -> bool:
    """Whether the Hub may be asked here at all: no environment variable forbids it."""
    from huggingface_hub import is_offline_mode

    return not is_offline_mode()


def fetch(name: str) -> Iterator[Progress]:
    """Fetches a known data set from the Hub, checks it by count and hash, and keeps it in
    ``cache_folder()``, where ``datasets.load`` and ``available`` find it. Yields how far it is.

    Raises DataError, one sentence, and keeps nothing, where it cannot be had or is not what it
    should be.
    """
    if name not in FETCHED:
        raise DataError(f"There is no data set '{name}' to fetch: {', '.join(FETCHED)}.")
    info = DATASETS[name]
    if not can_ask() or not reachable():
        raise DataError(
            "The Hub cannot be reached from here: go online, or give the folder with the files "
            "(--data-dir)."
        )
    target = cache_folder() / name
    commit, tables = _look_up(info.hub)
    whole = sum(table.size for table in tables)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    except OSError as error:
        raise _unwritable(target.parent, error) from None
    try:
        done = 0
        for table in tables:
            data = io.BytesIO()
            for block in _blocks(info.hub, commit, table):
                data.write(block)
                came = done + data.tell()
                yield Progress("bytes", came, whole, COMING * came / whole)
            done += table.size
            n = info.n[table.split]
            images, labels = yield from _unpacked(data.getvalue(), n, done / whole)
            really = FINGERPRINTS.get(hashlib.sha256(images.tobytes()).hexdigest())
            if really != name:
                raise DataError(
                    f"The Hub's '{info.hub}' has other pictures in '{table.split}' than it should; "
                    "nothing was kept."
                )
            _write(work, SPLITS[table.split], images, labels)
        with contextlib.suppress(OSError):  # another process was quicker: it is the same
            os.replace(work, target)
    except OSError as error:
        raise _unwritable(target.parent, error) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if not target.is_dir():
        raise _unwritable(target, OSError("the folder could not be renamed"))


def _unwritable(folder: Path, error: OSError) -> DataError:
    log.info("Nothing can be kept in %s: %s", folder, error)
    return DataError(
        f"There is no room, or no leave, to keep the data set: {error.strerror or error}."
    )


def _look_up(repo: str) -> tuple[str, list[_Table]]:
    """The commit and the tables of a data set, one a split. Raises DataError."""
    from huggingface_hub import HfApi, constants

    try:
        api = HfApi(constants.ENDPOINT, token=False)
        info = api.dataset_info(repo, files_metadata=True, timeout=SECONDS)
    except Exception as error:  # whatever the HTTP library of the day raises
        log.info("Asking the Hub about %s failed: %s", repo, error)
        raise DataError(f"The Hub does not answer about '{repo}'; try again later.") from None
    tables = []
    for split in SPLITS:
        found = [
            file
            for file in info.siblings or []
            if file.rfilename.endswith(".parquet")
            and file.rfilename.rpartition("/")[2].startswith(f"{split}-")
        ]
        if len(found) != 1 or not 0 < (found[0].size or 0) <= LARGEST:
            raise DataError(f"The Hub's '{repo}' is not laid out as it was; nothing was fetched.")
        file = found[0]
        digest = file.lfs.sha256 if file.lfs else ""
        tables.append(_Table(split, file.rfilename, file.size, digest))
    return info.sha, tables


def _blocks(repo: str, commit: str, table: _Table) -> Iterator[bytes]:
    """The bytes of a table as they come. Raises DataError."""
    from huggingface_hub import constants, get_session

    url = f"{constants.ENDPOINT}/datasets/{repo}/resolve/{commit}/{quote(table.path)}"
    size, digest = 0, hashlib.sha256()
    try:
        with get_session().stream("GET", url, follow_redirects=True, timeout=SECONDS) as answer:
            answer.raise_for_status()
            for block in answer.iter_bytes(BLOCK):
                size += len(block)
                if size > table.size:
                    break
                digest.update(block)
                yield block
    except Exception as error:
        log.info("Fetching %s failed: %s", url, error)
        raise DataError("The connection to the Hub broke off; try again.") from None
    if size != table.size or (table.sha256 and digest.hexdigest() != table.sha256):
        raise DataError("What came from the Hub is damaged or cut short; try again.")


def _unpacked(
    data: bytes, n: int, share: float
) -> Generator[Progress, None, tuple[np.ndarray, np.ndarray]]:
    """(n, 28, 28) uint8 and (n,) uint8 of a table; yields how far it is. Raises DataError."""
    import pyarrow.parquet
    from PIL import Image

    try:
        table = pyarrow.parquet.read_table(io.BytesIO(data), columns=["image", "label"])
        if len(table) != n:
            raise DataError(f"The Hub's table has {len(table):,} pictures instead of {n:,}.")
        images = np.empty((n, 28, 28), np.uint8)
        for k, cell in enumerate(table["image"]):
            with Image.open(io.BytesIO(cell["bytes"].as_py()), formats=["PNG"]) as picture:
                if picture.size != (28, 28) or picture.mode != "L":
                    raise DataError("The Hub's pictures are not 28x28 in grey any more.")
                images[k] = np.asarray(picture)
            if k % 2000 == 0:
                yield Progress("pictures", k, n, COMING * share)
        return images, np.asarray(table["label"].to_numpy(), np.uint8)
    except DataError:
        raise
    except Exception as error:  # Arrow's and Pillow's own
        log.info("The table could not be read: %s", error)
        raise DataError("What came from the Hub cannot be read; nothing was kept.") from None


def _write(folder: Path, prefix: str, images: np.ndarray, labels: np.ndarray) -> None:
    """A split as LeCun's two files."""
    for kind, array in ((f"images-idx{images.ndim}", images), ("labels-idx1", labels)):
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        with gzip.open(folder / f"{prefix}-{kind}-ubyte.gz", "wb", compresslevel=1) as file:
            file.write(head + array.tobytes())
