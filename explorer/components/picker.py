"""The model picker: a chip a model, by data set, and a line on the chosen one."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import gradio as gr

from explorer.components import component, source
from explorer.components.parts import key_of
from explorer.store import Store

# What a model that lacks a capability cannot do, in words.
WORDS = {
    "Samples": "be sampled from",
    "Encodes": "encode pictures",
    "Decodes": "decode latent codes",
    "HasLikelihood": "tell how likely a picture is",
    "HasEnergy": "tell a picture's energy",
    "Denoises": "remove noise",
    "Completes": "complete pictures",
    "Flows": "bend a picture into noise layer by layer",
    "WritesPixels": "write a picture value by value",
    "Discriminates": "tell real pictures from made ones",
    "Conditional": "be asked for a class",
}

# The number on a card: the first of these that the model has.
# Bits per dimension exist for 8-bit pictures alone, and stand for them before nats do: nats of
# binary and of 8-bit pictures cannot be compared, so they must not look alike.
HEADLINES = (
    ("mig", "MIG {:.2f}"),
    ("bpd", "{:.2f} bits/dim"),
    ("nll_nats", "{:.1f} nats"),
    ("fd_over_floor", "{:.1f}× the Fréchet floor"),
    ("elbo_nats", "ELBO {:.1f} nats"),
    ("accuracy", "{:.1%} right"),
)


def model_picker(store: Store, tabs: Sequence[ModuleType]) -> gr.HTML:
    """Chips of every model that at least one tab can use. Value: the chosen model's name.

    Triggers ``show_TAB``, or ``show_TAB_PART`` for a tab of several parts, when that has something
    new to show; tabs listen to it through ``Context.on_show``.
    """
    keys = [key_of(tab) for tab in tabs]
    parts = {
        key: [
            {"key": key_of(part), "needs": sorted(getattr(part, "NEEDS", ()))} for part in tab.PARTS
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
        words={key: [WORDS.get(n, n) for n in names] for key, names in needs.items()},
        prepared={
            key: store.first
            for key, tab in zip(keys, tabs, strict=True)
            if getattr(tab, "PREPARED", False)
        },
    )


def _places(tab: str, parts: Sequence[dict[str, Any]] | None) -> list[str]:
    return [f"{tab}_{part['key']}" for part in parts] if parts else [tab]


def card(header: Any) -> dict[str, Any]:
    """What the browser is told of a model."""
    return {
        "name": header.name,
        "title": header.title,
        "short": short_title(header),
        "data": data_title(header.data.get("name", "")),
        "about": header.about,
        "facts": facts(header),
        "image": list(header.config["image"]),
        "capabilities": list(header.capabilities),
        "thumb": _thumbnail(header),
    }


def facts(header: Any) -> str:
    """A model in one line: its data, its size, its headline number."""
    parts = [
        data_title(header.data.get("name", "")),
        f"{short_count(header.parameters)} parameters",
    ]
    for name, form in HEADLINES:
        value = header.metrics.get(name)
        value = value.get("value") if isinstance(value, dict) else value
        if value is not None:
            parts.append(form.format(value))
            break
    return " · ".join(part for part in parts if part)


def short_title(header: Any) -> str:
    """The title without the data set, which is said of all its models together."""
    data = data_title(header.data.get("name", ""))
    words, _, last = header.title.rpartition(", ")
    return words if words and last.lower() == data.lower() else header.title


def data_title(name: str) -> str:
    known = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar-10": "CIFAR-10"}
    return known.get(name, name.capitalize())


def short_count(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 1e6 else f"{count / 1e3:.0f} k"


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
        corner.convert("RGB").save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
