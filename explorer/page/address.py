"""The address of the page and its state, each made from the other.

The browser writes (``GE.put`` in ``shared/page.js``, by ``history.replaceState``, no request);
the server reads once, when a link is opened, because controls live there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import gradio as gr

from explorer.page.context import Context

COMPARED = (
    "seed",
    "class",
    "guidance",
    "strip",
    *(f"{what}{k}" for what in ("sampler", "steps") for k in range(1, 5)),
)
# What older addresses call by another name: a tab, a key, or a key up to its first dot.
RENAMED = {
    "embedding": "map",
    "among": "map.among",
    "fill": "denoise.fill",
    "through": "denoise.through",
    "finish": "pixels.finish",
    "beside": "pixels.beside",
    "sees": "pixels.sees",
    "find": "game.find",
    "lesson": "score.lesson",
    "many": "score.many",
    **{
        key: f"sample.{key}"
        for key in ("seed", "class", "count", "steps", "guidance", "temperature", "truncation")
    },
    # Comparing is a tab of its own by now.
    **{f"compare.{key}": f"denoise.compare.{key}" for key in COMPARED},
}


def renamed(query: Mapping[str, str]) -> dict[str, str]:
    """What an address says, under the names of today; of two names of one thing today's counts."""
    told = {}
    for key, value in query.items():
        head, dot, rest = key.partition(".")
        value = RENAMED.get(value, value) if key == "tab" else value
        name = RENAMED.get(key, f"{RENAMED.get(head, head)}{dot}{rest}")
        told.setdefault(name, value)
        if name == key:
            told[key] = value
    return told


def whole(low: int, high: int) -> Callable[[str], int]:
    """A parser of whole numbers within limits, for ``Context.remember``."""

    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(f"{value} lies outside {low} to {high}.")
        return value

    return parse


def number(low: float, high: float) -> Callable[[str], float]:
    """A parser of numbers within limits, for ``Context.remember``. nan is refused."""

    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high or math.isnan(value):
            raise ValueError(f"{value} lies outside {low} to {high}.")
        return value

    return parse


def one_of(known: Collection[Any], kind: Callable[[str], Any] = str) -> Callable[[str], Any]:
    """A parser of one of these values, for ``Context.remember``."""

    def parse(text: str) -> Any:
        value = kind(text)
        if value not in known:
            raise ValueError(f"{text} is none of {', '.join(map(str, known))}.")
        return value

    return parse


def restore(context: Context, request: gr.Request) -> list[Any]:
    """New values of the picker, the tabs and every remembered control, from the address.

    What the address does not say, or says wrongly, keeps its value.
    """
    asked = renamed(request.query_params) if request else {}
    known = {item.id for item in context.tabs.children}
    values: list[Any] = [
        asked["model"] if asked.get("model") in context.store.names else gr.skip(),
        gr.Tabs(selected=asked["tab"]) if asked.get("tab") in known else gr.skip(),
    ]
    for key, _, parse in context.remembered:
        try:
            values.append(parse(asked[key]) if key in asked else gr.skip())
        except ValueError:
            values.append(gr.skip())
    return values


def install(context: Context) -> None:
    """Wires the address to the page that is being built. Called last, when all tabs are there."""
    private = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    for key, component, _ in context.remembered:
        js = f"(value) => GE.put({json.dumps(key)}, value, {json.dumps(component.value)})"
        component.change(None, [component], None, js=js, api_visibility="private")

    def opened(request: gr.Request) -> list[Any]:
        context.visited.set()
        return restore(context, request)

    controls = [item.component for item in context.remembered]
    load = context.page.load(opened, None, [context.picker, context.tabs, *controls], **private)
    load.then(
        None, [context.picker], None, js="(model) => GE.opened(model)", api_visibility="private"
    )
