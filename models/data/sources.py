"""Files of images as arrays: IDX, pictures in folders and zips, data sets of the Hub.

Each reader returns plain arrays, ``(N, H, W)`` or ``(N, C, H, W)`` uint8, and raises DataError,
whose message is one sentence for a person, for every way in which a file can be wrong.
``models/data/datasets.py`` gives them names and splits.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import logging
import math
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"}
LARGEST_SIDE = 64  # pictures of one size up to this are taken as they are
DEFAULT_SIZE = 32  # what others are cropped and shrunk to unless a size is asked for
LARGEST_FILE = 200 * 2**20  # bytes of one picture in a zip, unpacked
LARGEST_PICTURE = 100_000_000  # pixels


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


@contextlib.contextmanager
def open_pictures(root: Path) -> Iterator[list[Entry]]:
    """The pictures under a folder or in a zip, sorted by path; hidden files are left out.

    A folder that holds ``train.zip`` and ``test.zip`` reads like one with those two folders.
    """
    with contextlib.ExitStack() as stack:
        if root.is_file():
            entries = _zip_entries(root, (), stack)
        elif (root / "train.zip").is_file() and (root / "test.zip").is_file():
            entries = [
                entry
                for part in ("train", "test")
                for entry in _zip_entries(root / f"{part}.zip", (part,), stack)
            ]
        elif root.is_dir():
            entries = _folder_entries(root)
        else:
            raise DataError(f"There is no folder or zip '{root}'.")
        if not entries:
            raise DataError(f"'{root}' holds no pictures ({', '.join(sorted(PICTURES))}).")
        yield sorted(entries, key=lambda entry: entry.parts)


def _is_picture(parts: tuple[str, ...]) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return bool(parts) and not hidden and PurePosixPath(parts[-1]).suffix.lower() in PICTURES


def _folder_entries(root: Path) -> list[Entry]:
    files = ((path, path.relative_to(root).parts) for path in root.rglob("*"))
    return [
        Entry(parts, path.read_bytes, str(path))
        for path, parts in files
        if _is_picture(parts) and path.is_file()
    ]


def _zip_entries(path: Path, prefix: tuple[str, ...], stack: contextlib.ExitStack) -> list[Entry]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
    except zipfile.BadZipFile:
        raise DataError(f"'{path}' is not a whole zip file: get it again.") from None
    except OSError as error:
        raise DataError(f"'{path}' cannot be read: {_reason(error)}.") from None

    def reader(info: zipfile.ZipInfo) -> Callable[[], bytes]:
        def read() -> bytes:
            if info.file_size > LARGEST_FILE:
                raise DataError(f"'{info.filename}' in '{path}' is too large for a picture.")
            return archive.read(info)

        return read

    found = []
    for info in archive.infolist():
        parts = tuple(part for part in info.filename.split("/") if part)
        if not info.is_dir() and _is_picture(parts):
            found.append(Entry(prefix + parts, reader(info), f"{path}: {info.filename}"))
    return found


def without_common_folder(entries: list[Entry]) -> list[Entry]:
    """The same entries without the folders that all of them lie in."""
    while all(len(e.parts) > 1 for e in entries) and len({e.parts[0] for e in entries}) == 1:
        entries = [Entry(e.parts[1:], e.read, e.origin) for e in entries]
    return entries


def decode_pictures(entries: Iterable[Entry], n: int, size: int | None = None) -> np.ndarray:
    """n pictures as (n, C, H, W) uint8; one channel where every pixel of all of them is grey.

    Pictures that are all of one size, 64 pixels a side at most, stay as they are. Otherwise, or
    where ``size`` is given, each is cropped to its central square and resampled to size x size
    (32 unless told). Turned as their EXIF says; transparent ones are laid on white; of moving ones
    the first frame counts. Raises DataError with the name of a picture that cannot be read.
    """
    from PIL import Image

    stacked = None
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
                stacked[k] = square(Image.fromarray(pixels), size)
        if size is not None:
            picture = square(picture, size)
        if stacked is None:
            stacked = np.empty((n, picture.height, picture.width, 3), np.uint8)
        stacked[i] = picture
    grey = (stacked[..., :1] == stacked[..., 1:]).all()
    return np.ascontiguousarray((stacked[..., :1] if grey else stacked).transpose(0, 3, 1, 2))


def _with_progress(items: Iterable[Any], n: int) -> Iterable[Any]:
    from tqdm import tqdm

    # None: only where someone watches a terminal; few pictures are done before a bar is read.
    return tqdm(items, "Reading pictures", n, disable=None if n > 2000 else True, leave=False)


def _open(entry: Entry) -> Image:
    """The picture, decoded, upright and in RGB."""
    from PIL import Image

    with _picture_errors(entry.origin):
        picture = Image.open(io.BytesIO(entry.read()))
        if picture.width * picture.height > LARGEST_PICTURE:
            raise DataError(f"The picture '{entry.origin}' is too large to be opened.")
        return upright_rgb(picture)


@contextlib.contextmanager
def _picture_errors(origin: str) -> Iterator[None]:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a picture that is odd but readable is no news
            yield
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f"'{origin}' is not a picture, though its name says so.") from None
    except Image.DecompressionBombError:
        raise DataError(f"The picture '{origin}' is too large to be opened.") from None
    except (
        OSError, ValueError, SyntaxError, RuntimeError, EOFError,
        zipfile.BadZipFile, zlib.error,
    ):  # fmt: skip
        raise DataError(f"The picture '{origin}' is damaged or cut short.") from None


def upright_rgb(picture: Image) -> Image:
    """The picture as a person sees it, in RGB: turned by its EXIF, on white, 16 bits made 8."""
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16-bit grey; PIL would clip it
        levels = np.asarray(picture)
        levels = levels / 257 if levels.max() > 255 else levels
        picture = Image.fromarray(np.rint(levels).clip(0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return picture.convert("RGB")


def square(picture: Image, size: int) -> Image:
    """The picture's central square, size x size."""
    from PIL import Image

    if picture.size == (size, size):
        return picture
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    # Cropped first: what lies outside the square must not ring into it.
    picture = picture.crop((left, top, left + side, top + side))
    return picture.resize((size, size), Image.Resampling.LANCZOS)


# ---------------------------------------------------------------------------------------------
# The Hub


@dataclass(frozen=True)
class HubSplit:
    """images: (N, C, H, W) uint8. labels: (N,) int64 or None. classes: names of the labels."""

    images: np.ndarray
    labels: np.ndarray | None
    classes: tuple[str, ...]
    whole: bool  # True where the Hub has only one split, and this is it


TEST_NAMES = ("test", "validation", "valid", "val")


def read_hub(repo: str, split: str, size: int | None = None) -> HubSplit:
    """A split of a data set on the Hub, "owner/name" or "owner/name:configuration".

    The ``datasets`` library downloads it once, with a progress bar, into the user's cache, and
    checks its sizes; later calls need no network. The first column of images and the first column
    of class labels are taken. Raises DataError with one sentence where it cannot be had.
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

    def first(kind: type) -> str | None:
        return next((k for k, v in table.features.items() if isinstance(v, kind)), None)

    image_column, label_column = first(datasets.Image), first(datasets.ClassLabel)
    if image_column is None:
        raise DataError(
            f"'{repo}' has no column of images: its columns are {', '.join(table.features)}."
        )
    if not len(table):
        raise DataError(f"'{repo}' is empty.")
    raw = table.select_columns(image_column).cast_column(image_column, datasets.Image(decode=False))
    entries = (
        Entry((), _hub_bytes(row[image_column]), f"{repo}, row {i}") for i, row in enumerate(raw)
    )
    images = decode_pictures(entries, len(table), size)
    if label_column is None:
        return HubSplit(images, None, (), whole)
    labels = np.asarray(table[label_column][:], np.int64)
    if (labels < 0).any():  # the Hub's mark of a hidden label
        return HubSplit(images, None, (), whole)
    return HubSplit(images, labels, tuple(table.features[label_column].names), whole)


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
