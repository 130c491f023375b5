"""The model picker: one row with the chosen model, and a panel of all: family, then variant.

A place of the page is a tab, or a part of one. For each the browser is told which models it can
show, the best to begin with first; what a person chose stays their wish while another model stands
in for it (``shared/models.js``).
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import gradio as gr

from explorer.components import component, source
from explorer.page.code import family_title
from explorer.page.parts import key_of
from explorer.server.words import WORDS, data_title, facts, short_title

if TYPE_CHECKING:
    from explorer.page.context import Context


def model_picker(context: Context, tabs: Sequence[ModuleType]) -> gr.HTML:
    """The row and the panel of every model that at least one tab can use. Value: the chosen
    model's name.

    Triggers ``show_TAB``, or ``show_TAB_PART`` for a tab of several parts, when that has something
    new to show; tabs listen to it through ``Context.on_show``.
    """
    store = context.store
    keys = [key_of(tab) for tab in tabs]
    parts = {
        key: [
            {
                "key": key_of(part),
                "title": part.TITLE,
                "needs": sorted(getattr(part, "NEEDS", ())),
            }
            for part in tab.PARTS
        ]
        for key, tab in zip(keys, tabs, strict=True)
        if getattr(tab, "PARTS", ())
    }
    places = [place for key in keys for place in _places(key, parts.get(key))]
    needs = {key: sorted(tab.NEEDS) for key, tab in zip(keys, tabs, strict=True)}
    usable = {name for tab in tabs if tab.NEEDS for name in store.having(set(tab.NEEDS))}
    cards = [card(store.header(name)) for name in store.names if name in usable]
    # A custom event exists where its name stands in quotes in the script.
    script = f"const EVENTS = {json.dumps([f'show_{place}' for place in places])};\n"
    return component(
        "picker",
        value=store.first,
        script=script + source("picker.js"),
        models=cards,
        needs=needs,
        parts=parts,
        able=able(context, tabs),
        titles={key: tab.TITLE for key, tab in zip(keys, tabs, strict=True)},
        words=WORDS,
    )


def _places(tab: str, parts: Sequence[dict[str, Any]] | None) -> list[str]:
    return [f"{tab}_{part['key']}" for part in parts] if parts else [tab]


def able(context: Context, tabs: Sequence[ModuleType]) -> dict[str, list[str]]:
    """The models that each place can show, by place, the best to begin with first.

    That is, those with what tab and part NEED; ``candidates(context, names)`` of either, where it
    has such, leaves out those that lack something no header tells, and puts the best first. Places
    that need nothing are not in it.
    """
    found: dict[str, list[str]] = {}
    for tab in tabs:
        for part in getattr(tab, "PARTS", ()) or (None,):
            needs = {*tab.NEEDS, *getattr(part, "NEEDS", ())}
            if not needs:
                continue
            names = context.store.having(needs)
            # Where nothing else is said, the page's first model is the one to begin with.
            names.sort(key=lambda name: name != context.store.first)
            for module in (tab, part):
                if hasattr(module, "candidates"):
                    names = module.candidates(context, names)
            place = key_of(tab) if part is None else f"{key_of(tab)}_{key_of(part)}"
            found[place] = names
    return found


def card(header: Any) -> dict[str, Any]:
    """What the browser is told of a model."""
    return {
        "name": header.name,
        "title": header.title,
        "short": short_title(header),
        "family": family_title(header.family),
        "data": data_title(header.data.get("name", "")),
        "about": header.about,
        "facts": facts(header),
        "image": list(header.config["image"]),
        "capabilities": list(header.capabilities),
        "thumb": _thumbnail(header),
    }


def _thumbnail(header: Any, across: int = 2, down: int = 2) -> str:
    """A corner of the model's own preview as a data address, "" where there is none."""
    path = Path(header.folder) / "preview.webp"
    if not path.is_file():
        return ""
    from PIL import Image

    _, height, width = header.config["image"]
    with Image.open(path) as image:
        pitch = (image.width - 8 * width) // 8  # a gap between pictures, if there is one
        corner = image.crop((0, 0, across * (width + pitch), down * (height + pitch)))
        buffer = io.BytesIO()
        corner.convert("RGB").save(buffer, "WEBP", quality=60)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
