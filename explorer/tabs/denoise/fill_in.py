"""A picture with a part hidden, and several ways that the model would fill it in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.film.film import film, stop
from explorer.components.mask_brush.mask_brush import mask_brush, mask_text, read_mask, write_mask
from explorer.components.picture_table.picture_table import as_table, picture_table
from explorer.page import saves as export
from explorer.page.address import number, whole
from explorer.page.choice import Picture, as_shelf, chosen_in, picture_controls
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.server.abilities import classes_of, read_label, takes
from explorer.server.ask import Seed
from explorer.server.reading import ANY, class_choices, is_number, is_whole
from explorer.tabs.denoise.trajectory import MOST_GUIDANCE, Trajectory, collect
from models.contract.knobs import checked_seed

TITLE = "Fill in"
FILM = "fill"
NEEDS = ("Completes",)

COUNT = 4
MOST_STEPS, MOST_REPEATS = 200, 20
SHOWN = (("Filling", "filling"), ("Guess", "x0"), ("Noisy", "x"))
HIDDEN = 0.42  # the grey of hidden pixels in a picture of what the model was given

LOOK_FOR = """
* **The mask was never trained on.** The model only learnt to take noise away; the known part is
  put in at every noise level, and the rest has to agree with it.
* **Filling, guess, noise.** The *guess* is what the model takes the whole picture for; early on it
  may not even agree with what is visible. Watch it being talked round.
* **Four answers, not one.** Hide the lower half of a 7: it may come back as a 9, or a 4. What is
  visible narrows the choice; hide less, and the four become alike.
* **Repeats.** With 1, each step is taken once, and the seam between both parts often shows. More
  repeats put noise back and try again, until both sides have heard of each other
  (Lugmayr et al. 2022). The cost grows with them.
* **Random 75 %.** A quarter of the pixels, scattered, says nearly everything: the four hardly
  differ. A quarter in one corner says little.
* **Ask for a class** that the visible part contradicts, and see who wins.
"""


class Settings(NamedTuple):
    """What a filling-in is made of. label: a class, or None for any."""

    seed: int = 0
    steps: int = 40
    repeats: int = 4
    label: int | None = None
    guidance: float = 1.0


# -- what is computed -----------------------------------------------------------------------------


def read_settings(
    header: Any, seed: Any, steps: Any, repeats: Any, label: Any, guidance: Any
) -> Settings:
    """Checked settings from the controls' values. Raises ValueError with one sentence."""
    checked_seed(seed)
    if not is_whole(steps) or not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"Filling in takes a whole number of steps from 1 to {MOST_STEPS}.")
    if not is_whole(repeats) or not 1 <= repeats <= MOST_REPEATS:
        raise ValueError(f"Each step can be taken 1 to {MOST_REPEATS} times.")
    if not is_number(guidance) or not 0 <= guidance <= MOST_GUIDANCE:
        raise ValueError(f"Guidance must be a number from 0 to {MOST_GUIDANCE:g}.")
    label = read_label(header, label)
    return Settings(int(seed), int(steps), int(repeats), label, float(guidance))


def lower_half(shape: Any) -> np.ndarray:
    """The mask that a brush starts with. shape: (C, H, W). Returns (H, W) bool."""
    _, H, W = shape
    hidden = np.zeros((H, W), bool)
    hidden[(H + 1) // 2 :] = True
    return hidden


def arguments(model: Any, settings: Settings) -> dict[str, Any]:
    """The settings that this model's ``complete_steps`` takes."""
    wanted = settings._asdict()
    wanted.pop("seed")
    return {
        key: value
        for key, value in wanted.items()
        if value is not None and takes(model, key, "complete_steps")
    }


def fillings(
    context: Context, name: str, picture: Picture, hidden: np.ndarray, settings: Settings
) -> Iterator[Trajectory]:
    """Four fillings-in at once, yielding after every step. hidden: (H, W) bool."""
    x = np.repeat(picture.pixels[None].astype(np.float32) / 255, COUNT, 0)
    known = np.repeat(~hidden[None, None], COUNT, 0)
    knobs = arguments(context.store.get(name), settings)

    def begin() -> Iterator[Trajectory]:
        seed = Seed(settings.seed)
        return collect(context.ask.steps(name, "complete_steps", x, known, seed, **knobs))

    key = ("denoise-fill", name, picture.key, write_mask(hidden), settings)
    return context.ask.kept_steps(key, begin)


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """Four fillings-in as they come, until they are done."""
    picture, hidden, settings = _read(context, name, asked)
    header = context.store.header(name)
    run = f"{picture.key} {asked.mask} {settings} {asked.shown}"
    told, filmed, drawn = 0.0, 0.0, 0
    yield screen(code=code_of(context, name, picture, hidden, settings))
    for way in fillings(context, name, picture, hidden, settings):
        now = time.monotonic()
        if way.done or now - told < 0.1:
            yield None
            continue
        told, part = now, len(way.x) / way.total
        status = say(f"Filling in: {part:.0%}", min(1.0, part), "busy")
        # A film is sent whole each time: seldom enough that the sending stays the lesser work.
        if now - filmed < 0.25 or len(way.x) < 1.3 * drawn:
            yield screen(status=status)
            continue
        filmed, drawn = now, len(way.x)
        film = reel(way, frames_of(way, picture, hidden, asked.shown), run)
        yield screen(film=film, table=as_strip(header, picture, hidden, None), status=status)
    words = (
        f"{hidden.sum()} pixels of {picture.words} filled in {COUNT} times from seed "
        f"{settings.seed}, by {int(way.evaluations[-1])} evaluations in {way.seconds:.1f} s."
    )
    film = reel(way, frames_of(way, picture, hidden, asked.shown), run)
    yield screen(film=film, table=as_strip(header, picture, hidden, way), status=say(words))


def _read(context: Context, name: str, asked: Asked) -> tuple[Picture, np.ndarray, Settings]:
    """The picture, what is hidden of it, and the settings. Raises ValueError, one sentence."""
    settings = read_settings(
        context.store.header(name), asked.seed, asked.steps, asked.repeats, asked.label,
        asked.guidance,
    )  # fmt: skip
    picture = chosen_in(context, name, asked)
    return picture, read_mask(asked.mask, *picture.pixels.shape[1:]), settings


def choose(context: Context, name: str, asked: Asked) -> Screen:
    """Another picture was chosen: the brush's picture."""
    picture = chosen_in(context, name, asked)
    words = "Paint over what is to be filled in, then press Fill in."
    return screen(brush=images.sprite(picture.pixels[None]), status=say(words, kind="older"))


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model is on screen: its classes, a mask that fits, its shelf, and the first fillings-in."""
    header = context.store.header(name)
    able = partial(takes, context.store.get(name), method="complete_steps")
    classes = classes_of(header)
    kept = asked.label if asked.label in range(len(classes)) else ANY
    shape, mask = header.config["image"], asked.mask
    try:
        read_mask(mask, *shape[1:])
    except ValueError:
        mask = write_mask(lower_half(shape))  # none yet, or one of another size
    yield screen(
        mask=mask,
        label=gr.Dropdown(
            choices=class_choices(classes, "Any class"), value=kept, visible=bool(classes)
        ),
        guidance=gr.Slider(visible=bool(classes) and able("guidance")),
        repeats=gr.Slider(visible=able("repeats")),
        table=as_strip(header, None, None, None),
    )
    yield screen(shelf=as_shelf(context, name, asked.choice))
    asked = asked.but(mask=mask, label=kept)
    yield choose(context, name, asked)
    yield from show(context, name, asked)


# -- values ---------------------------------------------------------------------------------------


def frames_of(way: Trajectory, picture: Picture, hidden: np.ndarray, shown: Any) -> np.ndarray:
    """(T, N, C, H, W) uint8. shown: "x", the noisy pictures; "x0", the model's guesses of the whole
    picture; else "filling": the guesses where the picture is hidden, and itself elsewhere."""
    if shown == "x":
        return way.x
    return way.x0 if shown == "x0" else np.where(hidden, way.x0, picture.pixels)


def reel(way: Trajectory, frames: np.ndarray, run: str) -> dict[str, Any]:
    """The value of the film: each filling-in's way."""
    last = way.total - 1
    captions = [
        f"step {k} of {last}, " + ("no noise" if level == 0 else f"noise {level:.2g}")
        for k, level in enumerate(way.level)
    ]
    rows = [
        {"name": f"Filling {n + 1}", "sprite": images.sprite(frames[:, n]), "captions": captions}
        for n in range(frames.shape[1])
    ]
    return {"rows": rows, "run": run, "running": not way.done}


def given_picture(picture: Picture, hidden: np.ndarray) -> np.ndarray:
    """(C, H, W) uint8: the picture with what is hidden in grey."""
    return np.where(hidden, np.uint8(255 * HIDDEN), picture.pixels)


def as_strip(
    header: Any, picture: Picture | None, hidden: np.ndarray | None, way: Trajectory | None
) -> dict[str, Any]:
    """The value of the table: the picture, what the model was given, and what it made of it."""
    made = [None] * COUNT if way is None else list(way.x[-1])
    given = [None] * 2
    if picture is not None and hidden is not None:
        given = [picture.pixels, given_picture(picture, hidden)]
    columns = ["Whole", "Given", *(f"{n + 1}" for n in range(COUNT))]
    return as_table([*given, *made], columns, shape=header.config["image"])


# -- code and files -------------------------------------------------------------------------------


def code_of(
    context: Context, name: str, picture: Picture, hidden: np.ndarray, settings: Settings
) -> str:
    """The lines that give the four fillings-in."""
    H, W = hidden.shape
    bits = write_mask(hidden).rpartition(".")[2]
    bits += "=" * (-len(bits) % 4)
    lines = "\n".join(f'    "{bits[k : k + 88]}"' for k in range(0, len(bits), 88))
    return snippet(
        loading(context, name),
        picture.code.rstrip("\n"),
        f"bits = base64.urlsafe_b64decode(\n{lines}\n)",
        f"hidden = np.unpackbits(np.frombuffer(bits, np.uint8), count={H * W})",
        f"known = torch.from_numpy(hidden == 0).view(1, 1, {H}, {W})",
        call(
            "*_, last = model.complete_steps", raw(f"x.repeat({COUNT}, 1, 1, 1)"),
            raw(f"known.repeat({COUNT}, 1, 1, 1)"), raw(f"generator({settings.seed})"),
            **arguments(context.store.get(name), settings),
        ),
        "images = last.x",
    )  # fmt: skip


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file: the strip (png), or the four as a film (webp, gif)."""
    picture, hidden, settings = _read(context, name, asked)
    *_, way = fillings(context, name, picture, hidden, settings)
    stem = f"{name}-filled-in-seed-{settings.seed}"
    if kind == "png":
        strip = np.stack([picture.pixels, given_picture(picture, hidden), *way.x[-1]])
        sheet = images.grid_image(strip, columns=len(strip), scale=6, gap=8)
        return components.file(f"{stem}.png", images.png_bytes(sheet), "image/png")
    frames = frames_of(way, picture, hidden, asked.shown)
    return export.film_file(kind, stem, list(frames.swapaxes(0, 1)))


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context, NEEDS)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            own = picture_controls(context, "fill", label="Picture", selected=1)
            shown = gr.Radio(
                list(SHOWN),
                value="filling",
                label="What to show",
                elem_id="fill-shown",
                elem_classes="ge-source",
            )
            steps = gr.Slider(5, 100, 40, step=1, label="Steps", elem_id="fill-steps")
            repeats = gr.Slider(1, 10, 4, step=1, label="Repeats of each step",
                                elem_id="fill-repeats")  # fmt: skip
            with gr.Row(elem_classes="ge-pair"):
                seed = gr.Number(0, label="Seed", precision=0, elem_id="fill-seed")
                label = gr.Dropdown([("Any class", ANY)], value=ANY, label="Class", visible=False,
                                    filterable=False, elem_id="fill-class")  # fmt: skip
            guidance = gr.Slider(0, 8, 1, step=0.5, label="Guidance", visible=False,
                                 elem_id="fill-guidance")  # fmt: skip
            saver = export.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            missing = components.status()
            missing.visible = False
            with gr.Row(elem_classes="ge-easel-row") as stage:
                with gr.Column(elem_classes="ge-easel-side"):
                    brush = mask_brush("fill", label="The picture; paint to hide")
                    go, halt, status = run_row("Fill in", "fill-go", "fill-stop")
                with gr.Column(elem_classes="ge-film-side"):
                    player = film(
                        FILM, label="Four fillings-in", below=20, largest=252, tile=150, expected=4
                    )
            table = picture_table(label="The picture, what was given, and four fillings-in")

    part.controls(
        mask=brush.mask, shown=shown, **own.named(), seed=seed, steps=steps, repeats=repeats,
        label=label, guidance=guidance,
    )  # fmt: skip
    part.outputs(
        film=player, table=table, status=status, code=notes.code, stop=halt, brush=brush.view,
        mask=brush.mask, shelf=own.view, label=label, guidance=guidance, stage=stage,
        repeats=repeats, missing=missing,
    )  # fmt: skip
    part.arrives(arrive)
    part.on([go.click, shown.input, seed.input], show, main=True)
    part.on([own.source.input, own.choice.select], choose)
    part.draws(own.pad, choose)
    part.stops(halt, js=stop(FILM))
    part.saves(saver, save)

    context.remember("denoise.fill.mask", brush.mask, parse=mask_text)
    context.remember("denoise.fill.sample", own.choice, parse=whole(0, 15))
    context.remember("denoise.fill.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("denoise.fill.steps", steps, parse=whole(5, 100))
    context.remember("denoise.fill.repeats", repeats, parse=whole(1, 10))
    context.remember("denoise.fill.class", label, parse=whole(ANY, 999))
    context.remember("denoise.fill.guidance", guidance, parse=number(0, 8))
