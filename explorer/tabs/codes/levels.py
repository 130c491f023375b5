"""Level by level: a picture's upper levels are held, and what lies below is drawn anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.picture_rows.picture_rows import picture_rows
from explorer.components.signed_bars.signed_bars import signed_bars
from explorer.page.address import whole
from explorer.page.choice import Picture, as_shelf, chosen_in, picture_controls
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.snippet import loading, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.server.ask import Seed
from explorer.server.reading import next_seed
from models.contract.knobs import MOST_SEED, checked_seed

TITLE = "Level by level"
NEEDS = {"HasLevels"}

DRAWN = 7  # pictures of each level
DRAWS = 16  # of which the nats of a level are the mean
SILENT = 0.05  # nats, below which a level says nothing

LOOK_FOR = r"""
* **What lives where.** In the first row nothing is held, and every picture is another. From row to
  row one level more is held. Where the pictures of a row still differ, the levels below decide;
  where they no longer do, those below hold nothing but small strokes and noise.
* **The bars** are the nats that this picture puts into each level, the mean of 16 draws: their sum
  is the KL part of the bound on $-\log p$. A level with many nats is one that the rows change at.
* **Posterior collapse.** A level at 0 nats says nothing of the picture: its guess is what the prior
  would have drawn anyway, and holding it changes nothing. Take the collapsed model: the same
  network, trained without raising the price of a code slowly, and most of its levels are silent.
* **A picture unlike the training pictures.** Draw a letter. The last row shows what all levels
  together can keep of it; the first rows are pictures of the training set as ever.
"""


class Levels(NamedTuple):
    """names: L levels, from the uppermost. nats: (L,) what the picture puts into each. drawn:
    (L + 1, N, C, H, W) uint8, pictures with the k uppermost levels held."""

    names: tuple[str, ...]
    nats: np.ndarray
    drawn: np.ndarray


def _held(model: Any, x: Any, guess: Any, rng: Any, level: int, n: int) -> Any:
    return model.sample_held(level, model.encode_levels(x, guess), rng, n)


def levels_of(context: Context, name: str, picture: Picture, seed: int) -> Levels:
    """All that is shown of a picture."""
    x = picture.pixels[None].astype(np.float32) / 255

    def compute() -> Levels:
        names = tuple(context.store.get(name).levels)
        nats = context.ask(name, "level_kl", np.repeat(x, DRAWS, 0), Seed(seed))
        drawn = [
            context.ask(name, _held, x, Seed(seed), Seed(seed, level), level, DRAWN)
            for level in range(len(names) + 1)
        ]
        return Levels(names, nats.mean(0), as_bytes(np.stack(drawn)))

    return context.ask.kept(("levels", name, picture.key, seed), compute)


# -- handlers -------------------------------------------------------------------------------------


def rows_of(picture: Picture, found: Levels) -> dict[str, Any]:
    """The value of the rows."""
    rows = [
        {"name": "Picture", "note": picture.words, "sprite": images.sprite(picture.pixels[None])}
    ]
    for k, drawn in enumerate(found.drawn):
        level = found.names[k - 1]
        title = "Nothing held" if k == 0 else f"Held down to {level}"
        note = "all drawn anew" if k == 0 else f"{found.nats[k - 1]:.1f} nats in {level}"
        if k == len(found.names):
            note += "; nothing is left to draw"
        rows.append({"name": title, "note": note, "sprite": images.sprite(drawn)})
    return {"rows": rows, "columns": None, "chosen": None}


def bars_of(found: Levels) -> dict[str, Any]:
    """The value of the bars."""
    rows = [
        {"name": name, "value": float(nats), "text": f"{nats:.1f}"}
        for name, nats in zip(found.names, found.nats, strict=True)
    ]
    return {"rows": rows, "chosen": int(found.nats.argmax())}


def words_of(found: Levels) -> str:
    total = found.nats.sum()
    silent = [name for name, nats in zip(found.names, found.nats, strict=True) if nats < SILENT]
    said = f"{total:.1f} nats in {len(found.names)} levels, most of them in {_most(found)}."
    if not silent:
        return said
    which = f"The levels {', '.join(silent)} say" if len(silent) > 1 else f"Level {silent[0]} says"
    return f"{said} {which} nothing of the picture."


def _most(found: Levels) -> str:
    return found.names[int(found.nats.argmax())]


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The picture's levels."""
    picture, seed = chosen_in(context, name, asked), checked_seed(asked.seed)
    yield screen(status=say("Drawing level by level …", kind="busy"))
    found = levels_of(context, name, picture, seed)
    code = snippet(
        loading(context, name), picture.code.rstrip("\n"),
        f"codes = model.encode_levels(x, generator({seed}))",
        f"nats = model.level_kl(x.repeat({DRAWS}, 1, 1, 1), generator({seed})).mean(0)",
        "for level in range(len(model.levels) + 1):  # so many levels are held",
        f"    drawn = model.sample_held(level, codes, generator({seed}, level), {DRAWN})",
    )  # fmt: skip
    yield screen(
        rows=rows_of(picture, found), bars=bars_of(found), status=say(words_of(found)), code=code
    )


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """A model is on screen: its shelf, then the levels of a picture."""
    yield screen(shelf=as_shelf(context, name, asked.choice))
    yield from show(context, name, asked)


def another(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The next seed."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def build(context: Context) -> None:
    """The part."""
    part = Part(context, NEEDS)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more = gr.Button("Draw anew", variant="primary", elem_id="codes-levels-more")
            status = components.status()
            picture = picture_controls(context, "codes-levels", label="Picture", selected=2)
            # Not 0, of which the samples are.
            seed = gr.Number(1, label="Seed", precision=0, elem_id="codes-levels-seed")
            bars = signed_bars(label="Nats of the picture in each level")
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]) as stage:
            rows = picture_rows(label="Pictures with more and more levels held", largest=84)

    part.controls(seed=seed, **picture.named())
    part.outputs(
        rows=rows, bars=bars, status=status, code=notes.code, seed=seed, shelf=picture.view,
        stage=stage,
    )  # fmt: skip
    part.arrives(arrive)
    part.on(more.click, another, main=True)
    part.on([seed.input, picture.choice.select, picture.source.input], show)
    part.draws(picture.pad, show)

    context.remember("codes.levels.seed", seed, parse=whole(0, MOST_SEED))
    context.remember("codes.levels.sample", picture.choice, parse=whole(0, 15))
