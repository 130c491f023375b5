"""The lectures as they are shipped: every state in them is one of the page, every model is here."""

from __future__ import annotations

import re

import pytest

import explorer
from explorer.tabs.ideas import library as laboratories
from explorer.tabs.plane import library as plane
from explorer.tours import library
from explorer.tours.records import SLOT, address
from models.checkpoints.header import SHIPPED
from models.plane.shipped import available

pytestmark = pytest.mark.shipped


@pytest.fixture(scope="module")
def context():
    context = explorer.Context.create(SHIPPED, device="cpu")
    explorer.build(context)
    return context


def assert_films_are_shipped(state: str, title: str) -> None:
    """A state of the plane has fields that there are, and methods whose films need no run."""
    told = dict(item.split(":", 1) for item in state.split(";"))
    for field in told:
        assert re.search(rf"'{field}',", plane.text("script/state.js")), f"{title}: {field}"
    for method in told.get("m", "ddpm").split("."):
        assert (method, told.get("s", "ring")) in available(), f"{title}: {method}"


@pytest.mark.parametrize("key", library.LECTURES)
def test_every_address_of_a_lecture_is_a_state_of_the_page(key, context):
    known = {item.key: item.parse for item in context.remembered}
    for station in library.lecture(key)["stations"]:
        for query in filter(None, (station["at"], station["then"])):
            asked = address(query)
            assert asked.pop("tab") in context.titles, station["title"]
            assert asked.pop("model", None) in {None, *context.store.names}, station["title"]
            if lab := asked.pop("ideas.lab", None):
                assert lab in laboratories.LABS, station["title"]
                script = laboratories.view(lab)
                for item in asked.pop("ideas.state", "").split(";"):
                    name, _, value = item.partition(":")
                    known_word = rf"\bkey: '{value}'" if name == "scene" else rf"\b{name}: "
                    assert re.search(known_word, script), f"{station['title']}: {item}"
            if state := asked.pop("plane.state", None):
                assert_films_are_shipped(state, station["title"])
            for name, value in asked.items():
                if name.endswith(".part"):
                    tab = name.removesuffix(".part")
                    assert value in {p["key"] for p in context.picker.props["parts"][tab]}
                else:
                    assert name in known, f"{station['title']}: {name}"
                    known[name](value)  # raises where the page would not take it


@pytest.mark.parametrize("key", library.LECTURES)
def test_every_model_and_every_measured_number_is_here(key, context):
    tour = library.prepared(library.lecture(key), context.store)
    for station in tour["stations"]:
        assert station["missing"] == [], station["title"]
        for name, number in station["numbers"].items():
            if number["from"] == "metric":
                assert isinstance(number["value"], (int, float)), f"{station['title']}: {name}"
    # The file itself is not touched by what a server adds.
    assert "missing" not in library.lecture(key)["stations"][0]


@pytest.mark.parametrize("key", library.LECTURES)
def test_a_reveal_has_a_number_that_the_page_computed(key):
    stations = library.lecture(key)["stations"]
    revealed = [s for s in stations if SLOT.search(s["reveal"])]
    assert len(revealed) >= len(stations) - 1
    assert all(s["claims"] for s in revealed)
    assert sum(bool(s["act"]) for s in stations) >= len(stations) // 2
    assert all(s["predict"] for s in stations)


@pytest.mark.parametrize("key", library.LECTURES)
def test_every_button_that_is_to_be_pressed_has_these_words(key):
    """A button that was given other words is found here in a second, not by a walk."""
    sources = [p for p in (SHIPPED.parent / "explorer" / "tabs").rglob("*.*") if p.suffix != ".pyc"]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    for station in library.lecture(key)["stations"]:
        for place in station["press"]:
            kind, _, words = place.partition(":")
            assert kind != "button" or re.search(rf"""['"]{re.escape(words)}['"]""", text), place


def test_a_model_that_is_not_here_is_named(tmp_path):
    from explorer.server.store import Store

    tour = library.prepared(library.lecture("density"), Store([tmp_path], "cpu"))
    assert tour["stations"][0]["missing"] == ["transformer-mnist"]
    assert tour["stations"][2]["missing"] == []


def test_names_are_no_way_to_other_files():
    for name in ("../records", "", "nothing"):
        with pytest.raises(ValueError, match="no such lecture"):
            library.lecture(name)


def test_the_list_says_what_each_lecture_is():
    for item in library.listed():
        assert set(item) == {"key", "title", "lecture", "blurb", "stations"}
        assert 10 <= item["stations"] <= 20 and item["blurb"].endswith(".")
