"""Watch it write: a picture appears value by value, and every value of it can be asked about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer.components import say
from explorer.components.curves.curves import curves
from explorer.components.film.film import stop
from explorer.components.pixel_player.pixel_player import pixel_player
from explorer.page import saves as export
from explorer.page.address import number, whole
from explorer.page.changes import Change, changes_text, read_changes, write_changes
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.server.abilities import classes_of
from explorer.server.reading import ANY, class_choices, next_seed
from explorer.tabs.pixels.written import (
    HOTTEST,
    Settings,
    Written,
    as_picture,
    bits_per_value,
    code_of,
    film,
    finished,
    in_order,
    most_nats,
    packed,
    places_of,
    quietly,
    read_settings,
    run,
)

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


# -- handlers -------------------------------------------------------------------------------------


def read(context: Context, name: str, asked: Asked) -> tuple[Settings, tuple[Change, ...]]:
    """The settings, and the changes that stand. Raises ValueError with one sentence."""
    model = context.store.get(name)
    settings = read_settings(
        context.store.header(name), model.orders, asked.seed, asked.label, asked.temperature,
        asked.order,
    )  # fmt: skip
    places = places_of(context, name, settings.order)
    changes = read_changes(asked.changes, name, len(places), model.levels)
    return settings, in_order(changes, places)


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The picture as it is written, with its changes."""
    yield from write(context, name, *read(context, name, asked))


def write(
    context: Context, name: str, settings: Settings, changes: tuple[Change, ...]
) -> Iterator[Screen | None]:
    """The picture as it is written."""
    before = None
    if changes:
        before = yield from quietly(run(context, name, settings))
    yield screen(changes=write_changes(name, changes))
    for part in run(context, name, settings, changes):
        if part is None:
            yield None
            continue
        value = player_value(context, name, settings, changes, part, before)
        if not part.done:
            share = len(part.levels) / len(part.places)
            yield screen(player=value, status=say(f"Writing: {share:.0%}", share, "busy"))
    status = say(_done(context.store.get(name), settings, changes, part, before))
    yield screen(
        player=value, curve=curve_value(part, before), status=status,
        code=code_of(context, name, settings, changes, part.label),
    )  # fmt: skip


def anew(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A setting was changed: the picture without the changes of the one before."""
    yield from show(context, name, asked.but(changes=""))


def another(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from anew(context, name, asked)


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A new model is on screen: its classes and orders, then a picture."""
    label_update, label = label_control(context.store.header(name), asked.label)
    order_update, order = order_control(context.store.get(name).orders, asked.order)
    yield screen(label=label_update, order=order_update)
    asked = asked.but(label=label, order=order)
    try:
        read(context, name, asked)
    except ValueError:
        asked = asked.but(changes="")  # a link's, which do not fit this model
    yield from show(context, name, asked)


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


class Chances(NamedTuple):
    """A picture, (1, C, H, W), of a class, and p of every level at every place, (D, levels)."""

    x: np.ndarray
    label: int | None
    p: np.ndarray


def chances_of(
    context: Context, name: str, settings: Settings, changes: tuple[Change, ...]
) -> Iterator[Chances | None]:
    """None while it is written, then what was held likely at every place of the picture."""

    def begin() -> Iterator[Chances | None]:
        part = yield from quietly(run(context, name, settings, changes))
        x = as_picture(context.store.get(name), part.by_place())
        logs = context.ask(name, "predict", x, part.label, settings.order)[0]
        yield Chances(x, part.label, np.exp(logs.reshape(-1, logs.shape[-1])))

    return context.ask.kept_steps(("pixels-chances", name, settings, changes), begin)


def probe(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """What the model held likely at a place ("PLACE:FIELD"), and then what it looked at."""
    settings, changes = read(context, name, asked)
    place, _, field = str(asked.point).partition(":")
    if not place.isdecimal() or int(place) >= len(places_of(context, name, settings.order)):
        raise ValueError("There is no such pixel; point at it again.")
    found = yield from quietly(chances_of(context, name, settings, changes))
    value = {
        "run": run_name(name, settings, changes),
        "place": int(place),
        "chances": [float(f"{p:.4g}") for p in found.p[int(place)]],
        "field": None,
    }
    yield screen(probe=value)
    if field == "1":
        swayed = context.ask(
            name, "receptive_field", found.x, int(place), found.label, settings.order, tape=True
        )
        yield screen(probe={**value, "field": packed(as_field(swayed), "u1")})


def as_field(swayed: np.ndarray) -> np.ndarray:
    """(H, W) uint8 of what sways a value, (C, H, W): the most is 255, nothing is 0."""
    total = swayed.sum(0)
    most = total.max()
    return np.rint(255 * total / most).astype(np.uint8) if most > 0 else np.zeros_like(total, "u1")


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file. kind: "webp" or "gif", the writing; "png", moments of it."""
    settings, changes = read(context, name, asked)
    part, model = finished(context, name, settings, changes), context.store.get(name)
    stem = f"{name}-written-seed-{settings.seed}"
    return export.film_file(kind, stem, film(part, model.image_shape, model.levels))


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Sample again", "pixels-more", "pixels-stop")
            with gr.Row(elem_classes="ge-pair"):
                seed = gr.Number(0, label="Seed", elem_id="pixels-seed")
                heat = gr.Number(1, label="Temperature", step=0.1, elem_id="pixels-temperature")
            label = gr.Dropdown([("Any class", ANY)], value=ANY, label="Class", visible=False,
                                filterable=False, elem_id="pixels-class")  # fmt: skip
            order = gr.Dropdown([("Raster", 0)], value=0, label="Order", visible=False,
                                filterable=False, elem_id="pixels-written-order")  # fmt: skip
            saver = export.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            with gr.Row(elem_classes="ge-written"):
                player = pixel_player(PLAYER, label="A picture as it is written", below=196)
            lines = curves(follows=PLAYER, tall=130)

    part.controls(
        seed=seed, label=label, temperature=heat, order=order, changes=player.changes,
        point=player.point,
    )  # fmt: skip
    part.outputs(
        player=player.view, curve=lines, status=status, code=notes.code, changes=player.changes,
        stop=halt, seed=seed, label=label, order=order, probe=player.probe,
    )  # fmt: skip
    part.arrives(arrive)
    part.on([c.input for c in (seed, label, heat, order)], anew)
    part.on(more.click, another, main=True)
    part.on(player.changes.changed, show)
    part.on(player.point.point, probe, run="point")
    part.stops(halt, js=stop(PLAYER))
    part.saves(saver, save)

    context.remember("pixels.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("pixels.class", label, parse=whole(ANY, 999))
    context.remember("pixels.temperature", heat, parse=number(0.01, HOTTEST))
    context.remember("pixels.order", order, parse=whole(0, 63))
    context.remember("pixels.changes", player.changes, parse=changes_text)
