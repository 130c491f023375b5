"""What the parts that compare, encode and fill in share: a Stop button that knows, and words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from explorer.components import say


def stoppable(handler: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """The handler with one more output, a Stop button that can be pressed while it is at work."""

    def run(*values: Any) -> Iterator[Any]:
        button, outputs = gr.Button(interactive=True), ()
        for given in handler(*values):
            if given is None:  # nothing to show, but a moment to be ended at
                yield None
                continue
            outputs = given
            yield *outputs, button
            button = gr.skip()
        yield *[gr.skip()] * len(outputs), gr.Button(interactive=False)

    return run


def stopped() -> tuple[Any, Any]:
    """(status, Stop button) once a person has stopped."""
    return say("Stopped."), gr.Button(interactive=False)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def class_choices(classes: list[str], none: str) -> list[tuple[str, int]]:
    """Choices of a class dropdown. none: what it is called to ask for no particular one (-1)."""
    return [(none, -1), *((text, k) for k, text in enumerate(classes))]
