"""Where it looks and Tricks, as a person uses them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from models.checkpoints import weights
from models.checkpoints.header import read_header
from models.evaluation.metrics import metric
from tests import toys
from tests.browser.conftest import (
    assert_no_serious_findings,
    open_page,
    pixels,
    settled,
    until,
)

TABS = ("sample", "game")
PART = "#game-looks"


def write_models(folder: Path) -> None:
    target = toys.write_game(folder, "attends", attention=1)
    header, metrics = read_header(target), {}
    for number, title in enumerate(("Plain", "Hinge loss")):
        facts = {"n": 64, "space": "judge", "note": title, "minutes": 1.5}
        for name in ("fd", "fd_floor", "precision", "recall"):
            metrics[f"{name}.trick_{number}-0"] = metric(3.0 - number, 0.25, **facts)
    weights.rewrite_header(target, dataclasses.replace(header, metrics=metrics))
    toys.write_game(folder, "plain")


def test_a_place_is_pointed_at_and_both_networks_show_where_it_looks(page, address):
    open_page(page, f"{address}/?tab=game&game.part=looks&model=attends")
    settled(page, PART, "4 × 4 places, each of 2 × 2 pixels")
    view = page.locator(f"{PART} .ge-attention-view")
    assert view.locator("figure").count() == 2
    said, where = view.locator("figure p"), view.locator(".where")
    until(page, lambda: "row 3, column 3" in where.inner_text())  # the middle, to begin with
    assert "of 16 places in effect, most at row" in said.first.inner_text()
    first = pixels(page, f"{PART} .ge-attention-view canvas")
    box = view.locator("figure canvas").first.bounding_box()
    page.mouse.click(box["x"] + 0.1 * box["width"], box["y"] + 0.9 * box["height"])
    until(page, lambda: "row 4, column 1" in where.inner_text())
    until(page, lambda: pixels(page, f"{PART} .ge-attention-view canvas") != first)
    page.mouse.move(2, 2)  # a click keeps the place
    assert "row 4, column 1" in where.inner_text()
    view.locator("figure canvas").last.press("ArrowRight")
    until(page, lambda: "row 4, column 2" in where.inner_text())
    for key in ("ArrowDown", "ArrowUp"):  # not out of the picture
        view.locator("figure canvas").first.press(key)
    until(page, lambda: "row 3, column 2" in where.inner_text())
    assert_no_serious_findings(page)


def test_another_sample_and_another_seed(page, address):
    open_page(page, f"{address}/?tab=game&game.part=looks&model=attends&game.looks.seed=3")
    settled(page, PART, "Sample 1 of seed 3")
    page.locator(f"{PART} .ge-shelf [role=radio]").nth(4).click()
    settled(page, PART, "Sample 5 of seed 3")
    assert "game.looks.sample=4" in page.url
    page.click("#looks-more")
    settled(page, PART, "Sample 5 of seed 4")


def test_tricks_stand_as_bars_and_in_a_table(page, address):
    part = "#game-tricks"
    open_page(page, f"{address}/?tab=game&game.part=tricks&model=attends")
    settled(page, part, "real pictures have 3.00")
    rows = page.locator(f"{part} .ge-signed-bars .row")
    assert rows.count() == 2
    assert "Hinge loss" in page.locator(f"{part} .ge-signed-bars .chosen").inner_text()
    assert "2.00 ± 0.25" in page.locator(f"{part} .ge-score-table").first.inner_text()
    assert_no_serious_findings(page)


def test_a_model_whose_tricks_were_not_measured_says_so(page, address):
    open_page(page, f"{address}/?tab=game&game.part=tricks&model=plain")
    settled(page, "#game-tricks", "has no runs with its tricks")
