"""A picture to noise and back along the ODE, and from one to another through their noises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.bell.bell import as_bell, bell
from explorer.components.film.film import film, stop
from explorer.components.picture_table.picture_table import as_table, picture_table
from explorer.page import saves as export
from explorer.page.address import one_of, whole
from explorer.page.choice import Picture, as_shelf, chosen_in, picture_controls, samples
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.server.abilities import classes_of, read_label, takes
from explorer.server.reading import ANY, class_choices, is_whole
from models.codes.paths import spherical

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

    def noise() -> np.ndarray:
        x = picture.pixels[None].astype(np.float32) / 255
        return _asked_of(context, name, "encode", x, label, steps)[0].reshape(-1)

    return context.ask.kept(("denoise-noise", name, picture.key, label, steps), noise)


def decoded(
    context: Context, name: str, z: np.ndarray, label: int | None, steps: int
) -> np.ndarray:
    """The pictures of noises. z: (N, D). Returns (N, C, H, W) float32 in [0, 1]."""
    return _asked_of(context, name, "decode", z, label, steps).clip(0, 1)


def _asked_of(
    context: Context, name: str, method: str, array: np.ndarray, label: int | None, steps: int
) -> np.ndarray:
    return context.ask(name, method, array, **_knobs(context, name, method, label, steps))


def _knobs(
    context: Context, name: str, method: str, label: int | None, steps: int
) -> dict[str, int]:
    """Those of the two that the method takes."""
    model, wanted = context.store.get(name), {"label": label, "steps": steps}
    return {
        key: value
        for key, value in wanted.items()
        if value is not None and takes(model, key, method)
    }


def trip(context: Context, name: str, picture: Picture, label: int | None, steps: int) -> Trip:
    """To noise and back in so many steps each way."""

    def there_and_back() -> Trip:
        z = encoded(context, name, picture, label, steps)
        back = decoded(context, name, z[None], label, steps)[0]
        rms = float(np.sqrt(np.square(back - picture.pixels / 255).mean()))
        return Trip(steps, z, back, rms)

    return context.ask.kept(("denoise-trip", name, picture.key, label, steps), there_and_back)


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

    def begin() -> Iterator[np.ndarray]:
        ends = [encoded(context, name, picture, label, steps) for picture in (a, b)]
        codes = spherical(*ends, WAY)
        parts = []
        # Two at a time: progress that moves, and a stop that is heard.
        for k in range(0, WAY, 2):
            parts.append(decoded(context, name, codes[k : k + 2], label, steps))
            yield np.concatenate(parts)

    return context.ask.kept_steps(("denoise-way", name, a.key, b.key, label, steps), begin)


def crossfade(a: Picture, b: Picture) -> np.ndarray:
    """(11, C, H, W) float32: the plain mixture of pixels, for contrast."""
    t = np.linspace(0, 1, WAY, dtype=np.float32)[:, None, None, None]
    return (1 - t) * (a.pixels / np.float32(255)) + t * (b.pixels / np.float32(255))


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """Picture A to noise and back in each number of steps, then the way from A to B."""
    if asked.steps not in STEPS:
        raise ValueError(f"Choose one of {', '.join(map(str, STEPS))} steps.")
    a, b = _read_both(context, name, asked)
    header = context.store.header(name)
    label, steps = read_label(header, asked.label), int(asked.steps)
    yield screen(code=code_of(context, name, a, b, label, steps))
    trips: list[Trip] = []
    total = sum(STEPS) + WAY * steps / 8
    for count in STEPS:
        part = sum(STEPS[: len(trips)]) / total
        yield screen(status=say(f"To noise and back in {count} steps …", part, "busy"))
        trips.append(trip(context, name, a, label, count))
        status = say(f"To noise and back in {count} steps.", part, "busy")
        yield screen(trips=as_trips(header, a, trips), status=status)
        if count == steps:
            yield screen(spread=as_spread(trips[-1]))
    for way in ways(context, name, a, b, label, steps):
        part = (sum(STEPS) + len(way) * steps / 8) / total
        status = say(f"From A to B: {len(way)} of {WAY} pictures", min(1.0, part), "busy")
        yield screen(way=as_way(header, a, b, way), status=status)
    chosen = trips[STEPS.index(steps)]
    words = f"A is {a.words}, B is {b.words}. "
    words += f"In {steps} steps A is recovered to within {percent(chosen.rms)}."
    run = f"{a.key} {b.key} {label} {steps}"
    yield screen(
        trips=as_trips(header, a, trips), spread=as_spread(chosen),
        way=as_way(header, a, b, way), film=reel(a, b, way, run), status=say(words),
    )  # fmt: skip


def _read_both(context: Context, name: str, asked: Asked) -> list[Picture]:
    pictures = []
    for letter in "AB":
        try:
            pictures.append(chosen_in(context, name, asked, f"{letter.lower()}_"))
        except images.ImageError as error:
            raise ValueError(f"Picture {letter}: {error}") from error
    return pictures


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """A model is on screen: its classes, room for what comes, the shelves, and the rest."""
    header = context.store.header(name)
    classes = classes_of(header)
    kept = asked.label if asked.label in range(len(classes)) else ANY
    yield screen(
        label=gr.Dropdown(
            choices=class_choices(classes, "No class"), value=kept, visible=bool(classes)
        ),
        trips=as_trips(header, None, []),
        way=as_way(header, None, None, []),
    )
    yield screen(
        a_shelf=as_shelf(context, name, asked.a_choice),
        b_shelf=as_shelf(context, name, asked.b_choice),
    )
    yield from show(context, name, asked.but(label=kept))


def others(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The samples after A and B."""
    n = len(samples(context, name)[0])
    a, b = ((int(k) + 1) % n if is_whole(k) else 0 for k in (asked.a_choice, asked.b_choice))
    yield screen(
        a_choice=a, b_choice=b, a_shelf=as_shelf(context, name, a),
        b_shelf=as_shelf(context, name, b),
    )  # fmt: skip
    yield from show(context, name, asked.but(a_choice=a, b_choice=b))


# -- values ---------------------------------------------------------------------------------------


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


def code_of(
    context: Context, name: str, a: Picture, b: Picture, label: int | None, steps: int
) -> str:
    """The lines that take A to noise and back, and go from A to B."""
    there, back = (_knobs(context, name, each, label, steps) for each in ("encode", "decode"))
    return snippet(
        loading(context, name),
        f"{b.code}b = x\n{a.code}a = x",
        f"{call('noise_a = model.encode', raw('a'), **there)}  # standard normal",
        call("noise_b = model.encode", raw("b"), **there),
        call("back = model.decode", raw("noise_a"), **back),
        "error = (back - a).square().mean().sqrt()",
        f"way = spherical(noise_a[0].numpy(), noise_b[0].numpy(), {WAY})",
        call("images = model.decode", raw("torch.from_numpy(way)"), **back),
    )


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file: both ways as one sheet (png), or as a film (webp, gif)."""
    a, b = _read_both(context, name, asked)
    label = read_label(context.store.header(name), asked.label)
    *_, way = ways(context, name, a, b, label, int(asked.steps))
    both = [as_bytes(way), as_bytes(crossfade(a, b))]  # (11, C, H, W) each
    stem = f"{name}-through-noise"
    if kind != "png":
        return export.film_file(kind, stem, [row[THERE_AND_BACK] for row in both])
    picture = images.grid_image(np.concatenate(both), columns=WAY, scale=4, gap=6)
    return components.file(f"{stem}.png", images.png_bytes(picture), "image/png")


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context, NEEDS)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Sample again", "through-again", "through-stop")
            steps = gr.Radio([(str(n), n) for n in STEPS], value=20, label="Steps each way",
                             elem_id="through-steps")  # fmt: skip
            label = gr.Dropdown([("No class", ANY)], value=ANY, label="Class", visible=False,
                                filterable=False, elem_id="through-class")  # fmt: skip
            a = picture_controls(context, "through-a", label="Picture A", selected=0)
            b = picture_controls(context, "through-b", label="Picture B", selected=3)
            saver = export.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]) as stage:
            with gr.Row(elem_classes="ge-beside"):
                trips = picture_table(label="Picture A to noise and back", room=112)
                spread = bell()
            words = "Both pictures as noise, and the way from one noise to the other."
            components.heading("From A to B", words)
            table = picture_table(label="From A to B through noise and in pixels", room=84)
            player = film(FILM, label="From A to B", below=20, largest=224, tile=140)

    part.controls(label=label, steps=steps, **a.named("a_"), **b.named("b_"))
    part.outputs(
        trips=trips, spread=spread, way=table, film=player, status=status, code=notes.code,
        stop=halt, stage=stage, label=label, a_choice=a.choice, b_choice=b.choice,
        a_shelf=a.view, b_shelf=b.view,
    )  # fmt: skip
    part.arrives(arrive)
    part.on(more.click, others, main=True)
    part.on([
        steps.input, label.input, a.choice.select, b.choice.select, a.source.input, b.source.input,
    ], show)  # fmt: skip
    part.draws([a.pad, b.pad], show)
    part.stops(halt, js=stop(FILM))
    part.saves(saver, save)

    context.remember("denoise.through.steps", steps, parse=one_of(STEPS, int))
    context.remember("denoise.through.class", label, parse=whole(ANY, 999))
    context.remember("denoise.through.a", a.choice, parse=whole(0, 15))
    context.remember("denoise.through.b", b.choice, parse=whole(0, 15))
