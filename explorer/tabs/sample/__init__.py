"""Samples: a grid at once, and every picture of it to be looked at closely."""

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
from explorer.components.closeup.closeup import closeup
from explorer.components.image_grid.image_grid import image_grid
from explorer.components.truncation.truncation import as_truncation, truncation_curve
from explorer.page.address import number, whole
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.pictures import images
from explorer.server import zerogpu
from explorer.server.abilities import (
    MOST_STEPS,
    NO_TRUNCATION,
    classes_of,
    own_steps,
    takes,
    takes_its_time,
    truncates,
    walks,
)
from explorer.server.previews import Drawn, preview
from explorer.server.reading import ANY, class_choices, next_seed
from explorer.tabs.sample.nearest import nearest_training_image
from explorer.tabs.sample.settings import (
    FURTHEST_GUIDANCE,
    HOTTEST,
    LEAST_TRUNCATION,
    MOST,
    Controls,
    Settings,
    read_settings,
)

log = logging.getLogger(__name__)

TITLE = "Sample"
NEEDS = {"Samples"}
# The first model's samples are on screen when the page is built; nothing is drawn at its opening.
PREPARED = True

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


def draws(context: Context, name: str, settings: Settings) -> Iterator[tuple[float, Drawn]]:
    """Draws with the model: (part done, pictures so far), the last one done. Keeps the result."""
    key = ("sample", name, settings)
    if (drawn := context.recent.get(key)) is not None:
        yield 1.0, drawn
        return
    header = context.store.header(name)
    if zerogpu.worth_a_gpu(header.parameters, settings.count):
        steps = _on_lent_gpu(str(header.folder), settings)
    else:
        steps = _steps(context.store.get(name), settings)
    for part, drawn in steps:
        yield part, drawn
    context.recent.put(key, drawn)


def _steps(model: Any, settings: Settings) -> Iterator[tuple[float, Drawn]]:
    import torch

    from models.contract.random import generator

    knobs = {"temperature": settings.temperature, **settings.knobs()}
    knobs = {name: value for name, value in knobs.items() if takes(model, name)}
    start = time.perf_counter()
    for frame in model.sample_steps(
        settings.count, generator(settings.seed), settings.label, **knobs
    ):
        drawn = Drawn(
            (frame.x.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy(),
            _array(frame.info.get("z")),
            _labels(frame.info.get("label"), settings.count),
            time.perf_counter() - start,
        )
        yield min(1.0, (frame.step + 1) / max(1, frame.total)), drawn


@zerogpu.borrows_gpu
def _on_lent_gpu(folder: str, settings: Settings) -> Iterator[tuple[float, Drawn]]:
    from models.checkpoints import weights

    yield from _steps(weights.load(folder, device="cuda"), settings)


def _labels(label: Any, count: int) -> np.ndarray | None:
    """(count,) classes of one for all or one each; None where there are none."""
    if label is None:
        return None
    label = label if isinstance(label, int) else _array(label)
    return np.broadcast_to(np.asarray(label, np.int64), (count,))


def draw(context: Context, name: str, settings: Settings) -> Drawn:
    """The finished draw."""
    return list(draws(context, name, settings))[-1][1]


def _array(tensor: Any) -> np.ndarray | None:
    return None if tensor is None else tensor.detach().cpu().numpy()


def snippet(context: Context, name: str, settings: Settings) -> str:
    """The lines that give what is on screen."""
    header = context.store.header(name)
    where = in_code(header.folder)
    label = "" if settings.label is None else f", label={settings.label}"
    device = context.store.device_asked
    placed = "" if device in ("auto", "cpu") else f", device={device!r}"
    knobs = settings.knobs()
    if not truncates(header):
        knobs = {"temperature": settings.temperature, **knobs}
    given = ", ".join(f"{knob}={value:g}" for knob, value in knobs.items())
    given = f"    {given},\n" if given else ""
    shape = (settings.count, *header.config["image"])
    return (
        "from models import generator, load\n\n"
        f"model = load({where!r}{placed})\n"
        f"images = model.sample(\n"
        f"    {settings.count}, generator({settings.seed}){label},\n"
        f"{given}"
        f")  # {shape}, from 0 to 1\n"
    )


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def show(context: Context, name: str, *controls: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yields (grid, status, code) until the pictures are finished."""
    try:
        settings = read_settings(context.store.header(name), *controls)
    except ValueError as error:
        yield gr.skip(), say(str(error), kind="problem"), gr.skip()
        return
    code = snippet(context, name, settings)
    if settings == Settings() and (drawn := preview(context.store, name)):
        yield images.sprite(drawn.images), say(_done(settings, drawn)), code
        return
    if name not in context.store.loaded:
        yield gr.skip(), say("Loading the model …", kind="busy"), code
    try:
        shown = 0.0
        for part, drawn in draws(context, name, settings):
            if part < 1 and time.monotonic() - shown < 0.1:
                continue
            shown = time.monotonic()
            status = say(f"Drawing: {part:.0%}", part, "busy") if part < 1 else None
            yield images.sprite(drawn.images), status or say(_done(settings, drawn)), code
    except (ValueError, RuntimeError) as error:
        log.exception("Sampling %s failed.", name)
        yield gr.skip(), say(f"Sampling failed: {error}", kind="problem"), gr.skip()


def _done(settings: Settings, drawn: Drawn) -> str:
    pictures = "1 picture" if settings.count == 1 else f"{settings.count} pictures"
    taken = f" in {1000 * drawn.seconds:.0f} ms" if drawn.seconds else ""
    return f"{pictures} of seed {settings.seed}{taken}."


def arrive(context: Context, name: str, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """A new model is on screen: yields what ``show`` does, the classes it can be asked for, the
    controls of steps, of guidance, of temperature and of truncation, where it knows such things,
    what truncation was measured to do, and the Stop button."""
    header = context.store.header(name)
    classes = classes_of(header)
    asked = Controls(*controls)
    kept = asked.label if asked.label in range(len(classes)) else ANY
    steps = asked.steps if asked.steps and walks(header) else own_steps(header)
    arrangement = (
        gr.Dropdown(choices=class_choices(classes, "Any class"), value=kept, visible=bool(classes)),
        gr.Slider(value=steps, visible=walks(header)),
        gr.Slider(visible=walks(header) and bool(classes)),
        gr.Slider(visible=not truncates(header)),
        gr.Slider(visible=truncates(header)),
        as_truncation(header),
        gr.Button(visible=takes_its_time(header)),
    )
    for outputs in show(context, name, *asked._replace(label=kept, steps=steps)):
        yield *outputs, *arrangement
        arrangement = (gr.skip(),) * len(arrangement)


def again(context: Context, name: str, seed: Any, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """The next seed: yields what ``show`` does, and that seed."""
    following: Any = next_seed(seed)
    for outputs in show(context, name, following, *controls):
        yield *outputs, following
        following = gr.skip()


def stopped(*_: Any) -> dict[str, Any]:
    """The status after a draw was stopped."""
    return say("Stopped. What is on screen is as far as it came.")


def look(context: Context, name: str, index: int | None, *controls: Any) -> Iterator[tuple]:
    """Picture ``index`` closely: yields (close-up, the button that hands its code on)."""
    try:
        settings = read_settings(context.store.header(name), *controls)
    except ValueError:
        return
    if index is None or not 0 <= index < settings.count:
        return
    drawn = draw(context, name, settings)
    value: dict[str, Any] = {"index": index, "nearest_note": "Looking for the nearest …"}
    if drawn.codes is not None:
        z = drawn.codes[index].reshape(-1)
        value["code"] = [round(float(v), 4) for v in z]
        value["code_note"] = f"{len(z)} numbers, length {np.linalg.norm(z):.2f}"
    else:
        value["code_note"] = "this model has none"
    button = gr.Button(interactive=drawn.codes is not None)
    yield value, button
    nearest = nearest_training_image(context, name, drawn.images[index])
    value = {**value, "nearest_note": nearest.note}
    if nearest.image is not None:
        value["nearest"] = images.sprite(nearest.image[None])
    yield value, button


def hand_over(context: Context, name: str, index: int | None, *controls: Any) -> dict | None:
    """The code of picture ``index`` for another tab (see ``Context.code``); None without one."""
    try:
        settings = read_settings(context.store.header(name), *controls)
    except ValueError:
        return None
    if index is None or not 0 <= index < settings.count:
        return None
    drawn = draw(context, name, settings)
    if drawn.codes is None:
        return None
    return {
        "model": name,
        "z": [float(v) for v in drawn.codes[index].reshape(-1)],
        "label": None if drawn.labels is None else int(drawn.labels[index]),
        "source": f"sample {index + 1} of seed {settings.seed}",
    }


def save(context: Context, kind: str, name: str, *controls: Any) -> tuple[Any, Any]:
    """(file for the saver, status). kind: "png", one sheet; "zip", one file a picture."""
    try:
        settings = read_settings(context.store.header(name), *controls)
    except ValueError as error:
        return gr.skip(), say(str(error), kind="problem")
    drawn = draw(context, name, settings)
    stem = f"{name}-seed-{settings.seed}"
    if kind == "png":
        data = images.png_bytes(images.grid_image(drawn.images, scale=4, gap=4))
        return components.file(f"{stem}.png", data, "image/png"), gr.skip()
    pictures = {
        f"{stem}/{k + 1:03d}.png": images.png_bytes(image) for k, image in enumerate(drawn.images)
    }
    return components.file(f"{stem}.zip", images.zip_bytes(pictures), "application/zip"), gr.skip()


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The tab. The first model's shipped samples are in it from the start."""
    name = context.store.first
    first = preview(context.store, name) if name else None
    classes = classes_of(context.store.header(name)) if name else []
    sprite = images.sprite(first.images) if first else None
    text = _done(Settings(), first) if first else ""

    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            with gr.Row(elem_classes="ge-pair ge-go"):
                more = gr.Button("Sample again", variant="primary")
                slow = bool(name) and takes_its_time(context.store.header(name))
                stop = gr.Button("Stop", visible=slow, elem_id="sample-stop")
            status = components.status(text)
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
                1, MOST_STEPS, own_steps(context.store.header(name)) if walking else 20, step=1,
                label="Steps", visible=walking, elem_id="sample-steps",
                info="The model is asked once a step.",
            )  # fmt: skip
            guidance = gr.Slider(
                0, FURTHEST_GUIDANCE, 1.0, step=0.25, label="Guidance", elem_id="sample-guidance",
                visible=walking and bool(classes), info="1: the class as it is. More exaggerates.",
            )  # fmt: skip
            cuts = bool(name) and truncates(context.store.header(name))
            cut = gr.Slider(
                LEAST_TRUNCATION, NO_TRUNCATION, NO_TRUNCATION, step=0.05, label="Truncation",
                visible=cuts, elem_id="sample-truncation",
                info=f"The noise stays within ± this. {NO_TRUNCATION:g}: as it is.",
            )  # fmt: skip
            measured = truncation_curve(
                cut, as_truncation(context.store.header(name)) if cuts else None
            )
            with gr.Row(elem_classes="ge-pair"):
                png = gr.Button("Save as PNG", size="sm")
                archive = gr.Button("Save all as ZIP", size="sm")
            notes = context.notes(LOOK_FOR, snippet(context, name, Settings()) if name else "")
            saver = components.saver()
        with gr.Column(elem_classes="ge-stage"):
            grid = image_grid("sample", sprite, label="Samples", selected=0)
        with gr.Column(elem_classes="ge-aside"):
            close = closeup(follows="sample")
            hand = gr.Button("Open in Latent space", size="sm", interactive=False,
                             visible="latent" in context.tab_keys)  # fmt: skip

    def timely(handler: Callable) -> Callable:
        return context.timely(partial(handler, context))

    controls = [seed, count, heat, label, steps, guidance, cut]
    inputs = [context.picker, *controls]
    shown = [grid.view, status, notes.code]
    fitted = [label, steps, guidance, heat, cut, measured, stop]
    drawing = [
        context.on_show(partial(arrive, context), controls, [*shown, *fitted]),
        more.click(timely(again), inputs, [*shown, seed], **context.heavy),
    ]
    # A slider is read when it is let go, so that a walk is not begun at each value on the way.
    for control in (seed, count, heat, label, cut):
        drawing.append(control.input(timely(show), inputs, shown, **context.heavy))
    for slider in (steps, guidance):
        drawing.append(slider.release(timely(show), inputs, shown, **context.heavy))
    stop.click(stopped, None, status, cancels=drawing, **context.light)
    chosen = [context.picker, grid.choice, *controls]
    grid.choice.select(timely(look), chosen, [close, hand], **context.heavy)
    taken = hand.click(partial(hand_over, context), chosen, context.code, **context.light)
    taken.then(None, js=context.go("latent"), api_visibility="private")
    for button, kind in ((png, "png"), (archive, "zip")):
        button.click(partial(save, context, kind), inputs, [saver, status], **context.light)

    context.remember("sample.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("sample.count", count, parse=whole(1, MOST))
    context.remember("sample.temperature", heat, parse=number(0, HOTTEST))
    context.remember("sample.class", label, parse=whole(ANY, 999))
    context.remember("sample.steps", steps, parse=whole(1, MOST_STEPS))
    context.remember("sample.guidance", guidance, parse=number(0, FURTHEST_GUIDANCE))
    context.remember("sample.truncation", cut, parse=number(LEAST_TRUNCATION, NO_TRUNCATION))
