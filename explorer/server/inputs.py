"""What a call may say of each control, checked before any handler is asked.

A browser sends what the page's controls can say; whoever writes the call by hand sends anything.
``checked`` is the one place where an event's inputs are looked at: their number, their kinds, their
size. What handlers get from there is of the control's kind, so that they need to ask only what the
kind leaves open (``explorer.server.reading``). A carrier of our own (``explorer.components``) says
what its first value is: text, or a number; one that begins as nothing carries fields by name.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

log = logging.getLogger(__name__)

LONGEST_TEXT = 100_000  # characters that a field holds
# Of a file of 20 MB in base 64, and of what is drawn: the largest that a carrier holds.
LONGEST_CARRIED = 30_000_000
MOST_FILES = 5_000
MOST_VALUES = 200_000  # numbers, texts and fields in what a carrier says
DEEPEST = 12
# Beyond it no control goes, and not every whole number is one for the arrays behind.
LARGEST = 2.0**53

GARBLED = "The page sent what its controls cannot say. Load it anew, and try again."


class Garbled(ValueError):
    """What was sent is nothing that the page itself sends; the message is for the log.

    kind: what belongs there, in a word. value: what came."""

    def __init__(self, kind: str, value: Any) -> None:
        size = f"[{len(value)}]" if hasattr(value, "__len__") else ""
        super().__init__(f"{type(value).__name__}{size}, {kind}?")


def checked(block: Any, value: Any) -> Any:
    """The value, of the kind that the control's values are. Raises Garbled."""
    kind = next((each for each in type(block).__mro__ if each in _CHECKS), None)
    return value if kind is None else _CHECKS[kind](block, value)


def all_checked(blocks: Sequence[Any], values: Any) -> list[Any]:
    """As ``checked`` of every input of an event; more than its inputs are left out."""
    if not isinstance(values, (list, tuple)) or len(values) < len(blocks):
        raise Garbled(f"list[{len(blocks)}]", values)
    found = []
    for k, (block, value) in enumerate(zip(blocks, values, strict=False)):
        try:
            found.append(checked(block, value))
        except Garbled as error:
            error.args = (f"{k}:{type(block).__name__}: {error}",)
            raise
    return found


def one_line(error: BaseException, most: int = 200) -> str:
    """An error in one line of the log: its kind, its words, and the last place of ours in it."""
    words = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())
    words = words if len(words) <= most else f"{words[: most - 1]}…"
    return f"{type(error).__name__}: {words}{_place(error)}"


def _place(error: BaseException) -> str:
    ours, place, trace = Path(__file__).parents[2], "", error.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.is_relative_to(ours) and "site-packages" not in path.parts:
            place = f" ({path.relative_to(ours)}:{trace.tb_lineno})"
        trace = trace.tb_next
    return place


# -- kinds -----------------------------------------------------------------------------------------


def _number(block: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Garbled("number", value)
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise Garbled("size", value)
    return value


def _text(block: Any, value: Any, most: int = LONGEST_TEXT) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Garbled("text", value)
    if len(value) > most:
        raise Garbled("size", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:  # half of a character, which nothing can write
            raise Garbled("text", value) from None
    return value


def _truth(block: Any, value: Any) -> Any:
    if value is not None and not isinstance(value, bool):
        raise Garbled("truth", value)
    return value


def _scalar(block: Any, value: Any) -> Any:
    """One of some choices."""
    if isinstance(value, str):
        return _text(block, value)
    return value if value is None or isinstance(value, bool) else _number(block, value)


def _choices(block: Any, value: Any) -> Any:
    """One choice, or some where there may be several."""
    several = getattr(block, "multiselect", False) or not hasattr(block, "multiselect")
    if several and isinstance(value, list):
        if len(value) > 1000:
            raise Garbled("size", value)
        return [_scalar(block, each) for each in value]
    return _scalar(block, value)


def _files(block: Any, value: Any) -> Any:
    """Files that were uploaded: where Gradio put them, which it checks itself."""
    given = value if isinstance(value, list) else [value]
    if len(given) > MOST_FILES:
        raise Garbled("size", given)
    for each in given:
        if each is None:
            continue
        if not isinstance(each, Mapping) or not isinstance(each.get("path"), str):
            raise Garbled("file", each)
        _tree(each)
        if each["path"].startswith(("http:", "https:")):
            raise Garbled("file", each)
    return value


def _carried(block: Any, value: Any) -> Any:
    """What a component of ours says: as its first value a text or a number; else fields."""
    if value is None:
        return None
    first = getattr(block, "value", None)
    if isinstance(first, str):
        return _text(block, value, LONGEST_CARRIED)
    if isinstance(first, (int, float)) and not isinstance(first, bool):
        return _number(block, value)
    if value != "" and not isinstance(value, Mapping):  # "": what Gradio makes of None at times
        raise Garbled("fields", value)
    _tree(value)
    return value


def _tree(value: Any) -> None:
    """Refuses what is too deep, too much or no number, anywhere within a value."""
    left, size = [(value, 0)], 0
    for count, (each, depth) in enumerate(_walk(left)):
        if count > MOST_VALUES:
            raise Garbled("size", value)
        if depth > DEEPEST:
            raise Garbled("depth", value)
        if isinstance(each, str):
            size += len(_text(None, each, LONGEST_CARRIED))
        elif isinstance(each, float) and not math.isfinite(each):
            raise Garbled("number", each)
        elif isinstance(each, int) and abs(each) > LARGEST:
            raise Garbled("size", each)
    if size > LONGEST_CARRIED:
        raise Garbled("size", value)


def _walk(left: list[tuple[Any, int]]) -> Any:
    while left:
        each, depth = left.pop()
        yield each, depth
        if depth <= DEEPEST:
            if isinstance(each, Mapping):
                left += [(part, depth + 1) for part in (*each, *each.values())]
            elif isinstance(each, (list, tuple)):
                left += [(part, depth + 1) for part in each]


_CHECKS = {
    gr.Slider: _number,
    gr.Number: _number,
    gr.Textbox: _text,
    gr.Code: _text,
    gr.Checkbox: _truth,
    gr.Radio: _scalar,
    gr.Dropdown: _choices,
    gr.CheckboxGroup: _choices,
    gr.File: _files,
    gr.UploadButton: _files,
    gr.HTML: _carried,
}
