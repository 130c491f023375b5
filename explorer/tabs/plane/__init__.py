"""Plane: every kind of model on points of the plane, where all of it can be seen at once.

``routes``   what the browser fetches: the tab's scripts, films as packed bytes, news of runs
``about``    words, settings and small pictures of the methods and the sets
``runs``     a visitor's own runs, in processes apart, as those of the Train tab
``library``  the tab's files: ``script/`` (``app.js`` puts them together), style and lessons

A film is sent once and played in the browser; nothing there goes through Gradio's queue. The host
component (``host.js``) fetches the scripts when the tab is first opened.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer import components
from explorer.components import component
from explorer.page.context import LATEX
from explorer.tabs.plane import about, library, routes

TITLE = "Plane"
NEEDS: frozenset[str] = frozenset()

LOOK_FOR = r"""
* **The same noise.** Samples keep their noise from moment to moment. Scrub the training: which of
  them find data first, and which stay between?
* **Density where nobody looks.** Point between the modes: is the model's density small there, or
  only the number of samples?
* **KL forwards, KL backwards.** $KL(p \,\|\, \hat p)$ is large where data are missed,
  $KL(\hat p \,\|\, p)$ where the model puts mass that is not there. Which does a method hold small?
* **Paths.** Play the generation with paths and arrows on. Straight paths need few steps; curved
  ones are cut short by few.
* **Fifty points.** Take 50 points to learn from and press Start. Where does the held-out curve
  turn, while that of the training points goes on?
* **Draw your own.** Two strokes, far apart: which methods leave no bridge between them?
"""

# The method on stage, whose explanation is fetched when another comes.
CARRIER = """
GE.on(element, 'ge:plane', event => { props.value = event.detail; trigger('changed'); });
"""


def build(context: Any) -> None:
    context.routes += routes.of(context)
    component(
        "plane",
        html=library.text("host.html"),
        script=library.text("host.js"),
        version=library.version(),
    )
    with gr.Accordion("What to look for", open=False, elem_classes="ge-note"):
        gr.Markdown(LOOK_FOR, latex_delimiters=LATEX)
    with gr.Accordion("The idea", open=False, elem_classes="ge-note"):
        components.component("reader")
        idea = gr.Markdown(latex_delimiters=LATEX, elem_classes="ge-idea")
    method = component("plane_method", "", html="", script=CARRIER, elem_classes=["ge-hidden"])
    method.changed(about.idea, method, idea, **context.light)
