"""Tabs of several parts: each part keeps the conventions of ``explorer.page.parts``."""

from __future__ import annotations

import pytest

import explorer
from explorer.page.parts import key_of
from explorer.tabs import TABS
from tests import toys

OF_PARTS = [tab for tab in TABS if getattr(tab, "PARTS", ())]


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "walker", family="walker", image=(1, 8, 8))
    toys.write_writer(folder, "writer")
    return explorer.Context.create(folder, device="cpu")


@pytest.fixture(scope="module")
def page(context):
    return explorer.build(context)


def test_there_are_tabs_of_parts():
    known = {"codes", "denoise", "pixels", "layers", "energy", "game", "map", "score", "compare"}
    assert {key_of(tab) for tab in OF_PARTS} == known


@pytest.mark.parametrize("tab", OF_PARTS, ids=key_of)
def test_a_tab_is_made_of_parts_that_keep_the_conventions(context, page, tab):
    keys = [key_of(part) for part in tab.PARTS]
    first = ("watch", "one", "theatre", "codes", "samples", "levels", "flow", "picture")
    assert keys[0] in first and len(set(keys)) == len(keys)
    for key, part in zip(keys, tab.PARTS, strict=True):
        assert part.TITLE and callable(part.build)
        assert hasattr(context.picker, f"show_{key_of(tab)}_{key}")
    remembered = [item.key for item in context.remembered]
    assert len(set(remembered)) == len(remembered)
    assert {key.partition(".")[0] for key in remembered} <= set(context.titles)


def test_no_id_is_used_twice(page):
    given = [each["props"].get("elem_id") for each in page.config["components"]]
    ids = [each for each in given if each]
    assert len(ids) > 100
    assert [each for each in set(ids) if ids.count(each) > 1] == []
