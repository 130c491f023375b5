"""Half a picture: its upper rows are kept, and the model writes the rest, several times."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.film.film import stop
from explorer.components.finish_sheet.finish_sheet import finish_sheet
from explorer.page import saves
from explorer.page.address import number, one_of, whole
from explorer.page.choice import Picture, as_shelf, picture_controls, read
from explorer.page.code import import_lines, in_code
from explorer.page.context import Context
from explorer.page.runs import LIVE, newest_only, rested, run_row, stoppable, stopped_at
from explorer.pictures import images
from explorer.pictures.films import mosaic
from explorer.server.abilities import classes_of
from explorer.server.reading import ANY, is_whole, next_seed
from explorer.tabs.pixels.watch import label_control, order_control
from explorer.tabs.pixels.written import HOTTEST, PAUSE, Settings, packed, read_settings

log = logging.getLogger(__name__)

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


def as_observed(model: Any, pixels: np.ndarray) -> np.ndarray:
    """(C, H, W) uint8 as the model writes pictures: (C, H, W) float32 in [0, 1]. Black and white is
    cut at the middle rather than drawn, so that a drawing stays as it was drawn."""
    if model.levels == 2:
        return (pixels >= 128).astype(np.float32)
    import torch

    from models.contract.random import generator

    x = torch.from_numpy(pixels[None].astype(np.float32) / 255).to(model.device)
    return model.observed(x, generator(0))[0].cpu().numpy()


def endings(
    context: Context, name: str, picture: Picture, rows: int, count: int, settings: Settings
) -> Iterator[Finished | None]:
    """Writes the rest several times at once, yielding what there is now and then, else None."""
    key = ("pixels-finish", name, picture.key, rows, count, settings)
    if (kept := context.recent.get(key)) is not None:
        yield kept
        return
    import torch

    from models.contract.random import generator, uniform

    model, rng = context.store.get(name), generator(settings.seed)
    C, H, W = model.image_shape
    x = torch.from_numpy(as_observed(model, picture.pixels)).to(model.device)
    known = torch.zeros(1, C, H, W, dtype=torch.bool, device=model.device)
    known[:, :, :rows] = True
    label, classes = settings.label, len(classes_of(context.store.header(name)))
    if label is None and classes:
        label = (uniform((count,), rng, model.device) * classes).long()
    u = uniform((count, C * H * W), rng, model.device)
    places = model.order(settings.order).cpu().numpy()
    frames = model.write_steps(
        u, label, settings.temperature, settings.order, every=1,
        x=x[None].repeat(count, 1, 1, 1), known=known.repeat(count, 1, 1, 1),
    )  # fmt: skip
    todo = places % (H * W) >= rows * W
    # A frame whenever a row's worth is written, counting only what is.
    stops = np.flatnonzero(todo)[:: C * W].tolist()
    films, hatched, spent, told, due = [], [], 0.0, 0.0, set(stops)
    labels = None if label is None else np.broadcast_to(np.asarray(torch.as_tensor(label)), count)
    while True:
        begun = time.perf_counter()
        frame = next(frames)
        spent += time.perf_counter() - begun
        done = frame.step == frame.total
        if not done and frame.step not in due:
            yield None
            continue
        flat = (frame.x * 255).round().to(torch.uint8).cpu().numpy()
        bare = np.zeros(H * W, bool)
        bare[places[frame.step :] % (H * W)] = True
        bare = bare.reshape(H, W)
        bare[:rows] = False
        flat[:, :, :rows] = np.rint(255 * x[:, :rows].cpu().numpy())
        films.append(flat)
        hatched.append(bare)
        if not done and time.monotonic() - told < PAUSE:
            yield None
            continue
        told = time.monotonic()
        nats = -(frame.info["nats"] * ~known).flatten(1).sum(1).cpu().numpy()
        part = Finished(np.stack(films), np.stack(hatched), nats, labels, spent, done)
        if done:
            context.recent.put(key, part)
            yield part
            return
        yield part


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def show(context: Context, name: str, *values: Any) -> Iterator[tuple[Any, ...] | None]:
    """Yields (sheet, status, code) until the endings are there. values: see ``_read``."""
    if name not in context.store.loaded:
        yield gr.skip(), say("Loading the model …", kind="busy"), gr.skip()
    try:
        picture, rows, count, settings = _read(context, name, *values)
        model = context.store.get(name)
        run = f"{name} {picture.key} {rows} {count} {settings}"
        places = model.order(settings.order).cpu().numpy()
        warning = caution(places, model.image_shape, rows)
        code = snippet(context, name, picture, rows, count, settings)
        blank = sheet_value(context, name, picture, rows, count, None, run)
        yield blank, say("Writing …", 0.0, "busy"), gr.skip()
        for part in endings(context, name, picture, rows, count, settings):
            if part is None:
                yield None
                continue
            value = sheet_value(context, name, picture, rows, count, part, run)
            if not part.done:
                whole = (1 - rows / model.image_shape[1]) * math.prod(part.hatched[-1].shape)
                share = 1 - part.hatched[-1].sum() / whole
                yield value, say(f"Writing: {share:.0%}", float(share), "busy"), gr.skip()
        words = (
            f"{rows} rows of {picture.words} kept, the rest written {count} times from seed "
            f"{settings.seed} in {part.seconds:.2g} s."
        )
        yield value, say(f"{words} {warning}".strip()), code
    except (ValueError, RuntimeError) as error:
        log.info("Finishing with %s failed: %s", name, error)
        yield gr.skip(), say(str(error), kind="problem"), gr.skip()


def _read(
    context: Context, name: str, source: Any, index: Any, given: Any, rows: Any, count: Any,
    *controls: Any,
) -> tuple[Picture, int, int, Settings]:  # fmt: skip
    """The picture (see ``brought.read``), the rows kept, how many endings, and the settings (see
    ``read_settings``). Raises ValueError, one sentence."""
    header, model = context.store.header(name), context.store.get(name)
    settings = read_settings(header, model.orders, *controls)
    rows, count = read_rows(rows, model.image_shape[1]), read_count(count)
    return read(context, name, source, index, given), rows, count, settings


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
    model, classes = context.store.get(name), classes_of(context.store.header(name))
    observed = as_observed(model, picture.pixels)
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


def again(context: Context, name: str, *values: Any) -> Iterator[tuple[Any, ...] | None]:
    """The next seed: yields what ``show`` does, and that seed. values: those of ``show``."""
    seed = values[5]
    following: Any = next_seed(seed)
    for outputs in show(context, name, *values[:5], following, *values[6:]):
        if outputs is None:
            yield None
            continue
        yield *outputs, following
        following = gr.skip()


def arrive(
    context: Context, name: str, index: Any, rows: Any, label: Any, order: Any
) -> Iterator[tuple[Any, ...]]:
    """A model is on screen: yields (status, shelf, rows, class, order)."""
    yield say("Loading the model …", kind="busy"), *[gr.skip()] * 4
    header, model = context.store.header(name), context.store.get(name)
    height = model.image_shape[1]
    kept = int(rows) if is_whole(rows) and 1 <= rows < height else height // 2
    yield (
        say("", kind="busy"),
        as_shelf(context, name, index),
        gr.Slider(maximum=max(1, height - 1), value=kept),
        label_control(header, label)[0],
        order_control(model.orders, order)[0],
    )


# -- code and files -------------------------------------------------------------------------------


def snippet(
    context: Context, name: str, picture: Picture, rows: int, count: int, settings: Settings
) -> str:
    """The lines that give the endings."""
    header, model = context.store.header(name), context.store.get(name)
    device = context.store.device_asked
    placed = "" if device in ("auto", "cpu") else f", device={device!r}"
    classes = len(classes_of(header))
    ours = "from models import generator, load, uniform"
    D = math.prod(model.image_shape)
    lines = [
        *import_lines("import torch", ours, *picture.imports),
        "", f"model = load({in_code(header.folder)!r}{placed})",
        picture.code.rstrip("\n"),
        "x = (x >= 128 / 255).float()  # black and white" if model.levels == 2
        else "x = model.observed(x, generator(0))",
        f"x = x.to(model.device).repeat({count}, 1, 1, 1)",
        "known = torch.zeros_like(x, dtype=torch.bool)",
        f"known[:, :, :{rows}] = True",
        f"rng = generator({settings.seed})",
    ]  # fmt: skip
    if settings.label is None and classes:
        lines.append(f"label = (uniform(({count},), rng, model.device) * {classes}).long()")
    else:
        lines.append(f"label = {settings.label}")
    lines += [
        f"u = uniform(({count}, {D}), rng, model.device)",
        "*_, frame = model.write_steps(",
        f"    u, label, temperature={settings.temperature!r}, order={settings.order}, x=x,"
        " known=known",
        ")",
        "images = frame.x",
        'nats = -(frame.info["nats"] * ~known).flatten(1).sum(1)',
    ]
    return "\n".join(lines) + "\n"


def save(context: Context, kind: str, name: str, *values: Any) -> tuple[Any, Any]:
    """(file for the saver, status): the endings as a sheet (png), or as they are written."""
    try:
        picture, rows, count, settings = _read(context, name, *values)
        *_, part = endings(context, name, picture, rows, count, settings)
    except (ValueError, RuntimeError) as error:
        return gr.skip(), say(str(error), kind="problem")
    stem = f"{name}-{rows}-rows-finished-seed-{settings.seed}"
    if kind == "png":
        sheet = images.grid_image(part.frames[-1], scale=6, gap=8)
        return components.file(f"{stem}.png", images.png_bytes(sheet), "image/png"), gr.skip()
    hatched = part.hatched[:, None, None]
    frames = np.where(hatched, np.uint8(112), part.frames)
    return saves.film_file(kind, stem, [mosaic(frames)]), gr.skip()


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            bar = run_row("Finish again", "finish-again", "finish-stop")
            go, halt, status = bar
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
            saver = saves.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            sheet = finish_sheet(SHEET, label="The picture, and how the model finished it")

    values = [*own.inputs, rows, count, seed, label, heat, order]
    inputs = [context.picker, *values]
    outputs = [sheet, status, notes.code, halt]

    def live(handler: Any, halt_at: int = 3) -> Any:
        return context.timely(newest_only(SHEET, handler, stopped_at(1, halt_at)))

    draw = live(stoppable(partial(show, context)))
    arrived = context.on_show(
        partial(arrive, context), [own.choice, rows, label, order],
        [status, own.view, rows, label, order], **LIVE,
    )  # fmt: skip
    arrived.then(draw, inputs, outputs, **LIVE)
    changed = [own.source.input, own.choice.select, *(c.input for c in (rows, count, seed, heat))]
    gr.on([*changed, label.input, order.input], draw, inputs, outputs, **LIVE)
    own.pad.draw(live(rested(stoppable(partial(show, context)), 0.25)), inputs, outputs, **LIVE)
    go.click(live(stoppable(partial(again, context)), 4), inputs, [*outputs[:3], seed, halt],
             **LIVE)  # fmt: skip
    bar.wire_stop(SHEET, stop(SHEET))
    saver.wire(partial(save, context), inputs, status, context)

    context.remember("pixels.finish.sample", own.choice, parse=whole(0, 15))
    context.remember("pixels.finish.rows", rows, parse=whole(1, TALLEST))
    context.remember("pixels.finish.count", count, parse=one_of(COUNTS, int))
    context.remember("pixels.finish.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("pixels.finish.temperature", heat, parse=number(0.01, HOTTEST))
    context.remember("pixels.finish.class", label, parse=whole(ANY, 999))
    context.remember("pixels.finish.order", order, parse=whole(0, 63))
