"""The Codes tab as a person uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import toys
from tests.browser.conftest import assert_no_serious_findings, open_page, pixels, settled, until

TABS = ("codes",)
LEVELS, GRID = "#codes-levels", "#codes-grid"
NOW = f"{GRID} canvas.now"


def write_models(folder: Path) -> None:
    toys.write_levels(folder, "levels")
    toys.write_book(folder, "book")


def test_levels_are_drawn_anew(page, address):
    open_page(page, f"{address}/?tab=codes&model=levels")
    settled(page, LEVELS, "nats in 4 levels")
    rows = f"{LEVELS} .ge-picture-rows tbody tr"
    assert page.locator(rows).count() == 6
    first = pixels(page, f"{rows} >> nth=1 >> canvas")
    page.click("#codes-levels-more")
    until(page, lambda: "codes.levels.seed=2" in page.url)
    until(page, lambda: pixels(page, f"{rows} >> nth=1 >> canvas") != first)
    assert_no_serious_findings(page)


def test_a_code_is_swapped_by_mouse_and_by_keys(page, address):
    open_page(page, f"{address}/?tab=codes&model=book&codes.part=grid")
    settled(page, GRID, "codes of 5 entries")
    before = pixels(page, NOW)
    cells = page.locator(f"{GRID} .cells button")
    codes = [int(text) for text in cells.all_inner_texts()]
    page.click(f"{GRID} .cells button >> nth=1")
    other = (codes[1] + 1) % 5
    page.click(f"{GRID} .book button >> nth={other}")
    settled(page, GRID, "One code changed")
    until(page, lambda: pixels(page, NOW) != before)
    assert f"code {other}, was {codes[1]}" in page.inner_text(f"{GRID} p.cell")
    until(page, lambda: f"1.{other}" in page.url)
    link = page.url
    # By keys: from the chosen cell to the one before it, and to an entry of the book.
    page.focus(f"{GRID} .cells button >> nth=1")
    page.keyboard.press("ArrowLeft")
    assert "column 1" in page.inner_text(f"{GRID} p.cell")
    page.focus(f"{GRID} .book button[tabindex='0']")
    page.keyboard.press("ArrowRight" if codes[0] < 4 else "ArrowLeft")
    page.keyboard.press("Enter")
    settled(page, GRID, "2 codes changed")
    page.click("#codes-grid-more")
    settled(page, GRID, "codes of 5 entries")
    until(page, lambda: pixels(page, NOW) == before)
    assert_no_serious_findings(page)
    open_page(page, link)
    settled(page, GRID, "One code changed")


@pytest.mark.parametrize("width", [1024, 390])
def test_it_fits(page, address, width):
    page.set_viewport_size({"width": width, "height": 800})
    open_page(page, f"{address}/?tab=codes&model=book&codes.part=grid")
    settled(page, GRID, "codes of 5 entries")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
