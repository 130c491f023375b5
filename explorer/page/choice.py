"""A picture to begin with: one of the samples of a model, or one that a person drew or uploaded."""

from __future__ import annotations

import base64
import hashlib
import textwrap
import zlib
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components.picture_input.picture_input import as_seen
from explorer.components.shelf.shelf import shelf
from explorer.page.context import Context
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.pictures.received import read_picture
from explorer.server.abilities import meets
from explorer.server.ask import Seed
from explorer.server.previews import preview
from explorer.server.reading import NotYet, is_whole
from explorer.server.words import WORDS


class NoPicture(NotYet, images.ImageError):
    """Nobody has brought a picture so far."""


SHELF = 16
SAMPLE, OWN = "sample", "own"
CONTROLS = ("source", "choice", "pad")


class Picture(NamedTuple):
    """pixels: (C, H, W) uint8. words: where it came from. code: lines that make ``x`` of it,
    (1, C, H, W) in [0, 1], once there is a ``model``."""

    pixels: np.ndarray
    words: str
    code: str

    @property
    def key(self) -> str:
        """A short name of these very pixels, for what is kept."""
        return hashlib.sha256(self.pixels.tobytes()).hexdigest()[:16]


class PictureControls(NamedTuple):
    """source, choice and pad are inputs, in this order: the last arguments of ``read``.

    view: the shelf of samples; value: ``as_shelf``. seen: what the model sees of an own picture.
    """

    source: gr.Radio
    choice: gr.HTML
    pad: gr.HTML
    view: gr.HTML
    seen: gr.HTML

    @property
    def inputs(self) -> list[Any]:
        return [self.source, self.choice, self.pad]

    def named(self, of: str = "") -> dict[str, Any]:
        """The inputs by name, for ``Part.controls``. of: how the names of one of several begin."""
        return {f"{of}source": self.source, f"{of}choice": self.choice, f"{of}pad": self.pad}


def samples(context: Context, name: str) -> tuple[np.ndarray, int]:
    """(16, C, H, W) uint8 samples of seed 0, and how many were drawn at once.

    Those that were shipped with the model where there are some: no waiting.
    """
    if (shipped := preview(context.store, name)) is not None:
        return shipped.images[:SHELF], len(shipped.images)

    def drawn() -> np.ndarray:
        return as_bytes(context.ask(name, "sample", SHELF, Seed(0)))

    return context.ask.kept(("shelf", name), drawn), SHELF


def as_shelf(context: Context, name: str, selected: Any) -> dict[str, Any]:
    """The value of ``PictureControls.view``."""
    pictures, _ = samples(context, name)
    return {**images.sprite(pictures), "selected": _place(selected, len(pictures))}


def _place(value: Any, n: int) -> int:
    return int(value) if is_whole(value) and 0 <= value < n else 0


def read(context: Context, name: str, source: Any, index: Any, given: Any) -> Picture:
    """The picture that the controls mean. Raises ``ImageError``, one sentence, where it is none."""
    if source != OWN:
        pictures, drawn = samples(context, name)
        k = _place(index, len(pictures))
        code = (
            f"samples = model.sample({drawn}, generator(0))\n"
            f"x = (samples[{k}:{k + 1}] * 255).round() / 255\n"
        )
        words = f"sample {k + 1} of seed 0"
        return Picture(pictures[k], words, code)
    prepared = read_picture(given, context.store.header(name))
    if prepared is None:
        raise NoPicture("Draw a picture, or upload, drop or paste one; or take a sample.")
    pixels = as_bytes(prepared.pixels)
    packed = base64.b64encode(zlib.compress(pixels.tobytes(), 9)).decode("ascii")
    lines = "\n".join(f'    "{line}"' for line in textwrap.wrap(packed, 88))
    code = (
        f"pixels = zlib.decompress(base64.b64decode(\n{lines}\n))\n"
        f"x = torch.tensor(list(pixels)).view(1, {', '.join(map(str, pixels.shape))}) / 255\n"
    )
    return Picture(pixels, "your picture", code)


def chosen_in(context: Context, name: str, asked: Any, of: str = "") -> Picture:
    """The picture that the controls of a part mean (see ``PictureControls.named``)."""
    return read(context, name, *(getattr(asked, f"{of}{what}") for what in CONTROLS))


def lacks(context: Context, name: str, *needs: str) -> str:
    """A sentence on what this model cannot do of what is needed; "" where it can do it all."""
    header = context.store.header(name)
    missing = [WORDS.get(need, need) for need in needs if not meets(header.capabilities, need)]
    if not missing:
        return ""
    able = [context.store.header(other).title for other in context.store.having(set(needs))]
    # Titles have commas in them.
    others = f" These can: {'; '.join(able)}." if able else " No model here can."
    return f"{header.title} cannot {' and '.join(missing)}, which this part needs.{others}"


def picture_controls(
    context: Context,
    key: str,
    *,
    label: str,
    selected: int,
    offered: tuple[str, str] = ("A sample", "samples of the model"),
) -> PictureControls:
    """The choice of a picture: a shelf of samples, or a pad for one's own.

    key: unique on the page. label: what the picture is called. selected: the sample taken at first.
    offered: what one on the shelf is called, and all of them.
    """
    own = OwnPicture(context, key, label=label, offered=offered[0])
    with own.shelf:
        row = shelf(key, label=f"{label}: {offered[1]}", selected=selected)
    return PictureControls(own.source, row.choice, own.pad, row.view, own.seen)


class OwnPicture:
    """The choice between what is offered and a picture of one's own, and a pad for that.

    key: unique on the page. label: what the picture is called. offered: what there is besides.
    before: (words, source) of further ones, the first of which is taken at first.
    ``shelf`` is a column for what is offered; source and pad are inputs, seen shows what the model
    sees of an own picture. pen: its width at first, of a pad that is 280 wide.
    """

    def __init__(
        self,
        context: Context,
        key: str,
        *,
        label: str,
        offered: str,
        before: Sequence[tuple[str, str]] = (),
        pen: int = 22,
    ) -> None:
        self.source = gr.Radio(
            [*before, (offered, SAMPLE), ("Your own", OWN)],
            value=before[0][1] if before else SAMPLE,
            label=label,
            elem_id=f"{key}-source",
            elem_classes="ge-source",
        )
        self.shelf = gr.Column(elem_classes="ge-from-shelf")
        with gr.Column(visible=False) as drawn:
            self.pad = components.component(
                "picture_input", None, uploads=True, pen=pen,
                label="Draw here, or drop or paste a picture",
            )  # fmt: skip
            self.seen = components.component("seen", None)
        self.source.input(
            lambda value: (gr.Column(visible=value != OWN), gr.Column(visible=value == OWN)),
            self.source,
            [self.shelf, drawn],
            **context.light,
        )
        self.pad.draw(partial(see, context), [context.picker, self.pad], self.seen, **context.light)


def see(context: Context, name: str, given: Any) -> dict[str, Any]:
    """What the model sees of a picture that a person brought: the value of ``seen``."""
    try:
        return as_seen(read_picture(given, context.store.header(name)))
    except images.ImageError as error:
        return as_seen(None, str(error))
