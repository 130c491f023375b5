"""The one gate for foreign bytes, and the one way from pixels to bytes that a browser shows.

Nothing that a person uploads reaches Pillow's decoders before its size, kind and number of pixels
are known; whatever goes wrong becomes an ``ImageError`` of one sentence. Framing a picture for a
model is ``prepare`` (see ``explorer.pictures.framing``).
"""

from __future__ import annotations

import base64
import binascii
import io
import logging
import threading
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.pictures.framing import Prepared, plain, prepare

if TYPE_CHECKING:
    from PIL import Image as PILImage

__all__ = [
    "ImageError", "Prepared", "animation_bytes", "from_drawing", "grid_image", "open_many",
    "open_upload", "png_bytes", "prepare", "sprite", "zip_bytes",
]  # fmt: skip

log = logging.getLogger(__name__)

MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000
MAX_RATIO = 100
MAX_DRAWING_SIDE = 2048
MAX_ZIP_BYTES = 50_000_000
MAX_ZIP_CONTENT = 200_000_000
MAX_ZIP_ENTRIES = 1000
MAX_MANY = 200

# No model here reads more than this many pixels a side, so larger pictures are made smaller at
# once: a phone's photograph takes 3 MB instead of 150.
_SIDE, _SIDE_OF_MANY = 1024, 512
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_KINDS = "PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF"
# How to undo each EXIF orientation.
_TURNS = {
    2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE",
    6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90",
}  # fmt: skip
# One large picture is decoded at a time, so that many visitors cannot add up their peaks.
_large = threading.Lock()


class ImageError(ValueError):
    """A picture that cannot be used; the message is one sentence for a person."""


# ---------------------------------------------------------------------------------------------
# In: files and archives


def open_upload(source: str | Path | bytes, *, name: str = "picture") -> PILImage.Image:
    """A picture that somebody brought, upright, in mode "L" or "RGB", at most 1024 pixels a side.

    source: a path or the bytes themselves; name: what to call it in a sentence (a path's own name
    unless given). The first frame of an animation is taken. Pictures that are not larger than the
    limit keep every pixel. Raises ImageError.
    """
    if isinstance(source, (str, Path)):
        name = Path(source).name if name == "picture" else name
        return _decoded(_read(Path(source), name, MAX_BYTES), _said(name), _SIDE)
    return _decoded(bytes(source), _said(name), _SIDE)


def open_many(
    sources: Iterable[str | Path], most: int = MAX_MANY, side: int = _SIDE_OF_MANY
) -> tuple[list[tuple[str, PILImage.Image]], list[tuple[str, str]]]:
    """Every picture of several files and zip archives, at most ``most``, each at most ``side``
    pixels a side.

    Returns (name, picture) pairs, and (name, sentence) pairs of what could not be used: one bad
    file among twenty is named and the others are there.
    """
    pictures: list[tuple[str, PILImage.Image]] = []
    problems: list[tuple[str, str]] = []
    for source in sources:
        for name, data in _files(Path(source), max(most, MAX_ZIP_ENTRIES)):
            if len(pictures) == most:
                problems.append((name, f"Only the first {most} pictures were taken."))
                return pictures, problems
            try:
                if isinstance(data, ImageError):
                    raise data
                pictures.append((name, _decoded(data, _said(name), side)))
            except ImageError as error:
                problems.append((name, str(error)))
    return pictures, problems


def _files(path: Path, entries: int) -> Iterator[tuple[str, bytes | ImageError]]:
    """The bytes of a file, or of each entry of a zip archive, or why there are none."""
    try:
        if _is_archive(path):
            yield from _zip_entries(_read(path, path.name, MAX_ZIP_BYTES), path.name, entries)
        else:
            yield path.name, _read(path, path.name, MAX_BYTES)
    except (ImageError, OSError) as error:
        sentence = error if isinstance(error, ImageError) else None
        yield path.name, sentence or ImageError(f"{_said(path.name)} could not be read.")


def _is_archive(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _zip_entries(data: bytes, name: str, most: int) -> Iterator[tuple[str, bytes | ImageError]]:
    said = _said(name)
    # Counted before zipfile builds an object for each of what may be a million entries.
    if data.count(b"PK\x01\x02") > most:
        raise ImageError(f"{said} holds more than {most} files; send fewer at a time.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception as error:
        raise ImageError(f"{said} is a damaged zip archive; make it again.") from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        # Reading never gives more than an entry declares, so the sum declared is a true bound.
        if sum(entry.file_size for entry in entries) > MAX_ZIP_CONTENT:
            raise ImageError(
                f"{said} unpacks to more than {MAX_ZIP_CONTENT // 10**6} MB; send less."
            )
        if not entries:
            raise ImageError(f"{said} is an empty zip archive.")
        for entry in entries:
            where = PurePosixPath(entry.filename.replace("\\", "/"))
            if where.name.startswith(".") or "__MACOSX" in where.parts:
                continue
            if where.is_absolute() or ".." in where.parts or ":" in where.parts[0]:
                log.warning("left out an entry whose name points outside its archive")
                continue
            yield str(where), _zip_entry(archive, entry, _said(where.name))


def _zip_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, said: str) -> bytes | ImageError:
    if entry.flag_bits & 1:
        return ImageError(f"{said} is locked with a password; pack it without one.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return ImageError(f"{said} is packed in an unusual way; make an ordinary zip archive.")
    if entry.file_size > MAX_BYTES:
        return ImageError(_too_many_bytes(said, entry.file_size, MAX_BYTES))
    try:
        return archive.read(entry)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError):
        log.info("a damaged entry in an archive", exc_info=True)
        return ImageError(f"{said} is damaged inside its archive; pack it again.")


def _read(path: Path, name: str, limit: int) -> bytes:
    said = _said(name)
    try:
        if not path.exists():
            raise ImageError(f"{said} was not found.")
        if not path.is_file():
            raise ImageError(f"{said} is not a file; choose a picture.")
        size = path.stat().st_size
        if size > limit:
            raise ImageError(_too_many_bytes(said, size, limit))
        with path.open("rb") as file:
            return file.read(limit + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{said} could not be read.") from error


def _too_many_bytes(said: str, size: int, limit: int) -> str:
    return f"{said} has {size / 1e6:.0f} MB; files up to {limit // 10**6} MB can be opened."


def _said(name: str) -> str:
    """A file's name as it stands in a sentence: printable and not longer than a line."""
    name = "".join(c if c.isprintable() else "?" for c in name)
    if name == "picture":
        return "The picture"
    return f"'{name}'" if len(name) <= 60 else f"'{name[:57]}...'"


def _decoded(data: bytes, said: str, side: int) -> PILImage.Image:
    """The picture in these bytes; the only place where Pillow meets foreign bytes."""
    from PIL import Image

    if not data:
        raise ImageError(f"{said} is empty (0 bytes).")
    if len(data) > MAX_BYTES:
        raise ImageError(_too_many_bytes(said, len(data), MAX_BYTES))
    Image.init()
    formats = [kind for kind in _FORMATS if kind in Image.OPEN]
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(_too_many_pixels(said)) from error
    except Exception as error:
        # Pillow's plug-ins raise whatever their parsing stumbles over.
        log.info("not a picture", exc_info=True)
        raise ImageError(_what_it_is(data, said)) from error
    with image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ImageError(f"{_too_many_pixels(said)[:-1]} (it has {width}x{height}).")
        if min(width, height) < 1:
            raise ImageError(f"{said} has no pixels ({width}x{height}).")
        if max(width, height) > MAX_RATIO * min(width, height):
            raise ImageError(
                f"{said} is {width}x{height}, a line rather than a picture; "
                f"one side may be at most {MAX_RATIO} times the other."
            )
        try:
            if width * height < 4_000_000:
                return _upright(image, side)
            with _large:
                return _upright(image, side)
        except MemoryError as error:
            raise ImageError(_too_many_pixels(said)) from error
        except Exception as error:
            log.info("a damaged picture", exc_info=True)
            raise ImageError(_damaged(said)) from error


def _too_many_pixels(said: str) -> str:
    return f"{said} has too many pixels; up to {MAX_PIXELS // 10**6} million can be opened."


def _damaged(said: str) -> str:
    return f"{said} is damaged, cut short or of a rare kind; save it again as PNG or JPEG."


def _upright(image: PILImage.Image, side: int) -> PILImage.Image:
    from PIL import Image

    if image.format in ("JPEG", "MPO") and max(image.size) > 2 * side:
        # The decoder itself makes it smaller: a fraction of the time and memory.
        image.draft(image.mode, (side, side))
    image.load()
    turned = _orientation(image)
    if max(image.size) > side:
        image = _averageable(image, 4 * side)
        image.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=None)
    result = plain(image)
    if turned in _TURNS:
        result = result.transpose(Image.Transpose[_TURNS[turned]])
    return Image.fromarray(np.asarray(result))


def _averageable(image: PILImage.Image, side: int) -> PILImage.Image:
    """The picture in a mode whose pixels can be averaged: colours, not palette entries or keys.

    Grey levels of more than 8 bits, which take the most memory to bring to 8, are first thinned
    out to ``side`` pixels a side.
    """
    from PIL import Image

    if image.mode[0] in "IF":
        factor = min(1, side / max(image.size))
        size = [max(1, round(pixels * factor)) for pixels in image.size]
        return plain(image.resize(size, Image.Resampling.NEAREST))
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _orientation(image: PILImage.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it cannot be read."""
    try:
        return image.getexif().get(0x0112, 1)
    except Exception:
        # A picture is shown without its turn rather than refused for its broken notes.
        log.info("unreadable EXIF", exc_info=True)
        return 1


def _what_it_is(data: bytes, said: str) -> str:
    """A sentence on bytes that are no picture we open: what they look like, and what would work."""
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    signed = (b"\x89png", b"\xff\xd8\xff", b"gif8", b"bm", b"ii*\0", b"mm\0*")
    boxed = (head[:4] == b"riff" and head[8:12] == b"webp") or head[4:12] == b"ftypavif"
    if boxed or head.startswith(signed):
        return _damaged(said)
    if b"<svg" in head:
        what = "an SVG drawing; export it as PNG"
    elif head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1"):
        what = "a HEIC photograph; save it as JPEG"
    elif head[4:8] == b"ftyp":
        what = "a film; take a single frame as PNG or JPEG"
    elif head.startswith(b"%pdf"):
        what = "a PDF document; export the page as PNG"
    elif head.startswith(b"pk\x03\x04"):
        what = "a zip archive; choose one picture"
    elif head.startswith((b"<!doctype", b"<html", b"<?xml")):
        what = "a web page or XML text"
    elif _is_text(data[:512]):
        what = "text"
    else:
        return f"{said} is not a picture that can be opened here; use {_KINDS}."
    return (
        f"{said} is {what}." if ";" in what else f"{said} is {what}, not a picture; use {_KINDS}."
    )


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may have been cut in two where the excerpt ends.
        if error.start < len(data) - 3:
            return False
        text = data[: error.start].decode("utf-8")
    return all(c.isprintable() or c.isspace() for c in text)


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
