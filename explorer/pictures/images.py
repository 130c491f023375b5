"""The one gate for foreign bytes, and the one way from pixels to bytes that a browser shows.

Nothing that a person uploads reaches Pillow's decoders before its size, kind and number of pixels
are known; whatever goes wrong becomes an ``ImageError`` of one sentence. Framing a picture for a
model is ``prepare`` (see ``models.data.framing``).
"""

from __future__ import annotations

import base64
import binascii
import io
import logging
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from models.data.collection import is_hidden, parts_of
from models.data.framing import Prepared, prepare
from models.data.picture_files import (
    MAX_BYTES,
    SIDE,
    ImageError,
    decoded,
    said_name,
    too_many_bytes,
)

if TYPE_CHECKING:
    from PIL import Image as PILImage

__all__ = [
    "ImageError", "Prepared", "animation_bytes", "from_drawing", "grid_image", "open_many",
    "open_upload", "png_bytes", "prepare", "sprite", "zip_bytes",
]  # fmt: skip

log = logging.getLogger(__name__)

MAX_DRAWING_SIDE = 2048
MAX_ZIP_BYTES = 50_000_000
MAX_ZIP_CONTENT = 200_000_000
MAX_ZIP_ENTRIES = 1000
MAX_MANY = 200

# No model here reads more than this many pixels a side, so larger pictures are made smaller at
# once: a phone's photograph takes 3 MB instead of 150.
_SIDE_OF_MANY = 512


# ---------------------------------------------------------------------------------------------
# In: files and archives


def open_upload(
    source: str | Path | bytes, *, name: str = "picture", ground: str = ""
) -> PILImage.Image:
    """A picture that somebody brought, upright, in mode "L" or "RGB", at most 1024 pixels a side.

    source: a path or the bytes themselves; name: what to call it in a sentence (a path's own name
    unless given). ground: what a transparent one lies on, where that is known. The first frame of
    an animation is taken. Pictures that are not larger than the limit keep every pixel. Raises
    ImageError.
    """
    if isinstance(source, (str, Path)):
        name = Path(source).name if name == "picture" else name
        return decoded(_read(Path(source), name, MAX_BYTES), said_name(name), SIDE, ground=ground)
    return decoded(bytes(source), said_name(name), SIDE, ground=ground)


def open_many(
    sources: Iterable[str | Path],
    most: int = MAX_MANY,
    side: int = _SIDE_OF_MANY,
    ground: str = "",
) -> tuple[list[tuple[str, PILImage.Image]], list[tuple[str, str]]]:
    """Every picture of several files and zip archives, at most ``most``, each at most ``side``
    pixels a side. ground: what transparent ones lie on, where that is known.

    Returns (name, picture) pairs, and (name, sentence) pairs of what could not be used: one bad
    file among twenty is named and the others are there.
    """
    pictures: list[tuple[str, PILImage.Image]] = []
    problems: list[tuple[str, str]] = []
    for source in sources:
        for name, data in files_of(Path(source), max(most, MAX_ZIP_ENTRIES)):
            if len(pictures) == most:
                problems.append((name, f"Only the first {most} pictures were taken."))
                return pictures, problems
            try:
                if isinstance(data, ImageError):
                    raise data
                pictures.append((name, decoded(data, said_name(name), side, ground=ground)))
            except ImageError as error:
                problems.append((name, str(error)))
    return pictures, problems


def files_of(path: Path, entries: int) -> Iterator[tuple[str, bytes | ImageError]]:
    """The bytes of a file, or of each entry of a zip archive, or why there are none."""
    try:
        if _is_archive(path):
            yield from _zip_entries(_read(path, path.name, MAX_ZIP_BYTES), path.name, entries)
        else:
            yield path.name, _read(path, path.name, MAX_BYTES)
    except (ImageError, OSError) as error:
        sentence = error if isinstance(error, ImageError) else None
        yield path.name, sentence or ImageError(f"{said_name(path.name)} could not be read.")


def _is_archive(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _zip_entries(data: bytes, name: str, most: int) -> Iterator[tuple[str, bytes | ImageError]]:
    said = said_name(name)
    # Counted before zipfile builds an object for each of what may be a million entries.
    if data.count(b"PK\x01\x02") > most:
        raise ImageError(f"{said} holds more than {most} files; send fewer at a time.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception as error:
        raise ImageError(f"{said} is a damaged zip archive; make it again.") from error
    with archive:
        entries = [each for each in archive.infolist() if each.filename[-1:] not in ("", "/")]
        # Reading never gives more than an entry declares, so the sum declared is a true bound.
        if sum(entry.file_size for entry in entries) > MAX_ZIP_CONTENT:
            raise ImageError(
                f"{said} unpacks to more than {MAX_ZIP_CONTENT // 10**6} MB; send less."
            )
        if not entries:
            raise ImageError(f"{said} is an empty zip archive.")
        for entry in entries:
            where = PurePosixPath(*parts_of(entry))
            if not where.parts or is_hidden(where.parts):
                continue
            if entry.filename[:1] in "/\\" or ".." in where.parts or ":" in where.parts[0]:
                log.warning("left out an entry whose name points outside its archive")
                continue
            yield str(where), _zip_entry(archive, entry, said_name(where.name))


def _zip_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, said: str) -> bytes | ImageError:
    if entry.flag_bits & 1:
        return ImageError(f"{said} is locked with a password; pack it without one.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return ImageError(f"{said} is packed in an unusual way; make an ordinary zip archive.")
    if entry.file_size > MAX_BYTES:
        return ImageError(too_many_bytes(said, entry.file_size, MAX_BYTES))
    try:
        return archive.read(entry)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, ValueError):
        log.debug("a damaged entry in an archive", exc_info=True)
        return ImageError(f"{said} is damaged inside its archive; pack it again.")


def _read(path: Path, name: str, limit: int) -> bytes:
    said = said_name(name)
    try:
        if not path.exists():
            raise ImageError(f"{said} was not found.")
        if not path.is_file():
            raise ImageError(f"{said} is not a file; choose a picture.")
        size = path.stat().st_size
        if size > limit:
            raise ImageError(too_many_bytes(said, size, limit))
        with path.open("rb") as file:
            return file.read(limit + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{said} could not be read.") from error


def from_drawing(payload: Any) -> np.ndarray:
    """What was drawn in the page: (H, W) uint8, or (H, W, 3) where it is in colour.

    payload: {"b64": base64 of the raw bytes, row by row, "W", "H", "C": 1 or 3}. Raises ImageError.
    """
    if not isinstance(payload, Mapping) or not isinstance(payload.get("b64"), str):
        raise ImageError("There is no drawing yet; draw something first.")
    sides = [payload.get(key) for key in ("H", "W", "C")]
    if not all(type(side) in (int, float) and side == side // 1 for side in sides):
        raise ImageError("The drawing came without its size; reload the page and draw again.")
    height, width, channels = (int(side) for side in sides)
    if not (1 <= height <= MAX_DRAWING_SIDE and 1 <= width <= MAX_DRAWING_SIDE):
        raise ImageError(f"A drawing has 1 to {MAX_DRAWING_SIDE} pixels a side.")
    if channels not in (1, 3):
        raise ImageError(f"A drawing is grey (1 channel) or in colour (3), not {channels}.")
    size = height * width * channels
    text = payload["b64"]
    # Base64 writes 3 bytes as 4 characters: its length is known before anything is decoded.
    if len(text) != (size + 2) // 3 * 4:
        raise ImageError("The drawing came incomplete; reload the page and draw again.")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError("The drawing came garbled; reload the page and draw again.") from error
    if len(data) != size:
        raise ImageError("The drawing came incomplete; reload the page and draw again.")
    levels = np.frombuffer(data, np.uint8).reshape(height, width, channels)
    return levels[..., 0] if channels == 1 else levels


# ---------------------------------------------------------------------------------------------
# Out: arrays as bytes


def _levels(images: Any) -> np.ndarray:
    """(N, C, H, W) in [0, 1] or uint8 as (N, H, W, C) uint8, C 1 or 3; nan becomes black."""
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"Images are (N, C, H, W) with C 1 or 3, not {images.shape}.")
    if images.dtype != np.uint8:
        unit = np.clip(np.nan_to_num(images.astype(np.float32), nan=0.0), 0, 1)
        images = np.rint(unit * 255).astype(np.uint8)
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))


def _picture(image: Any) -> PILImage.Image:
    """A Pillow image of (H, W), (C, H, W) or a Pillow image."""
    from PIL import Image

    if isinstance(image, Image.Image):
        return image
    image = np.asarray(image)
    levels = _levels(image[None, None] if image.ndim == 2 else image[None])[0]
    return Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)


def _enlarged(image: PILImage.Image, scale: int) -> PILImage.Image:
    from PIL import Image

    size = (image.width * scale, image.height * scale)
    return image if scale == 1 else image.resize(size, Image.Resampling.NEAREST)


def sprite(images: Any, columns: int | None = None) -> dict[str, Any]:
    """Images as one payload for the page's canvases.

    images: (N, C, H, W) in [0, 1] or uint8. Returns {"b64", "n", "h", "w", "c"}, where "b64" is
    base64 of the N*H*W*C bytes in that order, and "columns" for those who lay them out in a grid.
    """
    levels = _levels(images)
    n, height, width, channels = levels.shape
    b64 = base64.b64encode(levels.tobytes()).decode("ascii")
    payload = {"b64": b64, "n": n, "h": height, "w": width, "c": channels}
    return payload if columns is None else {**payload, "columns": columns}


def png_bytes(image: Any, scale: int = 1) -> bytes:
    """A PNG file. image: (H, W) or (C, H, W) in [0, 1] or uint8, or a Pillow image."""
    file = io.BytesIO()
    _enlarged(_picture(image), scale).save(file, "PNG")
    return file.getvalue()


def grid_image(
    images: Any, columns: int | None = None, scale: int = 1, gap: int = 2
) -> PILImage.Image:
    """Images side by side, crisp. images: (N, C, H, W); the gap is in pixels of the result.

    As many columns as make it about square, unless told. Gaps and empty places are mid-grey, so
    that the frame of a black image is seen.
    """
    from PIL import Image

    levels = _levels(images)
    n, height, width, channels = levels.shape
    if n == 0:
        raise ValueError("A grid needs at least one image.")
    columns = min(n, columns or int(np.ceil(np.sqrt(n))))
    rows = -(-n // columns)
    levels = levels.repeat(scale, 1).repeat(scale, 2)
    down, across = height * scale + gap, width * scale + gap
    sheet = np.full((rows * down - gap, columns * across - gap, channels), 128, np.uint8)
    for i, frame in enumerate(levels):
        top, left = i // columns * down, i % columns * across
        sheet[top : top + height * scale, left : left + width * scale] = frame
    return Image.fromarray(sheet[..., 0] if channels == 1 else sheet)


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """A zip archive of {"name.png": bytes}: the same files give the same archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return file.getvalue()


def animation_bytes(
    frames: Any, fps: float, format: str = "webp", scale: int = 4, hold: float = 0.0
) -> bytes:
    """A looping animation, crisp. frames: (T, C, H, W), or Pillow images of one size.

    format: "webp" (lossless) or "gif" (which counts time in hundredths of a second, and colour in
    256 shades a frame). hold: seconds to stay on the last frame beyond its own.
    """
    if format not in ("webp", "gif"):
        raise ValueError(f"An animation is 'webp' or 'gif', not {format!r}.")
    if not fps > 0:
        raise ValueError(f"Frames a second must be more than 0, not {fps!r}.")
    pictures = [_enlarged(_picture(frame), scale) for frame in frames]
    if not pictures:
        raise ValueError("An animation needs at least one frame.")
    unit = 10 if format == "gif" else 1
    each = max(2 * unit, round(1000 / fps / unit) * unit)
    durations = [each] * (len(pictures) - 1) + [each + round(1000 * hold / unit) * unit]
    extra = {"lossless": True, "method": 3} if format == "webp" else {"optimize": False}
    file = io.BytesIO()
    pictures[0].save(
        file, format.upper(), save_all=True, append_images=pictures[1:],
        duration=durations, loop=0, **extra,
    )  # fmt: skip
    return file.getvalue()
