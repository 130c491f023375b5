"""Menus whose choices come with the model: what they may say is for the handlers to check.

Gradio refuses a menu's value that is none of the choices it was built with, in words of its own and
before any handler is asked. A link brings such values: the class of a model whose classes nobody
has told the menu of yet. Handlers read every value with care, so that nothing is lost by it.
"""

from __future__ import annotations

from typing import Any

import gradio as gr


def take_any_value() -> None:
    """From now on a menu hands on what it says, whatever its choices."""
    gr.Dropdown.preprocess = _as_it_is


def _as_it_is(menu: gr.Dropdown, payload: Any) -> Any:
    return payload
