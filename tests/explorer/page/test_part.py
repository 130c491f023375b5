"""What every handler of a part goes through: in time, newest, rest, stop, problems."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import gradio as gr
import pytest

from explorer.components import say
from explorer.components.picture_input.picture_input import draw_pad
from explorer.page.context import Context
from explorer.page.part import (
    LOADING,
    UNEXPECTED,
    Asked,
    Part,
    Wiring,
    screen,
    sentence_of,
    settled,
)
from explorer.server.store import Store
from tests import toys

ANA, BEN = SimpleNamespace(session_hash="ana"), SimpleNamespace(session_hash="ben")


@pytest.fixture
def part(tmp_path):
    toys.write(tmp_path, "toy")
    context = Context(Store([tmp_path], "cpu"), tab="sample")
    with gr.Blocks() as context.page:
        context.picker = gr.Textbox()
        part = Part(context)
        part.controls(seed=gr.Number(7))
        part.outputs(grid=gr.HTML(), status=gr.HTML(), stop=gr.Button())
    context.store.get("toy")
    return part


def run(part, handler, request=ANA, name="toy", seed=1, arrives=False, **how):
    """What the page is told: screens of all that changes."""
    wiring = Wiring(arrives=arrives, **how)
    steps = part._steps(handler, wiring)(request, name, seed)
    for places in steps:
        named = zip(part.shows, places, strict=True)
        yield {key: value for key, value in named if value != gr.skip()}


def count(context, name, asked):
    for k in range(3):
        yield screen(grid=(name, asked.seed + k))


def test_the_last_thing_said_to_the_page_is_nothing_so_that_no_picture_is_sent_twice(part):
    event = part._event(count, Wiring())
    said = list(event(ANA, "toy", 1))
    assert len(said) == 4 and all(value == gr.skip() for value in said[-1])


def test_a_handler_says_by_name_what_changes(part):
    assert [each["grid"] for each in run(part, count)] == [("toy", 1), ("toy", 2), ("toy", 3)]


def test_an_output_that_there_is_not_is_a_mistake_of_ours(part):
    with pytest.raises(AssertionError, match="no outputs"):
        list(run(part, lambda context, name, asked: screen(gird=1)))


def test_a_newer_wish_ends_an_older_one_of_the_same_visitor_and_run(part):
    first, other, table = run(part, count), run(part, count, BEN), run(part, count, run="table")
    assert [next(each)["grid"][1] for each in (first, other, table)] == [1, 1, 1]
    second = run(part, count, seed=5)
    assert next(second)["grid"] == ("toy", 5)
    # Gradio repeats the last yield at the end, so that it must change nothing.
    assert list(first) == [{}]
    assert len(list(other)) == len(list(table)) == 2


def test_a_stroke_ends_what_an_older_one_began_and_nothing_of_others(part):
    with part.context.page as page:
        pad = draw_pad()
        part.draws(pad, count, run="score", ends=("table",))
    [pen] = [fn for fn in page.fns.values() if "pen" in [name for _, name in fn.targets]]
    assert not pen.queue and not pen.outputs
    runs = {name: run(part, count, run=name) for name in ("score", "table", "film")}
    theirs = run(part, count, BEN, run="score")
    for each in (*runs.values(), theirs):
        next(each)
    pen.fn(ANA)
    assert list(runs["score"]) == [{}] and list(runs["table"]) == [{}]
    assert len(list(runs["film"])) == len(list(theirs)) == 2


def test_a_run_ends_the_older_ones_that_follow_from_it(part):
    table = run(part, count, run="table")
    next(table)
    next(run(part, count, run="score", ends=("table",)))
    assert list(table) == [{}]
    assert next(run(part, count, run="table"))["grid"]


def test_a_part_says_for_itself_what_else_it_lacks_for_a_model(part):
    part.lacking = lambda context, name: f"No judge knows {name}."
    (told,) = run(part, count)
    assert told["status"] == say("No judge knows toy.", kind="problem")


def test_an_answer_falls_silent_when_another_model_comes_on_screen(part):
    list(run(part, count, arrives=True))
    answer = run(part, count)
    next(answer)
    list(run(part, count, name="toy2", arrives=True, loads=False))
    assert list(answer) == [{}]
    assert list(run(part, count)) == [{}]


def test_stop_can_be_pressed_while_the_status_is_busy_and_is_heard(part):
    def slow(context, name, asked):
        yield screen(status=say("Working …", kind="busy"))
        yield screen(status=say("Still working …", kind="busy"))
        yield screen(status=say("Done."))

    told = list(run(part, slow))
    assert told[0]["stop"].interactive is True and "stop" not in told[1]
    assert told[2]["stop"].interactive is False
    running = run(part, slow)
    next(running)
    from explorer.page.runs import newest

    newest.stop(part._key("main", ANA))
    (last,) = running
    assert last["status"]["text"] == "Stopped." and last["stop"].interactive is False


def test_a_menu_that_is_left_as_it_was_starts_nothing(part):
    """Gradio's menus say "input" when they are left, too: who walks through them by Tab would have
    everything computed anew, a time for each."""
    from explorer.page.runs import newest

    cat, dan = (SimpleNamespace(session_hash=name) for name in ("cat", "dan"))
    shown = [{"grid": ("toy", seed)} for seed in (1, 2, 3)]
    assert list(run(part, count, cat, arrives=True)) == shown
    assert list(run(part, count, cat, moved=True)) == [{}]
    # A button may have left the controls at other values than it was asked with, and back.
    assert list(run(part, count, cat)) == shown
    assert list(run(part, count, cat, moved=True)) == shown
    assert list(run(part, count, cat, moved=True)) == [{}]
    assert list(run(part, count, dan, moved=True)) == shown  # another visitor asked for nothing yet
    assert list(run(part, count, cat)) == shown  # a button's answer comes again
    assert next(run(part, count, cat, moved=True, seed=5)) == {"grid": ("toy", 5)}
    assert list(run(part, count, cat, moved=True, run="table")) == shown
    newest.end(part._key("main", cat))  # as by a stroke
    assert len(list(run(part, count, cat, moved=True, seed=5))) == 3

    def refuse(context, name, asked):
        raise ValueError("Choose 1 to 4 pictures.")

    for _ in range(2):  # what failed is tried again
        assert "status" in next(run(part, refuse, cat, moved=True, seed=9))


def test_only_events_of_moved_controls_are_held_against_what_was_asked(part):
    with part.context.page:
        menu, button = gr.Dropdown(["a", "b"]), gr.Button()
        part.on([menu.input, part.asks["seed"].input], count)
        assert part.wirings["count"].moved
        part.on([menu.input, button.click], count)
        assert not part.wirings["count"].moved


def test_what_a_person_cannot_ask_for_is_our_sentence(part):
    def refuse(context, name, asked):
        raise ValueError("Choose 1 to 4 pictures.")

    (told,) = run(part, refuse)
    assert told["status"] == say("Choose 1 to 4 pictures.", kind="problem")


@pytest.mark.parametrize("kind", ["torch", "numpy", "runtime"])
def test_a_librarys_words_go_to_the_log_and_never_to_a_visitor(part, kind, caplog):
    import numpy as np
    import torch

    def fail(context, name, asked):
        if kind == "torch":
            torch.ones(1, requires_grad=True).numpy()
        if kind == "numpy":
            np.zeros(3).reshape(2)  # a ValueError, but not of ours
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with caplog.at_level(logging.ERROR):
        (told,) = run(part, fail)
    assert told["status"] == say(UNEXPECTED, kind="problem")
    assert "Traceback" in caplog.text and "fail" in caplog.text


def test_loading_is_said_once_where_the_model_is_not_there_yet(part):
    part.context.store.forget(["toy"])
    assert next(run(part, count))["status"]["text"] == LOADING
    assert "status" not in next(run(part, count, loads=False))


def test_a_model_that_lacks_what_the_part_needs_is_told_so(part):
    part.needs = frozenset({"Denoises"})
    (told,) = run(part, count)
    assert told["status"]["kind"] == "problem" and "Toy cannot" in told["status"]["text"]


def test_a_plain_handler_answers_once_and_silence_changes_nothing(part):
    def once(handler):
        places = part._once(handler, Wiring())(ANA, "toy", 4)
        return {k: v for k, v in zip(part.shows, places, strict=True) if v != gr.skip()}

    assert once(lambda context, name, asked: screen(grid=asked.seed)) == {"grid": 4}
    assert once(lambda context, name, asked: None) == {}

    def silent(context, name, asked):
        yield from ()

    assert list(run(part, silent)) == [{}]


def test_settled_is_the_last_word_on_each_output():
    final = settled(step for step in (screen(a=1, b=1), None, screen(a=2)))
    assert final == {"a": 2, "b": 1} and final.a == 2
    with pytest.raises(AttributeError):
        _ = final.c
    assert Asked(a=1, b=2).but(b=3) == Asked(a=1, b=3)


def test_only_a_value_error_of_ours_is_written_for_a_person():
    assert sentence_of(ValueError("Ours.")) == "Ours."
    assert sentence_of(RuntimeError("Theirs.")) == UNEXPECTED
