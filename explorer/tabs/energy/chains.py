"""Chains that walk in the energy, step by step: from noise, from data, from a drawing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.curves.curves import curves
from explorer.components.film.film import film, stop
from explorer.components.readings.readings import readings
from explorer.page import saves as export
from explorer.page.address import number, one_of, whole
from explorer.page.choice import OWN, SAMPLE, OwnPicture, samples
from explorer.page.choice import read as read_picture
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.films import mosaic
from explorer.server.abilities import takes
from explorer.server.previews import real
from explorer.server.reading import is_number, is_whole, next_seed
from explorer.server.words import data_title
from explorer.tabs.energy.picture import difference, nats
from explorer.tabs.energy.walks import SURE, Walk, as_floats, data_of, runs_chains, walk
from models.contract.knobs import checked_seed

TITLE = "Chains"
FILM = "chains"
NOISE = "noise"
COUNTS = (1, 4, 9, 16)
STEPS = (10, 20, 50, 100, 200, 500, 1000, 2000)
SIZES = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4)
TRAINED = 0.0  # the step size that the model was made with
MOST_STEPS, MOST_TEMPERATURE = 10_000, 3.0

LOOK_FOR = r"""
* **Down, and shaken.** A Langevin step goes down the slope and adds noise; a Gibbs step draws
  hidden units and pixels in turn. Either ends in $p(x)$, if it goes on for long enough.
* **From noise.** Watch when the cleaned pictures become digits. Where the model has noise levels,
  the level falls on the way: at the largest there is one valley that every start falls into.
* **Two curves.** On the left all is measured by one energy, that of the pictures without their
  noise. Beside it is the energy that a chain has at its own noise level: every level has another.
* **From data.** Are the digits after 500 steps the same ones? A chain seldom leaves its valley:
  count how many are still read as at the start. That is the trouble with chains: each digit is
  drawn well, and the share of each takes for ever to come right.
* **A thousand steps more.** Chains of a badly trained energy leave the data for places that are
  absurdly low. Do these stay? Follow the energy, and the judge.
* **Temperature** $T$ scales the noise by $\sqrt T$: the chain draws from $p(x)^{1/T}$. At 0 it only
  goes downhill. What becomes of the digits, and what of their variety?
* **Large steps cost.** A Langevin chain of finite steps is a little too warm: of a Gaussian with
  standard deviation $s$, steps $\epsilon$ make the variance $s^2 / (1 - \epsilon^2 / 4 s^2)$.
* **The judge** is sure of much that is no digit. It counts among other things, never alone.
"""


class Wish(NamedTuple):
    """source: NOISE, SAMPLE (data) or OWN. size: of a step, None for the model's own."""

    source: str
    count: int
    steps: int
    temperature: float
    size: float | None
    seed: int


class Start(NamedTuple):
    """Where chains begin. at: (N, C, H, W) in [0, 1], or how many from noise. key: names it, for
    what is kept. words: for the status. code: lines that make ``start``."""

    at: np.ndarray | int
    key: Any
    words: str
    code: list[str]


# -- what is asked for ----------------------------------------------------------------------------


def read_wish(asked: Asked) -> Wish:
    """Checked values of the controls. Raises ValueError with one sentence."""
    if asked.source not in (NOISE, SAMPLE, OWN):
        raise ValueError("Chains begin at noise, at data or at a picture of yours.")
    if not is_whole(asked.count) or not 1 <= asked.count <= COUNTS[-1]:
        raise ValueError(f"Ask for 1 to {COUNTS[-1]} chains at once.")
    if not is_whole(asked.steps) or not 1 <= asked.steps <= MOST_STEPS:
        raise ValueError(f"A chain takes a whole number of steps from 1 to {MOST_STEPS:,}.")
    if not is_number(asked.temperature) or not 0 <= asked.temperature <= MOST_TEMPERATURE:
        raise ValueError(f"The temperature must be a number from 0 to {MOST_TEMPERATURE:g}.")
    size = asked.size
    if not is_number(size) or not (size == TRAINED or SIZES[0] <= size <= SIZES[-1]):
        raise ValueError(f"A step's size must be from {SIZES[0]} to {SIZES[-1]} noise levels.")
    return Wish(
        asked.source, int(asked.count), int(asked.steps), float(asked.temperature),
        float(size) or None, checked_seed(asked.seed),
    )  # fmt: skip


def start_of(context: Context, name: str, wish: Wish, pad: Any) -> Start:
    """Where the chains of a wish begin. Raises ``ImageError`` where there is no picture."""
    n = wish.count
    if wish.source == NOISE:
        return Start(n, (NOISE, n), "noise", [f"start = {n}  # chains, from noise"])
    if wish.source == OWN:
        own = read_picture(context, name, OWN, None, pad)
        at = np.repeat(as_floats(own.pixels)[None], n, 0)
        code = [own.code.rstrip("\n"), f"start = x.expand({n}, -1, -1, -1)"]
        return Start(at, (own.key, n), "your picture", code)
    pictures, words = data_of(context, name)
    if (kept := real(context.store, name)) is not None:
        file = call("load_file", in_code(kept.path))
        code = [f'start = torch.from_numpy({file}["pictures"][:{n}]) / 255']
    else:
        drawn = samples(context, name)[1]
        line = f"start = (model.sample({drawn}, generator(0))[:{n}] * 255).round() / 255"
        code = [line]
    return Start(as_floats(pictures[:n]), ("data", n), words, code)


def knobs_of(context: Context, name: str, wish: Wish) -> dict[str, Any]:
    """The wish as arguments that the model's chains take."""
    wanted = {"steps": wish.steps, "temperature": wish.temperature, "step_size": wish.size}
    model = context.store.get(name)
    return {
        key: value
        for key, value in wanted.items()
        if value is not None and takes(model, key, "chain_steps")
    }


def lacking(context: Context, name: str) -> str:
    """A sentence where the model runs no chains, "" where it does."""
    if runs_chains(context, name):
        return ""
    return f"{context.store.header(name).title} runs no chains in its energy."


# -- what is shown --------------------------------------------------------------------------------


def film_value(name: str, key: Any, way: Walk) -> dict[str, Any]:
    """The chains beside the pictures that they would be without their noise."""
    rows = (("Chains", "as they are", way.x, way.energy),
            ("Without noise", "the model's best guess", way.x0, way.clean))  # fmt: skip
    return {
        "rows": [
            {"name": title, "note": note, "sprite": images.sprite(mosaic(frames)),
             "captions": [f"mean {nats(e.mean())}" for e in energies]}
            for title, note, frames, energies in rows
        ],
        "run": f"{name} {key}", "running": not way.done,
    }  # fmt: skip


def curve_value(way: Walk) -> dict[str, Any]:
    """The energies along the way, a line a chain, and what the judge makes of them."""
    plot = {"x": way.step.tolist(), "x_name": "step", "range": [0, way.total]}
    plots = [
        {**plot, "title": title, "note": note, "unit": "nats", "fit": True, "lines": _lines(values)}
        for title, note, values in (
            ("Energy without the noise", "comparable along the way", way.clean),
            ("Energy of the chains", "at their noise level", way.energy),
        )
    ]
    if way.read is not None:
        n = way.read.shape[1]
        lines = [
            {"name": f"over {100 * SURE:.0f} % sure", "y": _sure(way).tolist()},
            {"name": "as at the start", "y": _same(way).tolist()},
        ]
        plots.append({**plot, "title": "What the judge says", "note": f"of {n} chains",
                      "lines": lines})  # fmt: skip
    return {"plots": plots, "chosen": 0, "legend": False}


def _lines(values: np.ndarray) -> list[dict[str, Any]]:
    """The mean, then each chain as one of many. values: (T, N)."""
    mean = {"name": "mean", "y": _numbers(values.mean(1))}
    if values.shape[1] == 1:
        return [mean]
    return [mean, *({"name": "", "y": _numbers(each), "thin": True} for each in values.T)]


def _numbers(values: np.ndarray) -> list[float]:
    return [float(f"{v:.5g}") for v in values]


def _sure(way: Walk) -> np.ndarray:
    return (way.sure > SURE).sum(1)


def _same(way: Walk) -> np.ndarray:
    return (way.read == way.read[0]).sum(1)


def reading_value(way: Walk) -> dict[str, Any]:
    """The numbers beside the film, a text a frame."""
    items = [("Step", [f"{k:,} of {way.total:,}" for k in way.step])]
    if np.isfinite(way.level).all():
        items.append(("Noise level σ", [f"{v:.3g}" for v in way.level]))
    items.append(("Without noise, nats", [_spread(row) for row in way.clean]))
    items.append(("As they are, nats", [_spread(row) for row in way.energy]))
    if way.read is not None:
        n = way.read.shape[1]
        items.append(("Judge is sure of", [f"{k} of {n}" for k in _sure(way)]))
        items.append(("Read as at the start", [f"{k} of {n}" for k in _same(way)]))
    return {"items": [{"name": title, "values": values} for title, values in items]}


def _spread(row: np.ndarray) -> str:
    mean = f"{row.mean():,.0f}".replace("-", "−")
    return mean if len(row) < 2 else f"{mean} ± {row.std():,.0f}"


def sentence(wish: Wish, start: Start, way: Walk) -> str:
    """How the chains ended."""
    chains = "1 chain" if wish.count == 1 else f"{wish.count} chains"
    first, last = (nats(float(row.mean())) for row in (way.clean[0], way.clean[-1]))
    words = (
        f"{chains} from {start.words}, {way.total:,} steps in {way.seconds:,.1f} s: without their "
        f"noise from {first} to {last}."
    )
    if way.read is not None:
        n = way.read.shape[1]
        words += f" The judge is sure of {_sure(way)[-1]} of {n}"
        still = f", and reads {_same(way)[-1]} as it read them at the start"
        words += ("" if wish.source == NOISE else still) + "."
    if wish.source == SAMPLE:
        gap = difference(way.energy[0], way.energy[-1])
        words += f" Positive less negative phase: {gap}."
    return words


def code_of(context: Context, name: str, wish: Wish, start: Start) -> str:
    """The lines that give the frames on screen and their energies."""
    knobs = knobs_of(context, name, wish)
    frames = call(
        "frames = list(model.chain_steps", raw("start"), raw(f"generator({wish.seed})"), **knobs
    )
    return snippet(
        loading(context, name),
        *start.code,
        frames + ")",
        'energies = [frame.info["energy"] for frame in frames]  # of the chains, nats',
        "clean = [model.energy(frame.x0) for frame in frames]  # without their noise",
    )


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The chains with their energies, as far as they are, until the last step."""
    wish = read_wish(asked)
    start = start_of(context, name, wish, asked.pad)
    yield screen(code=code_of(context, name, wish, start))
    knobs = knobs_of(context, name, wish)
    drawn, last = 0, 0.0
    for way in walk(context, name, start.key, start.at, wish.seed, knobs):
        key = (wish, start.key)
        if way.done:
            seen = _seen(context, name, key, way)
            yield screen(**seen, status=say(sentence(wish, start, way)))
            return
        # A film is sent whole each time: seldom enough that the sending stays the lesser work.
        now = time.monotonic()
        part = float(way.step[-1] / way.total)
        status = say(f"Step {way.step[-1]:,} of {way.total:,}{_left(way)}", part, "busy")
        if now - last > 0.25 and len(way.step) >= 1.3 * drawn:
            drawn, last = len(way.step), now
            yield screen(**_seen(context, name, key, way), status=status)
        else:
            yield screen(status=status)


def _left(way: Walk) -> str:
    """How long the rest takes, where that is worth a word."""
    taken = int(way.step[-1])
    left = way.seconds / taken * (way.total - taken) if taken else 0.0
    return f" · about {left:,.0f} s left" if left > 5 else ""


def _seen(context: Context, name: str, key: Any, way: Walk) -> dict[str, Any]:
    """What the stage shows of a walk, by output."""
    return {
        "film": film_value(name, key, way),
        "numbers": reading_value(way),
        "curves": curve_value(way),
    }


def another(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def drawn(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A picture of one's own was drawn, or taken away."""
    if asked.pad is None:
        yield screen(status=say("Draw a picture, or drop or paste one: chains begin there."))
        return
    yield from show(context, name, asked)


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """A model is on screen: the controls that it has, then its chains."""
    model, header = context.store.get(name), context.store.header(name)
    data = data_title(header.data.get("name", ""))
    own = {knob.name: knob.default for knob in model.knobs("chain_steps")}.get("step_size")
    mine = "As trained" if own is None else f"As trained: {own:g}"
    yield screen(
        size=gr.Dropdown(
            choices=size_choices(mine), visible=takes(model, "step_size", "chain_steps")
        ),
        temperature=gr.Slider(visible=takes(model, "temperature", "chain_steps")),
        source=gr.Radio(choices=sources(data)),
    )
    yield from show(context, name, asked)


def sources(data: str) -> list[tuple[str, str]]:
    return [("Noise", NOISE), (data or "Data", SAMPLE), ("Your own", OWN)]


def size_choices(mine: str = "As trained") -> list[tuple[str, float]]:
    return [(mine, TRAINED), *((f"{size:g}", size) for size in SIZES)]


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file. kind: "webp" or "gif", the film; "png", its frames in rows."""
    wish = read_wish(asked)
    start = start_of(context, name, wish, asked.pad)
    *_, way = walk(context, name, start.key, start.at, wish.seed, knobs_of(context, name, wish))
    return export.film_file(
        kind, f"{name}-chains-seed-{wish.seed}", [mosaic(way.x), mosaic(way.x0)]
    )


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context, lacking=lacking)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Run again", "chains-more", "chains-stop")
            own = OwnPicture(context, "chains", label="From", offered="Data",
                             before=[("Noise", NOISE)])  # fmt: skip
            with gr.Row(elem_classes="ge-pair"):
                steps = gr.Dropdown(
                    [(f"{k:,}", k) for k in STEPS], value=100, label="Steps", filterable=False,
                    elem_id="chains-steps",
                )  # fmt: skip
                count = gr.Dropdown(
                    [(str(k), k) for k in COUNTS], value=16, label="Chains", filterable=False,
                    elem_id="chains-count",
                )  # fmt: skip
            temperature = gr.Slider(
                0, MOST_TEMPERATURE, 1, step=0.05, label="Temperature",
                info="The noise is its square root as large; 1 is as trained.",
                elem_id="chains-temperature",
            )  # fmt: skip
            with gr.Row(elem_classes="ge-pair"):
                size = gr.Dropdown(
                    size_choices(), value=TRAINED, label="Step size", filterable=False,
                    info="In noise levels.", elem_id="chains-size",
                )  # fmt: skip
                seed = gr.Number(0, label="Seed", precision=0, info="Of the noise.",
                                 elem_id="chains-seed")  # fmt: skip
            saver = export.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage"):
            missing = components.status()
            missing.visible = False
            with gr.Column() as stage:
                with gr.Row(elem_classes="ge-watch"):
                    view = film(FILM, label="Chains, step by step", below=200)
                    numbers = readings(FILM)
                lines = curves(follows=FILM, tall=140, wide=220)

    part.controls(
        source=own.source, pad=own.pad, steps=steps, count=count, temperature=temperature,
        size=size, seed=seed,
    )  # fmt: skip
    part.outputs(
        film=view, numbers=numbers, curves=lines, status=status, code=notes.code, stop=halt,
        seed=seed, size=size, temperature=temperature, source=own.source, stage=stage,
        missing=missing,
    )  # fmt: skip
    part.arrives(arrive)
    part.on([own.source.input, steps.input, count.input, size.input, seed.input], show)
    part.on(temperature.release, show)
    part.draws(own.pad, drawn)
    part.on(more.click, another, main=True)
    part.stops(halt, js=stop(FILM))
    part.saves(saver, save)

    context.remember("energy.chains.steps", steps, parse=one_of(STEPS, int))
    context.remember("energy.chains.count", count, parse=one_of(COUNTS, int))
    context.remember("energy.chains.temperature", temperature, parse=number(0, MOST_TEMPERATURE))
    context.remember("energy.chains.size", size, parse=one_of((TRAINED, *SIZES), float))
    context.remember("energy.chains.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("energy.chains.from", own.source, parse=one_of((NOISE, SAMPLE)))
