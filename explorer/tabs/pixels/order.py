"""What a pixel can see: the order of writing, what a pixel sees of the picture, and the masks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.chances.chances import chances
from explorer.components.heat_maps.heat_maps import BLIND, heat_maps
from explorer.components.mask_pictures.mask_pictures import mask_pictures
from explorer.page.address import whole
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import loading, snippet
from explorer.pictures import images
from explorer.pictures.bytes import packed
from explorer.server.abilities import classes_of
from explorer.server.reading import is_whole, next_seed
from explorer.tabs.pixels.alike import COUNT, Settings, read_settings, written
from explorer.tabs.pixels.written import places_of
from models.contract.abilities import ShowsMasks

TITLE = "What a pixel can see"
FIELD, ORDER = "sees", "sees-order"
FEW = 4  # samples that a receptive field is averaged over
TEMPERATURES = (0.5, 1.0, 2.0)
LARGEST_MASK = 168  # cells a side; larger masks are drawn smaller
CHANNELS = ("Red", "Green", "Blue")

LOOK_FOR = """
* **The order is a choice.** Any order gives a distribution over pictures, and none is the right
  one. Row by row is only a habit of reading; a model of several orders learned them all.
* **What a pixel sees.** Warm colours: how much each pixel sways what is said of the marked one, the
  gradient of the prediction, over four samples. Near ones count most. Move the mark: on the border
  of a stroke, and far from any.
* **The blind spot.** Blue pixels were written before and yet never seen. Stacked 3 x 3 masks reach
  one pixel further to the right in each row above: what lies beyond that diagonal, above to the
  right, stays unseen however many layers there are. (What is unseen to the left or far above is out
  of reach of so few layers: more would see it.) Two stacks of kernels, one down and one along,
  leave none.
* **Masks.** A layer may only read what comes before. Each picture shows which weights there are;
  follow a value through all of them, and it never reaches itself.
* **Temperature** divides the logarithms of the probabilities. At 0.5 the likelier level gets
  likelier still, at 2 all levels draw nearer. Where the model is sure, nothing changes.
"""


class Field(NamedTuple):
    """sway: (C, H, W), the mean absolute gradient. before: (C, H, W) bool, written before the
    value asked about. step: how many those are."""

    sway: np.ndarray
    before: np.ndarray
    step: int


class Wish(NamedTuple):
    settings: Settings
    order: int
    place: int


# -- what is asked, and what is found -------------------------------------------------------------


def read_wish(context: Context, name: str, asked: Asked) -> Wish:
    """Checked; loads the model, to know its orders. Raises ValueError with one sentence."""
    settings = read_settings(asked.seed, 1.0)
    order, row, column, channel = asked.order, asked.row, asked.column, asked.channel
    C, H, W = context.store.header(name).config["image"]
    if not is_whole(row) or not 1 <= row <= H or not is_whole(column) or not 1 <= column <= W:
        raise ValueError(f"Choose a row from 1 to {H} and a column from 1 to {W}.")
    orders = context.store.get(name).orders
    if not is_whole(order) or not 0 <= order < len(orders):
        raise ValueError(f"This model writes in these orders only: {', '.join(orders)}.")
    channel = int(channel) if is_whole(channel) and 0 <= channel < C else 0
    place = (channel * H + int(row) - 1) * W + int(column) - 1
    return Wish(settings, int(order), place)


def field_steps(
    context: Context, name: str, wish: Wish, x: np.ndarray, labels: np.ndarray | None
) -> Iterator[Field | None]:
    """None after each sample but the last, then the field; one that is known is there at once."""

    def begin() -> Iterator[Field | None]:
        total = 0.0
        for k in range(FEW):
            label = None if labels is None else int(labels[k])
            field = context.ask(
                name, "receptive_field", x[k : k + 1], wish.place, label, wish.order, tape=True
            )
            total = total + field.astype(np.float64) / FEW
            if k < FEW - 1:
                yield None
        position = positions(context, name, wish.order)
        step = int(position.flat[wish.place])
        yield Field(total, position < step, step)

    return context.ask.kept_steps(("pixels-field", name, wish), begin)


def positions(context: Context, name: str, order: int) -> np.ndarray:
    """(C, H, W): how many values are written before each."""
    places = places_of(context, name, order)
    position = np.empty(len(places), np.int64)
    position[places] = np.arange(len(places))
    return position.reshape(context.store.get(name).image_shape)


def predicted(
    context: Context, name: str, wish: Wish, x: np.ndarray, labels: np.ndarray | None
) -> list[np.ndarray]:
    """The chances of the value's levels at each temperature, (L,) each, in the first sample."""
    from scipy.special import softmax

    label = None if labels is None else int(labels[0])
    log_p = context.ask(name, "predict", x[:1], label, wish.order)
    log_p = log_p.reshape(-1, log_p.shape[-1])[wish.place].astype(np.float64)
    return [softmax(log_p / t) for t in TEMPERATURES]


# -- what is shown --------------------------------------------------------------------------------


def order_value(position: np.ndarray, wish: Wish) -> dict[str, Any]:
    """Each pixel shaded by when it is written (of a colour, its first channel)."""
    C, H, W = position.shape
    return {
        "h": H, "w": W, "digits": 0, "high": C * H * W, "words": f"step # of {C * H * W}",
        "legend": "Written", "ends": ["first", "last"], "mark": wish.place % (H * W), "count": 1,
        "maps": [{"name": "When each pixel is written", "note": "",
                  "values": packed(position.min(0) + 1)}],
    }  # fmt: skip


def field_value(found: Field, wish: Wish, x: np.ndarray) -> dict[str, Any]:
    """What sways the value, over the first sample; what was there and never seen; what is not."""
    H, W = found.sway.shape[1:]
    mark = wish.place % (H * W)
    sway = found.sway.sum(0)
    seen = (found.sway > 0).any(0)
    state = np.where(seen, 0, np.where(found.before.any(0), 1, 2)).astype(np.uint8)
    if not seen.flat[mark]:
        state.flat[mark] = 3
    most = sway.max() or 1.0
    share = 100 * sway / (sway.sum() or 1.0)
    blind = bool((state == 1).any())
    return {
        "h": H, "w": W, "digits": 2, "high": 1, "words": "#\u00a0% of all influence",
        "legend": "Influence", "ends": ["low", "high"], "mark": mark, "count": 1,
        "maps": [{"name": "What the marked pixel sees", "note": "", "field": True,
                  # Roots: few pixels do nearly all.
                  "values": packed(np.sqrt(sway / most)), "told": packed(share),
                  "blind": packed(state), "picture": images.sprite(x[:1])}],
        "keys": [*([[BLIND, "before, never seen"]] if blind else []),
                 ["#6b6b6b", "not written yet"]],
    }  # fmt: skip


def in_words(found: Field, wish: Wish, orders: Sequence[str]) -> str:
    C, H, W = found.sway.shape
    D = found.sway.size
    row, column = divmod(wish.place % (H * W), W)
    what = "pixel" if C == 1 else "value"
    which = "" if C == 1 else f", {CHANNELS[wish.place // (H * W)].lower()}" if C == 3 else ""
    place = f"Row {row + 1}, column {column + 1}{which}"
    if found.step == 0:
        return f"{place} is written first: no {what} is there to be seen."
    blind = int((found.before & (found.sway == 0)).sum())
    begun = f"{place} is {what} {found.step + 1} of {D}"
    if not blind:
        return f"{begun}. It sees every {what} written before it, {found.step} in all."
    return (
        f"{begun}. Of the {found.step} {what}s written before it, it sees {found.step - blind} and "
        f"never sees {blind}: a gradient of exactly zero in all {FEW} samples."
    )


def chances_value(p: Sequence[np.ndarray], wish: Wish, x: np.ndarray) -> dict[str, Any]:
    levels = len(p[0])
    return {
        "panels": [
            {"name": f"Temperature {t:g}", "p": [float(f"{v:.4g}") for v in each]}
            for t, each in zip(TEMPERATURES, p, strict=True)
        ],
        "names": ["black", "white"] if levels == 2 and x.shape[1] == 1 else None,
        "there": round(float(x[0].flat[wish.place]) * (levels - 1)),
    }


def shrunk(mask: np.ndarray, most: int = LARGEST_MASK) -> np.ndarray:
    """A smaller picture of a mask: a cell is set where any weight in it is."""
    for axis in (0, 1):
        n = mask.shape[axis]
        if n > most:
            edges = np.unique(np.arange(most) * n // most)
            mask = np.maximum.reduceat(mask, edges, axis=axis)
    return mask


def masks_value(context: Context, name: str, order: int) -> dict[str, Any]:
    """The model's masks as pictures; none where it has none to show."""
    found = []
    has = isinstance(context.store.get(name), ShowsMasks)
    for mask in context.ask(name, "masks", order) if has else ():
        full = mask.allowed
        bits = shrunk(full).astype(np.uint8)
        rows, columns = full.shape
        size = "" if mask.kernel else f" {rows:,} × {columns:,} weights, {full.mean():.0%} there."
        found.append({
            "name": mask.name, "words": mask.words + size, "h": bits.shape[0], "w": bits.shape[1],
            "bits": packed(bits), "kernel": mask.kernel,
            "across": "" if mask.kernel else "reads →", "down": "" if mask.kernel else "← written",
        })  # fmt: skip
    return {"masks": found}


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The order of writing, what sways the marked value, and what is said of it."""
    wish = read_wish(context, name, asked)
    sample = None
    for sample in written(context, name, wish.settings):
        if sample is None or sample.part == 1:
            yield None
            continue
        words = say(f"Writing pictures to look at: {sample.part:.0%}", sample.part, "busy")
        yield screen(status=words)
    found = None
    for part in field_steps(context, name, wish, sample.x, sample.labels):
        found = part
        yield None
    p = predicted(context, name, wish, sample.x, sample.labels)
    yield screen(
        when=order_value(positions(context, name, wish.order), wish),
        field=field_value(found, wish, sample.x),
        chances=chances_value(p, wish, sample.x),
        status=say(in_words(found, wish, context.store.get(name).orders)),
        code=code_of(context, name, wish),
    )


def masks(context: Context, name: str, asked: Asked) -> Screen:
    """Pictures of the model's masks."""
    orders, order = context.store.get(name).orders, asked.order
    order = int(order) if is_whole(order) and 0 <= order < len(orders) else 0
    value = masks_value(context, name, order)
    if not value["masks"]:
        return screen(masks=value, said=say("This model keeps to its order without masks."))
    words = "Coloured: connected. "
    if all(mask["kernel"] for mask in value["masks"]):
        words += "The framed cell in the middle is the pixel itself."
    else:
        words += "Values stand in the order of writing, the first at the top left."
    return screen(masks=value, said=say(words))


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model is on screen: its order, row, column and channel, brought within its limits."""
    C, H, W = context.store.header(name).config["image"]
    orders, order = context.store.get(name).orders, asked.order
    order = int(order) if is_whole(order) and 0 <= order < len(orders) else 0
    channels = [(CHANNELS[k] if C == 3 else f"Channel {k + 1}", k) for k in range(C)]
    channel = asked.channel if asked.channel in range(C) else 0
    row, column = within(asked.row, H), within(asked.column, W)
    yield screen(
        order=gr.Dropdown(
            choices=[(o.capitalize(), k) for k, o in enumerate(orders)], value=order,
            visible=len(orders) > 1,
        ),
        row=gr.Slider(maximum=max(2, H), value=row),
        column=gr.Slider(maximum=max(2, W), value=column),
        channel=gr.Radio(choices=channels, value=channel, visible=C > 1),
    )  # fmt: skip
    asked = asked.but(order=order, row=row, column=column, channel=channel)
    yield from show(context, name, asked)


def again(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def within(at: Any, size: int) -> int:
    """A row or column that there is: the asked one, or the middle."""
    return int(at) if is_whole(at) and 1 <= at <= size else (size + 1) // 2


def code_of(context: Context, name: str, wish: Wish) -> str:
    """The lines that give the field, the blind pixels, the chances and the masks."""
    header = context.store.header(name)
    classes, D = len(classes_of(header)), math.prod(header.config["image"])
    label = f", torch.arange({COUNT}) % {classes}" if classes else ""
    each, first = (f"k % {classes}", "0") if classes else ("None", "None")
    has = isinstance(context.store.get(name), ShowsMasks)
    return snippet(
        loading(context, name),
        f"rng = Streams.of(generator({wish.settings.seed}), {COUNT})",
        f"u = uniform(({COUNT}, {D}), rng, 'cpu')",
        f"*_, frame = model.write_steps(u{label}, every={D})",
        f"x, place, order = frame.x, {wish.place}, {wish.order}",
        "",
        "field = sum(",
        f"    model.receptive_field(x[k : k + 1], place, {each}, order) / {FEW}"
        f" for k in range({FEW})",
        ")  # (C, H, W)",
        "position = model.order(order).argsort().view(field.shape)",
        "before = position < position.flatten()[place]",
        "blind = before & (field == 0)",
        f"log_p = model.predict(x[:1], {first}, order).flatten(1, 3)[0, place]",
        f"chances = [torch.softmax(log_p / t, -1) for t in {TEMPERATURES}]",
        *(["masks = model.masks(order)  # of each kind of layer"] if has else []),
    )


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Sample again", "sees-again", "sees-stop")
            order = gr.Dropdown([("Raster", 0)], value=0, label="Order of writing", visible=False,
                                filterable=False, elem_id="sees-order")  # fmt: skip
            row = gr.Slider(1, 28, 14, step=1, label="Row", elem_id="sees-row")
            column = gr.Slider(1, 28, 14, step=1, label="Column", elem_id="sees-column")
            channel = gr.Radio([("Red", 0)], value=0, label="Channel", visible=False,
                               elem_id="sees-channel")  # fmt: skip
            seed = gr.Number(0, label="Seed of the pictures", precision=0, elem_id="sees-seed")
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            with gr.Row(elem_classes="ge-who"):
                field = heat_maps(FIELD, label="What a pixel sees", largest=336, pick=True)
                when = heat_maps(ORDER, label="Order of writing", largest=336, pick=True)
                with gr.Column(elem_classes="ge-says"):
                    components.heading("The model’s prediction",
                                       "For this pixel, from the pixels it can see.")  # fmt: skip
                    bars = chances(label="Chances of the marked pixel's levels", tall=104)
            components.heading("Masks", "Which connections exist in each layer.")
            said = components.status()
            drawn = mask_pictures(label="Masks of the model")

    part.controls(seed=seed, order=order, row=row, column=column, channel=channel)
    part.outputs(
        when=when.view, field=field.view, chances=bars, status=status, code=notes.code, stop=halt,
        masks=drawn, said=said, seed=seed, order=order, row=row, column=column, channel=channel,
    )  # fmt: skip
    arrived = part.arrives(arrive)
    part.on(arrived.then, masks, run="masks", status="said")
    part.on(more.click, again, main=True)
    part.on([each.input for each in (seed, order, row, column, channel)], show)
    part.on(order.input, masks, run="masks", status="said")
    for maps in (field, when):
        pointed = maps.place.pick(
            None, maps.place, [row, column], js="(at) => at", trigger_mode="multiple",
            show_progress="hidden", api_visibility="private",
        )  # fmt: skip
        part.on(pointed.then, show)
    part.stops(halt)
    context.remember("pixels.sees.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("pixels.sees.order", order, parse=whole(0, 99))
    context.remember("pixels.sees.row", row, parse=whole(1, 4096))
    context.remember("pixels.sees.column", column, parse=whole(1, 4096))
    context.remember("pixels.sees.channel", channel, parse=whole(0, 9))
