"""What the parts that compare, encode and fill in share: a Stop button that knows, and words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from explorer.components import say


def stoppable(handler: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """The handler with one more output, a Stop button that can be pressed while a status is busy.

    It goes out with the last outputs, not after them: of yields that follow closely upon each other
    the browser may show the last alone. For that reason handlers end with all that there is.
    """

    def run(*values: Any) -> Iterator[Any]:
        before = None
        for outputs in handler(*values):
            if outputs is None:  # nothing to show, but a moment to be ended at
                yield None
                continue
            busy = any(isinstance(each, dict) and each.get("kind") == "busy" for each in outputs)
            yield *outputs, gr.skip() if busy is before else gr.Button(interactive=busy)
            before = busy

    return run


def rested(handler: Callable[..., Iterator[Any]], seconds: float = 0.4) -> Callable[..., Any]:
    """The handler after a moment's rest: of strokes that follow one another, the last is worked on.

    For events that come many times a second, inside ``newest_only``.
    """

    def run(*values: Any) -> Iterator[Any]:
        time.sleep(seconds)
        yield None
        yield from handler(*values)

    return run


def stopped() -> tuple[Any, Any]:
    """(status, Stop button) once a person has stopped."""
    return say("Stopped."), gr.update(interactive=False)


def stopped_at(status: int, button: int) -> dict[int, Any]:
    """What a run ends with when a person stops it: places of its status and its Stop button."""
    return dict(zip((status, button), stopped(), strict=True))


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def class_choices(classes: list[str], none: str) -> list[tuple[str, int]]:
    """Choices of a class dropdown. none: what it is called to ask for no particular one (-1)."""
    return [(none, -1), *((text, k) for k, text in enumerate(classes))]
