"""Samples: a grid at once, and every picture of it to be looked at closely."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.closeup.closeup import closeup
from explorer.components.image_grid.image_grid import image_grid
from explorer.components.truncation.truncation import as_truncation, truncation_curve
from explorer.page.address import number, whole
from explorer.page.context import Context
from explorer.page.part import LOADING, Asked, Part, Screen, screen
from explorer.page.saves import SaveButtons
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.server.abilities import (
    MOST_STEPS,
    NO_TRUNCATION,
    classes_of,
    guides,
    most_steps,
    own_steps,
    takes,
    takes_its_time,
    truncates,
    walks,
)
from explorer.server.ask import Seed
from explorer.server.previews import Drawn, preview
from explorer.server.reading import ANY, class_choices, next_seed
from explorer.tabs.sample.nearest import nearest_training_image
from explorer.tabs.sample.settings import (
    FURTHEST_GUIDANCE,
    HOTTEST,
    LEAST_TRUNCATION,
    MOST,
    Settings,
    read_settings,
)

TITLE = "Sample"
NEEDS = {"Samples"}

LOOK_FOR = """
* **Variety.** Does every class turn up, and in every style? Press *Sample again* a few times:
  a model that has lost modes repeats itself.
* **Temperature** scales the noise that a sample starts from. Near 0 all pictures approach the
  most typical one; above 1 they become rarer and stranger. Select one picture, then move the
  slider: the seed stays, so you see the same draw leave the centre.
* **Steps and guidance**, where a model starts at noise and walks: few steps are coarse, from
  some number on more of them change nothing. Guidance pushes towards the class that was asked for:
  pictures become clearer and more alike.
* **Truncation**, where a model has that instead of a temperature: noise far from the centre is not
  drawn. Pictures become better and more alike, and the measured curves say by how much: precision
  rises, recall falls.
* **Memory or invention?** Compare the selected picture with the nearest training picture. A model
  that only remembers shows the same picture twice.
* **The latent code** beside it is where the picture came from. Bars near zero are typical.
"""


# -- what is shown --------------------------------------------------------------------------------


def draws(context: Context, name: str, settings: Settings) -> Iterator[tuple[float, Drawn]]:
    """Draws with the model: (part done, pictures so far), the last one done and kept."""
    return context.ask.kept_steps(
        ("sample", name, settings), lambda: _steps(context, name, settings)
    )


def _steps(context: Context, name: str, settings: Settings) -> Iterator[tuple[float, Drawn]]:
    model = context.store.get(name)
    knobs = {"temperature": settings.temperature, **settings.knobs()}
    knobs = {knob: value for knob, value in knobs.items() if takes(model, knob)}
    frames = context.ask.steps(
        name, "sample_steps", settings.count, Seed(settings.seed), settings.label, **knobs
    )
    seconds = 0.0
    while True:
        begun = time.perf_counter()
        if (frame := next(frames, None)) is None:
            return
        seconds += time.perf_counter() - begun
        labels = _labels(frame.info.get("label"), settings.count)
        drawn = Drawn(as_bytes(frame.x), frame.info.get("z"), labels, seconds)
        yield min(1.0, (frame.step + 1) / max(1, frame.total)), drawn


def _labels(label: Any, count: int) -> np.ndarray | None:
    """(count,) classes of one for all or one each; None where there are none."""
    return None if label is None else np.broadcast_to(np.asarray(label, np.int64), (count,))


def draw(context: Context, name: str, settings: Settings) -> Drawn:
    """The finished draw."""
    *_, (_, drawn) = draws(context, name, settings)
    return drawn


def code_of(context: Context, name: str, settings: Settings) -> str:
    """The lines that give what is on screen."""
    header = context.store.header(name)
    knobs = settings.knobs()
    if not truncates(header):
        knobs = {"temperature": settings.temperature, **knobs}
    shape = (settings.count, *header.config["image"])
    return snippet(
        loading(context, name),
        f"# {shape}, from 0 to 1",
        call("images = model.sample", settings.count, raw(f"generator({settings.seed})"),
             label=settings.label, **knobs),
    )  # fmt: skip


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The grid, until the pictures are finished."""
    settings = read_settings(context.store.header(name), asked)
    code = code_of(context, name, settings)
    if settings == Settings() and (drawn := preview(context.store, name)):
        yield screen(
            grid=images.sprite(drawn.images), status=say(_done(settings, drawn)), code=code
        )
        return
    begun = "Drawing …" if name in context.store.loaded else LOADING
    yield screen(status=say(begun, kind="busy"), code=code)
    shown = 0.0
    for part, drawn in draws(context, name, settings):
        if part < 1 and time.monotonic() - shown < 0.1:
            yield None
            continue
        shown = time.monotonic()
        status = say(f"Drawing: {part:.0%}", part, "busy") if part < 1 else None
        yield screen(grid=images.sprite(drawn.images), status=status or say(_done(settings, drawn)))


def _done(settings: Settings, drawn: Drawn) -> str:
    pictures = "1 picture" if settings.count == 1 else f"{settings.count} pictures"
    taken = f" in {1000 * drawn.seconds:.0f} ms" if drawn.seconds else ""
    return f"{pictures} of seed {settings.seed}{taken}."


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A new model is on screen: the classes it can be asked for, the controls of steps, of
    guidance, of temperature and of truncation, where it knows such things, and its samples."""
    header = context.store.header(name)
    classes = classes_of(header)
    asked = asked.but(
        label=asked.label if asked.label in range(len(classes)) else ANY,
        steps=asked.steps if asked.steps and walks(header) else own_steps(header),
    )
    if (most := most_steps(header)) < asked.steps:
        asked = asked.but(steps=own_steps(header))
    yield screen(
        label=gr.Dropdown(
            choices=class_choices(classes, "Any class"), value=asked.label, visible=bool(classes)
        ),
        steps=gr.Slider(value=asked.steps, maximum=most, visible=walks(header)),
        guidance=gr.Slider(visible=guides(header)),
        temperature=gr.Slider(visible=not truncates(header)),
        truncation=gr.Slider(visible=truncates(header)),
        measured=as_truncation(header),
        stop=gr.Button(visible=takes_its_time(header)),
    )
    yield from show(context, name, asked)


def again(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def chosen(context: Context, name: str, asked: Asked) -> tuple[int, Settings] | None:
    """The picture that is looked at, and what it was drawn by; None where there is none."""
    settings = read_settings(context.store.header(name), asked)
    there = asked.index is not None and 0 <= asked.index < settings.count
    return (asked.index, settings) if there else None


def look(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A picture closely: its code and the training picture nearest to it."""
    if (choice := chosen(context, name, asked)) is None:
        return
    index, settings = choice
    for step in draws(context, name, settings):
        drawn = step[1]
        yield None
    value: dict[str, Any] = {"index": index, "nearest_note": "Looking for the nearest …"}
    if drawn.codes is not None:
        z = drawn.codes[index].reshape(-1)
        value["code"] = [round(float(v), 4) for v in z]
        value["code_note"] = f"{len(z)} numbers, length {np.linalg.norm(z):.2f}"
    else:
        value["code_note"] = "this model has none"
    yield screen(close=value, hand=gr.Button(interactive=drawn.codes is not None))
    nearest = nearest_training_image(context, name, drawn.images[index])
    value = {**value, "nearest_note": nearest.note}
    if nearest.image is not None:
        value["nearest"] = images.sprite(nearest.image[None])
    yield screen(close=value)


def hand_over(context: Context, name: str, asked: Asked) -> Screen | None:
    """The code of the picture that is looked at, for another tab (see ``Context.code``)."""
    if (choice := chosen(context, name, asked)) is None:
        return None
    index, settings = choice
    drawn = draw(context, name, settings)
    if drawn.codes is None:
        return None
    return screen(
        handed={
            "model": name,
            "z": [float(v) for v in drawn.codes[index].reshape(-1)],
            "label": None if drawn.labels is None else int(drawn.labels[index]),
            "source": f"sample {index + 1} of seed {settings.seed}",
        }
    )


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file. kind: "png", one sheet; "zip", one file a picture."""
    settings = read_settings(context.store.header(name), asked)
    drawn = draw(context, name, settings)
    stem = f"{name}-seed-{settings.seed}"
    if kind == "png":
        data = images.png_bytes(images.grid_image(drawn.images, scale=4, gap=4))
        return components.file(f"{stem}.png", data, "image/png")
    pictures = {
        f"{stem}/{k + 1:03d}.png": images.png_bytes(image) for k, image in enumerate(drawn.images)
    }
    return components.file(f"{stem}.zip", images.zip_bytes(pictures), "application/zip")


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The tab. Shipped samples are on screen as soon as it is opened."""
    part = Part(context)
    name = context.store.first
    classes = classes_of(context.store.header(name)) if name else []

    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            with gr.Row(elem_classes="ge-pair ge-go"):
                more = gr.Button("Sample again", variant="primary")
                slow = bool(name) and takes_its_time(context.store.header(name))
                stop = gr.Button("Stop", visible=slow, interactive=False, elem_id="sample-stop")
            status = components.status()
            with gr.Row(elem_classes="ge-pair"):
                seed = gr.Number(0, label="Seed", elem_id="sample-seed")
                label = gr.Dropdown(
                    class_choices(classes, "Any class"), value=ANY, label="Class",
                    visible=bool(classes), filterable=False, elem_id="sample-class",
                )  # fmt: skip
            count = gr.Slider(1, MOST, 64, step=1, label="How many", elem_id="sample-count")
            heat = gr.Slider(
                0, HOTTEST, 1.0, step=0.05, label="Temperature", elem_id="sample-temperature",
                visible=not (name and truncates(context.store.header(name))),
            )  # fmt: skip
            walking = bool(name) and walks(context.store.header(name))
            steps = gr.Slider(
                1, most_steps(context.store.header(name)) if walking else MOST_STEPS,
                own_steps(context.store.header(name)) if walking else 20, step=1,
                label="Steps", visible=walking, elem_id="sample-steps",
                info="One network call per step.",
            )  # fmt: skip
            guidance = gr.Slider(
                0, FURTHEST_GUIDANCE, 1.0, step=0.25, label="Guidance", elem_id="sample-guidance",
                visible=bool(name) and guides(context.store.header(name)),
                info="1 = no extra push; higher exaggerates the class.",
            )  # fmt: skip
            cuts = bool(name) and truncates(context.store.header(name))
            cut = gr.Slider(
                LEAST_TRUNCATION, NO_TRUNCATION, NO_TRUNCATION, step=0.05, label="Truncation",
                visible=cuts, elem_id="sample-truncation",
                info=f"Cuts the noise at ± this value; {NO_TRUNCATION:g} = no cut.",
            )  # fmt: skip
            measured = truncation_curve(
                cut, as_truncation(context.store.header(name)) if cuts else None
            )
            with gr.Row(elem_classes="ge-pair"):
                png = gr.Button("Save as PNG", size="sm")
                archive = gr.Button("Save all as ZIP", size="sm")
            notes = context.notes(LOOK_FOR, code_of(context, name, Settings()) if name else "")
            saver = components.saver()
        with gr.Column(elem_classes="ge-stage"):
            grid = image_grid("sample", None, label="Samples", selected=0)
        with gr.Column(elem_classes="ge-aside"):
            close = closeup(follows="sample")
            hand = gr.Button("Open in Latent space", size="sm", interactive=False,
                             visible="latent" in context.titles)  # fmt: skip

    part.controls(
        seed=seed, count=count, temperature=heat, label=label, steps=steps, guidance=guidance,
        truncation=cut, index=grid.choice,
    )  # fmt: skip
    part.outputs(
        grid=grid.view, status=status, code=notes.code, stop=stop, seed=seed, label=label,
        steps=steps, guidance=guidance, temperature=heat, truncation=cut, measured=measured,
        close=close, hand=hand, handed=context.code,
    )  # fmt: skip
    # The shipped samples need no model: ``show`` says itself when it waits for one.
    part.on(getattr(context.picker, f"show_{context.place}"), arrive, arrives=True, loads=False)
    part.on(more.click, again, main=True, loads=False)
    drawing = (seed, count, heat, label, steps, guidance, cut)
    # Of the values that a slider passes on its way most are not drawn.
    part.on([control.input for control in drawing], show, rest=0.03, loads=False)
    part.stops(stop, runs=("main", "look"))
    part.on(grid.choice.select, look, run="look", loads=False)
    taken = part.on(hand.click, hand_over)
    taken.then(None, js=context.go("latent"), api_visibility="private")
    part.saves(SaveButtons({"png": png, "zip": archive}, saver), save)

    context.remember("sample.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("sample.count", count, parse=whole(1, MOST))
    context.remember("sample.temperature", heat, parse=number(0, HOTTEST))
    context.remember("sample.class", label, parse=whole(ANY, 999))
    context.remember("sample.steps", steps, parse=whole(1, MOST_STEPS))
    context.remember("sample.guidance", guidance, parse=number(0, FURTHEST_GUIDANCE))
    context.remember("sample.truncation", cut, parse=number(LEAST_TRUNCATION, NO_TRUNCATION))
