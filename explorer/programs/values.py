"""What programs send and get: pictures, codes, masks, classes and settings, read with care.

Everything here raises ``ValueError`` with one sentence for whoever called.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from explorer.pictures import images
from explorer.server.abilities import classes_of
from explorer.server.reading import is_whole
from models.contract.knobs import named
from models.data.framing import POLARITIES

HALVES = ("upper", "lower", "left", "right")
DIGITS = 6  # after the point, of numbers that are sent


def whole(value: Any, called: str, low: int, high: int) -> int:
    """A whole number within limits, whether it came as 7 or as 7.0."""
    if not is_whole(value) or not low <= value <= high:
        raise ValueError(f"'{called}' must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def label(header: Any, value: Any) -> int | None:
    """The class asked for, by its number or its name; None for none."""
    if value is None or value == "":
        return None
    classes = classes_of(header)
    if not classes:
        raise ValueError(f"'{header.name}' was not trained with classes; leave 'label' out.")
    if isinstance(value, str) and value in classes:
        return classes.index(value)
    if isinstance(value, str) and value.isdecimal() and int(value) < len(classes):
        return int(value)
    if isinstance(value, str) or not is_whole(value) or not 0 <= value < len(classes):
        raise ValueError(
            f"'label' is a number from 0 to {len(classes) - 1} or one of "
            f"{', '.join(classes)}, not {value!r}."
        )
    return int(value)


def knobs(model: Any, name: str, method: str, does: str, **given: Any) -> dict[str, Any]:
    """The settings that were given, checked against those that the model's method takes.

    does: what the model does by it, in words ("samples").
    """
    known = named(model.knobs(method))
    given = {key: value for key, value in given.items() if value is not None and value != ""}
    for key, value in given.items():
        if key not in known:
            others = ", ".join(f"'{other}'" for other in known if other in OFFERED)
            instead = f" It takes {others}." if others else ""
            raise ValueError(f"'{name}' {does} without '{key}'; leave it out.{instead}")
        knob = known[key]
        if knob.kind == "whole" and is_whole(value):
            value = int(value)
        given[key] = knob.checked(value)
    return given


OFFERED = ("label", "temperature", "steps", "sampler", "guidance", "truncation", "repeats")


# -- pictures in -----------------------------------------------------------------------------------


def pictures(value: Any, header: Any, folder: Path, most: int, polarity: str) -> np.ndarray:
    """Pictures as a model reads them, (N, C, H, W) float32 from 0 to 1, at most so many.

    value: one picture or a list of them. Each is an uploaded file, a file's bytes in base64, or
    numbers, (H, W) or (C, H, W), which are taken as they are. folder: where uploads lie.
    polarity: which way round black and white are in files.
    """
    if polarity not in POLARITIES:
        raise ValueError(f"'polarity' is one of {', '.join(POLARITIES)}, not {polarity!r}.")
    several = isinstance(value, list) and any(isinstance(each, (str, Mapping)) for each in value)
    if not several and isinstance(value, (list, tuple)):
        found = _numbers(value, tuple(header.config["image"]))
    else:
        given = value if several else [value]
        if len(given) > most:
            raise ValueError(f"Send at most {most} pictures in one call, not {len(given)}.")
        found = np.stack(
            [_picture(each, header, folder, k, polarity) for k, each in enumerate(given)]
        )
    if len(found) > most:
        raise ValueError(f"Send at most {most} pictures in one call, not {len(found)}.")
    return found


def _numbers(value: Sequence[Any], shape: tuple[int, ...]) -> np.ndarray:
    array = _array(value, "The picture")
    if array.ndim == 2 and shape[0] == 1:
        array = array[None, None]
    elif array.ndim == 3:
        array = array[None]
    if array.ndim != 4 or array.shape[1:] != shape:
        want = " x ".join(map(str, shape))
        got = " x ".join(map(str, np.shape(array)))
        raise ValueError(
            f"This model reads {want} pictures (channels x height x width), not {got}."
        )
    if not len(array):
        raise ValueError("There is no picture in the list.")
    if array.min() < 0 or array.max() > 1:
        raise ValueError("Pixels are numbers from 0 (black) to 1 (white).")
    return array.astype(np.float32)


def _picture(value: Any, header: Any, folder: Path, k: int, polarity: str) -> np.ndarray:
    if isinstance(value, (list, tuple)):
        return _numbers(value, tuple(header.config["image"]))[0]
    ground = header.data.get("ground", "")
    if isinstance(value, Mapping):
        picture = images.open_upload(_uploaded(value, folder), ground=ground)
    elif isinstance(value, str):
        picture = images.open_upload(_decoded(value), name=f"picture {k + 1}", ground=ground)
    else:
        raise ValueError(
            "A picture is an uploaded file, a picture file's bytes in base64, or nested lists of "
            "numbers from 0 to 1."
        )
    shape = tuple(header.config["image"])
    return images.prepare(picture, shape, header.data["name"], polarity).pixels


def _uploaded(value: Mapping[str, Any], folder: Path) -> Path:
    """The path of a file that was uploaded; no other file of this machine."""
    path = value.get("path")
    try:
        known = isinstance(path, str) and Path(path).resolve().is_relative_to(folder.resolve())
        known = known and Path(path).is_file()
    except (OSError, ValueError):  # a name too long, or with a null in it
        known = False
    if not known:
        raise ValueError(NOT_UPLOADED)
    return Path(path)


NOT_UPLOADED = (
    "That file was not uploaded here: post it to /gradio_api/upload and give the path that comes "
    "back, or send its bytes in base64."
)


def _decoded(text: str) -> bytes:
    """The bytes of base64, or of a data address that ends in it."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(
            "The picture is no base64: send a picture file's bytes, such as "
            '"$(base64 -w0 digit.png)"; an address or a file\'s name is not read.'
        ) from error
    if not data:
        raise ValueError("The picture is empty: send a picture file's bytes in base64.")
    return data


def _array(value: Any, called: str) -> np.ndarray:
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{called} must be nested lists of numbers, all rows of the same length."
        ) from error
    if not np.isfinite(array).all():
        raise ValueError(f"{called} must be made of finite numbers.")
    return array


def codes(value: Any, most: int) -> np.ndarray:
    """Codes, (N, D) float32, of one code (D,) or several."""
    array = _array(value, "Codes")
    array = array[None] if array.ndim == 1 else array
    if array.ndim != 2 or not array.size:
        raise ValueError("Codes are a list of numbers, or a list of such lists, one a code.")
    if len(array) > most:
        raise ValueError(f"Send at most {most} codes in one call, not {len(array)}.")
    return array.astype(np.float32)


def known_part(value: Any, shape: Sequence[int]) -> np.ndarray:
    """What of a picture is known, (H, W) bool: a half by its name, or 1 and 0 for each pixel."""
    _, H, W = shape
    known = np.zeros((H, W), bool)
    if isinstance(value, str):
        parts = {
            "upper": np.s_[: H // 2], "lower": np.s_[(H + 1) // 2 :],
            "left": np.s_[:, : W // 2], "right": np.s_[:, (W + 1) // 2 :],
        }  # fmt: skip
        if value not in parts:
            raise ValueError(f"'known' is one of {', '.join(HALVES)}, or a list, not '{value}'.")
        known[parts[value]] = True
        return known
    array = _array(value, "'known'")
    if array.shape != (H, W) or not np.isin(array, (0, 1)).all():
        raise ValueError(
            f"'known' has 1 for a pixel that is known and 0 for one to fill in: {H} rows of {W}."
        )
    known = array.astype(bool)
    if known.all():
        raise ValueError("'known' hides nothing: there is nothing to fill in.")
    if not known.any():
        raise ValueError("'known' hides the whole picture; use 'sample'.")
    return known


# -- numbers out -----------------------------------------------------------------------------------


def as_lists(numbers: np.ndarray) -> list:
    """An array as nested lists."""
    return np.round(np.asarray(numbers, np.float64), DIGITS).tolist()


def finite(value: Any) -> float | None:
    """A number as JSON has it: None for what is none."""
    return float(value) if value is not None and np.isfinite(value) else None
