"""A foreign picture, framed the way a data set's own pictures were made.

A model only understands pictures made like those it was trained on, so each data set has a
convention here: how its makers found the object, which way round black and white are, how large
the object is in its frame and what is put in the centre.

Everything here is numpy and Pillow; scipy is imported where strokes are looked for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image as PILImage

log = logging.getLogger(__name__)

POLARITIES = ("auto", "keep", "invert")
UNTOUCHED = "Already of the model's size, so no pixel was moved."  # a note on what was not changed

# Objects are looked for at this size at most: enough for a thin pen on a whole sheet of paper.
_SEARCH_SIDE = 512
# Width of a stroke as a part of the box it is fitted into. Half of MNIST's digits lie between 1.7
# and 2.4 pixels in 20; scikit-learn's are bolder. Lines much thinner than that would fade to a grey
# shadow when they are made small.
_MNIST_STROKE, _DIGITS_STROKE = 1.9 / 20, 4.2 / 32


@dataclass(frozen=True)
class Prepared:
    """A picture as a model reads it.

    pixels: (C, H, W) float32 in [0, 1]. polarity: "kept" or "inverted".
    note: a sentence for a person on what was done.
    """

    pixels: np.ndarray
    polarity: str
    note: str


def prepare(
    image: PILImage.Image | np.ndarray,
    shape: tuple[int, int, int],
    convention: str,
    polarity: str = "auto",
    ground: str = "",
) -> Prepared:
    """The picture in the convention of a data set.

    image: a Pillow image of any mode, or (h, w) or (h, w, 3) uint8. shape: the model's (C, H, W).
    convention: "mnist", "fashion-mnist", "digits" or "omniglot-small"; any other name means the
    middle of the picture, resized. polarity: "auto" looks at the border; "keep" and "invert"
    overrule it. ground: what transparent pictures of this set lie on, where that is known.

    A picture which has the model's size already (or is an exact enlargement of one that has) is
    never resampled: it comes through bit for bit, inverted where its border says so.
    """
    if polarity not in POLARITIES:
        raise ValueError(f"polarity must be one of {', '.join(POLARITIES)}, not {polarity!r}.")
    channels, height, width = shape
    image = plain(image, "L" if channels == 1 else None, ground)
    convention = convention.lower().replace("_", "-")
    frame = _FRAMES.get(convention)
    exact = _exact(np.asarray(image), height, width)
    if exact is not None:
        grey = exact if exact.ndim == 2 else exact.mean(-1)
        inverted = _wants_inversion(polarity, frame is not None and _light_border(grey))
        pixels, how = exact, UNTOUCHED[0].lower() + UNTOUCHED[1:-1]
    elif frame is None:
        from PIL import Image, ImageOps

        inverted = polarity == "invert"
        pixels = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
        how = _fitted(image.size, (width, height))
    else:
        return frame(_as_unit(image.convert("L")), shape, polarity)
    return _finish(_as_unit(pixels), channels, inverted, how, inverted)


def plain(
    image: PILImage.Image | np.ndarray, mode: str | None = None, ground: str = ""
) -> PILImage.Image:
    """The picture in mode "L" or "RGB" (or the one asked for), whatever it was stored as.

    16-bit, 32-bit and float grey levels are brought to 8 bits. What is transparent is laid on
    the ground, "white" or "black"; where none is said, on white where the visible part is dark and
    on black where it is light, so that it stays visible.
    """
    from PIL import Image

    if isinstance(image, np.ndarray):
        image = Image.fromarray(np.ascontiguousarray(image))
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = Image.fromarray(eight_bits(np.asarray(image)))
    elif transparent(image):
        image = image.convert("RGBA")
        image = laid_on(image, ground or best_ground(image))
    wanted = mode or ("L" if image.mode in ("1", "L") else "RGB")
    return image if image.mode == wanted else image.convert(wanted)


def eight_bits(levels: np.ndarray) -> np.ndarray:
    """Grey levels of any range as uint8: the smallest usual range that holds them is theirs."""
    levels = np.nan_to_num(levels.astype(np.float32), copy=False, nan=0, posinf=0, neginf=0)
    # Far from where float32 would overflow on the way.
    np.clip(levels, -1e30, 1e30, out=levels)
    low, high = float(levels.min()), float(levels.max())
    if low < 0 or high > 65535:
        top = high - low
        levels -= np.float32(low)
    else:
        # Masks and floats, 8-bit and 12-bit levels in a wider file, true 16 bits.
        top = next(top for top in (1, 255, 4095, 65535) if high <= top)
    levels *= np.float32(255 / (top or 1))
    return np.rint(levels, out=levels).astype(np.uint8)


def transparent(image: PILImage.Image) -> bool:
    """Whether a picture has an alpha channel, or a colour that stands for nothing."""
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or image.has_transparency_data


def best_ground(image: PILImage.Image) -> str:
    """The ground on which what is visible of an RGBA picture stays visible: white for what is dark,
    black for what is light or for nothing at all."""
    alpha = np.asarray(image.getchannel("A"), np.float32)
    grey = np.asarray(image.convert("RGB").convert("L"), np.float32)
    visible = float(alpha.sum())
    dark = visible > 0 and float((grey * alpha).sum()) / visible < 127.5
    return "white" if dark else "black"


def laid_on(image: PILImage.Image, ground: str) -> PILImage.Image:
    """An RGBA picture on a ground, "white" or "black", in RGB."""
    from PIL import Image

    return Image.alpha_composite(Image.new("RGBA", image.size, ground), image).convert("RGB")


def _fitted(size: tuple[int, int], wanted: tuple[int, int]) -> str:
    """How a picture of that size is brought to another, in words that say what is lost."""
    to = f"resized to {wanted[0]}x{wanted[1]}"
    lost = 1 - cut_share(size, wanted)
    if lost < 0.02:
        return to
    return f"cut to its middle, which leaves out {lost:.0%} of it, and {to}"


def cut_share(size: tuple[int, int], wanted: tuple[int, int]) -> float:
    """How much of a picture (w, h) is left when it is cut to the aspect of another, 0 to 1."""
    aspect = (size[0] * wanted[1]) / (size[1] * wanted[0])
    return min(aspect, 1 / aspect)


# ---------------------------------------------------------------------------------------------
# What every convention shares


def _as_unit(image: PILImage.Image | np.ndarray) -> np.ndarray:
    return np.asarray(image).astype(np.float32) / np.float32(255)


def _wants_inversion(polarity: str, found: bool) -> bool:
    return found if polarity == "auto" else polarity == "invert"


def _finish(
    pixels: np.ndarray, channels: int, inverted: bool, how: str, invert_now: bool = False
) -> Prepared:
    """(H, W) or (H, W, 3) in [0, 1] as a Prepared of the wanted number of channels."""
    pixels = np.atleast_3d(pixels).transpose(2, 0, 1)
    if pixels.shape[0] != channels:
        pixels = np.repeat(pixels.mean(0, keepdims=True), channels, axis=0)
    if invert_now:
        pixels = 1 - pixels
    pixels = np.ascontiguousarray(np.clip(pixels, 0, 1), np.float32)
    note = f"Inverted, {how}." if inverted else f"{how[0].upper()}{how[1:]}."
    return Prepared(pixels, "inverted" if inverted else "kept", note)


def _exact(levels: np.ndarray, height: int, width: int) -> np.ndarray | None:
    """The picture at (height, width) where it has that size or is a crisp enlargement of it."""
    times = levels.shape[0] // height
    if not times or levels.shape[:2] != (height * times, width * times):
        return None
    small = levels[::times, ::times]
    same = np.array_equal(small.repeat(times, 0).repeat(times, 1), levels)
    return small if same else None


def _ring(grey: np.ndarray, width: int = 1) -> np.ndarray:
    """The pixels of the border, as one row."""
    inside = np.zeros(grey.shape, bool)
    inside[width:-width, width:-width] = True
    return grey[~inside]


def _light_border(grey: np.ndarray) -> bool:
    """Whether a picture of the model's own size lies on white. grey: (H, W) in [0, 255].

    Counts near-white against near-black border pixels; none of the 140,000 pictures of MNIST and
    Fashion-MNIST is taken for an inverted one, although many garments fill their frame.
    """
    ring = _ring(grey)
    dark, light = int((ring <= 12).sum()), int((ring >= 243).sum())
    return light > dark if light or dark else float(np.median(ring)) > 127.5


def _reduced(grey: np.ndarray) -> np.ndarray:
    longest = max(grey.shape)
    return grey if longest <= _SEARCH_SIDE else _resized(grey, _SEARCH_SIDE / longest)


def _resized(grey: np.ndarray, scale: float) -> np.ndarray:
    """(h, w) in [0, 1], scaled with antialiasing; no side becomes less than a pixel."""
    from PIL import Image

    size = [max(1, round(side * scale)) for side in grey.shape[::-1]]
    image = Image.fromarray(np.ascontiguousarray(grey, np.float32))
    return np.clip(np.asarray(image.resize(size, Image.Resampling.BICUBIC)), 0, 1)


def _pasted(part: np.ndarray, shape: tuple[int, int], top: int, left: int) -> np.ndarray:
    """part on a black frame; what would stick out is cut off."""
    frame = np.zeros(shape, np.float32)
    y, x = max(0, -top), max(0, -left)
    part = part[y:, x:][: shape[0] - max(top, 0), : shape[1] - max(left, 0)]
    frame[max(top, 0) :, max(left, 0) :][: part.shape[0], : part.shape[1]] = part
    return frame


def _centred(part: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    top, left = ((whole - side) // 2 for whole, side in zip(shape, part.shape, strict=True))
    return _pasted(part, shape, top, left)


def _whole(grey: np.ndarray, shape: tuple[int, int, int], inverted: bool) -> Prepared:
    """The whole picture made to fit: what is left where the wanted polarity finds no object."""
    channels, height, width = shape
    grey = 1 - grey if inverted else grey
    level = float(np.median(_ring(grey)))
    small = _resized(grey, min(height / grey.shape[0], width / grey.shape[1]))
    pixels = _centred(small - level, (height, width)) + level
    return _finish(pixels, channels, inverted, "kept whole and resized, as the polarity was forced")


def _blank(shape: tuple[int, int, int]) -> Prepared:
    pixels = np.zeros(shape[1:], np.float32)
    return _finish(pixels, shape[0], False, "nothing is drawn on this picture, so it is all black")


# ---------------------------------------------------------------------------------------------
# Strokes: MNIST and scikit-learn's digits


@dataclass(frozen=True)
class _Strokes:
    """ink: (h, w) in [0, 1], cropped to the drawing; steps: what was done, in words."""

    ink: np.ndarray | None
    dark: bool
    steps: tuple[str, ...] = ()


def _background(grey: np.ndarray) -> np.ndarray:
    """The paper: (h, w), a smooth surface fitted to what is not ink.

    A quadratic in x and y, fitted again and again without the pixels that lie far off it, follows
    a lamp's gradient and a vignette, whichever of ink and paper is the lighter.
    """
    height, width = grey.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1).reshape(-1, 6)
    levels = grey.reshape(-1)
    step = max(1, levels.size // 20_000)
    some, there = terms[::step], levels[::step]
    use = np.ones(there.size, bool)
    for _ in range(12):
        weights = np.linalg.lstsq(some[use], there[use], rcond=None)[0]
        off = np.abs(there - some @ weights)
        spread = 1.4826 * np.median(off[use])
        use = off <= max(2.5 * spread, 0.01)
    return (terms @ weights).reshape(grey.shape).astype(np.float32)


def _flat_level(ring: np.ndarray) -> float:
    """The level that most of a border has, where ink may touch it. ring: (n,) in [0, 1]."""
    counts = np.bincount(np.rint(ring * 255).astype(int), minlength=256)
    level = int(np.convolve(counts, np.ones(9, int), "same").argmax())
    return float(np.median(ring[np.abs(ring * 255 - level) < 4.5]))


def _strokes(grey: np.ndarray, within: bool = False) -> _Strokes:
    """The drawing on a picture, light on black, cropped. grey: (h, w) in [0, 1].

    Where all that is found is a filled rectangle, a sheet of paper on a table, the drawing is
    looked for on that sheet (within=True says that this is the sheet).
    """
    grey = _reduced(grey)
    ring = _ring(grey, max(1, round(0.02 * min(grey.shape))))
    low, high = np.percentile(ring, [10, 90])
    found = None
    if high - low > 0.04:
        off = grey - _background(grey)
        found = _ink(off, noise=1.4826 * float(np.median(np.abs(off))))
    photo = found is not None
    if found is None:
        found = _ink(grey - _flat_level(ring), noise=0.0)
    if found is None:
        return _Strokes(None, False)
    ink, dark = found
    ink, (rows, columns) = _drawing(ink, photo)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    if not within and height * width > 0.2 * grey.size and (ink > 0.3).mean() > 0.7:
        margin = max(1, round(0.04 * min(height, width)))
        sheet = grey[rows, columns][margin:-margin, margin:-margin]
        if min(sheet.shape) > 8:
            inner = _strokes(sheet, within=True)
            if inner.ink is not None:
                return _Strokes(inner.ink, inner.dark, ("sheet of paper found", *inner.steps))
    steps = ("paper removed",) if photo else ()
    return _Strokes(ink, dark, (*steps, "cropped to the drawing"))


def _ink(off: np.ndarray, noise: float) -> tuple[np.ndarray, bool] | None:
    """(h, w) ink in [0, 1] and whether it was dark, from the distance to the ground; None if blank.

    noise: the standard deviation of the ground, 0 for pictures that were not photographed.
    """
    # Ink lies further off the ground than noise does, so far pixels count for more.
    dark = float((off**3).sum()) < 0
    ink = np.maximum(-off if dark else off, 0)
    strongest = float(np.sort(ink, axis=None)[-max(1, ink.size // 2000)])
    if strongest < max(0.04, 4 * noise):
        return None
    full = float(np.percentile(ink[ink > 0.5 * strongest], 60))
    floor = min(max(0.05 * full, 3 * noise), 0.4 * full)
    return np.clip((ink - floor) / (full - floor), 0, 1), dark


def _drawing(ink: np.ndarray, photo: bool) -> tuple[np.ndarray, tuple[slice, slice]]:
    """The ink without specks, cropped, and where it was."""
    from scipy import ndimage

    drawn = ink > 0.3
    parts, count = ndimage.label(drawn, np.ones((3, 3)))
    area = np.bincount(parts.reshape(-1), minlength=count + 1).astype(float)
    area[0] = 0
    keep = area >= min(0.01 * area.sum(), area.max())
    keep[0] = False
    if photo:
        # The edge of the table or of the sheet is not the drawing, if there is another one.
        inner = keep.copy()
        inner[np.unique(_ring(parts))] = False
        if area[inner].sum() >= 0.25 * area.sum():
            keep = inner
    drawn = keep[parts]
    if photo or not keep[1:].all():
        ink = ink * ndimage.binary_dilation(drawn, iterations=2)
    rows, columns = (np.flatnonzero(drawn.any(axis)) for axis in (1, 0))
    where = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return ink[where], where


def _thickened(ink: np.ndarray, box: int, stroke: float) -> np.ndarray:
    """Thin lines made so thick that they are ``stroke * box`` wide once fitted into the box."""
    from scipy import ndimage

    drawn = np.pad(ink > 0.5, 1)
    edges = int((drawn[1:] != drawn[:-1]).sum() + (drawn[:, 1:] != drawn[:, :-1]).sum())
    width = 2 * float(drawn.sum()) / max(edges, 1)
    wanted = stroke * max(ink.shape)
    if not drawn.any() or max(ink.shape) <= box or width >= 0.7 * wanted:
        return ink
    grow = (wanted - width) / 2
    margin = int(np.ceil(grow))
    ink = np.pad(ink, margin)
    distance = ndimage.distance_transform_edt(ink <= 0.5)
    return np.maximum(ink, np.clip(grow + 1 - distance, 0, 1)).astype(np.float32)


def _of_strokes(
    grey: np.ndarray, shape: tuple[int, int, int], polarity: str, lay: Callable
) -> Prepared:
    """A drawing, found on its ground and laid into the frame; whole where that cannot be.

    lay: strokes and (H, W) to pixels (H, W) in [0, 1] and a word on how.
    """
    found = _strokes(grey)
    if found.ink is None:
        return _blank(shape)
    if found.dark != _wants_inversion(polarity, found.dark):
        return _whole(grey, shape, polarity == "invert")
    pixels, how = lay(found, shape[1:])
    return _finish(pixels, shape[0], found.dark, f"dark on light: {how}" if found.dark else how)


def _as_mnist(
    found: _Strokes, size: tuple[int, int], likewise: str = "MNIST was made"
) -> tuple[np.ndarray, str]:
    """LeCun's: in a 20x20 box with the aspect kept, centred by mass in 28x28, white on black."""
    height, width = size
    box = round(min(size) * 20 / 28)
    ink = _thickened(found.ink, box, _MNIST_STROKE)
    steps = [
        *found.steps,
        *(["thin lines thickened"] if ink.shape != found.ink.shape else []),
    ]
    small = _resized(ink, box / max(ink.shape))
    small = small / max(float(small.max()), 1e-6)
    y, x = (np.arange(side, dtype=np.float32) for side in small.shape)
    mass = float(small.sum())
    top = round((height - 1) / 2 - float((small.sum(1) * y).sum()) / mass)
    left = round((width - 1) / 2 - float((small.sum(0) * x).sum()) / mass)
    pixels = _pasted(small, size, top, left)
    return pixels, ", ".join(
        [*steps, f"scaled into {box}x{box} and centred by mass, as {likewise}"]
    )


def _as_omniglot(found: _Strokes, size: tuple[int, int]) -> tuple[np.ndarray, str]:
    """Letters lie in Omniglot as large as they were drawn; MNIST's box is the middle of that."""
    return _as_mnist(found, size, "most letters of Omniglot lie")


def _as_digits(found: _Strokes, size: tuple[int, int]) -> tuple[np.ndarray, str]:
    """UCI's: a 32x32 bitmap filled by the digit, of which 4x4 blocks are counted (0 to 16)."""
    height, width = size
    bitmap = (4 * height, 4 * width)
    ink = _thickened(found.ink, 4 * min(size), _DIGITS_STROKE)
    scale = min(big / side for big, side in zip(bitmap, ink.shape, strict=True))
    black_or_white = _centred(_resized(ink, scale) > 0.5, bitmap)
    pixels = black_or_white.reshape(height, 4, width, 4).mean((1, 3))
    how = ", ".join([*found.steps, "scaled to fill the frame and counted in 4x4 blocks"])
    return pixels, f"{how}, as scikit-learn's digits were made"


# ---------------------------------------------------------------------------------------------
# Objects on a plain ground: Fashion-MNIST


def _fashion(grey: np.ndarray, shape: tuple[int, int, int], polarity: str) -> Prepared:
    """Zalando's (Xiao et al. 2017, section 2): trimmed where the edges are within 5% of the ground,
    longest edge resized to 28, sharpened, extended to a square, negated so that the ground is 0.

    Their resizing skipped rows; this one is antialiased. The ground's own level is subtracted, as
    it is seldom pure white outside a catalogue.
    """
    from PIL import Image, ImageFilter

    grey = _reduced(grey)
    ground = float(np.median(_ring(grey, max(1, round(0.02 * min(grey.shape))))))
    off = grey - ground
    if np.abs(off).max() <= 0.05:
        return _blank(shape)
    dark = float((off**3).sum()) < 0
    if dark != _wants_inversion(polarity, dark):
        return _whole(grey, shape, polarity == "invert")
    item = np.clip(-off / ground if dark else off / (1 - ground), 0, 1)
    seen = np.abs(off) > 0.05
    # A speck is no garment: a line of pixels counts from half a percent of it on.
    rows = np.flatnonzero(seen.mean(1) > 0.005)
    columns = np.flatnonzero(seen.mean(0) > 0.005)
    if not rows.size or not columns.size:
        return _blank(shape)
    item = item[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    channels, height, width = shape
    small = _resized(item, min(height / item.shape[0], width / item.shape[1]))
    levels = Image.fromarray(np.rint(small * 255).astype(np.uint8))
    levels = levels.filter(ImageFilter.UnsharpMask(radius=1, percent=50, threshold=0))
    pixels = _centred(_as_unit(levels), (height, width))
    how = f"trimmed, longest edge resized to {max(height, width)} and centred"
    how = f"{how}, as Fashion-MNIST was made"
    return _finish(pixels, channels, dark, f"dark on light: {how}" if dark else how)


_FRAMES = {
    "mnist": partial(_of_strokes, lay=_as_mnist),
    "digits": partial(_of_strokes, lay=_as_digits),
    "omniglot-small": partial(_of_strokes, lay=_as_omniglot),
    "fashion-mnist": _fashion,
}
