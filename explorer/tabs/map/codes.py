"""A map of the latent space: where the codes of test pictures lie, and what lies between them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
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
from explorer.page.choice import lacks
from explorer.page.context import Context
from explorer.pictures import images
from explorer.pictures.received import read_picture
from explorer.tabs.map import layouts
from explorer.tabs.map.layouts import METHODS, Layout, NoCodes
from explorer.tabs.map.view import (
    NEAR,
    choice_text,
    class_name,
    facts,
    layout_parts,
    marks,
    one_of,
    read_layout,
    rows_here,
    selection_parts,
    snippet,
)

log = logging.getLogger(__name__)

TITLE = "Codes"
NEEDS = ("Encodes", "Decodes")

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

# What the handlers may change, in the order of their outputs.
OUTPUTS = (
    "view", "library", "thumbs", "marks", "choice", "status", "code", "facts", "method", "encode",
    "stop", "card", "player", "selected", "yours", "hand", "seen",
)  # fmt: skip


def screen(**changes: Any) -> tuple[Any, ...]:
    """Values of all outputs; what is not named stays as it is."""
    assert changes.keys() <= set(OUTPUTS), changes.keys()
    return tuple(changes.get(name, gr.skip()) for name in OUTPUTS)


def _hand(active: bool) -> Any:
    return gr.Button(interactive=active)


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def arrive(context: Context, name: str, *given: Any) -> Iterator[tuple[Any, ...]]:
    """A model, or a link, has come on screen: its points, in the layout asked for."""
    *controls, choice, yours = given
    try:
        if sentence := lacks(context, name, *NEEDS):
            raise ValueError(sentence)
        fitted = layouts.points(context, name)
        layout = _fitting(fitted, read_layout(*controls))
        known = layouts.layout_now(context, name, layout) is not None
    except ValueError as error:
        ready = isinstance(error, NoCodes) and error.ready
        yield screen(
            view=None, thumbs=None, marks=None, choice="", facts=None, code="", card=None,
            player=None, selected=None, hand=_hand(False),
            encode=gr.Button(visible=ready), stop=gr.Button(interactive=False),
            status=say(str(error), kind="plain" if ready else "problem"),
        )  # fmt: skip
        return
    offered = [(METHODS[key], key) for key in layouts.methods(fitted)]
    rows = rows_here(context, name, choice)
    first = {
        "method": gr.Radio(choices=offered, value=layout.method),
        "encode": gr.Button(visible=False),
        "choice": ",".join(map(str, rows)),
    }
    if known:
        yield screen(
            **first, **layout_parts(context, name, layout, rows, yours), thumbs=None, facts=None
        )
        return
    yield screen(**first)
    yield from refit(context, name, *layout, choice, yours)


def measure(context: Context, name: str, *controls: Any) -> Any:
    """How faithful the map on screen is; nothing new where there is none."""
    try:
        layout = read_layout(*controls)
        if layouts.layout_now(context, name, layout) is None:
            return gr.skip()
        return facts(layouts.quality(context, name, layout))
    except ValueError:
        return gr.skip()


def pictures(context: Context, name: str) -> Iterator[tuple[Any, Any]]:
    """Decodes every point's picture for the hover: yields (sheet, status)."""
    try:
        fitted = layouts.points(context, name)
    except ValueError:
        return  # it has been said
    words = say(f"Codes of {len(fitted):,} test pictures.")
    if name not in context.store.loaded:
        yield gr.skip(), say("Loading the model …", kind="busy")
    try:
        told = time.monotonic()
        for share, sheet in layouts.sheet(context, name, as_sheet):
            if sheet is not None:
                yield sheet, words
            elif time.monotonic() - told > 0.2:
                told = time.monotonic()
                yield gr.skip(), say("Drawing the pictures for the hover …", share, "busy")
    except (ValueError, RuntimeError) as error:
        log.exception("The pictures of %s could not be drawn.", name)
        yield gr.skip(), say(f"The pictures cannot be drawn: {error}", kind="problem")


def _fitting(fitted: Any, layout: Layout) -> Layout:
    """The layout asked for, or the one that came with the codes where that is what one means."""
    kept = layouts.kept_layout(fitted)
    if layout == layouts.KEPT or layout.method not in layouts.methods(fitted):
        return kept
    return layout


def show(context: Context, name: str, *given: Any) -> tuple[Any, ...]:
    """A control was changed: the map where it is known, else a word that it has to be fitted."""
    *controls, choice, yours = given
    try:
        layout = read_layout(*controls)
        known = layouts.layout_now(context, name, layout) is not None
    except ValueError as error:
        return screen(status=say(str(error), kind="problem"))
    if not known:
        return screen(status=say("Press 'Fit map' to lay the codes out anew."))
    rows = rows_here(context, name, choice)
    return screen(**layout_parts(context, name, layout, rows, yours), facts=None)


def refit(context: Context, name: str, *given: Any) -> Iterator[tuple[Any, ...]]:
    """Fits the map that the controls ask for, with progress; ends at once where it is stopped."""
    *controls, choice, yours = given
    try:
        layout = read_layout(*controls)
        if layouts.layout_now(context, name, layout) is None:
            for share, what in layouts.fit(context, name, layout):
                bar = share if share >= 0.1 else None
                yield screen(status=say(f"{what} …", bar, "busy"), stop=gr.Button(interactive=True))
    except ValueError as error:
        yield screen(status=say(str(error), kind="problem"), stop=gr.Button(interactive=False))
        return
    rows = rows_here(context, name, choice)
    yield screen(
        **layout_parts(context, name, layout, rows, yours),
        facts=None,
        stop=gr.Button(interactive=False),
    )


def stopped() -> tuple[Any, ...]:
    """The fit was cancelled; what was on screen still is."""
    return screen(status=say("Stopped; the map is as it was."), stop=gr.Button(interactive=False))


def encode(context: Context, name: str, *given: Any) -> Iterator[tuple[Any, ...]]:
    """Encodes the test pictures of a model that brings no codes, then shows them."""
    try:
        for share in layouts.encode_points(context, name):
            yield screen(status=say("Encoding the test pictures …", share, "busy"))
    except (ValueError, RuntimeError) as error:
        yield screen(status=say(str(error), kind="problem"))
        return
    *_, choice, yours = given
    yield from arrive(context, name, *layouts.KEPT, choice, yours)


def look(context: Context, name: str, *given: Any) -> tuple[Any, ...]:
    """A point was selected: its pictures, its neighbours, the way from the one before."""
    *controls, choice, yours = given
    try:
        layout = read_layout(*controls)
        rows = rows_here(context, name, choice)
        if layouts.layout_now(context, name, layout) is None:
            layout = layouts.kept_layout(layouts.points(context, name))
    except NoCodes:
        return screen()  # it has been said
    except ValueError as error:
        return screen(status=say(str(error), kind="problem"))
    return screen(
        **selection_parts(context, name, rows, yours),
        hand=_hand(bool(rows)),
        marks=marks(context, name, layout, rows, yours),
        code=snippet(context, name, layout, rows),
    )


def take(context: Context, name: str, value: Any, *controls: Any) -> tuple[Any, ...]:
    """A picture was drawn or uploaded: where it lands in the fixed map, and beside what."""
    try:
        header = context.store.header(name)
        prepared = read_picture(value, header)
        layout = read_layout(*controls)
        if prepared is None:
            return screen(
                seen=as_seen(None), yours=None, marks={}, choice="", hand=_hand(False),
                **selection_parts(context, name, [], None),
            )  # fmt: skip
        fitted = layouts.points(context, name)
        if layouts.layout_now(context, name, layout) is None:
            layout = layouts.kept_layout(fitted)
    except ValueError as error:
        return screen(seen=as_seen(None, str(error)))
    import torch

    model = context.store.get(name)
    x = torch.from_numpy(prepared.pixels)[None].to(model.device)
    z = model.encode(x).flatten(1).float().cpu().numpy()[0]
    yours = {"model": name, "z": [float(v) for v in z]}
    near = layouts.near(context, name, z, NEAR)
    told = None if fitted.labels is None else fitted.labels[[near[0], *near]]
    drawn = layouts.decode(context, name, np.stack([z, *fitted.codes[near]]), told)
    names = [class_name(context, name, row) for row in near]
    most = max(set(names), key=names.count)
    note = f"Of its {NEAR} nearest in code, {names.count(most)} are of the class {most}."
    seen = np.rint(prepared.pixels * 255).astype(np.uint8)
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
        marks=marks(context, name, layout, [], yours), hand=_hand(True),
        selected={**yours, "label": None, "source": "your picture"},
    )  # fmt: skip


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
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
                stop = gr.Button("Stop", interactive=False, elem_id="map-stop")
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
                                 visible="latent" in context.tab_keys)  # fmt: skip
            selected, yours = gr.State(None), gr.State(None)

    def timely(handler: Callable) -> Callable:
        return context.timely(partial(handler, context))

    parts = {
        **points._asdict(), "status": status, "code": notes.code, "facts": quality,
        "method": method, "encode": encode_button, "stop": stop, "card": card, "player": player,
        "selected": selected, "yours": yours, "hand": hand, "seen": given.seen,
    }  # fmt: skip
    outputs = [parts[name] for name in OUTPUTS]
    controls = [method, dimensions, neighbours, distance]
    state = [*controls, points.choice, yours]
    inputs = [context.picker, *state]

    # One event for each thing that takes its time: what is quick waits for nothing.
    def then_the_rest(event: Any, all_new: bool) -> list[Any]:
        events = [event]
        events += [event.then(timely(measure), [context.picker, *controls], quality, **quiet)]
        if all_new:
            events += [events[-1].then(timely(look), inputs, outputs, **quiet)]
            drawn = [points.thumbs, status]
            events += [events[-1].then(timely(pictures), context.picker, drawn, **quiet)]
        return events

    # As ``heavy``, not as Gradio would have it: while the pictures of one model are being drawn, it
    # would drop the wish for another's.
    quiet = context.heavy
    running = then_the_rest(context.on_show(partial(arrive, context), state, outputs), True)
    for control in controls:
        event = control.input(timely(show), inputs, outputs, **context.heavy)
        then_the_rest(event, False)
    event = go.click(timely(refit), inputs, outputs, **context.heavy, concurrency_limit=2)
    running += then_the_rest(event, False)
    event = encode_button.click(timely(encode), inputs, outputs, **context.heavy)
    running += then_the_rest(event, True)
    # Said after the cancelling, or a last word of the fit might come later still.
    ended = stop.click(None, None, None, cancels=running, queue=False, api_visibility="private")
    ended.then(stopped, None, outputs, queue=False, **quiet)
    points.choice.pick(timely(look), inputs, outputs, **context.light)
    given.pad.draw(timely(take), [context.picker, given.pad, *controls], outputs, **context.light)
    random = "() => document.dispatchEvent(new CustomEvent('ge:map-random'))"
    some.click(None, js=random, api_visibility="private")
    taken = hand.click(lambda code: code, selected, context.code, **context.light)
    taken.then(None, js=context.go("latent"), api_visibility="private")

    context.remember("map.method", method, parse=one_of(METHODS))
    context.remember("map.dimensions", dimensions, parse=whole(2, 3))
    context.remember("map.neighbours", neighbours, parse=whole(2, 100))
    context.remember("map.distance", distance, parse=number(0, 0.99))
    context.remember("map.points", points.choice, parse=choice_text)
