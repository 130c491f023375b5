"""Watch it write: a picture appears value by value, and every value of it can be asked about."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from explorer.components import say
from explorer.components.curves.curves import curves
from explorer.components.film.film import stop
from explorer.components.pixel_player.pixel_player import pixel_player
from explorer.page import saves
from explorer.page.address import number, whole
from explorer.page.context import Context
from explorer.page.runs import LIVE, newest_only, run_row
from explorer.server.abilities import classes_of
from explorer.server.reading import ANY, class_choices, next_seed
from explorer.tabs.pixels.written import (
    HOTTEST,
    Change,
    Settings,
    Written,
    as_picture,
    bits_per_value,
    changes_text,
    film,
    finished,
    in_order,
    most_nats,
    packed,
    quietly,
    read_changes,
    read_settings,
    run,
    snippet,
    write_changes,
)

log = logging.getLogger(__name__)

TITLE = "Watch it write"
PLAYER = "pixels"

LOOK_FOR = r"""
* **One value at a time, for good.** The model says how likely black and white (or each level) are
  for the next value, one is drawn by chance, and it is never taken back. Step with the arrow keys.
* **Where is it surprised?** Bright pixels cost many nats. Empty paper and the inside of a stroke
  cost next to nothing; where a stroke begins, turns or ends, chance decides. The sum of all of
  them is exactly $-\log p$ of the picture: no bound, no estimate.
* **The curve climbs in steps.** Look for the rows at which it is steep: there it is decided what
  the picture becomes.
* **Ask a pixel.** Point at one: the bars are what was held likely *given the values before it*. The
  blue pixels are those that swayed it, and none comes later in the order.
* **Change one value** early in a stroke and let it go on. Every later value meets the same chance
  as before; where the picture differs (the dots), it differs because of that one value.
* **Temperature** near 0 takes the likeliest value each time. The likeliest next value is not the
  way to a likely picture: often the paper just stays empty. Above 1 the strokes fray.
* **Another order**, where the model has several: the same chance at every place, other pictures.
"""


# -- what is shown --------------------------------------------------------------------------------


def player_value(
    context: Context,
    name: str,
    settings: Settings,
    changes: tuple[Change, ...],
    part: Written,
    before: Written | None,
) -> dict[str, Any]:
    """The player's value. before: the picture without its changes."""
    model = context.store.get(name)
    C, H, W = model.image_shape
    at = None
    if changes:
        at = int(np.flatnonzero(part.places == changes[-1].place)[0])
    return {
        "name": name,
        "base": f"{name} {settings}",
        "run": run_name(name, settings, changes),
        "order": packed(part.places, "u2"),
        "levels": packed(part.levels, "u1"),
        "nats": packed(part.nats, "f4"),
        "was": "" if before is None else packed(before.by_place(), "u1"),
        "c": C,
        "h": H,
        "w": W,
        "top": model.levels - 1,
        "most": most_nats(model.levels, C),
        "bits": model.levels == 256,
        "changes": write_changes(name, changes),
        "at": at,
        "running": not part.done,
    }


def run_name(name: str, settings: Settings, changes: tuple[Change, ...]) -> str:
    return f"{name} {settings} {write_changes(name, changes)}"


def curve_value(part: Written, before: Written | None) -> dict[str, Any]:
    """How the surprise adds up, value by value; beside it that of the picture before any change."""
    lines = [{"name": "now", "y": _sums(part)}]
    if before is not None:
        lines.append({"name": "before the change", "y": _sums(before)[: len(part.levels) + 1]})
    plot = {
        "title": "Surprise so far",
        "note": "nats, added up in the order of writing",
        "x": list(range(len(part.levels) + 1)),
        "x_name": "values",
        "range": [0, len(part.places)],
        "unit": "nats",
        "lines": lines,
    }
    return {"plots": [plot], "chosen": 0, "legend": before is not None}


def _sums(part: Written) -> list[float]:
    return [0.0, *(float(f"{v:.5g}") for v in np.cumsum(part.nats, dtype=np.float64))]


def _done(model: Any, settings: Settings, changes: tuple, part: Written, before: Any) -> str:
    nats = float(part.nats.sum(dtype=np.float64))
    bits = bits_per_value(model, nats, len(part.levels))
    total = f"{nats:.1f} nats" + ("" if bits is None else f", {bits:.2f} bits/dim")
    if not changes:
        return (
            f"Seed {settings.seed}: {len(part.levels)} values, {total}, "
            f"written in {part.seconds:.2g} s."
        )
    step = int(np.flatnonzero(part.places == changes[-1].place)[0])
    was, now = before.by_place(), part.by_place()
    later = part.places[step + 1 :]
    differ = int((was[later] != now[later]).sum())
    old = float(before.nats.sum(dtype=np.float64))
    changed = "One value" if len(changes) == 1 else f"{len(changes)} values"
    return (
        f"{changed} changed: of the {len(later)} after it {differ} came out otherwise; "
        f"{total} instead of {old:.1f}."
    )


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def show(
    context: Context, name: str, *controls: Any, changes: Any = ""
) -> Iterator[tuple[Any, ...] | None]:
    """Yields (player, curve, status, code, changes, Stop button) until the picture is there.

    controls: see ``read_settings``. changes: their text.
    """
    idle = gr.Button(interactive=False)
    if name not in context.store.loaded:
        yield *[gr.skip()] * 2, say("Loading the model …", kind="busy"), *[gr.skip()] * 3
    try:
        model = context.store.get(name)
        settings = read_settings(context.store.header(name), model.orders, *controls)
        places = model.order(settings.order).cpu().numpy()
        altered = in_order(read_changes(changes, name, len(places), model.levels), places)
        before = None
        if altered:
            before = yield from quietly(run(context, name, settings))
        text: Any = write_changes(name, altered)
        for part in run(context, name, settings, altered):
            if part is None:
                yield None
                continue
            value = player_value(context, name, settings, altered, part, before)
            if not part.done:
                share = len(part.levels) / len(part.places)
                status = say(f"Writing: {share:.0%}", share, "busy")
                yield value, gr.skip(), status, gr.skip(), text, gr.Button(interactive=True)
                text = gr.skip()
        status = say(_done(model, settings, altered, part, before))
        code = snippet(context, name, settings, altered, part.label)
        yield value, curve_value(part, before), status, code, text, idle
    except (ValueError, RuntimeError) as error:
        log.info("Writing with %s failed: %s", name, error)
        yield *[gr.skip()] * 2, say(str(error), kind="problem"), *[gr.skip()] * 2, idle


def change(context: Context, name: str, *values: Any) -> Iterator[tuple[Any, ...] | None]:
    """A value was changed, or all are as they were: yields what ``show`` does. The last of the
    values is the text of the changes."""
    *controls, changes = values
    yield from show(context, name, *controls, changes=changes)


def another(context: Context, name: str, seed: Any, *rest: Any) -> Iterator[tuple[Any, ...] | None]:
    """The next seed: yields what ``show`` does, and that seed."""
    following: Any = next_seed(seed)
    for outputs in show(context, name, following, *rest):
        if outputs is None:
            yield None
            continue
        yield *outputs, following
        following = gr.skip()


def arrive(context: Context, name: str, *values: Any) -> Iterator[tuple[Any, ...] | None]:
    """A new model is on screen: yields what ``show`` does, and the class and the order, which
    depend on it."""
    header = context.store.header(name)
    if name not in context.store.loaded:
        yield *[gr.skip()] * 2, say("Loading the model …", kind="busy"), *[gr.skip()] * 5
    orders = context.store.get(name).orders
    seed, label, temperature, order, changes = values
    label_update, label = label_control(header, label)
    order_update, order = order_control(orders, order)
    updates = (label_update, order_update)
    try:
        read_changes(changes, name, 1 << 16, 256)
    except ValueError:
        changes = ""
    for outputs in show(context, name, seed, label, temperature, order, changes=changes):
        if outputs is None:
            yield None
            continue
        yield *outputs, *updates
        updates = (gr.skip(),) * 2


def label_control(header: Any, label: Any) -> tuple[Any, int]:
    """The class dropdown for a model, and the class that stays chosen."""
    classes = classes_of(header)
    label = label if label in range(len(classes)) else ANY
    choices = class_choices(classes, "Any class")
    return gr.Dropdown(choices=choices, value=label, visible=bool(classes)), label


def order_control(orders: Sequence[str], order: Any) -> tuple[Any, int]:
    """The order dropdown for a model, and the order that stays chosen."""
    order = order if order in range(len(orders)) else 0
    choices = [(text.capitalize(), k) for k, text in enumerate(orders)]
    return gr.Dropdown(choices=choices, value=order, visible=len(orders) > 1), order


def probe(context: Context, name: str, *values: Any) -> Iterator[tuple[Any, ...] | None]:
    """What the model held likely at a place, and then what it looked at: yields (probe, status).

    The last two of the values are the text of the changes and the place, ``"place:field"``.
    """
    *controls, changes, point = values
    try:
        model = context.store.get(name)
        settings = read_settings(context.store.header(name), model.orders, *controls)
        places = model.order(settings.order).cpu().numpy()
        altered = in_order(read_changes(changes, name, len(places), model.levels), places)
        place, _, field = str(point).partition(":")
        if not place.isdecimal() or int(place) >= len(places):
            raise ValueError("There is no such pixel; point at it again.")
        key = ("pixels-probe", name, settings, altered)
        if (chances := context.recent.get(key)) is None:
            part = yield from quietly(run(context, name, settings, altered))
            x = as_picture(model, part.by_place())
            logs = model.predict(x, part.label, settings.order)[0].flatten(0, -2)
            chances = part, x, logs.exp().float().cpu().numpy()
            context.recent.put(key, chances)
        part, x, chances = chances
        value = {
            "run": run_name(name, settings, altered),
            "place": int(place),
            "chances": [float(f"{p:.4g}") for p in chances[int(place)]],
            "field": None,
        }
        yield value, gr.skip()
        if field == "1":
            swayed = model.receptive_field(x, int(place), part.label, settings.order)
            yield {**value, "field": packed(as_field(swayed), "u1")}, gr.skip()
    except (ValueError, RuntimeError) as error:
        log.info("Asking %s about a pixel failed: %s", name, error)
        yield gr.skip(), say(str(error), kind="problem")


def as_field(swayed: Any) -> np.ndarray:
    """(H, W) uint8 of what sways a value, (C, H, W): the most is 255, nothing is 0."""
    total = swayed.sum(0).detach().float().cpu().numpy()
    most = total.max()
    return np.rint(255 * total / most).astype(np.uint8) if most > 0 else np.zeros_like(total, "u1")


def stopped() -> tuple[Any, Any]:
    """(status, Stop button) once a person has stopped the run."""
    return say("Stopped. What was written by then can be played."), gr.update(interactive=False)


def save(context: Context, kind: str, name: str, *values: Any) -> tuple[Any, Any]:
    """(file for the saver, status). kind: "webp" or "gif", the writing; "png", moments of it."""
    *controls, changes = values
    try:
        model = context.store.get(name)
        settings = read_settings(context.store.header(name), model.orders, *controls)
        places = model.order(settings.order).cpu().numpy()
        altered = in_order(read_changes(changes, name, len(places), model.levels), places)
        part = finished(context, name, settings, altered)
    except (ValueError, RuntimeError) as error:
        return gr.skip(), say(str(error), kind="problem")
    stem = f"{name}-written-seed-{settings.seed}"
    rows = film(part, model.image_shape, model.levels)
    return saves.film_file(kind, stem, rows), gr.skip()


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            bar = run_row("Write another", "pixels-more", "pixels-stop")
            more, halt, status = bar
            with gr.Row(elem_classes="ge-pair"):
                seed = gr.Number(0, label="Seed", elem_id="pixels-seed")
                heat = gr.Number(1, label="Temperature", step=0.1, elem_id="pixels-temperature")
            label = gr.Dropdown([("Any class", ANY)], value=ANY, label="Class", visible=False,
                                filterable=False, elem_id="pixels-class")  # fmt: skip
            order = gr.Dropdown([("Raster", 0)], value=0, label="Order", visible=False,
                                filterable=False, elem_id="pixels-order")  # fmt: skip
            saver = saves.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            with gr.Row(elem_classes="ge-written"):
                player = pixel_player(PLAYER, label="A picture as it is written", below=196)
            lines = curves(follows=PLAYER, tall=130)

    controls = [seed, label, heat, order]
    inputs = [context.picker, *controls]
    shown = [player.view, lines, status, notes.code, player.changes, halt]
    live = partial(newest_only, PLAYER, stopped=dict(zip((2, 5), stopped(), strict=True)))
    context.on_show(
        live(partial(arrive, context)), [*controls, player.changes], [*shown, label, order], **LIVE
    )
    timely = context.timely
    gr.on([c.input for c in controls], timely(live(partial(show, context))), inputs, shown, **LIVE)
    more.click(timely(live(partial(another, context))), inputs, [*shown, seed], **LIVE)
    player.changes.changed(
        timely(live(partial(change, context))), [*inputs, player.changes], shown, **LIVE
    )
    player.point.point(
        timely(newest_only("pixels-point", partial(probe, context))),
        [*inputs, player.changes, player.point], [player.probe, status], **LIVE,
    )  # fmt: skip
    bar.wire_stop(PLAYER, stop(PLAYER))
    saver.wire(partial(save, context), [*inputs, player.changes], status, context)

    context.remember("pixels.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("pixels.class", label, parse=whole(ANY, 999))
    context.remember("pixels.temperature", heat, parse=number(0.01, HOTTEST))
    context.remember("pixels.order", order, parse=whole(0, 63))
    context.remember("pixels.changes", player.changes, parse=changes_text)
