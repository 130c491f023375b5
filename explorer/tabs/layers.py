"""Layer by layer: a picture bent into noise by an invertible model, and noise into a picture."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.bell.bell import as_bell, bell
from explorer.components.curves.curves import curves
from explorer.components.film.film import film
from explorer.page import saves
from explorer.page.address import whole
from explorer.page.choice import Picture, as_shelf, picture_controls, read
from explorer.page.code import import_lines, in_code
from explorer.page.context import Context
from explorer.page.runs import LIVE, newest_only, rested
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.server.reading import is_whole, next_seed

log = logging.getLogger(__name__)

TITLE = "Layers"
NEEDS = {"Flows"}
FILM = "layers"

REACH = 3.0  # so many deviations are black and white

LOOK_FOR = r"""
* **Nothing is lost.** Every layer can be undone. Follow the picture to the last frame: it looks
  like noise, and is the picture still, to the error of the arithmetic (third curve).
* **What is paid.** $\log|\det|$ adds up how much each layer stretches the space around the
  picture.
  The more it stretches, the thinner noise there is spread over, and the likelier the picture.
* **Where the likelihood comes from.** The first curve is what the picture would cost in bits per
  pixel if the flow ended at that layer and its numbers were taken for normal. The logit alone is
  far off; see which layers do the work.
* **Is it noise?** The bars are the numbers of this layer against the normal curve. At the end they
  should lie under it. A picture unlike the training pictures does not get there: draw something
  else, and look at the last frame.
* **The other way.** The right film is noise drawn anew at the last frame; play it backwards, and
  the same layers, undone one after the other, make a picture of it.
* **Half is finished early.** After the first scale half of the numbers are done: they lie still
  while the rest goes on at half the resolution.
"""


class Way(NamedTuple):
    """A picture's way to noise and a noise's way to a picture, T moments each.

    names: T. there, back and drawn: (T, C, H, W) float32; back is the way back from the picture's
    noise and drawn that of another noise, both at the same moments. log_det, nats: (T,).
    returned: (C, H, W) in [0, 1], the picture that came back.
    """

    names: list[str]
    there: np.ndarray
    back: np.ndarray
    drawn: np.ndarray
    log_det: np.ndarray
    nats: np.ndarray
    returned: np.ndarray


# -- what is computed -----------------------------------------------------------------------------


def way(context: Context, name: str, picture: Picture, seed: int) -> Way:
    """Both ways through the layers; kept while it is among the newest."""
    key = ("layers", name, picture.key, seed)
    if (found := context.recent.get(key)) is not None:
        return found
    import torch

    from models.contract.random import generator, normal

    model = context.store.get(name)
    with torch.no_grad():
        x = torch.from_numpy(picture.pixels[None].astype(np.float32) / 255).to(model.device)
        stages = list(model.flow_steps(x))
        z = model.encode(x)
        noise = normal(z.shape, generator(seed), model.device)
        back, drawn = (
            torch.cat(list(model.inverse_steps(codes))).flip(0).float().cpu().numpy()
            for codes in (z, noise)
        )
        returned = model.decode(z)[0].float().cpu().numpy()
    found = Way(
        [stage.name for stage in stages],
        torch.cat([stage.h for stage in stages]).float().cpu().numpy(),
        back,
        drawn,
        torch.cat([stage.log_det for stage in stages]).cpu().numpy(),
        torch.cat([stage.nats for stage in stages]).cpu().numpy(),
        returned,
    )
    return context.recent.put(key, found)


def seen(moments: np.ndarray) -> np.ndarray:
    """(T, C, H, W) uint8: each moment from -3 to 3 of its deviations, those of noise at least."""
    deviation = np.sqrt(np.square(moments).mean((1, 2, 3), keepdims=True)).clip(1)
    return as_bytes(0.5 + moments / (2 * REACH * deviation))


def rms(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The root mean square of a - b over all but the first axis."""
    return np.sqrt(np.square(a - b).reshape(len(a), -1).mean(1))


# -- what is shown --------------------------------------------------------------------------------


def reel(made: Way, run: str) -> dict[str, Any]:
    """The value of the film."""
    return {
        "rows": [
            {
                "name": title,
                "note": "",
                "sprite": images.sprite(seen(moments)),
                "captions": made.names,
            }
            for title, moments in (("Your picture", made.there), ("Another noise", made.drawn))
        ],
        "run": run,
    }


def curve_value(made: Way) -> dict[str, Any]:
    """Bits per dimension, log-determinant and inversion error, moment by moment."""
    T = len(made.names)
    D = made.there[0].size
    bits = -made.nats / (D * math.log(2))
    # An error of exactly nothing has no place on a logarithmic axis.
    error = [v or None for v in rms(made.back, made.there).tolist()]
    x = list(range(T))
    plots = [
        ("If it ended here", "8-bit", "bits/dim", bits.tolist(), False),
        ("log |det| so far", "", "nats", made.log_det.tolist(), False),
        ("Error of the way back", "root mean square", "", error, True),
    ]
    return {
        "plots": [
            {
                "title": title,
                "note": note,
                "unit": unit,
                "x": x,
                "x_name": "layer",
                "range": [0, T - 1],
                "log": logarithmic,
                "lines": [{"name": title, "y": y}],
            }
            for title, note, unit, y, logarithmic in plots
        ],
        "chosen": 0,
        "legend": False,
    }


def bells(made: Way) -> dict[str, Any]:
    """The value of the bell: the numbers of the picture, moment by moment."""
    return as_bell(
        made.there,
        [
            f"{name}\nmean {h.mean():+.2f}, deviation {h.std():.2f}\n"
            f"beyond ±2: {100 * (np.abs(h) > 2).mean():.1f} % (normal: 4.6 %)"
            for name, h in zip(made.names, made.there, strict=True)
        ],
    )


def words(made: Way, picture: Picture) -> str:
    error = float(rms(made.returned[None], picture.pixels[None] / np.float32(255))[0])
    bits = -float(made.nats[-1]) / (picture.pixels.size * math.log(2))
    return (
        f"{picture.words[0].upper()}{picture.words[1:]}: {bits:.2f} bits/dim at the last layer. "
        f"Back through all {len(made.names) - 1} layers it comes within {error:.1e} of itself."
    )


def snippet(context: Context, name: str, picture: Picture, seed: int) -> str:
    """The lines that go both ways."""
    imports = import_lines("from models import generator, load, normal", *picture.imports)
    return (
        "\n".join(imports) + "\n\n"
        f"model = load({in_code(context.store.header(name).folder)!r})\n"
        f"{picture.code}"
        "for stage in model.flow_steps(x):\n"
        "    print(stage.name, stage.log_det.item(), stage.nats.item())\n"
        "z = model.encode(x)  # the last stage, in a row\n"
        "error = (model.decode(z) - x).abs().max()\n"
        f"noise = normal(z.shape, generator({seed}), 'cpu')\n"
        "for h in model.inverse_steps(noise):  # the layers undone, (1, C, H, W) each\n"
        "    pass\n"
        "image = model.decode(noise)\n"
    )


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def read_wish(context: Context, name: str, seed: Any, given: tuple) -> tuple[int, Picture]:
    """The checked seed and picture. Raises ValueError with one sentence."""
    if not is_whole(seed) or not 0 <= seed < 2**53:
        raise ValueError("The seed must be a whole number from 0 on, such as 7.")
    return int(seed), read(context, name, *given)


def show(context: Context, name: str, seed: Any, *given: Any) -> Iterator[tuple[Any, ...]]:
    """Yields (film, curves, bell, status, code). given: source, place and pad of the picture."""
    none = [gr.skip()] * 3
    try:
        seed, picture = read_wish(context, name, seed, given)
        if name not in context.store.loaded:
            yield *none, say("Loading the model …", kind="busy"), gr.skip()
        made = way(context, name, picture, seed)
    except (ValueError, RuntimeError) as error:
        yield *none, say(str(error), kind="problem"), gr.skip()
        return
    run = f"{name} {picture.key} {seed}"
    code = snippet(context, name, picture, seed)
    yield reel(made, run), curve_value(made), bells(made), say(words(made, picture)), code


def arrive(context: Context, name: str, place: Any) -> tuple[Any, Any]:
    """A model is on screen: (status, shelf)."""
    return say("", kind="busy"), as_shelf(context, name, place)


def save(context: Context, kind: str, name: str, seed: Any, *given: Any) -> tuple[Any, Any]:
    """(file for the saver, status): both ways as an animation or as a strip."""
    try:
        seed, picture = read_wish(context, name, seed, given)
        made = way(context, name, picture, seed)
    except (ValueError, RuntimeError) as error:
        return gr.skip(), say(str(error), kind="problem")
    rows = [seen(made.there), seen(made.drawn)]
    return saves.film_file(kind, f"{name}-layers", rows), gr.skip()


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The tab."""
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more = gr.Button("Another noise", variant="primary", elem_id="layers-more")
            status = components.status()
            picture = picture_controls(context, "layers", label="Your picture", selected=0)
            # Not 0, of which the samples are.
            seed = gr.Number(1, label="Seed of the other noise", precision=0, elem_id="layers-seed")
            saver = saves.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]):
            with gr.Row(elem_classes="ge-beside"):
                player = film(FILM, label="Layer by layer", below=240, largest=336, autoplay=True)
                spread = bell(follows=FILM)
            lines = curves(follows=FILM)

    inputs = [context.picker, seed, *picture.inputs]
    outputs = [player, lines, spread, status, notes.code]
    draw = newest_only(FILM, partial(show, context))
    arrived = context.on_show(partial(arrive, context), [picture.choice], [status, picture.view])
    pressed = more.click(next_seed, seed, seed, **context.light)
    wishes = (seed.input, picture.choice.select, picture.source.input)
    for event in (arrived.then, pressed.then, *wishes):
        event(draw, inputs, outputs, **LIVE)
    picture.pad.draw(newest_only(FILM, rested(partial(show, context))), inputs, outputs, **LIVE)
    saver.wire(partial(save, context), inputs, status, context)

    context.remember("layers.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("layers.sample", picture.choice, parse=whole(0, 15))
