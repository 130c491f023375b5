"""What Context promises to the tabs: answers of one model never stand under another."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr

from explorer.page.context import Context
from explorer.server.store import Store

ANA, BEN = SimpleNamespace(session_hash="ana"), SimpleNamespace(session_hash="ben")
SILENT = (gr.skip(), gr.skip())


def tab() -> Context:
    return Context(Store([]), tab="sample")


def steps(name, first):
    yield name, first
    yield name, first + 1
    yield name, first + 2


def arrive(context, request, name):
    list(context.timely(lambda name: (name,), arrives=True)(request, name))


def test_an_answer_falls_silent_when_another_model_comes_on_screen():
    context = tab()
    arrive(context, ANA, "old")
    answer = context.timely(steps)(ANA, "old", 7)
    assert next(answer) == ("old", 7)
    arrive(context, ANA, "new")
    # Gradio repeats the last yield at the end, so that it must change nothing.
    assert list(answer) == [SILENT]
    assert list(context.timely(steps)(ANA, "new", 1)) == [("new", 1), ("new", 2), ("new", 3)]


def test_a_question_about_a_model_that_has_left_is_not_answered():
    context = tab()
    arrive(context, ANA, "new")
    assert list(context.timely(steps)(ANA, "old", 7)) == [gr.skip()]
    assert context.timely(lambda name: (name, 1))(ANA, "old") == SILENT


def test_coming_back_does_not_revive_an_old_answer():
    context = tab()
    arrive(context, ANA, "old")
    answer = context.timely(steps)(ANA, "old", 7)
    next(answer)
    arrive(context, ANA, "new")
    arrive(context, ANA, "old")
    assert list(answer) == [SILENT]


def test_an_arrival_ends_where_the_next_begins():
    context = tab()
    first = context.timely(steps, arrives=True)(ANA, "old", 0)
    next(first)
    assert list(context.timely(steps, arrives=True)(ANA, "new", 0))[-1] == ("new", 2)
    assert list(first) == [SILENT]


def test_other_pages_and_other_tabs_are_left_alone():
    context = tab()
    arrive(context, ANA, "old")
    answer, elsewhere = context.timely(steps)(ANA, "old", 0), context.timely(steps)
    next(answer)
    arrive(context, BEN, "new")
    context.tab = "latent"
    arrive(context, ANA, "new")
    assert list(answer) == [("old", 1), ("old", 2)]
    assert len(list(elsewhere(ANA, "old", 0))) == 3


def test_what_is_on_screen_from_the_start_needs_no_arrival():
    assert len(list(tab().timely(steps)(ANA, "first", 0))) == 3


def test_an_answer_without_a_word_changes_nothing():
    """Gradio makes None of every output where a handler ends before its first yield."""
    context = tab()
    arrive(context, ANA, "here")

    def silent(name):
        yield from ()

    assert list(context.timely(silent)(ANA, "here")) == [gr.skip()]
