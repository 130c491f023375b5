"""The address of the page and its state, each made from the other.

The browser writes (``GE.put`` in ``shared/page.js``, no request); the server reads when a link is
opened and when a state is gone to while the page is open (``GE.visit`` in ``shared/travel.js``, the
browser's back and forward), because controls live there.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr

from explorer.components.visit.visit import visit
from explorer.page.context import Context, Remembered

# An address of the page is a fraction of this long; a longer one is nobody's.
LONGEST = 20_000  # characters

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
    tab = asked.get("tab")
    if tab not in known and any(key == "model" or key.partition(".")[0] in known for key in asked):
        tab = context.unnamed
    return [
        asked["model"] if asked.get("model") in context.store.names else gr.skip(),
        gr.Tabs(selected=tab) if tab in known else gr.skip(),
        *(_value(item, asked, gr.skip()) for item in context.remembered),
    ]


def state(context: Context, wish: Any) -> list[Any]:
    """Values of the picker and the controls for a state that is gone to while the page is open.

    What is not said, or wrongly, has the value that it has when the page is opened. wish: of the
    component ``visit``, from a browser: ``query``, what stands in an address after its "?", and
    ``model``, the name of one that has none in addresses.
    """
    wish = wish if isinstance(wish, dict) else {}
    asked = renamed(dict(parse_qsl(str(wish.get("query", ""))[:LONGEST], keep_blank_values=True)))
    named = (wish.get("model"), asked.get("model"), context.store.first)
    model = next((name for name in named if name in context.store.names), None)
    return [
        gr.skip() if model is None else model,
        *(_value(item, asked, item.component.value) for item in context.remembered),
    ]


def _value(item: Remembered, asked: Mapping[str, str], otherwise: Any) -> Any:
    """What an address says of a control; otherwise where it says nothing, or what cannot be."""
    try:
        return item.parse(asked[item.key]) if item.key in asked else otherwise
    except ValueError:
        return otherwise


def home() -> str:
    """What a link to the page begins with, "" where it is what the browser's own address does.

    A Hugging Face Space is shown in a frame, under the address of another page, and says what its
    own host is.
    """
    name = os.environ.get("SPACE_HOST", "")
    return f"https://{name}/" if re.fullmatch(r"[\w.-]+", name) else ""


def space() -> str:
    """The address of the Space's page on the Hub, which has this one in a frame; "" elsewhere."""
    name, hub = os.environ.get("SPACE_ID", ""), os.environ.get("HF_ENDPOINT", "")
    hub = hub if re.fullmatch(r"https?://[\w.:-]+", hub) else "https://huggingface.co"
    return f"{hub}/spaces/{name}" if re.fullmatch(r"[\w.-]+/[\w.-]+", name) else ""


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
    carrier = visit()
    answer = partial(state, context)
    goal = [context.picker, *controls]
    gone = carrier.go(answer, carrier, goal, trigger_mode="multiple", **private)
    for event, then in ((load, "opened"), (gone, "restored")):
        js = f"(model) => GE.{then}(model)"
        event.then(None, [context.picker], None, js=js, api_visibility="private")
