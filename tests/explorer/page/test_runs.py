"""Work that a newer wish ends: by key and by person, and what follows from it with it."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr

from explorer.components.picture_input.picture_input import draw_pad
from explorer.page.runs import end_while_drawing, newest_only

ANA, BEN = SimpleNamespace(session_hash="ana"), SimpleNamespace(session_hash="ben")


def steps():
    yield ("first",)
    yield ("second",)
    yield ("third",)


def test_a_stroke_ends_what_an_older_one_began_and_nothing_of_others():
    with gr.Blocks() as page:
        pad = draw_pad()
        end_while_drawing(pad, "live-score", "live-table")
    [pen] = [fn for fn in page.fns.values() if ("pen" in [name for _, name in fn.targets])]
    assert not pen.queue and not pen.outputs
    runs = {key: newest_only(key, steps)(ANA) for key in ("live-score", "live-table", "live-film")}
    theirs = newest_only("live-score", steps)(BEN)
    for run in (*runs.values(), theirs):
        assert next(run) == ("first",)
    pen.fn(ANA)
    assert list(runs["live-score"]) == [] and list(runs["live-table"]) == []
    assert list(runs["live-film"]) == [("second",), ("third",)]
    assert list(theirs) == [("second",), ("third",)]


def test_a_run_ends_the_older_ones_that_follow_from_it():
    table = newest_only("live-follows", steps)(ANA)
    assert next(table) == ("first",)
    score = newest_only("live-leads", steps, ends=("live-follows",))(ANA)
    assert next(score) == ("first",)
    assert list(table) == []
    assert next(newest_only("live-follows", steps)(ANA)) == ("first",)
