"""Files of images as arrays: IDX, pictures in folders and zips, data sets of the Hub.

Each reader returns plain arrays, ``(N, H, W)`` or ``(N, C, H, W)`` uint8, and raises DataError,
whose message is one sentence for a person, for every way in which a file can be wrong.
``models/data/datasets.py`` gives them names and splits.
"""

from __future__ import annotations

import contextlib
import gzip
import logging
import math
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.data.collection import (
    SUFFIXES,
    TEST_NAMES,
    counted,
    is_hidden,
    is_picture,
    parts_of,
    skipped,
)
from models.data.picture_files import ImageError, decoded
from models.data.squares import Cut, Grounds, square

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

LARGEST_SIDE = 64  # pictures of one size up to this are taken as they are
DEFAULT_SIZE = 32  # what others are cropped and shrunk to unless a size is asked for
LARGEST_FILE = 200 * 2**20  # bytes of one picture in a zip, unpacked
LOOKED_AT = 64  # pictures that tell the ground of a collection
WHOLE = 1 << 30  # pixels a side: nothing is made smaller before it is cropped


class DataError(ValueError):
    """A data set that cannot be had; the message is one sentence for a person."""


# ---------------------------------------------------------------------------------------------
# IDX


def read_idx(path: Path, ndim: int) -> np.ndarray:
    """An IDX file (LeCun's format for MNIST) of unsigned bytes, gzipped or not.

    Two zero bytes, the type (8), the number of axes, each axis as a big-endian 32-bit number, then
    the bytes. Returns uint8 with ``ndim`` axes. Raises DataError where the file is anything else.
    """
    try:
        with open(path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        with (gzip.open if zipped else open)(path, "rb") as file:
            head = file.read(4 + 4 * ndim)
            if head[:4] != bytes([0, 0, 8, ndim]):
                raise DataError(
                    f"'{path}' is not an IDX file of bytes with {ndim} "
                    f"{'axis' if ndim == 1 else 'axes'}: it begins with "
                    f"{head[:4].hex(' ') or 'nothing'} instead of 00 00 08 {ndim:02x}."
                )
            if len(head) < 4 + 4 * ndim:
                raise EOFError
            shape = tuple(np.frombuffer(head, ">u4", offset=4).astype(int).tolist())
            want = math.prod(shape)
            body = file.read(want + 1)  # a byte more than promised tells a file that is too long
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise DataError(f"'{path}' is damaged or cut short: get it again.") from None
    except OSError as error:
        raise DataError(f"'{path}' cannot be read: {_reason(error)}.") from None
    if len(body) != want or not want:
        sizes = " x ".join(map(str, shape))
        held = f"{len(body)}" if len(body) <= want else f"more than {want}"
        raise DataError(f"'{path}' promises {sizes} bytes and holds {held}: get it again.")
    return np.frombuffer(body, np.uint8).reshape(shape)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).rstrip(".")


# ---------------------------------------------------------------------------------------------
# Pictures in folders and zips


@dataclass(frozen=True)
class Entry:
    """One picture: its path inside the collection, and how to get its bytes."""

    parts: tuple[str, ...]
    read: Callable[[], bytes]
    origin: str


@dataclass(frozen=True)
class Collection:
    """Pictures by path; notes: sentences on what was skipped."""

    entries: list[Entry]
    notes: tuple[str, ...] = ()


@contextlib.contextmanager
def open_pictures(root: Path) -> Iterator[Collection]:
    """The pictures under a folder or in a zip, sorted by path; hidden files are left out.

    A folder that holds ``train.zip`` and ``test.zip`` reads like one with those two folders.
    """
    with contextlib.ExitStack() as stack:
        if root.is_file():
            files = _zip_entries(root, (), stack)
        elif (root / "train.zip").is_file() and (root / "test.zip").is_file():
            files = [
                entry
                for part in ("train", "test")
                for entry in _zip_entries(root / f"{part}.zip", (part,), stack)
            ]
        elif root.is_dir():
            files = _folder_entries(root)
        else:
            raise DataError(f"There is no folder or zip '{root}'.")
        entries = [entry for entry, head in files if is_picture(entry.parts[-1], head())]
        if not entries:
            raise DataError(f"'{root}' holds no pictures ({', '.join(sorted(SUFFIXES))}).")
        taken = {entry.origin for entry in entries}
        others = skipped(e.parts[-1] for e, _ in files if e.origin not in taken)
        yield Collection(sorted(entries, key=lambda entry: entry.parts), others)


def _folder_entries(root: Path) -> list[tuple[Entry, Callable[[], bytes]]]:
    """Files, and how to get the first bytes of each."""

    def head(path: Path) -> bytes:
        with path.open("rb") as file:
            return file.read(16)

    files = ((path, path.relative_to(root).parts) for path in root.rglob("*"))
    return [
        (Entry(parts, path.read_bytes, str(path)), partial(head, path))
        for path, parts in files
        if not is_hidden(parts) and path.is_file()
    ]


def _zip_entries(
    path: Path, prefix: tuple[str, ...], stack: contextlib.ExitStack
) -> list[tuple[Entry, Callable[[], bytes]]]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise DataError(f"'{path}' is not a whole zip file: get it again.") from None
    except OSError as error:
        raise DataError(f"'{path}' cannot be read: {_reason(error)}.") from None

    def read(info: zipfile.ZipInfo) -> bytes:
        if info.file_size > LARGEST_FILE:
            raise DataError(f"'{info.filename}' in '{path}' is too large for a picture.")
        try:
            return archive.read(info)
        except ValueError:  # places before the file's beginning
            raise DataError(f"'{path}' is not a whole zip file: get it again.") from None

    def head(info: zipfile.ZipInfo) -> bytes:
        try:
            with archive.open(info) as file:
                return file.read(16)
        except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, ValueError, EOFError):
            return b""

    found = []
    for info in archive.infolist():
        parts = parts_of(info)
        if parts and info.filename[-1:] != "/" and not is_hidden(parts):
            name = "".join(c if c.isprintable() else "?" for c in info.filename)
            entry = Entry(prefix + parts, partial(read, info), f"{path}: {name}")
            found.append((entry, partial(head, info)))
    return found


@dataclass(frozen=True)
class Decoded:
    """images: (n, C, H, W) uint8. ground: what the transparent ones lie on, "" where there are
    none. notes: sentences on what was done to the pictures."""

    images: np.ndarray
    ground: str
    notes: tuple[str, ...]


def decode_pictures(
    entries: Iterable[Entry], n: int, size: int | None = None, ground: str = ""
) -> Decoded:
    """n pictures; one channel where every pixel of all of them is grey.

    Pictures that are all of one size, 64 pixels a side at most, stay as they are. Otherwise, or
    where ``size`` is given, each is cropped to its central square and resampled to size x size
    (32 unless told). Turned as their EXIF says; of moving ones the first frame counts. Transparent
    ones are all laid on one ground: the one given, else white, unless most of them are light and
    would be lost on it. Raises DataError with the name of a picture that cannot be read.
    """
    from PIL import Image

    stacked, grounds, cut = None, Grounds(ground), Cut()
    for i, entry in enumerate(_with_progress(entries, n)):
        picture = _open(entry)
        if size is None and (
            max(picture.size) > LARGEST_SIDE
            or (stacked is not None and picture.size != stacked.shape[2:0:-1])
        ):
            # They cannot stay as they are after all: those already read are brought to the size.
            size = DEFAULT_SIZE
            before = [] if stacked is None else stacked[:i]
            stacked = np.empty((n, size, size, 3), np.uint8)
            for k, pixels in enumerate(before):
                earlier = Image.fromarray(pixels)
                cut.saw(earlier.size)
                stacked[k] = square(earlier, size)
            grounds.resize(size)
        whole = picture
        picture = grounds.lay(i, picture, size)
        if size is not None:
            cut.saw(whole.size)
        if stacked is None:
            stacked = np.empty((n, picture.height, picture.width, 3), np.uint8)
        stacked[i] = picture
    ground = grounds.settle(stacked)
    grey = (stacked[..., :1] == stacked[..., 1:]).all()
    images = np.ascontiguousarray((stacked[..., :1] if grey else stacked).transpose(0, 3, 1, 2))
    return Decoded(images, ground, (*cut.notes(size), *grounds.notes()))


def ground_of(entries: Sequence[Entry]) -> str:
    """The ground for the transparent pictures of a whole collection, so that its splits lie on the
    same: told by a few dozen, spread evenly. "" where none of these is transparent."""
    grounds = Grounds()
    for row, entry in enumerate(entries[:: -(-len(entries) // LOOKED_AT)]):
        with contextlib.suppress(DataError):  # said of the split that it belongs to
            grounds.lay(row, _open(entry), 1)
    return grounds.ground


def _with_progress(items: Iterable[Any], n: int) -> Iterable[Any]:
    from tqdm import tqdm

    # None: only where someone watches a terminal; few pictures are done before a bar is read.
    return tqdm(items, "Reading pictures", n, disable=None if n > 2000 else True, leave=False)


def _open(entry: Entry) -> Image:
    """The picture, decoded, upright, in "L", "RGB" or, transparent, "RGBA"."""
    try:
        return decoded(entry.read(), f"'{entry.origin}'", WHOLE, alpha=True, most=LARGEST_FILE)
    except ImageError as error:
        raise DataError(str(error)) from None
    except (OSError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error):
        raise DataError(f"'{entry.origin}' is damaged, cut short or locked.") from None


# ---------------------------------------------------------------------------------------------
# The Hub


@dataclass(frozen=True)
class HubSplit:
    """images: (N, C, H, W) uint8. labels: (N,) int64 or None. classes: names of the labels."""

    images: np.ndarray
    labels: np.ndarray | None
    classes: tuple[str, ...]
    whole: bool  # True where the Hub has only one split, and this is it
    ground: str = ""  # and notes: as of ``Decoded``
    notes: tuple[str, ...] = ()


def read_hub(repo: str, split: str, size: int | None = None) -> HubSplit:
    """A split of a data set on the Hub, "owner/name" or "owner/name:configuration".

    The ``datasets`` library downloads it once, with a progress bar, into the user's cache, and
    checks its sizes; later calls need no network. Of several columns of images or of labels, the
    one with the usual name is taken, and that is said. Raises DataError with one sentence where it
    cannot be had.
    """
    try:
        import datasets
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError:
        raise DataError(
            f"Getting '{repo}' from the Hub needs the datasets library: pip install datasets."
        ) from None

    path, _, configuration = repo.partition(":")
    online = reachable()
    try:
        with contextlib.nullcontext() if online else _offline():
            splits = datasets.load_dataset(path, configuration or None)
    except (OSError, ValueError, HfHubHTTPError, datasets.exceptions.DatasetsError) as error:
        log.debug("load_dataset(%r) failed", repo, exc_info=True)
        if not online:
            raise DataError(
                f"'{repo}' is not in this machine's cache and the Hub cannot be reached: go "
                "online once, or give the folder with its files (--data-dir)."
            ) from None
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DataError(f"'{repo}' cannot be had from the Hub: {reason}.") from None

    names = ("train",) if split == "train" else TEST_NAMES
    own = [name for name in names if name in splits]
    whole = not own or len(splits) == 1
    table = splits[own[0]] if own else next(iter(splits.values()))

    image_columns = [k for k, v in table.features.items() if isinstance(v, datasets.Image)]
    if not image_columns:
        raise DataError(
            f"'{repo}' has no column of images: its columns are {', '.join(table.features)}."
        )
    if not len(table):
        raise DataError(f"'{repo}' is empty.")
    image_column = _column(repo, image_columns, IMAGE_COLUMNS, "images")
    label_column, classes, notes = _label_column(repo, table)
    if len(image_columns) > 1:
        others = ", ".join(f"'{k}'" for k in image_columns if k != image_column)
        notes = (f"The images are those of the column '{image_column}', not {others}.", *notes)
    labels = None
    if label_column is not None:
        labels = table[label_column][:]
        known = [k for k, label in enumerate(labels) if label is not None and label >= 0]
        if not known:  # the Hub's mark of hidden labels
            labels, classes = None, ()
        elif len(known) < len(labels):
            missing = len(labels) - len(known)
            notes = (*notes, f"{counted(missing)} without a label left out.")
            table, labels = table.select(known), [labels[k] for k in known]
    raw = table.select_columns(image_column).cast_column(image_column, datasets.Image(decode=False))
    entries = (
        Entry((), _hub_bytes(row[image_column]), f"{repo}, row {i}") for i, row in enumerate(raw)
    )
    made = decode_pictures(entries, len(table), size)
    labels = None if labels is None else np.asarray(labels, np.int64)
    return HubSplit(made.images, labels, classes, whole, made.ground, (*notes, *made.notes))


# What a column is called where a table has several of a kind.
IMAGE_COLUMNS = ("image", "img", "picture", "pixel_values")
LABEL_COLUMNS = ("label", "labels", "class", "category", "target", "fine_label")
MOST_CLASSES = 1000  # of whole numbers, so that an identity or a price is no class


def _column(repo: str, columns: list[str], usual: tuple[str, ...], what: str) -> str:
    """The only one, else the one with the usual name. Raises DataError where neither tells."""
    if len(columns) == 1:
        return columns[0]
    named = [name for name in usual if name in columns]
    if not named:
        raise DataError(
            f"'{repo}' has several columns of {what} ({', '.join(columns)}), and none is called "
            f"'{usual[0]}': rename one, and bring it as a folder of pictures or a data set of its "
            "own."
        )
    return named[0]


def _label_column(repo: str, table: Any) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
    """(column, names of its classes, notes): one of class labels, or of whole numbers that its name
    says are labels; None where there is none."""
    import datasets

    features = table.features
    columns = [k for k, v in features.items() if isinstance(v, datasets.ClassLabel)]
    if columns:
        try:
            column = _column(repo, columns, LABEL_COLUMNS, "labels")
        except DataError:
            return None, (), (
                f"None of the columns of labels ({', '.join(columns)}) is called "
                f"'{LABEL_COLUMNS[0]}': the pictures have no classes.",
            )  # fmt: skip
        others = ", ".join(f"'{k}'" for k in columns if k != column)
        notes = (f"The classes are those of the column '{column}', not {others}.",)
        return column, tuple(features[column].names), notes if others else ()
    for column in LABEL_COLUMNS:
        kind = getattr(features.get(column), "dtype", "")
        if kind.startswith(("int", "uint")):
            values = {v for v in table[column][:] if v is not None and v >= 0}
            if values and max(values) < MOST_CLASSES:
                return column, tuple(str(k) for k in range(max(values) + 1)), ()
    return None, (), ()


def _hub_bytes(cell: dict[str, Any] | None) -> Callable[[], bytes]:
    """A cell of an image column holds its bytes, or the path of a file that does."""
    if cell is None:
        return bytes
    return lambda: cell["bytes"] or Path(cell["path"]).read_bytes()


def reachable(seconds: float = 5.0) -> bool:
    """Does the Hub answer? Asked once, because the libraries retry for half a minute each time."""
    from huggingface_hub import constants, get_session, is_offline_mode

    if is_offline_mode():
        return False
    try:
        get_session().head(constants.ENDPOINT, timeout=seconds)
    except Exception as error:  # whatever the HTTP library of the day raises
        log.debug("the Hub does not answer: %s", error)
        return False
    return True


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Lets the libraries use their caches at once, as HF_HUB_OFFLINE=1 would."""
    import datasets.config
    from huggingface_hub import constants

    before = datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before
