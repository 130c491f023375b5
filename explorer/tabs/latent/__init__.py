"""Latent space: a plane of it under the pointer, single dimensions, and ways between pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import heading, say
from explorer.components.interpolation.interpolation import interpolation
from explorer.components.latent_pad.latent_pad import latent_pad
from explorer.components.manifold.manifold import manifold_sheet
from explorer.components.posterior.posterior import posterior_plane
from explorer.components.reconstruction.reconstruction import reconstruction
from explorer.components.traversals.traversals import traversals
from explorer.page.address import whole
from explorer.page.context import Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.pictures import images
from explorer.pictures.received import read_picture
from explorer.server.abilities import classes_of
from explorer.tabs.latent import codes as latents
from explorer.tabs.latent.own_codes import (
    CodeControls,
    code_sheet,
    code_sliders,
    set_codes,
)
from explorer.tabs.latent.posterior import posterior
from explorer.tabs.latent.view import (
    KINDS,
    View,
    amount,
    as_place,
    asked_label,
    code_of,
    codes_in,
    exact,
    pad_value,
    read_view,
    sheet,
    spans,
    strips,
    ways,
    written,
)  # fmt: skip

TITLE = "Latent space"
NEEDS = {"Decodes"}


def candidates(context: Context, names: list[str]) -> list[str]:
    """The models, those with the shortest codes first: a plane shows all of a code of two."""
    return sorted(names, key=lambda name: context.store.header(name).config.get("latent", 1 << 20))


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
* **A picture has no one code.** Draw your own, with a code of two numbers: the encoder answers with
  a whole distribution, the ellipse. How does it move while you draw, and when is it wide?
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


# -- handlers -------------------------------------------------------------------------------------


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """A model is on screen that was not: the pad, the controls that it has, and the strips."""
    if latents.detail(context, name) != latents.FINE:
        words = "This model takes many steps to a picture: decoding a coarser plane …"
        yield screen(status=say(words, kind="busy"))
    view = read_view(context, name, asked)
    own = f"{name}~"
    place, kept = (text if str(text).startswith(own) else "" for text in (asked.place, asked.kept))
    if not place and isinstance(asked.handed, dict) and asked.handed.get("model") == name:
        view = _handed_over(context, name, view, asked.handed)
        place = written(name, view.z)
    if view.kind != "three" and len(view.z) > 1 and view.across == view.up:
        view = view._replace(across=0, up=1)
    if not spans(context, name, view):
        view = view._replace(kind="dimensions", across=0, up=1)
    classes = classes_of(context.store.header(name))
    ranks = _ranks(context, name, view.kind)
    flat = latents.dimensions(context, name) == 2
    encodes = "Encodes" in context.store.header(name).capabilities
    two = view.kind != "three"
    yield screen(
        pad=pad_value(context, name, view),
        status=say(""),
        place=place,
        kept=kept,
        code=code_of(context, name, view),
        across=gr.Dropdown(choices=ranks, value=view.across, visible=two),
        up=gr.Dropdown(choices=ranks, value=min(view.up, len(ranks) - 1), visible=two),
        label=gr.Dropdown(choices=_choices(classes), value=view.label or 0, visible=bool(classes)),
        flat=gr.Column(visible=flat),
        encodes=gr.Column(visible=encodes),
        ellipse=None,
    )
    yield screen(strips=strips(context, name, view))


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


def take(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """A code came from another tab: the pad goes there."""
    code = asked.handed
    if not isinstance(code, dict) or code.get("model") != name:
        return
    view = _handed_over(context, name, read_view(context, name, asked), code)
    words = f"You came from {code['source']}." if code.get("source") else ""
    yield from jump(context, name, view, words, place=written(name, view.z), label=view.label or 0)


def jump(context: Context, name: str, view: View, words: str = "", **more: Any) -> Iterator[Screen]:
    """The view's code, wherever it is: the pad is laid anew, then the strips. more: what else
    changes with the pad."""
    pad = pad_value(context, name, view)
    yield screen(pad=pad, status=say(words), code=code_of(context, name, view), **more)
    yield screen(strips=strips(context, name, view))


def jumped(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """A component chose a code off the plane, or another class was asked for."""
    yield from jump(context, name, read_view(context, name, asked))


def moved(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The marker was put down within the plane."""
    view = read_view(context, name, asked)
    yield screen(strips=strips(context, name, view), code=code_of(context, name, view))


def turned(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """Another plane was asked for. A marker off the plane through A, B and C falls onto it."""
    view = read_view(context, name, asked)
    if view.kind == "three":
        plane = latents.plane_through(view.kept)
        ab = plane.coordinates(view.z)
        z = plane.at(*ab) if np.abs(ab).max() < plane.reach else plane.origin
        view = view._replace(z=latents.unpack(latents.pack(z), len(z)))
        hidden = gr.Dropdown(visible=False)
        more = {"place": written(name, view.z), "across": hidden, "up": hidden}
    else:
        offered = gr.Dropdown(choices=_ranks(context, name, view.kind), visible=True)
        more = {"across": offered, "up": offered}
    yield from jump(context, name, view, **more)


def between(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The ways from A to B."""
    yield screen(ways=ways(context, name, read_view(context, name, asked)))


def spread(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The sheet of all that a code of two numbers gives."""
    yield screen(sheet=sheet(context, name, asked_label(context, name, asked.label)))


def swapped(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """A, B or C was replaced: other ways, and another plane where it is the one through them."""
    view = read_view(context, name, asked)
    yield screen(ways=ways(context, name, view))
    if view.kind == "three":
        yield from jump(context, name, view)


def coded(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """A code was set by its control: the marker goes there."""
    view = set_codes(context, name, read_view(context, name, asked), asked)
    yield from jump(context, name, view, place=written(name, view.z))


def given(context: Context, name: str, asked: Asked) -> Screen:
    """A picture was brought: what the model makes of it, and its code."""
    nothing = screen(own="", on=gr.Button(interactive=False))
    try:
        prepared = read_picture(asked.brought, context.store.header(name))
    except images.ImageError as error:
        return Screen(nothing, remade={"note": str(error), "problem": True}, ellipse=None)
    if prepared is None:
        return Screen(nothing, remade={"note": ""}, ellipse=None)
    label = asked_label(context, name, asked.label)
    z = latents.encode(context, name, prepared.pixels[None], label)
    back = latents.decode(context, name, z, label)[0]
    difference = np.abs(back - prepared.pixels)
    error = float(np.sqrt(np.square(back - prepared.pixels).mean()))
    value = {
        "sprite": images.sprite(np.stack([prepared.pixels, back, difference])),
        "note": f"The reconstruction differs by {error:.1%} of the range (root mean square). "
        f"Its code has length {np.linalg.norm(z):.2f}; {prepared.note}",
    }
    ellipse = posterior(context, name, prepared.pixels, label)
    on = gr.Button(interactive=True)
    return screen(remade=value, own=written(name, z[0]), on=on, ellipse=ellipse)


def go_to_own(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """On from the picture that was brought."""
    code = codes_in(asked.own, name, latents.dimensions(context, name), 1)
    if code is None:
        return
    view = read_view(context, name, asked)._replace(z=code[0])
    words = "This is your picture, as the model remade it."
    yield from jump(context, name, view, words, place=written(name, view.z))


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The tab."""
    part = Part(context)
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
            heading("From A to B", "Set A and B with the buttons above.")
            way_sheet = interpolation()
            with gr.Column(visible=False) as own_part:
                heading("Your own picture", "Draw, drop, paste or upload one.")
                with gr.Row(elem_classes="ge-own"):
                    brought = components.component(
                        "picture_input", None, uploads=True,
                        label="Draw here, or drop or paste a picture",
                    )  # fmt: skip
                    with gr.Column():
                        remade = reconstruction()
                        ellipse = posterior_plane()
                        own = components.component(
                            "latent_own", "", html="", script=" ", elem_classes=["ge-hidden"]
                        )
                        on = gr.Button("Move on from here", interactive=False, size="sm",
                                       elem_id="latent-on")  # fmt: skip
            with gr.Column(visible=False) as flat_part:
                heading("The whole latent space", "Every picture stands for the same share of "
                         "what the model draws. Click one to go there.")  # fmt: skip
                whole_sheet = manifold_sheet()

    part.controls(
        handed=context.code, place=pad.place, kept=pad.kept, kind=kind, across=across, up=up,
        label=label, **codes.setters(), which=codes.which, own=own,
    )  # fmt: skip
    part.outputs(
        pad=pad.view, place=pad.place, kept=pad.kept, status=status, code=notes.code,
        across=across, up=up, label=label, strips=rows, ways=way_sheet, sheet=whole_sheet,
        flat=flat_part, encodes=own_part, remade=remade, own=own, on=on, ellipse=ellipse,
        **codes.shown(),
    )  # fmt: skip
    # Runs are of what they show: what changes one thing never ends what shows another, so that the
    # marker can be put down while the pad of another class is still being laid.
    arrived = part.arrives(arrive, run="arrival")
    taken = part.on(context.code.change, take, loads=False)
    jumps = part.on(pad.place.jumped, jumped)
    part.on(pad.place.moved, moved, run="strips", loads=False)
    part.on([each.input for each in codes.setters().values()], coded)
    part.on([kind.input, across.input, up.input], turned)
    asked = part.on(label.input, jumped)
    for event in (arrived.then, asked.then):
        part.on(event, between, run="ways", loads=False)
        part.on(event, spread, run="sheet", loads=False)
    part.on(pad.kept.swap, swapped, run="ways", loads=False)
    part.on(brought.draw, given, also={"brought": brought})
    gone = part.on(on.click, go_to_own)
    gone.then(None, js="() => GE.latentShow()", api_visibility="private")
    followed = [arrived.then, taken.then, jumps.then, gone.then, pad.place.moved, pad.kept.swap]
    codes.wire(part, followed)

    names = [value for _, value in KINDS]
    context.remember("latent.kind", kind, parse=lambda text: names[names.index(text)])
    context.remember("latent.across", across, parse=whole(0, MOST_RANKS - 1))
    context.remember("latent.up", up, parse=whole(0, MOST_RANKS - 1))
    context.remember("latent.class", label, parse=whole(0, MOST_CLASSES - 1))
    context.remember("latent.at", pad.place, parse=as_place)
    context.remember("latent.kept", pad.kept, parse=as_place)
