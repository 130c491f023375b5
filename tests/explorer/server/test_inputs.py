"""What a call may say of each control."""

from __future__ import annotations

import gradio as gr
import pytest

from explorer.server.inputs import Garbled, all_checked, checked, one_line

DEEP: object = 0
for _ in range(50):
    DEEP = {"a": DEEP}
CONTROLS = {
    "slider": (lambda: gr.Slider(0, 9), [3, 2.5, None], [True, "3", {}, float("nan"), 10**30]),
    "number": (lambda: gr.Number(0), [3, -1.5, None], ["3", [], float("inf"), 1e308]),
    "text": (lambda: gr.Textbox(), ["", "ä", None], [3, {}, "x" * 200_000, "\ud800"]),
    "truth": (lambda: gr.Checkbox(), [True, False, None], [1, "yes", {}]),
    "radio": (lambda: gr.Radio(["a", "b"]), ["a", 3, None], [{}, ["a"], 10**30]),
    "menu": (lambda: gr.Dropdown(["a"]), ["a", -1, None], [{}, ["a"], 1e308]),
    "menus": (lambda: gr.Dropdown(["a"], multiselect=True), [["a"], []], [{}, [{}], ["a"] * 2000]),
    "files": (
        lambda: gr.File(),
        [None, {"path": "/tmp/a"}, [{"path": "/tmp/a", "meta": {"_type": "x"}}]],
        ["/etc/passwd", {"path": 3}, {}, {"path": "http://a/b"}, {"path": "a", "x": DEEP}],
    ),
    "carried text": (lambda: gr.HTML("a"), ["b", "", None], [3, {}, [], "\ud800"]),
    "carried number": (lambda: gr.HTML(3), [4, None], ["4", {}, True, float("nan")]),
    "carried fields": (
        lambda: gr.HTML(None),
        [None, "", {"a": [1, "b", None, True]}],
        [3, [], "x", DEEP, {"a": float("nan")}, {"a": 10**30}, {"a": [0] * 300_000}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTROLS)
def test_a_control_says_what_is_of_its_kind(kind):
    make, good, bad = CONTROLS[kind]
    with gr.Blocks():
        block = make()
    for value in good:
        assert checked(block, value) == value
    for value in bad:
        with pytest.raises(Garbled):
            checked(block, value)


def test_an_event_has_as_many_values_as_controls():
    with gr.Blocks():
        blocks = [gr.Number(0), gr.Textbox()]
    assert all_checked(blocks, [1, "a", "more is left out"]) == [1, "a"]
    for values in ([1], [], None, {"0": 1}, "ab"):
        with pytest.raises(Garbled):
            all_checked(blocks, values)


def test_a_line_of_the_log_is_one_line_with_the_place():
    try:
        checked(gr.Number(0, render=False), "x\ny" * 500)
    except Garbled as error:
        line = one_line(error)
    assert "\n" not in line and "explorer/server/inputs.py:" in line and len(line) < 300
    assert len(one_line(ValueError("a\nb" * 1000))) < 300
