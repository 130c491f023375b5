"""The one gate for foreign bytes: a picture file of any kind as an upright picture, or a sentence.

Page and command line read files by it, so that a file means the same to both. Nothing reaches
Pillow's decoders before its size, kind and number of pixels are known; whatever goes wrong becomes
an ``ImageError`` of one sentence.
"""

from __future__ import annotations

import io
import logging
import threading
from typing import TYPE_CHECKING

import numpy as np

from models.data.framing import plain, transparent

if TYPE_CHECKING:
    from PIL import Image as PILImage

log = logging.getLogger(__name__)

MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000
MAX_RATIO = 100
# No model here reads more than this many pixels a side, so larger pictures are made smaller at
# once: a phone's photograph takes 3 MB instead of 150.
SIDE = 1024

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM")
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


def said_name(name: str) -> str:
    """A file's name as it stands in a sentence: printable and not longer than a line."""
    name = "".join(c if c.isprintable() else "?" for c in name)
    if name == "picture":
        return "The picture"
    return f"'{name}'" if len(name) <= 60 else f"'{name[:57]}...'"


def decoded(
    data: bytes, said: str, side: int = SIDE, *, ground: str = "", alpha: bool = False,
    most: int = MAX_BYTES,
) -> PILImage.Image:  # fmt: skip
    """The picture in these bytes, upright, in mode "L" or "RGB"; the only place where Pillow meets
    foreign bytes.

    said: what to call it in a sentence. side: pixels a side at most; a smaller picture keeps every
    pixel. ground: what a transparent picture is laid on (see ``framing.plain``); alpha: it stays
    transparent, in mode "RGBA". most: bytes. Raises ImageError.
    """
    from PIL import Image

    if not data:
        raise ImageError(f"{said} is empty (0 bytes).")
    if len(data) > most:
        raise ImageError(too_many_bytes(said, len(data), most))
    Image.init()
    formats = [kind for kind in _FORMATS if kind in Image.OPEN]
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(_too_many_pixels(said)) from error
    except Exception as error:
        # Pillow's plug-ins raise whatever their parsing stumbles over.
        log.debug("not a picture", exc_info=True)
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
                return _upright(image, side, ground, alpha)
            with _large:
                return _upright(image, side, ground, alpha)
        except MemoryError as error:
            raise ImageError(_too_many_pixels(said)) from error
        except Exception as error:
            log.debug("a damaged picture", exc_info=True)
            raise ImageError(_damaged(said)) from error


def too_many_bytes(said: str, size: int, limit: int) -> str:
    return f"{said} has {size / 1e6:.0f} MB; files up to {limit // 10**6} MB can be opened."


def _too_many_pixels(said: str) -> str:
    return f"{said} has too many pixels; up to {MAX_PIXELS // 10**6} million can be opened."


def _damaged(said: str) -> str:
    return f"{said} is damaged, cut short or of a rare kind; save it again as PNG or JPEG."


def _upright(image: PILImage.Image, side: int, ground: str, alpha: bool) -> PILImage.Image:
    from PIL import Image

    if image.format in ("JPEG", "MPO") and max(image.size) > 2 * side:
        # The decoder itself makes it smaller: a fraction of the time and memory.
        image.draft(image.mode, (side, side))
    image.load()
    turned = _orientation(image)
    if max(image.size) > side:
        image = _averageable(image, 4 * side)
        image.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=None)
    see_through = alpha and transparent(image)
    result = image.convert("RGBA") if see_through else plain(image, ground=ground)
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
        log.debug("unreadable EXIF", exc_info=True)
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
