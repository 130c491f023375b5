"""The tabs, in the order of the page.

A tab is a module with

``TITLE``           the words on the tab
``NEEDS``           the set of capabilities (names of ``models.base.CAPABILITIES``, or
                    "Conditional") that a model must have; for a model without them the page shows
                    a sentence and the models that have them instead of the tab
handlers            plain functions of plain values: they can be called and tested without a page
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
        outputs = [grid.view, status, notes.code]
        context.on_show(partial(show, context), [steps], outputs)  # show(context, name, steps)
        steps.input(partial(show, context), [context.picker, steps], outputs, **context.light)
        context.remember("latent.steps", steps, parse=whole(2, 32))

The module's name is the tab's key: in the address (``?tab=latent``), in ``context.go("latent")``
and in the CSS class ``ge-panel-latent``.
"""

from types import ModuleType

from explorer.tabs import embedding, latent, sample

TABS = (sample, latent, embedding)


def key_of(tab: ModuleType) -> str:
    """The tab's key: the last part of its module's name."""
    return tab.__name__.rpartition(".")[2]
