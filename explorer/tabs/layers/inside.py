"""What the layers of a network make of a picture: every channel of the layer that is chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from explorer.components import say
from explorer.components.choices.choices import choices
from explorer.components.image_grid.image_grid import image_grid
from explorer.page.address import one_of, whole
from explorer.page.choice import Picture
from explorer.page.context import Context
from explorer.page.examples import as_shelf, example_controls, example_in, next_example
from explorer.page.judge import judge_of
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.runs import run_row
from explorer.page.snippet import loading, snippet
from explorer.pictures import images
from explorer.server.ask import Seed

TITLE = "Inside a network"
MODEL, JUDGE = "model", "judge"  # whose networks are shown

LOOK_FOR = """
* **Edges first.** The first convolutions answer to edges and strokes of one direction: a bright
  channel says where there is such a one. Which channel likes the top edges?
* **Small and many.** Further in, the maps are smaller and there are more of them: less of *where*,
  more of *what*. The last layer of an encoder has no place left, only numbers.
* **The same backwards.** A decoder, or a GAN's generator, begins with numbers and ends with
  pixels. In which layer can one first tell what it will be?
* **Another picture.** Keep a layer and change the picture. Channels that stay as they are have
  learned nothing about it.
* **The judge** is a classifier of the same pictures, and ends with one number for each class. Put
  its layers beside an encoder's: both read, and only the judge was told what a picture is called.
* **A denoiser** is given the picture half way to noise. Its first layers still see the noise. Where
  is it gone?
"""

Networks = list[tuple[str, list[Any]]]


def candidates(context: Context, names: list[str]) -> list[str]:
    """The models, those with an encoder and a decoder first: a picture goes into the one clean,
    and out of the other, where a denoiser's first layers see little but noise."""

    def noisy(name: str) -> bool:
        can = set(context.store.header(name).capabilities)
        return not {"Encodes", "Decodes"} <= can or "Denoises" in can

    return sorted(names, key=noisy)


# -- what is computed -----------------------------------------------------------------------------


def _activations(model: Any, x: Any, rng: Any) -> Networks:
    from models.codes.activations import activations, in_grey

    return [
        (title, [layer._replace(values=in_grey(layer.values)) for layer in layers])
        for title, layers in activations(model, x, rng)
    ]


def networks(context: Context, name: str, seen: str, picture: Picture) -> Networks:
    """The networks of the model ``seen`` with their layers, in grey from 0 to 1, for a picture of
    the shelf of ``name``; none where its weights are used without layers."""
    x = picture.pixels[None] / np.float32(255)
    return context.ask.kept(
        ("activations", name, seen, picture.key),
        lambda: context.ask(seen, _activations, x, Seed(0)),
    )


def watched(context: Context, name: str, whose: str) -> str:
    """The name of the model whose networks are shown: this one, or the judge of its pictures where
    there is one."""
    judge = judge_of(context, context.store.header(name)) if whose == JUDGE else None
    return judge or name


def whose_networks(context: Context, name: str, whose: str) -> Any:
    """The choice between the model and the judge of its pictures; none where there is no judge, or
    the model is one."""
    header = context.store.header(name)
    judge = judge_of(context, header)
    if judge is None or "Classifies" in header.capabilities:
        return gr.Radio(choices=[("The model", MODEL)], value=MODEL, visible=False)
    offered = [("The model", MODEL), (context.store.header(judge).title, JUDGE)]
    return gr.Radio(choices=offered, value=whose, visible=True)


def key_of(network: str, layer: Any) -> str:
    """What names a layer in links."""
    return f"{network.lower()}~{layer.name}"


def layer_text(text: str) -> str:
    """The parser of a layer in addresses. Raises ValueError where it cannot be one."""
    if not re.fullmatch(r"[a-z]{1,20}~[\w.]{1,120}", text, re.ASCII):
        raise ValueError("This is no layer.")
    return text


def size_of(layer: Any) -> str:
    """The size of what a layer gives, in words."""
    tall, wide = layer.values.shape[1:]
    if tall * wide == 1:
        return f"{layer.channels:,} numbers"
    return f"{layer.channels} channels of {tall} × {wide}"


def listed(found: Networks) -> list[dict[str, str]]:
    """The value of the list of layers."""
    return [
        {
            "key": key_of(network, layer),
            "title": f"{network} {k}: {layer.kind}",
            "note": size_of(layer),
        }
        for network, layers in found
        for k, layer in enumerate(layers, 1)
    ]


def chosen(found: Networks, key: Any) -> tuple[str, int, Any]:
    """The network, number and layer of this key; the first layer with maps where there is none."""
    every = [(network, k, layer) for network, layers in found for k, layer in enumerate(layers, 1)]
    named = [each for each in every if key_of(each[0], each[2]) == key]
    maps = [each for each in every if each[2].values[0].size > 1]
    return (named or maps or every)[0]


def code_of(
    context: Context, name: str, seen: str, picture: Picture, network: str, layer: Any
) -> str:
    """The lines that give the layer's channels. seen: whose, this model's or its judge's."""
    who = "model" if seen == name else "judge"
    return snippet(
        loading(context, name),
        *([] if seen == name else [loading(context, seen, "judge")]),
        picture.code.rstrip("\n"),
        f"found = dict(activations({who}, x, generator(0)))",
        f"layers = {{layer.name: layer.values for layer in found[{network!r}]}}",
        f"maps = layers[{layer.name!r}]  # (channels, height, width)",
    )


# -- handlers -------------------------------------------------------------------------------------


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The layers of the model, and the channels of the chosen one."""
    picture = example_in(context, name, asked)
    seen = watched(context, name, asked.whose)
    yield screen(status=say("Through the layers …", kind="busy"))
    found = networks(context, name, seen, picture)
    if not found:
        title = context.store.header(seen).title
        words = (
            f"{title} uses its weights without layers that can be watched. Choose another model."
        )
        yield screen(layers=[], maps=None, status=say(words), code=snippet(loading(context, name)))
        return
    network, k, layer = chosen(found, asked.layer)
    shown = len(layer.values)
    which = f"the first {shown} of {size_of(layer)}" if shown < layer.channels else size_of(layer)
    yield screen(
        layers=listed(found),
        layer=key_of(network, layer),
        maps=images.sprite(layer.values[:, None]),
        status=say(
            f"{network}, layer {k}, of {picture.words}: {which}. "
            "Grey is zero, white positive, black negative."
        ),
        code=code_of(context, name, seen, picture, network, layer),
    )


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """A model is on screen: its examples, then what its layers make of the chosen one."""
    yield screen(
        shelf=as_shelf(context, name, asked.choice),
        whose=whose_networks(context, name, asked.whose),
    )
    yield from show(context, name, asked)


def following(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The next example on the shelf."""
    choice, shelf, source = next_example(context, name, asked.choice)
    yield screen(choice=choice, shelf=shelf, source=source)
    yield from show(context, name, asked.but(choice=choice, source=source))


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The part."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more, halt, status = run_row("Next example", "inside-next", "inside-stop")
            whose = gr.Radio(
                [("The model", MODEL), ("Its judge", JUDGE)], value=MODEL, label="Networks of",
                visible=False, elem_id="inside-whose", elem_classes="ge-list",
            )  # fmt: skip
            own = example_controls(context, "inside")
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-layered"]), gr.Row(elem_classes="ge-beside"):
            with gr.Column(elem_classes="ge-layer-list", min_width=220):
                layers = choices("inside-layer", label="Layers, from the first on")
            with gr.Column(elem_classes="ge-layer-maps", min_width=300):
                maps = image_grid("inside", None, label="Channels of the layer")

    part.controls(layer=layers.choice, whose=whose, **own.named())
    part.outputs(
        layers=layers.view, layer=layers.choice, maps=maps.view, status=status, code=notes.code,
        stop=halt, shelf=own.view, choice=own.choice, source=own.source, whose=whose,
    )  # fmt: skip
    part.arrives(arrive)
    part.on([own.source.input, own.choice.select, layers.choice.pick, whose.input], show)
    part.draws(own.pad, show)
    part.on(more.click, following, main=True)
    part.stops(halt)

    context.remember("layers.of", whose, parse=one_of((MODEL, JUDGE)))
    context.remember("layers.layer", layers.choice, parse=layer_text)
    context.remember("layers.picture", own.choice, parse=whole(0, 15))
