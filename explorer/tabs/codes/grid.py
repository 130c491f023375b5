"""A grid of codes: a picture as whole numbers, each of which can be made another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.code_grid.code_grid import code_grid
from explorer.page.address import whole
from explorer.page.changes import Change, changes_text, read_changes, write_changes
from explorer.page.choice import Picture, as_shelf, chosen_in, picture_controls
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.snippet import loading, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.server.ask import Seed
from explorer.server.previews import real_pictures

TITLE = "A grid of codes"
NEEDS = {"QuantisesCodes"}

READ = 200  # pictures whose codes are counted

LOOK_FOR = r"""
* **A picture in 49 numbers.** Each cell holds one whole number, the name of an entry of the
  codebook. That grid is all that the decoder gets: what you see is what it makes of it.
* **Click a cell, then an entry.** One number becomes another, and the picture changes there, and a
  little around it, as far as the decoder looks. Put the same entry in a row of cells.
* **The codebook.** Each entry is shown as the decoder paints it where all cells hold it: textures
  and edges, hardly ever a whole thing. The bar under it says how often test pictures use it.
* **What the prior thinks.** A second network gives the grid its probability, cell by cell in rows.
  A cell that does not fit what comes before it costs nats, and so may all that comes after it.
  To sample is to let this network write a grid.
"""


class Coded(NamedTuple):
    """codes: (h, w) int64. picture: (C, H, W) uint8, what the decoder makes of them. nats: -log p
    of the grid under the prior, or None where the model has none."""

    codes: np.ndarray
    picture: np.ndarray
    nats: float | None


class Book(NamedTuple):
    """entries: (K, C, p, p) uint8, each as the decoder paints it. use: (K,) parts of all codes of
    test pictures (or samples)."""

    entries: np.ndarray
    use: np.ndarray


def coded(context: Context, name: str, codes: np.ndarray) -> Coded:
    """A grid (h, w), decoded and weighed."""
    picture = as_bytes(context.ask(name, "decode_indices", codes[None])[0])
    nats = None
    if "WritesIndices" in context.store.header(name).capabilities:
        nats = -float(context.ask(name, "index_log_likelihood", codes[None])[0])
    return Coded(codes, picture, nats)


def codes_of(context: Context, name: str, picture: Picture) -> np.ndarray:
    """(h, w) int64."""
    x = picture.pixels[None].astype(np.float32) / 255
    return context.ask(name, "encode_indices", x)[0]


def book_of(context: Context, name: str) -> Book:
    """The codebook in pictures. An entry's is the middle cell of a grid that holds it alone."""

    def compute() -> Book:
        real = real_pictures(context.store, name)
        if real is None:
            real = as_bytes(context.ask(name, "sample", 16, Seed(0)))
        codes = context.ask(name, "encode_indices", real[:READ].astype(np.float32) / 255)
        K, (h, w) = context.store.get(name).codebook_size, codes.shape[1:]
        use = np.bincount(codes.ravel(), minlength=K) / codes.size
        alone = np.broadcast_to(np.arange(K)[:, None, None], (K, h, w)).copy()
        painted = as_bytes(context.ask(name, "decode_indices", alone))
        H, W = painted.shape[2:]
        top, left, tall, across = (h // 2) * H // h, (w // 2) * W // w, H // h, W // w
        return Book(painted[:, :, top : top + tall, left : left + across], use)

    return context.ask.kept(("codebook", name), compute)


def changed(codes: np.ndarray, changes: tuple[Change, ...]) -> np.ndarray:
    """The grid with the changes made."""
    flat = codes.ravel().copy()
    for change in changes:
        flat[change.place] = change.level
    return flat.reshape(codes.shape)


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The picture's grid, with the changes that a person made."""
    picture = chosen_in(context, name, asked)
    codes = codes_of(context, name, picture)
    book = book_of(context, name)
    changes = read_changes(asked.changes, f"{name}-{picture.key[:8]}", codes.size, len(book.use))
    now = coded(context, name, changed(codes, changes))
    before = coded(context, name, codes) if changes else now
    value = {
        "name": f"{name}-{picture.key[:8]}",
        "pictures": images.sprite(np.stack([now.picture, picture.pixels])),
        "codes": now.codes.ravel().tolist(),
        "was": codes.ravel().tolist(),
        "h": codes.shape[0],
        "w": codes.shape[1],
        "book": images.sprite(book.entries),
        "use": [float(f"{part:.4g}") for part in book.use],
        "changes": write_changes(f"{name}-{picture.key[:8]}", changes),
    }
    yield screen(
        grid=value, changes=value["changes"], status=say(words_of(now, before, changes, book)),
        code=code_of(context, name, picture, changes),
    )  # fmt: skip


def words_of(now: Coded, before: Coded, changes: tuple[Change, ...], book: Book) -> str:
    used = int((book.use > 0).sum())
    if not changes:
        nats = "" if now.nats is None else f". The grid costs {now.nats:.1f} nats under the prior"
        return (
            f"{now.codes.size} codes of {len(book.use)} entries, {used} of which test pictures "
            f"use{nats}."
        )
    how_many = "One code" if len(changes) == 1 else f"{len(changes)} codes"
    moved = np.abs(now.picture.astype(int) - before.picture).mean() / 255
    said = f"{how_many} changed: a pixel moved by {100 * moved:.1f} % on average."
    if now.nats is None:
        return said
    return f"{said} Under the prior the grid costs {now.nats:.1f} nats, {before.nats:.1f} before."


def code_of(context: Context, name: str, picture: Picture, changes: tuple[Change, ...]) -> str:
    """The lines that give the picture on screen."""
    made = [f"codes.view(-1)[{change.place}] = {change.level}" for change in changes]
    return snippet(
        loading(context, name), picture.code.rstrip("\n"), "codes = model.encode_indices(x)",
        *made, "image = model.decode_indices(codes)",
    )  # fmt: skip


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """A model is on screen: its shelf, then the grid of a picture."""
    yield screen(shelf=as_shelf(context, name, asked.choice))
    try:
        yield from show(context, name, asked)
    except ValueError:
        yield from show(context, name, asked.but(changes=""))


def anew(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """Another picture, and the codes that the encoder gives it."""
    yield from show(context, name, asked.but(changes=""))


def build(context: Context) -> None:
    """The part."""
    part = Part(context, NEEDS)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more = gr.Button("Its own codes again", variant="primary", elem_id="codes-grid-more")
            status = components.status()
            picture = picture_controls(context, "codes-grid", label="Picture", selected=0)
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage") as stage:
            grid = code_grid("codes", label="The grid of codes over the picture")

    part.controls(changes=grid.changes, **picture.named())
    part.outputs(
        grid=grid.view, changes=grid.changes, status=status, code=notes.code, shelf=picture.view,
        stage=stage,
    )  # fmt: skip
    part.arrives(arrive)
    part.on(more.click, anew, main=True)
    part.on([picture.choice.select, picture.source.input], anew)
    part.on(grid.changes.changed, show)
    part.draws(picture.pad, anew)

    context.remember("codes.grid.sample", picture.choice, parse=whole(0, 15))
    context.remember("codes.grid.changes", grid.changes, parse=changes_text)
