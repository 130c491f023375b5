"""Layer by layer: a picture bent into noise by an invertible model, and noise into a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.bell.bell import as_bell, bell
from explorer.components.curves.curves import curves
from explorer.components.film.film import film
from explorer.page import saves as export
from explorer.page.address import whole
from explorer.page.choice import Picture, as_shelf, chosen_in, picture_controls
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.snippet import loading, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.server.reading import next_seed
from models.contract.knobs import checked_seed

TITLE = "Through a flow"
NEEDS = ("Flows",)
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
    """Both ways through the layers."""

    def both() -> Way:
        x = picture.pixels[None].astype(np.float32) / 255
        stages = list(context.ask.steps(name, "flow_steps", x))
        z = context.ask(name, "encode", x)
        noise = _noise(z.shape, seed)
        back, drawn = (
            np.concatenate([*context.ask.steps(name, "inverse_steps", codes)][::-1])
            for codes in (z, noise)
        )
        return Way(
            [stage.name for stage in stages],
            np.concatenate([stage.h for stage in stages]),
            back,
            drawn,
            np.concatenate([stage.log_det for stage in stages]),
            np.concatenate([stage.nats for stage in stages]),
            context.ask(name, "decode", z)[0],
        )

    return context.ask.kept(("layers", name, picture.key, seed), both)


def _noise(shape: tuple[int, ...], seed: int) -> np.ndarray:
    from models import Streams, generator, normal

    return normal(shape, Streams.of(generator(seed), 1), "cpu").numpy()


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
            for title, moments in (("Your picture", made.there), ("Other noise", made.drawn))
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
        f"Back through all {len(made.names) - 1} layers it is recovered, error {error:.1e}."
    )


def code_of(context: Context, name: str, picture: Picture, seed: int) -> str:
    """The lines that go both ways."""
    return snippet(
        loading(context, name),
        picture.code.rstrip("\n"),
        "for stage in model.flow_steps(x):\n"
        "    print(stage.name, stage.log_det.item(), stage.nats.item())",
        "z = model.encode(x)  # the last stage, in a row",
        "error = (model.decode(z) - x).abs().max()",
        f"noise = normal(z.shape, Streams.of(generator({seed}), 1), 'cpu')",
        "for h in model.inverse_steps(noise):  # the layers undone, (1, C, H, W) each\n    pass",
        "image = model.decode(noise)",
    )


# -- handlers -------------------------------------------------------------------------------------


def read_wish(context: Context, name: str, asked: Asked) -> tuple[int, Picture]:
    """The checked seed and picture. Raises ValueError with one sentence."""
    return checked_seed(asked.seed), chosen_in(context, name, asked)


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """Both ways through the layers."""
    seed, picture = read_wish(context, name, asked)
    yield screen(status=say("Through the layers and back …", kind="busy"))
    made = way(context, name, picture, seed)
    yield screen(
        film=reel(made, f"{name} {picture.key} {seed}"), curves=curve_value(made),
        bell=bells(made), status=say(words(made, picture)),
        code=code_of(context, name, picture, seed),
    )  # fmt: skip


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """A model is on screen: its shelf, then both ways."""
    yield screen(shelf=as_shelf(context, name, asked.choice))
    yield from show(context, name, asked)


def another(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The next noise."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def save(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file: both ways as an animation or as a strip."""
    seed, picture = read_wish(context, name, asked)
    made = way(context, name, picture, seed)
    return export.film_file(kind, f"{name}-layers", [seen(made.there), seen(made.drawn)])


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context, NEEDS)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more = gr.Button("Sample again", variant="primary", elem_id="layers-more")
            status = components.status()
            picture = picture_controls(context, "layers", label="Your picture", selected=0)
            # Not 0, of which the samples are.
            seed = gr.Number(1, label="Seed of the other noise", precision=0, elem_id="layers-seed")
            saver = export.save_buttons()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]):
            with gr.Row(elem_classes="ge-beside"):
                player = film(FILM, label="Layer by layer", below=240, largest=336, autoplay=True)
                spread = bell(follows=FILM)
            lines = curves(follows=FILM)

    part.controls(seed=seed, **picture.named())
    part.outputs(
        film=player, curves=lines, bell=spread, status=status, code=notes.code, seed=seed,
        shelf=picture.view,
    )  # fmt: skip
    part.arrives(arrive)
    part.on(more.click, another, main=True)
    part.on([seed.input, picture.choice.select, picture.source.input], show)
    part.draws(picture.pad, show)
    part.saves(saver, save)

    context.remember("layers.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("layers.sample", picture.choice, parse=whole(0, 15))
