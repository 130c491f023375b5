"""Latent space: a plane of it under the pointer, single dimensions, and ways between pictures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import heading, say
from explorer.components.interpolation.interpolation import interpolation
from explorer.components.latent_pad.latent_pad import latent_pad
from explorer.components.manifold.manifold import manifold_sheet
from explorer.components.reconstruction.reconstruction import reconstruction
from explorer.components.traversals.traversals import traversals
from explorer.page.address import whole
from explorer.page.context import Context
from explorer.pictures import images
from explorer.pictures.received import read_picture
from explorer.server.abilities import classes_of
from explorer.tabs.latent import codes as latents
from explorer.tabs.latent.own_codes import (
    SLIDERS,
    CodeControls,
    code_sheet,
    code_sliders,
    set_codes,
)
from explorer.tabs.latent.view import (
    KINDS,
    View,
    amount,
    as_place,
    asked_label,
    codes_in,
    exact,
    pad_value,
    read_view,
    sheet,
    snippet,
    strips,
    ways,
    written,
)  # fmt: skip

log = logging.getLogger(__name__)

TITLE = "Latent space"
NEEDS = {"Decodes"}

# Choices that a link may ask for before the model is known; a model's own replace them.
MOST_RANKS, MOST_CLASSES = 64, 100

LOOK_FOR = """
* **Everything is near everything.** Move slowly: pictures change without a jump, and what lies
  between two classes is often neither. Where does a 4 stop being a 4?
* **Used and unused numbers.** The strips are sorted by how much each number of the code does. A
  number near 0 nats carries nothing: the picture stays as it is from end to end.
* **What one number means.** If a strip changes one thing only (slant, width, colour), the model
  has pulled that factor apart from the others. Most numbers mix several.
* **The dots** are codes of test pictures, dropped straight onto the plane. With two numbers a dot
  lies where it really is; with more, its true place is off the plane until you click it.
* **Straight or spherical?** In many dimensions typical codes have a length near the root of their
  number. The straight way cuts through the middle, where |z| dips and pictures grow bland.
* **A code as long as the picture** (a diffusion model's or a flow's noise) has no single numbers
  that mean anything: each is one pixel of noise. The strips then go along directions that move the
  whole picture, and typical codes lie near a sphere of radius √D: use the spherical way.
* **Codes of their own** (InfoGAN) are numbers that can be read off the picture again. A category
  is one of a few: on a way between two of them the picture jumps where the nearest one changes.
* **Principal** ways of a GAN are those along which its first layers change most (GANSpace).
* **Far from 0** (beyond 2 or 3) the model has seen little, and it shows.
"""


# -- handlers: plain values in, values of the outputs out -----------------------------------------


def arrive(context: Context, name: str, code: Any, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """A model is on screen that was not: yields (pad, status, place, kept, strips, ways, sheet,
    code, across, up, class, and whether sheet and own picture are there)."""
    if name not in context.store.loaded:
        yield gr.skip(), say("Loading the model …", kind="busy"), *[gr.skip()] * 11
    if latents.detail(context, name) != latents.FINE:
        words = "This model takes many steps to a picture: decoding a coarser plane …"
        yield gr.skip(), say(words, kind="busy"), *[gr.skip()] * 11
    view = read_view(context, name, *controls)
    place, kept = (text if str(text).startswith(f"{name}~") else "" for text in controls[:2])
    if not place and isinstance(code, dict) and code.get("model") == name:
        view = _handed_over(context, name, view, code)
        place = written(name, view.z)
    if view.kind != "three" and len(view.z) > 1 and view.across == view.up:
        view = view._replace(across=0, up=1)
    try:
        pad = pad_value(context, name, view)
    except ValueError as error:
        log.info("%s; single numbers are shown instead.", error)
        view = view._replace(kind="dimensions", across=0, up=1)
        pad = pad_value(context, name, view)
    classes = classes_of(context.store.header(name))
    ranks = _ranks(context, name, view.kind)
    flat = latents.dimensions(context, name) == 2
    encodes = "Encodes" in context.store.header(name).capabilities
    yield (
        pad,
        say(""),
        place,
        kept,
        gr.skip(),
        gr.skip(),
        gr.skip(),
        snippet(context, name, view),
        gr.Dropdown(choices=ranks, value=view.across, visible=view.kind != "three"),
        gr.Dropdown(
            choices=ranks, value=min(view.up, len(ranks) - 1), visible=view.kind != "three"
        ),
        gr.Dropdown(choices=_choices(classes), value=view.label or 0, visible=bool(classes)),
        gr.Column(visible=flat),
        gr.Column(visible=encodes),
    )
    yield (
        *[gr.skip()] * 4,
        strips(context, name, view),
        ways(context, name, view),
        sheet(context, name, view.label),
        *[gr.skip()] * 6,
    )


def _choices(classes: list[str]) -> list[tuple[str, int]]:
    return [(text, k) for k, text in enumerate(classes)] or [("0", 0)]


def _ranks(context: Context, name: str, kind: str) -> list[tuple[str, int]]:
    active = latents.offered(context, name, kind)
    ranks = []
    for rank, k in enumerate(active.order[:MOST_RANKS]):
        note = f"{active.amount[k]:.1%}" if kind == "principal" else amount(active, k)
        ranks.append((f"{active.name(k)} · {note}", rank))
    return ranks


def _handed_over(context: Context, name: str, view: View, code: dict) -> View:
    z = np.asarray(code.get("z"), np.float32).reshape(-1)
    if z.shape != view.z.shape or not np.isfinite(z).all():
        return view
    label = view.label if code.get("label") is None else asked_label(context, name, code["label"])
    return view._replace(z=latents.unpack(latents.pack(z), len(z)), label=label)


def take(context: Context, name: str, code: Any, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """A code came from another tab: yields (pad, status, strips, code, place, class)."""
    if not isinstance(code, dict) or code.get("model") != name:
        return
    view = _handed_over(context, name, read_view(context, name, *controls), code)
    words = f"You came from {code['source']}." if code.get("source") else ""
    for pad, status, rows, lines in jump(context, name, view, words):
        yield pad, status, rows, lines, written(name, view.z), view.label or 0


def jump(
    context: Context, name: str, view: View, words: str = ""
) -> Iterator[tuple[Any, Any, Any, Any]]:
    """The view's code, wherever it is: yields (pad, status, strips, code)."""
    try:
        pad = pad_value(context, name, view)
    except (ValueError, RuntimeError) as error:
        log.info("No pad of %s: %s", name, error)
        yield gr.skip(), say(str(error), kind="problem"), gr.skip(), gr.skip()
        return
    yield pad, say(words), gr.skip(), snippet(context, name, view)
    yield gr.skip(), gr.skip(), strips(context, name, view), gr.skip()


def jumped(context: Context, name: str, *controls: Any) -> Iterator[tuple[Any, Any, Any, Any]]:
    """A component chose a code off the plane: yields what ``jump`` does."""
    yield from jump(context, name, read_view(context, name, *controls))


def moved(context: Context, name: str, *controls: Any) -> tuple[Any, str]:
    """The marker was put down within the plane: (strips, code)."""
    view = read_view(context, name, *controls)
    return strips(context, name, view), snippet(context, name, view)


def turned(context: Context, name: str, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """Another plane was asked for: yields what ``jump`` does, and (place, across, up)."""
    view = read_view(context, name, *controls)
    same = [gr.skip()] * 3
    if view.kind == "three":
        try:
            plane = latents.plane_through(view.kept)
        except ValueError as error:
            yield gr.skip(), say(str(error), kind="problem"), gr.skip(), gr.skip(), *same
            return
        ab = plane.coordinates(view.z)
        z = plane.at(*ab) if np.abs(ab).max() < plane.reach else plane.origin
        view = view._replace(z=latents.unpack(latents.pack(z), len(z)))
        hidden = gr.Dropdown(visible=False)
        same = [written(name, view.z), hidden, hidden]
    else:
        ranks = _ranks(context, name, view.kind)
        same = [gr.skip(), *[gr.Dropdown(choices=ranks, visible=True)] * 2]
    for outputs in jump(context, name, view):
        yield *outputs, *same
        same = [gr.skip()] * 3


def other_class(context: Context, name: str, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """Another class was asked for: yields what ``jump`` does, and (ways, sheet)."""
    view = read_view(context, name, *controls)
    for outputs in jump(context, name, view):
        yield *outputs, gr.skip(), gr.skip()
    none = [gr.skip()] * 4
    yield *none, ways(context, name, view), sheet(context, name, view.label)


def swapped(context: Context, name: str, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """A, B or C was replaced: yields what ``jump`` does, and the new ways."""
    view = read_view(context, name, *controls)
    yield *[gr.skip()] * 4, ways(context, name, view)
    if view.kind == "three":
        for outputs in jump(context, name, view):
            yield *outputs, gr.skip()


def coded(context: Context, name: str, *values: Any) -> Iterator[tuple[Any, ...]]:
    """A code was set by its control: yields what ``jump`` does, and place.

    values: category and sliders, then the controls.
    """
    view = read_view(context, name, *values[1 + SLIDERS :])
    view = set_codes(context, name, view, values[: 1 + SLIDERS])
    for outputs in jump(context, name, view):
        yield *outputs, written(name, view.z)


def given(context: Context, name: str, picture: Any, label: Any) -> tuple[Any, Any, Any]:
    """A picture was brought: (what the model makes of it, its code or "", the button)."""
    nothing = gr.Button(interactive=False)
    try:
        prepared = read_picture(picture, context.store.header(name))
    except images.ImageError as error:
        return {"note": str(error), "problem": True}, "", nothing
    if prepared is None:
        return {"note": ""}, "", nothing
    label = asked_label(context, name, label)
    z = latents.encode(context, name, prepared.pixels[None], label)
    back = latents.decode(context, name, z, label)[0]
    difference = np.abs(back - prepared.pixels)
    error = float(np.sqrt(np.square(back - prepared.pixels).mean()))
    value = {
        "sprite": images.sprite(np.stack([prepared.pixels, back, difference])),
        "note": f"The reconstruction differs by {error:.1%} of the range (root mean square). "
        f"Its code has length {np.linalg.norm(z):.2f}; {prepared.note}",
    }
    return value, written(name, z[0]), gr.Button(interactive=True)


def go_to_own(context: Context, name: str, own: Any, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """On from the picture that was brought: yields what ``jump`` does, and place."""
    code = codes_in(own, name, latents.dimensions(context, name), 1)
    if code is None:
        return
    view = read_view(context, name, *controls)._replace(z=code[0])
    for outputs in jump(context, name, view, "This is your picture, as the model remade it."):
        yield *outputs, written(name, view.z)


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    generic = [("most active", 0), ("second", 1), *((f"{k + 1}th", k) for k in range(2, 64))]
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            kind = gr.Radio(
                list(KINDS), value="dimensions", label="Directions", elem_id="latent-kind"
            )
            across = gr.Dropdown(
                generic, value=0, label="Left to right", filterable=False, elem_id="latent-across"
            )
            up = gr.Dropdown(
                generic, value=1, label="Bottom to top", filterable=False, elem_id="latent-up"
            )
            label = gr.Dropdown(
                [(str(k), k) for k in range(MOST_CLASSES)], value=0, label="Class", visible=False,
                filterable=False, elem_id="latent-class",
            )  # fmt: skip
            category, sliders = code_sliders()
            status = components.status()
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes="ge-stage ge-sections"):
            pad = latent_pad(exact(context))
            heading("One number at a time", "Drag a frame along its strip.")
            rows = traversals()
            codes = CodeControls(category, sliders, *code_sheet())
            heading("From A to B", "Keep other pictures as A and B above.")
            between = interpolation()
            with gr.Column(visible=False) as own_part:
                heading("Your own picture", "Draw, drop, paste or upload one.")
                with gr.Row(elem_classes="ge-own"):
                    brought = components.component(
                        "picture_input", None, uploads=True,
                        label="Draw here, or drop or paste a picture",
                    )  # fmt: skip
                    with gr.Column():
                        remade = reconstruction()
                        own = components.component(
                            "latent_own", "", html="", script=" ", elem_classes=["ge-hidden"]
                        )
                        on = gr.Button("Move on from here", interactive=False, size="sm",
                                       elem_id="latent-on")  # fmt: skip
            with gr.Column(visible=False) as flat_part:
                heading("The whole latent space", "Every picture stands for the same share of "
                         "what the model draws. Click one to go there.")  # fmt: skip
                whole_sheet = manifold_sheet()

    def timely(handler: Callable) -> Callable:
        return context.timely(partial(handler, context))

    controls = [pad.place, pad.kept, kind, across, up, label]
    inputs = [context.picker, *controls]
    shown = [pad.view, status, rows, notes.code]
    arrived = context.on_show(
        partial(arrive, context),
        [context.code, *controls],
        [pad.view, status, pad.place, pad.kept, rows, between, whole_sheet, notes.code,
         across, up, label, flat_part, own_part],
    )  # fmt: skip
    taken = context.code.change(
        timely(take), [context.picker, context.code, *controls],
        [*shown, pad.place, label], **context.heavy,
    )  # fmt: skip
    pad.place.moved(timely(moved), inputs, [rows, notes.code], **context.heavy)
    jumps = pad.place.jumped(timely(jumped), inputs, shown, **context.heavy)
    for control in codes.setters:
        control.input(
            timely(coded), [context.picker, *codes.setters, *controls], [*shown, pad.place],
            **context.heavy,
        )  # fmt: skip
    for control in (kind, across, up):
        control.input(timely(turned), inputs, [*shown, pad.place, across, up],
                      **context.heavy)  # fmt: skip
    label.input(timely(other_class), inputs, [*shown, between, whole_sheet], **context.heavy)
    pad.kept.swap(timely(swapped), inputs, [*shown, between], **context.heavy)
    brought.draw(timely(given), [context.picker, brought, label],
                     [remade, own, on], **context.light)  # fmt: skip
    gone = on.click(timely(go_to_own), [context.picker, own, *controls],
                    [*shown, pad.place], **context.heavy)  # fmt: skip
    gone.then(None, js="() => GE.latentShow()", api_visibility="private")
    followed = [arrived.then, taken.then, jumps.then, gone.then, pad.place.moved, pad.kept.swap]
    codes.wire(context, followed, inputs)

    names = [value for _, value in KINDS]
    context.remember("latent.kind", kind, parse=lambda text: names[names.index(text)])
    context.remember("latent.across", across, parse=whole(0, MOST_RANKS - 1))
    context.remember("latent.up", up, parse=whole(0, MOST_RANKS - 1))
    context.remember("latent.class", label, parse=whole(0, MOST_CLASSES - 1))
    context.remember("latent.at", pad.place, parse=as_place)
    context.remember("latent.kept", pad.kept, parse=as_place)
