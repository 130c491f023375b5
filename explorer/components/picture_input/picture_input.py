"""A picture from a person: drawn by hand, uploaded, dropped or pasted, and what the model sees."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr

from explorer.components import component


class PictureInput(NamedTuple):
    """pad: where a person draws; triggers ``draw`` when the pen rests, after an upload, on a change
    of the polarity and when all is cleared (value None), and ``pen`` when a stroke begins that will
    be drawn (see ``Part.draws``). Its value goes to ``read_picture``.

    seen: shows the picture as the model reads it, and how it was made so; value: ``as_seen``.
    """

    pad: gr.HTML
    seen: gr.HTML


def draw_pad(*, label: str = "Draw here", uploads: bool = False) -> gr.HTML:
    """A canvas to draw on: pen size, undo, clear, a colour where the chosen model has colour.

    uploads: whether a picture may be uploaded, dropped or pasted as well.
    Triggers ``draw`` when the pen has rested for 150 ms, lifted or not; declare the event with
    ``**context.light``. Value: None, or what ``read_picture`` takes.
    """
    return component("picture_input", None, label=label, uploads=uploads)


def upload_or_draw(*, label: str = "Draw here, or drop or paste a picture") -> PictureInput:
    """One block for every way to bring a picture. Wire it as::

    given = upload_or_draw()
    given.pad.draw(partial(take, context), [context.picker, given.pad], [given.seen, ...],
                   **context.light)

    def take(context, name, value):
        try:
            prepared = read_picture(value, context.store.header(name))
        except images.ImageError as error:
            return as_seen(None, str(error)), gr.skip()
        if prepared is None:                # cleared
            return as_seen(None), gr.skip()
        x = torch.from_numpy(prepared.pixels)[None]           # (1, C, H, W) in [0, 1]
    """
    pad = component("picture_input", None, label=label, uploads=True)
    return PictureInput(pad, component("seen", None))


def as_seen(prepared: Any, note: str | None = None) -> dict[str, Any]:
    """The value of ``PictureInput.seen``: a ``Prepared`` and its note, or a sentence alone."""
    from explorer.pictures import images

    if prepared is None:
        return {"sprite": None, "note": note or ""}
    return {"sprite": images.sprite(prepared.pixels[None]), "note": note or prepared.note}
