"""Rebuild: pictures spoilt, read, and written again; and what a code follows in a picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.picture_rows.picture_rows import picture_rows
from explorer.page.address import number, one_of, whole
from explorer.page.choice import OWN, OwnPicture, read, samples
from explorer.page.context import Context
from explorer.page.examples import of_same_data
from explorer.page.part import Asked, Part, Screen, failure, screen
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.server.previews import real_pictures
from explorer.server.reading import is_number, next_seed
from models.contract.knobs import MOST_SEED, checked_seed

TITLE = "Rebuild"
NEEDS = {"Rebuilds"}

COUNT = 8  # pictures in a row
MOST_OTHERS = 3
MOST_NUMBERS = 64  # of a code whose Jacobian is worked out, row by row
DIRECTIONS = 6
NOTHING = "none"
BESIDE, ALONE = "beside", "alone"
# ``models.data.corruption.KINDS``, said again because importing it imports torch; a test holds them
# equal.
KINDS = {
    "noise": "Gaussian noise",
    "hidden": "Hidden squares",
    "blur": "Blur",
    "salt": "Salt and pepper",
}

LOOK_FOR = r"""
* **What passes through the code.** With nothing spoilt the row shows what the code keeps and what
  it loses. A code of two numbers keeps the kind of thing and its size; one of 32 keeps the strokes.
* **Who repairs.** Only a model that was trained on spoilt pictures has learnt to put them right.
  Others rebuild the noise as well as they can; where their code has no room for it, they repair
  by accident. Compare the numbers: under a spoilt picture, how far off it is; under a rebuilt one,
  what is left.
* **Hidden squares** are what a masked autoencoder was trained on: it is told where they are, and
  leaves the rest alone. Everybody else takes them for black.
* **The mean of all that could be there.** Hide 90 %: what comes back is a grey blur. Squared error
  asks for the average, and an average of shirts is no shirt.
* **What the code follows.** The strongest directions are small changes of the picture that move the
  code most, and the norm $\lVert J \rVert$ sums them all up. In a contractive autoencoder few are
  left, and they look like ways in which digits really differ: a slant, a thicker stroke.
"""


class Wish(NamedTuple):
    """kind: how pictures are spoilt, or ``NOTHING``; amount: from 0 to 1."""

    kind: str
    amount: float
    seed: int
    beside: bool


class Rebuilt(NamedTuple):
    """pixels: (N, C, H, W) uint8. error: (N,) root mean square difference from the clean ones."""

    pixels: np.ndarray
    error: np.ndarray


# -- what is computed -----------------------------------------------------------------------------


def read_wish(asked: Asked) -> Wish:
    """Checked values of the controls. Raises ValueError with one sentence."""
    if asked.kind not in (NOTHING, *KINDS):
        raise ValueError(f"There is no way of spoiling '{asked.kind}'.")
    if not is_number(asked.amount) or not 0 <= asked.amount <= 100:
        raise ValueError("Pictures can be spoilt by 0 to 100 %.")
    if asked.beside not in (BESIDE, ALONE):
        raise ValueError("Show the model beside others, or alone.")
    seed, beside = checked_seed(asked.seed), asked.beside == BESIDE
    return Wish(asked.kind, asked.amount / 100, seed, beside)


def originals(context: Context, name: str, asked: Asked) -> tuple[np.ndarray, str, str]:
    """(N, C, H, W) uint8 clean pictures, a short name for what is kept, and words for them: real
    ones where some are shipped, else samples; or N times the person's own, each to be spoilt anew.
    """
    if asked.source == OWN:
        picture = read(context, name, asked.source, None, asked.pad)
        return np.repeat(picture.pixels[None], COUNT, 0), picture.key, "your picture"
    real = real_pictures(context.store, name)
    if real is not None:
        return real[:COUNT], "real", "test pictures"
    return samples(context, name)[0][:COUNT], "samples", "samples of the model"


def _spoil(pictures: np.ndarray, wish: Wish) -> tuple[np.ndarray, np.ndarray]:
    """Spoilt pictures, float32, and what is known of them, bool; both (N, C, H, W)."""
    x = pictures.astype(np.float32) / 255
    if wish.kind == NOTHING:
        return x, np.ones_like(x, dtype=bool)
    import torch

    from models.contract.random import generator
    from models.data.corruption import spoilt

    spoiled, known = spoilt(torch.from_numpy(x), wish.kind, wish.amount, generator(wish.seed))
    return spoiled.numpy(), known.numpy()


def _error(made: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """(N,): the root mean square difference of pictures in [0, 1]."""
    return np.sqrt(np.square(made - clean).reshape(len(clean), -1).mean(1))


def rebuilt(context: Context, name: str, key: str, pictures: np.ndarray, wish: Wish) -> Rebuilt:
    """What a model makes of the spoilt pictures."""

    def compute() -> Rebuilt:
        spoiled, known = _spoil(pictures, wish)
        made = context.ask(name, "rebuild", spoiled, known)
        return Rebuilt(as_bytes(made), _error(made, pictures.astype(np.float32) / 255))

    return context.ask.kept(("rebuilt", name, key, wish.kind, wish.amount, wish.seed), compute)


def _tangents(model: Any, x: Any, unit: Any) -> tuple[Any, Any, Any]:
    from models.codes.tangents import tangents

    return tuple(tangents(model, x, unit, most=DIRECTIONS))


def _codes(model: Any, x: Any) -> Any:
    return model.encode(x).flatten(1)


def followed(context: Context, name: str, key: str, pictures: np.ndarray) -> dict[str, Any] | None:
    """The value of the rows of directions, of the first four pictures; None for a model without
    codes, or with codes of too many numbers.

    A code's numbers are counted in their spread over the model's own test pictures.
    """
    if not {"Encodes", "Decodes"} <= set(context.store.header(name).capabilities):
        return None
    real = real_pictures(context.store, name)
    base = pictures if real is None else real[:100]
    codes = context.ask(name, _codes, base.astype(np.float32) / 255)
    if codes.shape[1] > MOST_NUMBERS:
        return None
    unit = codes.std(0) + 1e-6

    def compute() -> tuple[np.ndarray, ...]:
        x = pictures[:4].astype(np.float32) / 255
        return context.ask(name, _tangents, x, unit, tape=True)

    values, directions, norm = context.ask.kept(("tangents", name, key), compute)
    rows = []
    for picture, strength, ways, whole_norm in zip(
        pictures, values, directions, norm, strict=False
    ):
        shown = as_bytes(0.5 + ways / (2 * np.abs(ways).max((1, 2, 3), keepdims=True)))
        row = np.concatenate([picture[None], shown])
        captions = [f"‖J‖ = {whole_norm:.2f}", *(f"{value:.2f}" for value in strength)]
        rows.append(
            {"name": "Picture", "note": "", "sprite": images.sprite(row), "captions": captions}
        )
    columns = ["picture", *(f"direction {k + 1}" for k in range(values.shape[1]))]
    return {"rows": rows, "columns": columns, "chosen": None}


# -- handlers -------------------------------------------------------------------------------------


def _row(title: str, note: str, pixels: np.ndarray, error: np.ndarray | None) -> dict[str, Any]:
    row = {"name": title, "note": note, "sprite": images.sprite(pixels)}
    if error is not None:
        row["captions"] = [f"{each:.3f}" for each in error]
    return row


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The pictures, spoilt, and what each model makes of them."""
    wish = read_wish(asked)
    pictures, key, whose = originals(context, name, asked)
    spoiled, _ = _spoil(pictures, wish)
    off = _error(np.clip(spoiled, 0, 1), pictures.astype(np.float32) / 255)
    rows = [_row("Clean", whose, pictures, None)]
    if wish.kind != NOTHING:
        rows.append(_row("Spoilt", "and how far off", as_bytes(spoiled), off))
    others = of_same_data(context, name, *NEEDS)[:MOST_OTHERS] if wish.beside else []
    means, problems = [], []
    for other in [name, *others]:
        title = context.store.header(other).title
        try:
            made = rebuilt(context, other, key, pictures, wish)
        except Exception as error:  # one model of several: said in its place, the others go on
            problems.append(failure(title, error))
            continue
        rows.append(_row(title, "rebuilt", made.pixels, made.error))
        means.append(f"{title} {made.error.mean():.3f}")
        shown = {"rows": list(rows), "columns": None, "chosen": None}
        yield screen(rows=shown, status=say("Rebuilding …", kind="busy"))
    before = "" if wish.kind == NOTHING else f"Spoilt they are off by {off.mean():.3f}; "
    words = f"{before}rebuilt by {', '.join(means)} (root mean square, of 1)."
    status = say(" ".join([words[0].upper() + words[1:], *problems]))
    yield screen(
        status=status,
        code=code_of(context, name, wish),
        directions=followed(context, name, key, pictures),
    )


def code_of(context: Context, name: str, wish: Wish) -> str:
    """The lines that spoil and rebuild."""
    count = raw("x")
    lines = [
        loading(context, name),
        "x = model.sample(8, generator(0))  # or pictures of yours, (8, C, H, W) in [0, 1]",
    ]
    if wish.kind == NOTHING:
        return snippet(*lines, call("again = model.rebuild", count))
    chance = raw(f"generator({wish.seed})")
    return snippet(
        *lines,
        call("seen, known = spoilt", count, wish.kind, wish.amount, chance),
        call("again = model.rebuild", raw("seen"), raw("known")),
    )


def another(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The same pictures, spoilt anew."""
    asked = asked.but(seed=next_seed(asked.seed))
    yield screen(seed=asked.seed)
    yield from show(context, name, asked)


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """A model is on screen: with an own picture of another's size there is nothing to rebuild."""
    yield from show(context, name, asked)


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The tab."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more = gr.Button("Spoil anew", variant="primary", elem_id="rebuild-more")
            status = components.status()
            kind = gr.Radio(
                [*((words, key) for key, words in KINDS.items()), ("Nothing", NOTHING)],
                value="noise",
                label="Spoilt by",
                elem_id="rebuild-kind",
                elem_classes="ge-list",
            )
            amount = gr.Slider(
                0, 100, 35, step=1, label="How much, in per cent", elem_id="rebuild-amount"
            )
            beside = gr.Radio(
                [("Beside others of the same data", BESIDE), ("Alone", ALONE)],
                value=BESIDE,
                label="This model",
                elem_id="rebuild-beside",
            )
            seed = gr.Number(0, label="Seed", precision=0, elem_id="rebuild-seed")
            own = OwnPicture(context, "rebuild", label="Pictures", offered="Real ones")
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]):
            rows = picture_rows(label="Clean, spoilt and rebuilt pictures", largest=104)
            directions = picture_rows(
                label="The directions in which a code moves most", largest=104
            )

    part.controls(
        kind=kind, amount=amount, beside=beside, seed=seed, source=own.source, pad=own.pad
    )
    part.outputs(rows=rows, directions=directions, status=status, code=notes.code, seed=seed)
    part.arrives(arrive)
    part.on(more.click, another, main=True)
    part.on([kind.input, beside.input, seed.input, own.source.input], show)
    part.on(amount.input, show, rest=0.1)
    part.draws(own.pad, show)

    context.remember("rebuild.by", kind, parse=one_of((NOTHING, *KINDS)))
    context.remember("rebuild.amount", amount, parse=number(0, 100))
    context.remember("rebuild.seed", seed, parse=whole(0, MOST_SEED))
    context.remember("rebuild.beside", beside, parse=one_of((BESIDE, ALONE)))
