"""How a control looks goes to the browser as Gradio itself would say it, without a new control."""

from __future__ import annotations

import asyncio

import gradio as gr
import pytest
from gradio.components import Component

from explorer import Page
from explorer.server.updates import looks

UPDATES = {
    "nothing": lambda: gr.skip(),
    "hidden": lambda: gr.update(visible=False),
    "described": lambda: gr.Slider(info="What it is.", label="Score"),
    "emptied": lambda: gr.update(value=None),
    "valued": lambda: gr.update(value=3.0, visible=True),
    "ends": lambda: gr.Slider(minimum=2, maximum=9, value=4),
    "value": lambda: 5,
}


@pytest.fixture
def page():
    with Page() as page:
        outs = [gr.Slider(0, 10), gr.Button("Go"), gr.Number(1), gr.State(0)]
        gr.Button("x").click(lambda: None, None, outs)
    return page


def answers(page, *predictions, by=Page):
    (event,) = page.fns.values()
    event.outputs = event.outputs[: len(predictions)]
    given = predictions[0] if len(predictions) == 1 else list(predictions)
    return asyncio.run(by.postprocess_data(page, event, given, None))


@pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)
def test_the_browser_is_told_what_the_framework_says(page, update):
    button = gr.Button(interactive=False, variant="primary")
    ours = answers(page, update(), button, 7, 8)
    theirs = answers(page, update(), button, 7, 8, by=gr.Blocks)
    assert ours == theirs
    assert answers(page, update()) == answers(page, update(), by=gr.Blocks)


def test_looks_make_no_control_anew_and_settings_do(page, monkeypatch):
    made = []
    plain = Component.__init__

    def counted(self, *given, **named):
        made.append(type(self).__name__)
        plain(self, *given, **named)

    monkeypatch.setattr(Component, "__init__", counted)
    answers(page, gr.update(visible=False), gr.skip(), gr.skip(), gr.skip())
    assert made == []
    answers(page, gr.update(minimum=1), gr.skip(), gr.skip(), 0)
    assert "Slider" in made, "its ends are read when its value comes"


def test_what_is_no_update_is_no_look():
    assert looks({"text": "visible"}) is None and looks("update") is None and looks(None) is None
    assert looks(gr.update(choices=["a"])) is None and looks(gr.update(value=None)) is None
