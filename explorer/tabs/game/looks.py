"""Where a place of a picture looks: the attention of the generator and of the discriminator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer.components import say
from explorer.components.attention_view.attention_view import attention_view
from explorer.components.shelf.shelf import shelf
from explorer.page.address import whole
from explorer.page.choice import OWN, SAMPLE, SHELF, OwnPicture, read
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes, packed
from explorer.server.ask import Seed
from explorer.server.reading import is_whole, next_seed
from models.contract.knobs import checked_seed

TITLE = "Where it looks"
NEEDS = {"HasAttentionMaps"}

MAKES, JUDGES = "The generator, while it makes the picture", "The discriminator, while it judges it"

LOOK_FOR = r"""
* **Point at a place.** A convolution sees the places beside one. Here a place asks *every* place of
  the map, and the bright ones are those that answer. Do they lie near, or on the other sleeve?
* **Across the picture.** Look for a place whose bright spots are far away: the other leg of a pair
  of trousers, the other end of a shoe. That is what attention is for: two ends that have to match.
* **The background.** Places of the background often look at one another, or all at the same spot.
  There is nothing to agree on, and yet each row of the map has to sum to one.
* **Two networks.** The generator looks in order to draw, the discriminator in order to judge. For
  a picture of your own there is the discriminator alone: nobody drew it.
* **The gain** $\gamma$ is learned and began at 0. It says how much of what was looked up is added
  to the map. Near 0 the network hardly uses what it sees here, however pretty the map.
"""


class Made(NamedTuple):
    """Samples of a seed. pixels: (16, C, H, W) uint8. z: (16, D) their codes. label: (16,) or
    None."""

    pixels: np.ndarray
    z: np.ndarray
    label: np.ndarray | None


# -- what is computed -----------------------------------------------------------------------------


def made(context: Context, name: str, seed: int) -> Made:
    """The samples of a seed, with the codes that they are of."""

    def compute() -> Made:
        *_, frame = context.ask.steps(name, "sample_steps", SHELF, Seed(seed))
        return Made(as_bytes(frame.x), frame.info["z"], frame.info["label"])

    return context.ask.kept(("looks", name, seed), compute)


def place_of(asked: Asked) -> int:
    """Which of the samples is meant."""
    value = asked.choice
    return int(value) if is_whole(value) and 0 <= value < SHELF else 0


def look(name: str, note: str, seen: np.ndarray) -> dict[str, Any]:
    """A look of the view's value. seen: (N, N), rows that sum to one."""
    most = seen.max(1)
    entropy = -(seen * np.log(np.maximum(seen, 1e-30))).sum(1)
    return {
        "name": name,
        "note": note,
        "attention": packed(np.rint(255 * seen / most[:, None]).astype(np.uint8)),
        "most": packed(most),
        "spread": packed(np.exp(entropy)),
    }


def _gains(model: Any) -> dict[str, float]:
    return model.attention_gains


def _side(model: Any) -> tuple[int, int]:
    return model.attention_side


def gain(context: Context, name: str, player: str) -> str:
    gains = context.ask(name, _gains)
    return f"gain γ = {gains[player]:.2f}".replace("-", "−")


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The chosen picture, and where its places look."""
    if asked.source == OWN:
        picture = read(context, name, OWN, None, asked.pad)
        pixels, words, looks = picture.pixels, "Your picture", []
        code = [picture.code.rstrip("\n")]
    else:
        seed, k = checked_seed(asked.seed), place_of(asked)
        found = made(context, name, seed)
        pixels, words = found.pixels[k], f"Sample {k + 1} of seed {seed}"
        label = {} if found.label is None else {"label": found.label[k : k + 1]}
        seen = context.ask(name, "code_attention", found.z[k : k + 1], **label)[0]
        looks = [look(MAKES, gain(context, name, "generator"), seen)]
        code = [
            call("*_, frame = model.sample_steps", SHELF, raw(f"generator({seed})")),
            f"x, z = frame.x[{k}:{k + 1}], frame.info['z'][{k}:{k + 1}]",
            call(
                "made = model.code_attention",
                raw("z"),
                label=raw(f"frame.info['label'][{k}:{k + 1}]") if label else None,
            )
            + "[0]  # row j: where place j looks",
        ]
    x = pixels[None].astype(np.float32) / 255
    seen = context.ask(name, "picture_attention", x)[0]
    looks.append(look(JUDGES, gain(context, name, "discriminator"), seen))
    h, w = context.ask(name, _side)
    value = {"picture": images.sprite(pixels[None]), "h": h, "w": w, "looks": looks}
    where = f"{h} × {w} places, each of {pixels.shape[1] // h} × {pixels.shape[2] // w} pixels"
    yield screen(
        view=value, status=say(f"{words}: {where}."),
        code=snippet(loading(context, name), *code,
                     "judged = model.picture_attention(x)[0]"),
    )  # fmt: skip


def shelf_of(context: Context, name: str, asked: Asked) -> dict[str, Any]:
    found = made(context, name, checked_seed(asked.seed))
    return {**images.sprite(found.pixels), "selected": place_of(asked)}


def anew(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The samples of the seed, and where the chosen one's places look."""
    yield screen(shelf=shelf_of(context, name, asked))
    yield from show(context, name, asked)


def another(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The next seed's samples."""
    asked = asked.but(seed=next_seed(asked.seed), source=SAMPLE)
    yield screen(seed=asked.seed, source=SAMPLE)
    yield from anew(context, name, asked)


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context, NEEDS)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Sample again", "looks-more", "looks-stop")
            own = OwnPicture(context, "looks", label="Picture", offered="A sample")
            with own.shelf:
                row = shelf("looks", label="Picture: samples of the seed")
                seed = gr.Number(0, label="Seed", precision=0, elem_id="looks-seed")
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage") as stage:
            view = attention_view(label="Where the place that is pointed at looks")

    part.controls(source=own.source, choice=row.choice, pad=own.pad, seed=seed)
    part.outputs(
        view=view, status=status, stop=halt, code=notes.code, shelf=row.view, seed=seed,
        source=own.source, stage=stage,
    )  # fmt: skip
    part.arrives(anew)
    part.on([own.source.input, row.choice.select], show)
    part.on(seed.input, anew)
    part.draws(own.pad, show)
    part.on(more.click, another, main=True)
    part.stops(halt)

    context.remember("game.looks.seed", seed, parse=whole(0, 2**53 - 1))
    context.remember("game.looks.sample", row.choice, parse=whole(0, SHELF - 1))
