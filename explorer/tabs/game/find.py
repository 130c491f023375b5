"""Find me: the code whose picture comes nearest to a given one, searched for while one watches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.curves.curves import curves
from explorer.components.picture_table.picture_table import as_table, picture_table
from explorer.components.readings.readings import readings
from explorer.page import saves as export
from explorer.page.address import number, whole
from explorer.page.choice import Picture, as_shelf, chosen_in, picture_controls
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.server.abilities import classes_of, read_label
from explorer.server.ask import Seed
from explorer.server.reading import NotYet, class_choices, is_number, is_whole, next_seed
from models.contract.knobs import checked_seed

if TYPE_CHECKING:
    from models.codes.inversion import Attempt

TITLE = "Find me"

MOST_SEARCHES, MOST_STEPS, MOST_PULL = 16, 600, 0.1
DRAWN = 6  # searches whose error is drawn
PAUSE = 0.12  # seconds between two pictures of a running search

LOOK_FOR = r"""
* **A sample is found, a drawing is not.** The generator made its samples: the search should come
  back to something near. Of your own drawing it can make only what it can make: the difference is
  what lies outside its reach. That is mode dropping, seen from the other side.
* **Many valleys.** Every search began at another code. Those that end high are stuck: downhill
  leads to no better picture from there.
* **The pull.** Without it codes wander far from 0, where no sample ever comes from, to win a little
  error. Look at the length of the code beside $\sqrt{D}$, which is usual.
* **One look or a search.** Where the model has an encoder, its guess costs one evaluation. It knows
  what is in the picture rather than where each pixel is; a search that begins there starts ahead.
* **Turn it to another picture**: upside down, or clothes to a model of digits.
"""


class Wish(NamedTuple):
    """What is searched for, and how. label: a class, or None for every one (or none there are)."""

    picture: Picture
    label: int | None
    searches: int
    steps: int
    pull: float
    seed: int


# -- what is computed -----------------------------------------------------------------------------


def begun(context: Context, name: str, wish: Wish) -> tuple[int, list[int]]:
    """(searches, classes that are meant in turn): each class, or category of a code, that could be
    meant is begun with at least once."""
    from models.codes.inversion import codes_of

    count = len(classes_of(context.store.header(name)))
    labels = [] if not count else list(range(count)) if wish.label is None else [wish.label]
    codes = codes_of(context.store.get(name))
    kinds = max((c.stop - c.start for c in codes if c.kind == "categorical"), default=1)
    return max(wish.searches, len(labels), kinds), labels


class Found(NamedTuple):
    """Where a search is. rows: (R, step + 1) errors so far. guess: the encoder's picture and its
    error, or None; from_guess: the row that does best of those that began there, or None."""

    attempt: Attempt
    rows: np.ndarray
    guess: tuple[np.ndarray, float] | None
    from_guess: int | None


def progress(context: Context, name: str, wish: Wish) -> Iterator[Found]:
    """Yields where the search is, after every step."""
    from models.codes.inversion import search_steps

    n, labels = begun(context, name, wish)
    encodes = "Encodes" in context.store.header(name).capabilities
    encoded = max(1, len(labels)) if encodes else 0  # the last rows, which begin at its guess

    def begin() -> Iterator[Found]:
        x = wish.picture.pixels[None].astype(np.float32) / 255
        errors, guess = [], None
        for attempt in context.ask.steps(
            name, search_steps, x, n, Seed(wish.seed), labels, steps=wish.steps, prior=wish.pull,
            tape=True,
        ):  # fmt: skip
            errors.append(attempt.errors)
            ahead = None
            if encoded:
                first = len(errors[0]) - encoded
                ahead = first + int(errors[-1][first:].argmin())
                if guess is None:
                    guess = attempt.x[ahead], float(errors[0][ahead])
            yield Found(attempt, np.stack(errors, 1), guess, ahead)

    picture, *settings = wish
    return context.ask.kept_steps(("game-find", name, picture.key, *settings), begin)


# -- handlers -------------------------------------------------------------------------------------


def read_wish(context: Context, name: str, asked: Asked) -> Wish:
    """The checked wish. Raises ValueError with one sentence."""
    limits = ((asked.searches, MOST_SEARCHES, "Searches"), (asked.steps, MOST_STEPS, "Steps"))
    for value, most, what in limits:
        if not is_whole(value) or not 1 <= value <= most:
            raise ValueError(f"{what} must be a whole number from 1 to {most}.")
    if not is_number(asked.pull) or not 0 <= asked.pull <= MOST_PULL:
        raise ValueError(f"The pull must be a number from 0 to {MOST_PULL:g}.")
    checked_seed(asked.seed)
    label = read_label(context.store.header(name), asked.label)
    return Wish(
        chosen_in(context, name, asked), label, int(asked.searches), int(asked.steps),
        float(asked.pull), int(asked.seed),
    )  # fmt: skip


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """What was found so far, until the search is over."""
    wish = read_wish(context, name, asked)
    yield screen(code=code_of(context, name, wish))
    shown = 0.0
    for found in progress(context, name, wish):
        step, total = found.attempt.step, found.attempt.total
        if step < total and time.monotonic() - shown < PAUSE:
            yield None
            continue
        shown = time.monotonic()
        status = say(f"Searching: step {step} of {total}", step / total, "busy")
        if step == total:
            status = say(sentence(wish, found))
        yield screen(
            pictures=as_pictures(wish, found), every=as_searches(context, name, found),
            curves=as_curves(found), facts=as_facts(context, name, found),
            found=handed(name, wish, found), status=status,
        )  # fmt: skip


def anew(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model is on screen: its shelf and classes, then a search."""
    classes = classes_of(context.store.header(name))
    asked = asked.but(label=asked.label if asked.label in range(len(classes)) else -1)
    choices = class_choices(classes, "Every class is tried")
    yield screen(
        shelf=as_shelf(context, name, asked.choice),
        label=gr.Dropdown(choices=choices, value=asked.label, visible=bool(classes)),
    )
    yield from show(context, name, asked)


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The picture, the one found and their difference as PNG."""
    found = asked.found
    if not isinstance(found, dict) or found.get("model") != name:
        raise NotYet("Nothing has been found yet; search first.")
    picture = chosen_in(context, name, asked)
    label = {} if found["label"] is None else {"label": found["label"]}
    made = context.ask(name, "decode", np.array([found["z"]], np.float32), **label)
    made = as_bytes(made[0])
    apart = np.abs(made.astype(int) - picture.pixels).astype(np.uint8)
    sheet = images.grid_image(np.stack([picture.pixels, made, apart]), columns=3, scale=8, gap=8)
    return components.file(f"{name}-found.png", images.png_bytes(sheet), "image/png")


# -- values ---------------------------------------------------------------------------------------


def off(error: float) -> str:
    return f"{100 * error:.1f} % off"


def as_pictures(wish: Wish, found: Found) -> dict[str, Any]:
    """The picture beside what was found, and beside the encoder's guess where there is one."""
    attempt, target = found.attempt, wish.picture.pixels / np.float32(255)
    best = attempt.x[attempt.best]
    columns = [
        ("The picture", wish.picture.words, target),
        ("Nearest found", off(float(attempt.errors[attempt.best])), best),
        ("Difference", "what it cannot reach so far", np.abs(best - target)),
    ]
    if found.guess is not None:
        made, error = found.guess
        ahead = attempt.x[found.from_guess]
        columns.append(("The encoder's guess", off(error), made))
        columns.append(("Searched on from it", off(float(attempt.errors[found.from_guess])), ahead))
    names, notes, pictures = zip(*columns, strict=True)
    return as_table(pictures, names, shape=target.shape, notes=notes)


def as_searches(context: Context, name: str, found: Found) -> dict[str, Any]:
    """What every search has reached, the nearest first."""
    attempt, classes = found.attempt, classes_of(context.store.header(name))
    order = attempt.errors.argsort().tolist()[:MOST_SEARCHES]
    notes = [off(float(attempt.errors[k])).removesuffix(" off") for k in order]
    if attempt.label is not None:
        meant = [classes[int(attempt.label[k])] for k in order]
        notes = [f"{one}, {note}" for one, note in zip(meant, notes, strict=True)]
    pictures = attempt.x[order]
    names = [f"{place + 1}" for place in range(len(order))]
    return as_table(list(pictures), names, shape=pictures.shape[1:], notes=notes)


def as_curves(found: Found) -> dict[str, Any]:
    """The error of the nearest searches, step by step."""
    nearest = found.attempt.errors.argsort().tolist()[:DRAWN]
    lines = [
        {"name": f"search {place + 1}", "y": (100 * found.rows[k]).round(3).tolist()}
        for place, k in enumerate(nearest)
    ]
    plot = {
        "title": "Error, step by step", "note": f"root mean square, the {len(lines)} nearest",
        "unit": "%", "x": list(range(found.rows.shape[1])), "x_name": "step",
        "range": [0, found.attempt.total], "log": False, "lines": lines,
    }  # fmt: skip
    return {"plots": [plot], "chosen": 0, "legend": False}


def as_facts(context: Context, name: str, found: Found) -> dict[str, Any]:
    """How near, how far out the code lies, and what it was found as."""
    from models.codes.inversion import codes_of

    attempt, best = found.attempt, found.attempt.best
    z, codes = attempt.z[best], codes_of(context.store.get(name))
    free = np.ones(len(z), bool)
    items = [("Error", off(float(attempt.errors[best])))]
    if attempt.label is not None:
        classes = classes_of(context.store.header(name))
        items.append(("Found as", classes[int(attempt.label[best])]))
    for code in codes:
        part = z[code.start : code.stop]
        free[code.start : code.stop] = False
        told = f"{int(part.argmax())}" if code.kind == "categorical" else f"{float(part[0]):+.2f}"
        items.append((code.name.capitalize(), told.replace("-", "−")))
    noise = z[free]
    items.append(("Length of the code", f"{np.linalg.norm(noise):.1f}"))
    items.append(("Typical length", f"{np.sqrt(len(noise)):.1f}"))
    return {"items": [{"name": term, "values": [text]} for term, text in items]}


def handed(name: str, wish: Wish, found: Found) -> dict[str, Any]:
    """The nearest code for another tab (see ``Context.code``)."""
    attempt, best = found.attempt, found.attempt.best
    return {
        "model": name, "z": attempt.z[best].tolist(),
        "label": None if attempt.label is None else int(attempt.label[best]),
        "source": f"what was found for {wish.picture.words}",
    }  # fmt: skip


def sentence(wish: Wish, found: Found) -> str:
    """How the search ended."""
    attempt = found.attempt
    words = f"{wish.picture.words[0].upper()}{wish.picture.words[1:]}, "
    words += f"{off(float(attempt.errors[attempt.best]))} after {attempt.total} steps"
    if found.guess is not None:
        words += f"; the encoder's guess was {off(found.guess[1])}"
    return words + "."


def code_of(context: Context, name: str, wish: Wish) -> str:
    """The lines that search."""
    (n, labels), label = begun(context, name, wish), None
    if labels:
        label = labels[0] if len(labels) == 1 else raw(f"torch.arange({n}) % {len(labels)}")
    return snippet(
        loading(context, name),
        wish.picture.code.rstrip("\n"),
        call("start = starting_codes", raw("model"), n, raw(f"generator({wish.seed})")),
        call(
            "steps = invert_steps", *map(raw, ("model", "x", "start")), label=label,
            steps=wish.steps, prior=wish.pull,
        ),
        "for found in steps:",
        "    error = found.errors[found.best]",
        "z, image = found.z[found.best], found.x[found.best]",
    )  # fmt: skip


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            go, halt, status = run_row("Search again", "find-go", "find-stop")
            own = picture_controls(context, "find", label="Picture", selected=0)
            label = gr.Dropdown([("Every class is tried", -1)], value=-1, label="Class",
                                visible=False, filterable=False, elem_id="find-class")  # fmt: skip
            searches = gr.Slider(1, MOST_SEARCHES, 8, step=1, label="Searches at once",
                                 elem_id="find-searches")  # fmt: skip
            steps = gr.Slider(20, MOST_STEPS, 200, step=10, label="Steps", elem_id="find-steps")
            pull = gr.Slider(0, MOST_PULL, 0.001, step=0.001, label="Stay near typical codes",
                             elem_id="find-pull")  # fmt: skip
            seed = gr.Number(1, label="Seed", precision=0, elem_id="find-seed",
                             info="Of where the searches begin.")  # fmt: skip
            with gr.Row(elem_classes="ge-saves"):
                hand = gr.Button("Open in Latent space", size="sm", elem_id="find-open",
                                 visible="latent" in context.titles)  # fmt: skip
                png = gr.Button("Save as PNG", size="sm", elem_id="find-png")
            saver = export.SaveButtons({"png": png}, components.saver())
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]):
            pictures = picture_table(label="The picture, and the nearest found", room=196)
            facts = readings("")
            lines = curves()
            components.heading("Every search", "Each began at its own code; the nearest first.")
            all_of_them = picture_table(label="What every search has reached", room=84)
            found = gr.State(None)

    part.controls(
        **own.named(), label=label, searches=searches, steps=steps, pull=pull, seed=seed,
        found=found,
    )  # fmt: skip
    part.outputs(
        pictures=pictures, every=all_of_them, curves=lines, facts=facts, found=found,
        status=status, code=notes.code, stop=halt, shelf=own.view, label=label, seed=seed,
    )  # fmt: skip
    part.arrives(arrive)
    part.on([own.source.input, own.choice.select, label.input, seed.input], show)
    part.on([searches.input, steps.input, pull.input], show, rest=0.4)
    part.draws(own.pad, show)
    part.on(go.click, anew, main=True)
    part.stops(halt)
    part.saves(saver, save)
    taken = hand.click(lambda code: code, found, context.code, **context.light)
    taken.then(None, js=context.go("latent"), api_visibility="private")
    context.remember("game.find.sample", own.choice, parse=whole(0, 15))
    context.remember("game.find.searches", searches, parse=whole(1, MOST_SEARCHES))
    context.remember("game.find.steps", steps, parse=whole(20, MOST_STEPS))
    context.remember("game.find.pull", pull, parse=number(0, MOST_PULL))
    context.remember("game.find.seed", seed, parse=whole(0, 2**53 - 1))
