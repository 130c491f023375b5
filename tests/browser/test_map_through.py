"""The map through training as a person uses it."""

from __future__ import annotations

from pathlib import Path

from models.checkpoints import weights
from models.codes.judged_map import keep_features
from models.data import datasets
from tests import games
from tests.browser.conftest import (
    assert_no_serious_findings,
    every_window,
    open_page,
    pixels,
    settled,
    until,
)

TABS = ("map",)
PART = "#map-through"
FIELD, SLIDER = f"{PART} .ge-moving-points .field", f"{PART} .ge-moving-points input"


def write_models(folder: Path) -> None:
    games.write_games(folder, datasets.load("digits", "train"), ("healthy", "bare"))
    keep_features(weights.load(folder / "judge"), datasets.load("digits", "test"), folder / "judge")


def moment(page) -> str:
    return page.input_value(SLIDER)


def test_points_travel_with_the_slider_and_a_picture_is_shown_of_each(page, address):
    # Of a model whose training was not kept the page shows another, and says so.
    open_page(page, f"{address}/?tab=map&map.part=through&model=bare")
    settled(page, PART, "at 3 moments")
    assert page.inner_text(".ge-picker .words b") == "Healthy"
    until(page, lambda: moment(page) == "2")
    last = pixels(page, FIELD)
    page.focus(SLIDER)
    page.keyboard.press("Home")
    until(page, lambda: moment(page) == "0" and pixels(page, FIELD) != last)
    assert page.inner_text(f"{PART} .bar output").startswith("step 2,")
    # The curves are at the same moment, and lead the film where one is pressed.
    until(page, lambda: "step = 2:" in page.inner_text(f"{PART} .ge-curves figure p >> nth=0"))
    page.focus(FIELD)
    page.keyboard.press("ArrowRight")
    until(page, lambda: "generated picture 1" in page.inner_text(f"{PART} figcaption >> nth=0"))
    first = pixels(page, f"{PART} .ge-moving-points figure canvas")
    page.locator(f"{PART} .ge-curves svg >> nth=0").press("End")
    until(page, lambda: moment(page) == "2")
    until(page, lambda: pixels(page, f"{PART} .ge-moving-points figure canvas") != first)
    page.evaluate(
        "() => { window.passed = [];"
        " document.addEventListener('ge:film', e => window.passed.push(e.detail.at)); }"
    )
    page.click(f"{PART} .play")
    until(page, lambda: page.evaluate("window.passed")[-1:] == [2])
    assert sorted(set(page.evaluate("window.passed"))) == [0, 1, 2]
    page.wait_for_selector(f"{PART} .play[aria-label=Play]")
    assert_no_serious_findings(page)
    list(every_window(page))
