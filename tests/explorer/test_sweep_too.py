"""The second half of ``test_sweep``."""

from __future__ import annotations

import logging

import pytest

from tests.explorer import sweep

pytestmark = pytest.mark.shipped


def pytest_generate_tests(metafunc):
    sweep.cases(metafunc, 1)


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
