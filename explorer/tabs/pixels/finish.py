"""Half a picture: its upper rows are kept, and the model writes the rest, several times."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.film.film import stop
from explorer.components.finish_sheet.finish_sheet import finish_sheet
from explorer.page import saves as export
from explorer.page.address import number, one_of, whole
from explorer.page.choice import Picture, as_shelf, chosen_in, picture_controls
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.pictures.films import mosaic
from explorer.server.abilities import classes_of
from explorer.server.ask import Seed
from explorer.server.reading import ANY, is_whole, next_seed
from explorer.tabs.pixels.watch import label_control, order_control
from explorer.tabs.pixels.written import HOTTEST, PAUSE, Settings, packed, places_of, read_settings

TITLE = "Half a picture"
SHEET = "finish"
COUNTS = (4, 9, 16)
TALLEST = 255  # rows that the slider can count before a model is known

LOOK_FOR = """
* **Nothing was trained for this.** Writing on from rows that are there is what the model does all
  the time; it never asks who wrote them. For the upper rows it is exact: each ending is drawn from
  the model's own $p(\\text{rest} \\mid \\text{kept rows})$.
* **How much decides?** Keep few rows, and the endings are of many kinds; keep more, and they agree.
  Move the slider to where a 7 can no longer become a 9.
* **Bring your own.** Draw the upper half of a digit, or of something that is none, and see what the
  model takes it for. It has to make do with what you drew.
* **The numbers** below are how surprised the model was by its own ending, in nats: lower is more
  ordinary. Turn the temperature down and they fall; so does the variety.
* **Ask for a class** that the kept rows contradict, and watch which of the two gives way.
* **Where the exactness ends.** A model that writes patch by patch, or in another order than row by
  row, is blind to kept rows that come later in its order. The line above says when that is so.
"""


class Finished(NamedTuple):
    """Endings, or as much of them as there is. frames: (T, N, C, H, W) uint8, from the kept rows
    on; hatched: (T, H, W) bool, what is still to be written; nats: (N,) of what was written.
    labels: (N,) or None. done: whether the last frame is the last."""

    frames: np.ndarray
    hatched: np.ndarray
    nats: np.ndarray
    labels: np.ndarray | None
    seconds: float
    done: bool


# -- what is computed -----------------------------------------------------------------------------


def read_rows(rows: Any, height: int) -> int:
    """How many rows are kept. Raises ValueError with one sentence."""
    if not is_whole(rows) or not 1 <= rows <= height:
        raise ValueError(f"Keep 1 to {height - 1} rows; a picture of this model has {height}.")
    if rows == height:
        raise ValueError(f"All {height} rows are kept, so none is left to write; keep fewer.")
    return int(rows)


def read_count(count: Any) -> int:
    if count not in COUNTS:
        raise ValueError(f"Ask for {', '.join(map(str, COUNTS[:-1]))} or {COUNTS[-1]} endings.")
    return int(count)


def first_in_order(places: np.ndarray, shape: Sequence[int], rows: int) -> bool:
    """Whether the upper rows come before all others in an order: then endings are exact."""
    _, H, W = shape
    kept = places % (H * W) < rows * W
    return not np.any(np.diff(kept.astype(np.int8)) > 0) and bool(kept[0])


def caution(places: np.ndarray, shape: Sequence[int], rows: int) -> str:
    """A sentence where endings cannot be exact in this order, and what would be; else ""."""
    if first_in_order(places, shape, rows):
        return ""
    exact = [k for k in range(1, shape[1]) if first_in_order(places, shape, k)]
    blind = "This order does not go row by row, so parts were written blind to some kept rows"
    if not exact:
        return blind + "."
    near = sorted(sorted(exact, key=lambda k: abs(k - rows))[:2])
    return f"{blind}; {' or '.join(map(str, near))} rows would be exact."


def as_observed(context: Context, name: str, pixels: np.ndarray) -> np.ndarray:
    """(C, H, W) uint8 as the model writes pictures: (C, H, W) float32 in [0, 1]. Black and white is
    cut at the middle rather than drawn, so that a drawing stays as it was drawn."""
    if context.store.get(name).levels == 2:
        return (pixels >= 128).astype(np.float32)
    return context.ask(name, "observed", pixels[None].astype(np.float32) / 255, Seed(0))[0]


def endings(
    context: Context, name: str, picture: Picture, rows: int, count: int, settings: Settings
) -> Iterator[Finished | None]:
    """Writes the rest several times at once, yielding what there is now and then, else None."""
    key = ("pixels-finish", name, picture.key, rows, count, settings)
    return context.ask.kept_steps(
        key, lambda: _endings(context, name, picture, rows, count, settings)
    )


def _endings(
    context: Context, name: str, picture: Picture, rows: int, count: int, settings: Settings
) -> Iterator[Finished | None]:
    C, H, W = context.store.get(name).image_shape
    x = as_observed(context, name, picture.pixels)
    known = np.zeros((1, C, H, W), bool)
    known[:, :, :rows] = True
    labels, u = chances_of(context, name, count, settings)
    places = places_of(context, name, settings.order)
    frames = context.ask.steps(
        name, "write_steps", u, labels, settings.temperature, settings.order, every=1,
        x=np.repeat(x[None], count, 0), known=np.repeat(known, count, 0),
    )  # fmt: skip
    todo = places % (H * W) >= rows * W
    # A frame whenever a row's worth is written, counting only what is.
    due = set(np.flatnonzero(todo)[:: C * W].tolist())
    films, hatched, spent, told = [], [], 0.0, 0.0
    labels = None if labels is None else np.broadcast_to(labels, count)
    while True:
        begun = time.perf_counter()
        frame = next(frames)
        spent += time.perf_counter() - begun
        done = frame.step == frame.total
        if not done and frame.step not in due:
            yield None
            continue
        flat = as_bytes(frame.x)
        bare = np.zeros(H * W, bool)
        bare[places[frame.step :] % (H * W)] = True
        bare = bare.reshape(H, W)
        bare[:rows] = False
        flat[:, :, :rows] = as_bytes(x[:, :rows])
        films.append(flat)
        hatched.append(bare)
        if not done and time.monotonic() - told < PAUSE:
            yield None
            continue
        told = time.monotonic()
        nats = -(frame.info["nats"] * ~known).reshape(count, -1).sum(1)
        yield Finished(np.stack(films), np.stack(hatched), nats, labels, spent, done)
        if done:
            return


def chances_of(
    context: Context, name: str, count: int, settings: Settings
) -> tuple[np.ndarray | int | None, np.ndarray]:
    """The classes, drawn where any will do, and the uniforms (count, D) of all endings."""
    from models import Streams, generator, uniform

    header, rng = context.store.header(name), Streams.of(generator(settings.seed), count)
    label, classes = settings.label, len(classes_of(header))
    if label is None and classes:
        label = (uniform((count,), rng, "cpu") * classes).long().numpy()
    return label, uniform((count, math.prod(header.config["image"])), rng, "cpu").numpy()


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The picture's upper rows, and its endings as they are written."""
    picture, rows, count, settings = _read(context, name, asked)
    shape = context.store.get(name).image_shape
    run = f"{name} {picture.key} {rows} {count} {settings}"
    warning = caution(places_of(context, name, settings.order), shape, rows)
    yield screen(
        sheet=sheet_value(context, name, picture, rows, count, None, run),
        status=say("Writing …", 0.0, "busy"),
        code=code_of(context, name, picture, rows, count, settings),
    )
    for part in endings(context, name, picture, rows, count, settings):
        if part is None:
            yield None
            continue
        value = sheet_value(context, name, picture, rows, count, part, run)
        if not part.done:
            whole = (1 - rows / shape[1]) * math.prod(part.hatched[-1].shape)
            share = 1 - part.hatched[-1].sum() / whole
            yield screen(sheet=value, status=say(f"Writing: {share:.0%}", float(share), "busy"))
    words = (
        f"{rows} rows of {picture.words} kept, the rest written {count} times from seed "
        f"{settings.seed} in {part.seconds:.2g} s."
    )
    yield screen(sheet=value, status=say(f"{words} {warning}".strip()))


def _read(context: Context, name: str, asked: Asked) -> tuple[Picture, int, int, Settings]:
    """The picture, the rows kept, how many endings, and the settings. Raises ValueError."""
    header, model = context.store.header(name), context.store.get(name)
    settings = read_settings(
        header, model.orders, asked.seed, asked.label, asked.temperature, asked.order
    )
    rows, count = read_rows(asked.rows, model.image_shape[1]), read_count(asked.count)
    return chosen_in(context, name, asked), rows, count, settings


def again(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model is on screen: its rows, classes, orders and shelf, then its endings."""
    header, model = context.store.header(name), context.store.get(name)
    height = model.image_shape[1]
    rows = asked.rows
    kept = int(rows) if is_whole(rows) and 1 <= rows < height else height // 2
    label_update, label = label_control(header, asked.label)
    order_update, order = order_control(model.orders, asked.order)
    yield screen(
        rows=gr.Slider(maximum=max(1, height - 1), value=kept),
        label=label_update,
        order=order_update,
    )
    yield screen(shelf=as_shelf(context, name, asked.choice))
    yield from show(context, name, asked.but(rows=kept, label=label, order=order))


# -- values ---------------------------------------------------------------------------------------


def sheet_value(
    context: Context,
    name: str,
    picture: Picture,
    rows: int,
    count: int,
    part: Finished | None,
    run: str,
) -> dict[str, Any]:
    """The sheet's value; part: None before anything is written."""
    classes = classes_of(context.store.header(name))
    observed = as_observed(context, name, picture.pixels)
    if part is None:
        made = np.repeat(observed[None], count, 0)
        hatched = np.zeros(observed.shape[1:], bool)
        hatched[rows:] = True
        captions = [""] * count
    else:
        made, hatched = part.frames[-1], part.hatched[-1]
        captions = [f"{nats:.1f} nats" for nats in part.nats]
        if part.labels is not None:
            captions = [
                f"{classes[k]}, {text}" for k, text in zip(part.labels, captions, strict=True)
            ]
    return {
        "given": images.sprite(observed[None]),
        "made": images.sprite(made),
        "hatched": packed(hatched, "u1"),
        "captions": captions,
        "kept": rows,
        "run": run,
        "running": part is None or not part.done,
    }


# -- code and files -------------------------------------------------------------------------------


def code_of(
    context: Context, name: str, picture: Picture, rows: int, count: int, settings: Settings
) -> str:
    """The lines that give the endings."""
    model, classes = context.store.get(name), len(classes_of(context.store.header(name)))
    if settings.label is None and classes:
        label = f"(uniform(({count},), rng, model.device) * {classes}).long()"
    else:
        label = f"{settings.label}"
    return snippet(
        loading(context, name),
        picture.code.rstrip("\n"),
        "x = (x >= 128 / 255).float()  # black and white"
        if model.levels == 2
        else "x = model.observed(x, generator(0))",
        f"x = x.to(model.device).repeat({count}, 1, 1, 1)",
        "known = torch.zeros_like(x, dtype=torch.bool)",
        f"known[:, :, :{rows}] = True",
        f"rng = Streams.of(generator({settings.seed}), {count})",
        f"label = {label}",
        f"u = uniform(({count}, {math.prod(model.image_shape)}), rng, model.device)",
        call(
            "*_, frame = model.write_steps", raw("u"), raw("label"),
            temperature=settings.temperature, order=settings.order, x=raw("x"), known=raw("known"),
        ),
        "images = frame.x",
        'nats = -(frame.info["nats"] * ~known).flatten(1).sum(1)',
    )  # fmt: skip


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file: the endings as a sheet (png), or as they are written."""
    picture, rows, count, settings = _read(context, name, asked)
    *_, part = endings(context, name, picture, rows, count, settings)
    stem = f"{name}-{rows}-rows-finished-seed-{settings.seed}"
    if kind == "png":
        sheet = images.grid_image(part.frames[-1], scale=6, gap=8)
        return components.file(f"{stem}.png", images.png_bytes(sheet), "image/png")
    frames = np.where(part.hatched[:, None, None], np.uint8(112), part.frames)
    return export.film_file(kind, stem, [mosaic(frames)])


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            go, halt, status = run_row("Sample again", "finish-again", "finish-stop")
            own = picture_controls(context, "finish", label="Picture", selected=1)
            rows = gr.Slider(1, TALLEST, 14, step=1, label="Rows kept", elem_id="finish-rows")
            with gr.Row(elem_classes="ge-pair"):
                seed = gr.Number(0, label="Seed", elem_id="finish-seed")
                heat = gr.Number(1, label="Temperature", step=0.1, elem_id="finish-temperature")
            with gr.Row(elem_classes="ge-pair"):
                count = gr.Dropdown([(str(k), k) for k in COUNTS], value=9, label="Endings",
                                    filterable=False, elem_id="finish-count")  # fmt: skip
                label = gr.Dropdown([("Any class", ANY)], value=ANY, label="Class", visible=False,
                                    filterable=False, elem_id="finish-class")  # fmt: skip
                order = gr.Dropdown([("Raster", 0)], value=0, label="Order", visible=False,
                                    filterable=False, elem_id="finish-order")  # fmt: skip
            saver = export.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            sheet = finish_sheet(SHEET, label="The picture, and how the model finished it")

    part.controls(
        **own.named(), rows=rows, count=count, seed=seed, label=label, temperature=heat,
        order=order,
    )  # fmt: skip
    part.outputs(
        sheet=sheet, status=status, code=notes.code, stop=halt, seed=seed, shelf=own.view,
        rows=rows, label=label, order=order,
    )  # fmt: skip
    part.arrives(arrive)
    settings = [c.input for c in (rows, count, seed, heat, label, order)]
    part.on([own.source.input, own.choice.select, *settings], show)
    part.draws(own.pad, show)
    part.on(go.click, again, main=True)
    part.stops(halt, js=stop(SHEET))
    part.saves(saver, save)

    context.remember("pixels.finish.sample", own.choice, parse=whole(0, 15))
    context.remember("pixels.finish.rows", rows, parse=whole(1, TALLEST))
    context.remember("pixels.finish.count", count, parse=one_of(COUNTS, int))
    context.remember("pixels.finish.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("pixels.finish.temperature", heat, parse=number(0.01, HOTTEST))
    context.remember("pixels.finish.class", label, parse=whole(ANY, 999))
    context.remember("pixels.finish.order", order, parse=whole(0, 63))
