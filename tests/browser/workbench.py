"""A tab of its own for every component, built as a tab of the page is: one module, one line.

Run as a program it serves the page with this tab added, and with one that no model can serve.
"""

from __future__ import annotations

import sys
from functools import partial
from types import SimpleNamespace

import gradio as gr

import explorer
from explorer import components
from explorer.components.frame_player.frame_player import frame_player
from explorer.components.image_grid.image_grid import image_grid
from explorer.components.picture_input.picture_input import as_seen, draw_pad, upload_or_draw
from explorer.page.address import whole
from explorer.pictures import images
from explorer.pictures.received import read_picture
from explorer.tabs import sample

TITLE = "Workbench"
NEEDS = {"Encodes"}


def show(context, name, steps):
    import numpy as np

    C, H, W = context.store.header(name).config["image"]
    frames = np.linspace(0, 1, steps, dtype=np.float32)[:, None, None, None]
    frames = np.broadcast_to(frames, (steps, C, H, W))
    sprite = {**images.sprite(frames), "captions": [f"level {k}" for k in range(steps)]}
    return sprite, sprite, components.say(f"{name}, {steps} steps")


def take(context, name, value):
    try:
        prepared = read_picture(value, context.store.header(name))
    except images.ImageError as error:
        return as_seen(None, str(error))
    return as_seen(prepared)


def build(context):
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            steps = gr.Slider(2, 32, 8, step=1, label="Steps", elem_id="steps")
            status = components.status()
            given = upload_or_draw()
            context.notes("Nothing here.", "x = 1")
        with gr.Column(elem_classes="ge-stage"):
            grid = image_grid("workbench", label="Levels")
            player = frame_player(fps=30)
            pad = draw_pad(label="Only drawing")
    outputs = [grid.view, player, status]
    context.on_show(partial(show, context), [steps], outputs)
    steps.input(partial(show, context), [context.picker, steps], outputs, **context.light)
    given.pad.draw(partial(take, context), [context.picker, given.pad], given.seen, **context.light)
    pad.draw(lambda value: None, pad, None, **context.light)
    context.remember("workbench.steps", steps, parse=whole(2, 32))


if __name__ == "__main__":
    import app
    import tests.browser.workbench as this
    import tests.toys  # noqa: F401

    closed = SimpleNamespace(
        __name__="closed", TITLE="Closed", NEEDS={"HasEnergy"}, build=lambda context: None
    )
    explorer.TABS = (sample, this, closed)
    sys.exit(app.main(sys.argv[1:]))
