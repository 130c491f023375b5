"""A square of latent space under the pointer, and the picture that lies there.

An atlas of decoded pictures comes once; the browser blends its four nearest under the pointer at
every frame, and the exact picture replaces the blend when the pointer rests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import gradio as gr

from explorer.components import component


class LatentPad(NamedTuple):
    """view: the pad. Its value, from the server::

        model, label        what the pictures are of; label: a class or None
        atlas, side         a sprite of side * side pictures, rows from the top
        origin, u, v, reach the plane origin + a u + b v, a and b in [-reach, reach]
        at, exact           [a, b], where the marker stands, and a sprite of the picture there
        axes                [{name, note}, {name, note}], left to right and bottom to top
        dots                {a, b, labels, z}: test codes; z: all packed one after another
        colours, classes    of the dots' labels
        corners             [{a, b, name}, ...]: pictures the plane was laid through

    place: invisible; its value is "MODEL~PACKED CODE" (``pack`` of the Latent tab), "" for the
    start. It triggers ``moved`` when the marker was put down within the plane, and ``jumped`` when
    any component dispatched a code outside it: then the pad has to be laid anew.

    kept: invisible; its value is "MODEL~A~B~C", three packed codes, "" for the first three; it
    triggers ``swap`` when one of them was replaced.
    """

    view: gr.HTML
    place: gr.HTML
    kept: gr.HTML


def latent_pad(decode: Callable[[list], str]) -> LatentPad:
    """decode: takes [model, packed code, label], returns the base64 of the picture's bytes."""
    view = component("latent_pad", None, server_functions=[decode])
    hidden = {"html": "", "elem_classes": ["ge-hidden"]}
    return LatentPad(
        view, component("latent_place", "", **hidden), component("latent_kept", "", **hidden)
    )
