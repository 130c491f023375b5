"""A picture to noise and back along the ODE, and from one to another through their noises."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.bell.bell import as_bell, bell
from explorer.components.film.film import film, stop
from explorer.components.picture_table.picture_table import as_table, picture_table
from explorer.page import saves
from explorer.page.address import one_of, whole
from explorer.page.choice import Picture, as_shelf, lacks, picture_controls, read, samples
from explorer.page.code import import_lines, in_code
from explorer.page.context import Context
from explorer.page.runs import LIVE, newest_only, rested, run_row, stoppable, stopped_at
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.server.abilities import classes_of, read_label, takes
from explorer.server.reading import ANY, class_choices, is_whole
from models.codes.paths import spherical

log = logging.getLogger(__name__)

TITLE = "Through noise"
FILM = "through"
NEEDS = ("Encodes", "Decodes")

STEPS = (5, 10, 20, 50)
WAY = 11
THERE_AND_BACK = [*range(WAY), *range(WAY - 2, -1, -1)]
# Errors are shown this many times as bright, and noise from -3 to 3 as black to white.
BRIGHTER, REACH = 4, 3.0

LOOK_FOR = """
* **Nothing is random here.** The same differential equation, run backwards, carries a picture to a
  noise; forwards, it brings it back. What is lost is the error of too few steps: look at the
  difference from 5 steps to 50.
* **Is it really noise?** Pixels should not know of their neighbours: see the correlation. The
  deviation stays below 1 for a clean picture: the model starts at its lowest noise level, 0.01, and
  expects that much noise to be there. A ground of plain black has none, so its noise comes out
  small (with it added first, the deviation of these digits rises from 0.4 to 0.95).
* **Between two pictures.** Halfway through noise lies a picture of its own; halfway in pixels lies
  a double exposure.
* **Why along the sphere?** Noises of 784 numbers have lengths near 28, all of them. A straight line
  between two cuts through the inside, where no noise ever is, and pictures grow dull there.
"""


class Trip(NamedTuple):
    """A picture's way to noise and back. noise: (D,) float32, and back:
    (C, H, W) float32. rms: the difference of back from the picture."""

    steps: int
    noise: np.ndarray
    back: np.ndarray
    rms: float


# -- what is computed -----------------------------------------------------------------------------


def encoded(
    context: Context, name: str, picture: Picture, label: int | None, steps: int
) -> np.ndarray:
    """The noise of a picture, (D,) float32."""
    key = ("denoise-noise", name, picture.key, label, steps)
    if (z := context.recent.get(key)) is None:
        x = picture.pixels[None].astype(np.float32) / 255
        z = context.recent.put(key, _run(context, name, "encode", x, label, steps)[0].reshape(-1))
    return z


def decoded(
    context: Context, name: str, z: np.ndarray, label: int | None, steps: int
) -> np.ndarray:
    """The pictures of noises. z: (N, D). Returns (N, C, H, W) float32 in [0, 1]."""
    return _run(context, name, "decode", z, label, steps).clip(0, 1)


def _run(
    context: Context, name: str, method: str, array: np.ndarray, label: int | None, steps: int
) -> np.ndarray:
    import torch

    model = context.store.get(name)
    given = {"label": label, "steps": steps}
    given = {
        key: value
        for key, value in given.items()
        if value is not None and takes(model, key, method)
    }
    given_array = torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(model.device)
    with torch.no_grad():
        return getattr(model, method)(given_array, **given).float().cpu().numpy()


def trip(context: Context, name: str, picture: Picture, label: int | None, steps: int) -> Trip:
    """To noise and back in so many steps each way."""
    key = ("denoise-trip", name, picture.key, label, steps)
    if (found := context.recent.get(key)) is None:
        z = encoded(context, name, picture, label, steps)
        back = decoded(context, name, z[None], label, steps)[0]
        rms = float(np.sqrt(np.square(back - picture.pixels / 255).mean()))
        found = context.recent.put(key, Trip(steps, z, back, rms))
    return found


def neighbours(noise: np.ndarray) -> float:
    """The correlation of pixels next to each other, across and down. noise: (C, H, W)."""
    centred = noise - noise.mean()
    products = np.concatenate(
        [(centred[:, :, 1:] * centred[:, :, :-1]).ravel(),
         (centred[:, 1:] * centred[:, :-1]).ravel()]
    )  # fmt: skip
    return float(products.mean() / max(float(np.square(centred).mean()), 1e-12))


def ways(
    context: Context, name: str, a: Picture, b: Picture, label: int | None, steps: int
) -> Iterator[np.ndarray]:
    """The pictures from A to B, (so far, C, H, W) float32: through noise, along the sphere."""
    key = ("denoise-way", name, a.key, b.key, label, steps)
    if (found := context.recent.get(key)) is not None:
        yield found
        return
    ends = [encoded(context, name, picture, label, steps) for picture in (a, b)]
    codes = spherical(*ends, WAY)
    parts = []
    # Two at a time: progress that moves, and a stop that is heard.
    for k in range(0, WAY, 2):
        parts.append(decoded(context, name, codes[k : k + 2], label, steps))
        yield np.concatenate(parts)
    context.recent.put(key, np.concatenate(parts))


def crossfade(a: Picture, b: Picture) -> np.ndarray:
    """(11, C, H, W) float32: the plain mixture of pixels, for contrast."""
    t = np.linspace(0, 1, WAY, dtype=np.float32)[:, None, None, None]
    return (1 - t) * (a.pixels / np.float32(255)) + t * (b.pixels / np.float32(255))


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def show(
    context: Context, name: str, label: Any, steps: Any, *controls: Any
) -> Iterator[tuple[Any, ...]]:
    """Yields (trips, bell, way, film, status, code) until everything is drawn.

    controls: source, place and pad of picture A, then of picture B (see ``brought.read``).
    """
    none = [gr.skip()] * 4
    try:
        if sentence := lacks(context, name, *NEEDS):
            raise ValueError(sentence)
        if steps not in STEPS:
            raise ValueError(f"Choose one of {', '.join(map(str, STEPS))} steps.")
        a, b = _read_both(context, name, controls)
    except ValueError as error:
        yield *none, say(str(error), kind="problem"), gr.skip()
        return
    header = context.store.header(name)
    label, steps = read_label(header, label), int(steps)
    if name not in context.store.loaded:
        yield *none, say("Loading the model …", kind="busy"), gr.skip()
    try:
        code = snippet(context, name, a, b, label, steps)
        trips: list[Trip] = []
        total = sum(STEPS) + WAY * steps / 8
        spread: Any = gr.skip()
        for count in STEPS:
            part = sum(STEPS[: len(trips)]) / total
            yield *none, say(f"To noise and back in {count} steps …", part, "busy"), code
            trips.append(trip(context, name, a, label, count))
            table = as_trips(header, a, trips)
            spread = as_spread(trips[-1]) if count == steps else spread
            status = say(f"To noise and back in {count} steps.", part, "busy")
            yield table, spread, gr.skip(), gr.skip(), status, code
        for way in ways(context, name, a, b, label, steps):
            part = (sum(STEPS) + len(way) * steps / 8) / total
            status = say(f"From A to B: {len(way)} of {WAY} pictures", min(1.0, part), "busy")
            yield gr.skip(), gr.skip(), as_way(header, a, b, way), gr.skip(), status, code
    except (ValueError, RuntimeError) as error:
        log.exception("%s could not take a picture to noise.", name)
        yield *none, say(f"That failed: {error}", kind="problem"), gr.skip()
        return
    chosen = trips[STEPS.index(steps)]
    words = f"A is {a.words}, B is {b.words}. "
    words += f"In {steps} steps A comes back within {percent(chosen.rms)}."
    run = f"{a.key} {b.key} {label} {steps}"
    yield table, spread, as_way(header, a, b, way), reel(a, b, way, run), say(words), code


def _read_both(context: Context, name: str, controls: tuple) -> list[Picture]:
    found = []
    for letter, given in zip("AB", (controls[:3], controls[3:]), strict=True):
        try:
            found.append(read(context, name, *given))
        except images.ImageError as error:
            raise ValueError(f"Picture {letter}: {error}") from error
    return found


def as_trips(header: Any, picture: Picture | None, trips: list[Trip]) -> dict[str, Any]:
    """The value of the first table: noise, picture and error for each number of steps."""
    rows: list[list[Any]] = [[] for _ in range(3)]
    for made in trips:
        seen = (0.5 + made.noise / (2 * REACH)) if made.noise.size == made.back.size else None
        rows[0].append(False if seen is None else seen.reshape(made.back.shape))
        rows[1].append(made.back)
        rows[2].append(BRIGHTER * np.abs(made.back - picture.pixels / 255))
    for row in rows:
        row += [None] * (len(STEPS) - len(row))
    first = [
        False,
        picture and picture.pixels,
        False,
    ]  # beside what came back, to be compared with it
    places = [cell for head, row in zip(first, rows, strict=True) for cell in (head, *row)]
    notes = ["as given", *(percent(made.rms) for made in trips)]
    return as_table(
        places, ["A", *(str(count) for count in STEPS)],
        [("Its noise", "−3 to 3"), ("Back again", ""), ("Error", f"{BRIGHTER} × as bright")],
        shape=header.config["image"], notes=notes, axis="Steps each way, error",
    )  # fmt: skip


def as_spread(made: Trip) -> dict[str, Any]:
    """The value of the bell: how the noise's numbers are spread."""
    z, there = made.noise, made.noise.size == made.back.size
    pixels = z.reshape(made.back.shape) if there else z
    outside = float((np.abs(z) > 2).mean())
    return as_bell(
        z,
        f"{z.size} numbers in {made.steps} steps: mean {z.mean():+.2f}, deviation {z.std():.2f}\n"
        f"beyond ±2: {percent(outside)} (normal: 4.6 %)\n"
        + (
            f"neighbouring pixels correlate by {neighbours(pixels):+.2f} (normal: 0)"
            if there
            else ""
        ),
    )


def as_way(
    header: Any, a: Picture | None, b: Picture | None, way: Sequence[np.ndarray]
) -> dict[str, Any]:
    """The value of the second table: from A to B through noise, and in pixels."""
    through = [*way, *[None] * (WAY - len(way))]
    mixed = [None] * WAY if a is None or b is None else list(crossfade(a, b))
    columns = ["A", *(f"{100 * k // (WAY - 1)} %" for k in range(1, WAY - 1)), "B"]
    return as_table(
        [*through, *mixed], columns,
        [("Through noise", "along the sphere"), ("In pixels", "cross-fade")],
        shape=header.config["image"],
    )  # fmt: skip


def reel(a: Picture, b: Picture, way: np.ndarray, run: str) -> dict[str, Any]:
    """The value of the film: both ways from A to B, there and back."""
    captions = [f"{100 * k // (WAY - 1)} % to B" for k in range(WAY)]
    rows = [
        {
            "name": title,
            "sprite": images.sprite(as_bytes(pictures)[THERE_AND_BACK]),
            "captions": [captions[k] for k in THERE_AND_BACK],
        }
        for title, pictures in (("Through noise", way), ("In pixels", crossfade(a, b)))
    ]
    return {"rows": rows, "run": run}


# -- code and files -------------------------------------------------------------------------------


def snippet(
    context: Context, name: str, a: Picture, b: Picture, label: int | None, steps: int
) -> str:
    """The lines that take A to noise and back, and go from A to B."""
    model = context.store.get(name)
    header = context.store.header(name)
    given = {}
    for method in ("encode", "decode"):
        parts = [f"label={label}"] if label is not None and takes(model, "label", method) else []
        parts += [f"steps={steps}"] if takes(model, "steps", method) else []
        given[method] = "".join(f", {part}" for part in parts)
    ours = "from models import load, spherical"
    imports = import_lines("import torch", ours, *a.imports, *b.imports)
    device = context.store.device_asked
    placed = "" if device in ("auto", "cpu") else f", device={device!r}"
    return (
        "\n".join(imports) + "\n\n"
        f"model = load({in_code(header.folder)!r}{placed})\n"
        f"{b.code}b = x\n{a.code}a = x\n"
        "with torch.no_grad():\n"
        f"    noise_a = model.encode(a{given['encode']})  # standard normal\n"
        f"    noise_b = model.encode(b{given['encode']})\n"
        f"    back = model.decode(noise_a{given['decode']})\n"
        f"    error = (back - a).square().mean().sqrt()\n"
        f"    way = spherical(noise_a[0].numpy(), noise_b[0].numpy(), {WAY})\n"
        f"    images = model.decode(torch.from_numpy(way){given['decode']})\n"
    )


def save(
    context: Context, kind: str, name: str, label: Any, steps: Any, *controls: Any
) -> tuple[Any, Any]:
    """(file for the saver, status): both ways as one sheet (png), or as a film (webp, gif)."""
    try:
        if sentence := lacks(context, name, *NEEDS):
            raise ValueError(sentence)
        a, b = _read_both(context, name, controls)
        label = read_label(context.store.header(name), label)
        *_, way = ways(context, name, a, b, label, int(steps))
    except (ValueError, RuntimeError) as error:
        return gr.skip(), say(str(error), kind="problem")
    both = [as_bytes(way), as_bytes(crossfade(a, b))]  # (11, C, H, W) each
    stem = f"{name}-through-noise"
    if kind != "png":
        return saves.film_file(kind, stem, [row[THERE_AND_BACK] for row in both]), gr.skip()
    picture = images.grid_image(np.concatenate(both), columns=WAY, scale=4, gap=6)
    return components.file(f"{stem}.png", images.png_bytes(picture), "image/png"), gr.skip()


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            bar = run_row("Other pictures", "through-again", "through-stop")
            others, halt, status = bar
            steps = gr.Radio([(str(n), n) for n in STEPS], value=20, label="Steps each way",
                             elem_id="through-steps")  # fmt: skip
            label = gr.Dropdown([("No class", ANY)], value=ANY, label="Class", visible=False,
                                filterable=False, elem_id="through-class")  # fmt: skip
            a = picture_controls(context, "through-a", label="Picture A", selected=0)
            b = picture_controls(context, "through-b", label="Picture B", selected=3)
            saver = saves.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]) as stage:
            with gr.Row(elem_classes="ge-beside"):
                trips = picture_table(label="Picture A to noise and back", room=112)
                spread = bell()
            words = "Both pictures as noise, and the way from one noise to the other."
            components.heading("From A to B", words)
            table = picture_table(label="From A to B through noise and in pixels", room=84)
            player = film(FILM, label="From A to B", below=20, largest=224, tile=140)

    state = [label, steps, *a.inputs, *b.inputs]
    inputs = [context.picker, *state]
    outputs = [trips, spread, table, player, status, notes.code, halt]
    draw = newest_only(FILM, stoppable(partial(show, context)), stopped_at(4, 6))
    arrived = context.on_show(
        partial(arrive, context), [label, a.choice, b.choice],
        [status, label, a.view, b.view, trips, table, stage], **LIVE,
    )  # fmt: skip
    pressed = others.click(
        partial(next_pictures, context), [context.picker, a.choice, b.choice],
        [a.choice, b.choice, a.view, b.view], **context.light,
    )  # fmt: skip
    wishes = (
        steps.input, label.input, a.choice.select, b.choice.select,
        a.source.input, b.source.input,
    )  # fmt: skip
    for event in (arrived.then, pressed.then, *wishes):
        event(draw, inputs, outputs, **LIVE)
    strokes = newest_only(FILM, rested(stoppable(partial(show, context))), stopped_at(4, 6))
    for each in (a, b):
        each.pad.draw(strokes, inputs, outputs, **LIVE)
    bar.wire_stop(FILM, stop(FILM))
    saver.wire(partial(save, context), inputs, status, context)

    context.remember("denoise.through.steps", steps, parse=one_of(STEPS, int))
    context.remember("denoise.through.class", label, parse=whole(ANY, 999))
    context.remember("denoise.through.a", a.choice, parse=whole(0, 15))
    context.remember("denoise.through.b", b.choice, parse=whole(0, 15))


def arrive(context: Context, name: str, label: Any, a: Any, b: Any) -> Iterator[tuple[Any, ...]]:
    """A model is on screen: yields (status, class, shelf of A, shelf of B, trips, way, stage)."""
    if lacks(context, name, *NEEDS):
        yield *[gr.skip()] * 6, gr.Column(visible=False)  # ``show`` says why
        return
    header = context.store.header(name)
    classes = classes_of(header)
    kept = label if label in range(len(classes)) else ANY
    dropdown = gr.Dropdown(
        choices=class_choices(classes, "No class"), value=kept, visible=bool(classes)
    )
    room = as_trips(header, None, []), as_way(header, None, None, [])
    stage = gr.Column(visible=True)
    yield say("Loading the model …", kind="busy"), dropdown, gr.skip(), gr.skip(), *room, stage
    shelves = [as_shelf(context, name, place) for place in (a, b)]
    yield say("", kind="busy"), gr.skip(), *shelves, *[gr.skip()] * 3


def next_pictures(context: Context, name: str, a: Any, b: Any) -> tuple[Any, ...]:
    """The samples after A and B: (their places, and both shelves)."""
    if lacks(context, name, *NEEDS):
        return (gr.skip(),) * 4
    n = len(samples(context, name)[0])
    places = [(int(k) + 1) % n if is_whole(k) else 0 for k in (a, b)]
    return *places, *(as_shelf(context, name, k) for k in places)
