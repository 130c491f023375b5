"""Every part of the page with every shipped model that it takes: nothing fails. The first half of
the models; ``test_sweep_too`` has the others, so that two processes share the work."""

from __future__ import annotations

import logging

import gradio as gr
import pytest

from tests.explorer import sweep

pytestmark = pytest.mark.shipped


def pytest_generate_tests(metafunc):
    sweep.cases(metafunc, 0)


@pytest.fixture(autouse=True)
def nobody_elses(alone):
    """No data and no network but what the page comes with."""


@pytest.fixture(scope="module", autouse=True)
def house():
    yield
    context, _ = sweep.page()
    context.visitors.close()


def test_nothing_fails(place, name, caplog):
    with caplog.at_level(logging.ERROR):
        sweep.sweep(place, name)
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR] == []


def test_no_part_is_left_out_but_those_that_wait_for_a_file():
    context, _ = sweep.page()
    places = {place for place, _ in sweep.swept()}
    for place in context.built.keys() - places:
        controls = context.built[place].asks.values()
        assert any(isinstance(control, gr.File) for control in controls), place


def test_no_model_is_left_out_that_the_page_offers():
    context, _ = sweep.page()
    able = {name for name in context.store.names if "Samples" in context.store.header(name)
            .capabilities}  # fmt: skip
    assert able <= {name for _, name in sweep.swept()}
