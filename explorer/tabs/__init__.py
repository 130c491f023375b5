"""The tabs, in the order of the page.

A tab is a module with

``TITLE``           the words on the tab
``NEEDS``           the set of capabilities (names of ``CAPABILITIES`` in models/contract, or
                    "Conditional") that a model must have, "A|B" where one of them will do; for a
                    model without them the page shows a sentence and the models that have them
                    instead of the tab
handlers            plain functions of plain values: they can be called and tested without a page
``offered(context)``  optional: whether this server has the tab at all
``build(context)``  adds the components, inside the ``gr.Tab`` that the page has opened, and wires
                    the handlers

The shape every tab shares, so that one style sheet serves all::

    def build(context):
        with gr.Row(elem_classes="ge-sheet"):
            with gr.Column(elem_classes="ge-controls"):      # narrow, 300 px
                steps = gr.Slider(2, 32, 8, step=1, label="Steps")
                notes = context.notes(look_for=LOOK_FOR)     # the idea, what to look for, the code
            with gr.Column(elem_classes="ge-stage"):         # the rest: large pictures
                status = components.status()
                grid = image_grid("latent-grid")
        part = Part(context)
        part.controls(steps=steps)
        part.outputs(grid=grid.view, status=status, code=notes.code)
        part.arrives(show)                                   # show(context, name, asked)
        part.on(steps.input, show)
        context.remember("latent.steps", steps, parse=whole(2, 32))

A tab of several parts has a tuple ``PARTS`` of modules, each with ``TITLE`` and ``build(context)``,
and its own ``build`` calls ``explorer.page.parts.build_parts``. ``Part(context)`` and
``context.notes`` then mean the part: it computes when it is first on screen with a model.

The module's name is the tab's key: in the address (``?tab=latent``), in ``context.go("latent")``
and in the CSS class ``ge-panel-latent``.
"""

from explorer.page.parts import key_of
from explorer.tabs import (
    codes,
    compare,
    denoise,
    energy,
    game,
    ideas,
    latent,
    layers,
    pixels,
    plane,
    rebuild,
    sample,
    score,
    start,
    train,
    translate,
    words,
)
from explorer.tabs import map as map_tab

__all__ = ["TABS", "key_of"]

TABS = (
    start,
    sample,
    latent,
    codes,
    rebuild,
    translate,
    denoise,
    pixels,
    words,
    layers,
    energy,
    game,
    map_tab,
    score,
    compare,
    plane,
    ideas,
    train,
)
