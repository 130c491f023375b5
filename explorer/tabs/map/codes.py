"""A map of the latent space: where the codes of test pictures lie, and what lies between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.frame_player.frame_player import frame_player
from explorer.components.map_card.map_card import map_card
from explorer.components.picture_input.picture_input import as_seen, upload_or_draw
from explorer.components.point_map.point_map import as_sheet, point_map
from explorer.page.address import number, whole
from explorer.page.context import Context
from explorer.page.part import LOADING, Asked, Part, Screen, screen
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.pictures.received import read_picture
from explorer.tabs.map import layouts
from explorer.tabs.map.layouts import METHODS, Layout, NoCodes
from explorer.tabs.map.view import (
    NEAR,
    choice_text,
    class_name,
    code_of,
    facts,
    layout_parts,
    marks,
    one_of,
    read_layout,
    rows_here,
    selection_parts,
)

TITLE = "Codes"
NEEDS = layouts.NEEDS
candidates = layouts.with_codes

LOOK_FOR = """
* **Islands.** The model never saw a label. Where colours part, it found the classes by itself;
  where they touch, hover: do you see why it takes a 4 for a 9?
* **Order within an island.** Move along one: slant, width and style change little by little.
* **Between two points.** Click one, then another far away. The film shows the straight line
  between their codes, the line on the map where it leads. Does it stay on digits all the way?
* **What a map is worth.** Switch to *PCA*: the same codes, seen from one side. UMAP keeps
  neighbours together and gives up on distances: how far apart two islands lie, and how large they
  are, says little. Change *Neighbours* and fit again: what stays is in the codes, what moves was
  UMAP's choice.
* **Your own picture.** Draw something that is no digit. It lands somewhere all the same: an
  encoder has no way to say "none of these".
"""

HINT = (
    "Click a point to see its picture, what the model makes of it, and its neighbours. "
    "Click another, and one turns into the other."
)

# What is on screen of a model without codes.
EMPTY = {
    "view": None, "thumbs": None, "marks": None, "choice": "", "facts": None, "code": "",
    "card": None, "player": None, "selected": None,
}  # fmt: skip


def _can(active: bool) -> Any:
    """A button that can be pressed, or not."""
    return gr.Button(interactive=active)


def layout_of(asked: Asked) -> Layout:
    """The layout that the controls ask for. Raises ValueError with one sentence."""
    return read_layout(asked.method, asked.dimensions, asked.neighbours, asked.distance)


# -- handlers -------------------------------------------------------------------------------------


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model, or a link, has come on screen: its points, in the layout asked for."""
    try:
        fitted = layouts.points(context, name)
    except NoCodes as error:
        status = say(str(error), kind="plain" if error.ready else "problem")
        yield screen(
            **EMPTY, hand=_can(False), fit=_can(False), encode=gr.Button(visible=error.ready),
            status=status,
        )  # fmt: skip
        return
    layout = _fitting(fitted, layout_of(asked))
    offered = [(METHODS[key], key) for key in layouts.methods(fitted)]
    rows = rows_here(context, name, asked.choice)
    controls = {
        "method": gr.Radio(choices=offered, value=layout.method),
        "encode": gr.Button(visible=False),
        "fit": _can(True),
        "choice": ",".join(map(str, rows)),
    }
    if layouts.layout_now(context, name, layout) is not None:
        shown = layout_parts(context, name, layout, rows, asked.yours)
        yield screen(**controls, **shown, thumbs=None, facts=None)
        return
    yield screen(**controls)
    yield from fit(context, name, asked, layout)


def measure(context: Context, name: str, asked: Asked) -> Screen | None:
    """How faithful the map on screen is; nothing new where there is none."""
    if not layouts.has_points(context, name):
        return None
    layout = layout_of(asked)
    if layouts.layout_now(context, name, layout) is None:
        return None
    return screen(facts=facts(layouts.quality(context, name, layout)))


def pictures(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """Decodes every point's picture for the hover."""
    if not layouts.has_points(context, name):
        return
    words = say(f"Codes of {len(layouts.points(context, name)):,} test pictures.")
    if name not in context.store.loaded:
        yield screen(status=say(LOADING, kind="busy"))
    told = time.monotonic()
    for share, sheet in layouts.sheet(context, name, as_sheet):
        if sheet is not None:
            yield screen(thumbs=sheet, status=words)
        elif time.monotonic() - told > 0.2:
            told = time.monotonic()
            yield screen(status=say("Drawing the pictures for the hover …", share, "busy"))
        else:
            yield None


def _fitting(fitted: Any, layout: Layout) -> Layout:
    """The layout asked for, or the one that came with the codes where that is what one means."""
    kept = layouts.kept_layout(fitted)
    if layout == layouts.KEPT or layout.method not in layouts.methods(fitted):
        return kept
    return layout


def show(context: Context, name: str, asked: Asked) -> Screen:
    """A control was changed: the map where it is known, else a word that it has to be fitted."""
    layout = layout_of(asked)
    if layouts.layout_now(context, name, layout) is None:
        return screen(status=say("Press 'Fit map' to lay the codes out anew."))
    rows = rows_here(context, name, asked.choice)
    return screen(**layout_parts(context, name, layout, rows, asked.yours), facts=None)


def refit(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """Fits the map that the controls ask for, with progress; ends at once where it is stopped."""
    yield from fit(context, name, asked, layout_of(asked))


def fit(context: Context, name: str, asked: Asked, layout: Layout) -> Iterator[Screen | None]:
    """Fits a map, with progress."""
    if layouts.layout_now(context, name, layout) is None:
        for step in layouts.fit(context, name, layout):
            bar = step.share if step.share >= 0.1 else None
            yield screen(status=say(f"{step.what} …", bar, "busy"))
    rows = rows_here(context, name, asked.choice)
    yield screen(**layout_parts(context, name, layout, rows, asked.yours), facts=None)


def encode(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """Encodes the test pictures of a model that brings no codes, then shows them."""
    for share in layouts.encode_points(context, name):
        yield screen(status=say("Encoding the test pictures …", share, "busy"))
    method, dimensions, neighbours, distance = layouts.KEPT
    kept = {"method": method, "dimensions": dimensions, "neighbours": neighbours}
    yield from arrive(context, name, asked.but(**kept, distance=distance))


def _here(context: Context, name: str, asked: Asked) -> Layout:
    """The layout asked for where it is known, else the one on screen, that came with the codes."""
    layout = layout_of(asked)
    if layouts.layout_now(context, name, layout) is None:
        return layouts.kept_layout(layouts.points(context, name))
    return layout


def look(context: Context, name: str, asked: Asked) -> Screen | None:
    """A point was selected: its pictures, its neighbours, the way from the one before."""
    if not layouts.has_points(context, name):
        return None
    rows, layout = rows_here(context, name, asked.choice), _here(context, name, asked)
    return screen(
        **selection_parts(context, name, rows, asked.yours),
        hand=_can(bool(rows)),
        marks=marks(context, name, layout, rows, asked.yours),
        code=code_of(context, name, layout, rows),
    )


def take(context: Context, name: str, asked: Asked) -> Screen:
    """A picture was drawn or uploaded: where it lands in the fixed map, and beside what."""
    try:
        prepared = read_picture(asked.pad, context.store.header(name))
    except images.ImageError as error:
        return screen(seen=as_seen(None, str(error)))
    fitted, layout = layouts.points(context, name), _here(context, name, asked)
    if prepared is None:
        return screen(
            seen=as_seen(None), yours=None, marks={}, choice="", hand=_can(False),
            **selection_parts(context, name, [], None),
        )  # fmt: skip
    z = context.ask(name, "encode", prepared.pixels[None])[0].ravel()
    yours = {"model": name, "z": [float(v) for v in z]}
    near = layouts.near(context, name, z, NEAR)
    told = None if fitted.labels is None else fitted.labels[[near[0], *near]]
    drawn = layouts.decode(context, name, np.stack([z, *fitted.codes[near]]), told)
    names = [class_name(context, name, row) for row in near]
    most = max(set(names), key=names.count)
    note = f"Of its {NEAR} nearest in code, {names.count(most)} are of the class {most}."
    seen = as_bytes(prepared.pixels)
    card = {
        "pictures": images.sprite(np.stack([seen, drawn[0]])),
        "captions": ["your picture", "reconstruction"],
        "title": "Your picture",
        "note": note if most else "",
        "near": images.sprite(drawn[1:]),
        "near_names": [text or f"{row:,}" for text, row in zip(names, near, strict=True)],
        "near_rows": [int(row) for row in near],
    }
    return screen(
        seen=as_seen(prepared), yours=yours, card=card, player=None, choice="",
        marks=marks(context, name, layout, [], yours), hand=_can(True),
        selected={**yours, "label": None, "source": "your picture"},
    )  # fmt: skip


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part. What a model without codes lacks is said by ``arrive``: 'Fit map' goes with it."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            method = gr.Radio(
                [(METHODS[key], key) for key in ("umap", "pca")], value="umap", label="Laid out by",
                elem_id="map-method",
            )  # fmt: skip
            dimensions = gr.Radio(
                [("2-D", 2), ("3-D", 3)], value=2, label="Dimensions", elem_id="map-dimensions"
            )
            neighbours = gr.Slider(
                2, 100, 15, step=1, label="Neighbours", elem_id="map-neighbours",
                info="UMAP: few show detail, many the whole.",
            )  # fmt: skip
            distance = gr.Slider(
                0, 0.99, 0.1, step=0.01, label="Smallest distance", elem_id="map-distance",
                info="UMAP: how tightly points may pack.",
            )  # fmt: skip
            with gr.Row(elem_classes="ge-pair"):
                go = gr.Button("Fit map", variant="primary", elem_id="map-fit")
                halt = gr.Button("Stop", interactive=False, elem_id="map-stop")
            status = components.status()
            encode_button = gr.Button("Encode the test pictures", visible=False)
            with gr.Accordion("Your own picture", open=False, elem_classes="ge-note"):
                given = upload_or_draw()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            points = point_map(label="Map of the codes; a random point is at hand as a button")
            quality = components.component("map_facts", None)
        with gr.Column(elem_classes=["ge-aside", "ge-map-aside"]):
            card = map_card(HINT)
            player = frame_player(label="From one point to the other", room=128, bounce=True,
                                  autoplay=True)  # fmt: skip
            with gr.Row(elem_classes="ge-pair"):
                some = gr.Button("Random point", size="sm", elem_id="map-random")
                hand = gr.Button("Open in Latent space", size="sm", interactive=False,
                                 visible="latent" in context.titles)  # fmt: skip
            selected, yours = gr.State(None), gr.State(None)

    part.controls(
        method=method, dimensions=dimensions, neighbours=neighbours, distance=distance,
        choice=points.choice, yours=yours, pad=given.pad,
    )  # fmt: skip
    part.outputs(
        **points._asdict(), status=status, code=notes.code, facts=quality, method=method,
        encode=encode_button, fit=go, stop=halt, card=card, player=player, selected=selected,
        yours=yours, hand=hand, seen=given.seen,
    )  # fmt: skip

    # One event for each thing that takes its time: what is quick waits for nothing.
    def then_the_rest(event: Any, all_new: bool) -> None:
        event = part.on(event.then, measure, run="measure", quick=False, loads=False)
        if all_new:
            event = part.on(event.then, look, run="look", quick=False, loads=False)
            part.on(event.then, pictures, run="pictures", loads=False)

    controls = [control.input for control in (method, dimensions, neighbours, distance)]
    then_the_rest(part.arrives(arrive, loads=False), True)
    then_the_rest(part.on(controls, show, quick=False, loads=False), False)
    fitting = {"main": True, "loads": False, "concurrency_limit": 2}
    then_the_rest(part.on(go.click, refit, **fitting), False)
    then_the_rest(part.on(encode_button.click, encode), True)
    part.stops(halt, runs=("main", "pictures"))
    part.on(points.choice.pick, look)
    part.on(given.pad.draw, take)
    random = "() => document.dispatchEvent(new CustomEvent('ge:map-random'))"
    some.click(None, js=random, api_visibility="private")
    taken = hand.click(lambda code: code, selected, context.code, **context.light)
    taken.then(None, js=context.go("latent"), api_visibility="private")

    context.remember("map.method", method, parse=one_of(METHODS))
    context.remember("map.dimensions", dimensions, parse=whole(2, 3))
    context.remember("map.neighbours", neighbours, parse=whole(2, 100))
    context.remember("map.distance", distance, parse=number(0, 0.99))
    context.remember("map.points", points.choice, parse=choice_text)
