"""What a component's script gets, and what of its value stays in the browser."""

from __future__ import annotations

import explorer
from explorer.components import component, scripts
from tests import toys


def test_a_script_comes_once_and_its_events_can_be_listened_to():
    pad, film = component("picture_input"), component("film")
    assert len(pad.js_on_load) < 200 and len(film.js_on_load) < 200
    assert scripts().count("GE.make.film = ") == 1
    assert pad.draw and pad.pen  # Gradio finds the names of events in the script


def test_what_the_server_is_told_is_never_held_back(tmp_path):
    """A held value is a word in the browser: none may be an input of a handler."""
    toys.write(tmp_path, "toy")
    page = explorer.build(explorer.Context.create(tmp_path, device="cpu"))
    config = page.config
    asked = {i for event in config["dependencies"] for i in event["inputs"]}
    made = dict(part.split(" = ", 1) for part in scripts().split("GE.make.")[1:] if " = " in part)
    held = [
        each["props"]["elem_classes"]
        for each in config["components"]
        if each["type"] == "html" and each["id"] in asked and _holds(each["props"], made)
    ]
    assert held == []


def _holds(props, made) -> bool:
    script = props.get("js_on_load") or ""
    if script.startswith("GE.make."):
        script = made[script.removeprefix("GE.make.").partition("(")[0]]
    return "GE.hold" in script
