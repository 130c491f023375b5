"""The Pixels tab's Side by side and What a pixel can see as a person uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import (
    PATIENCE,
    assert_no_serious_findings,
    choose,
    every_window,
    open_page,
    pixels,
    serious_findings,
    settled,
    until,
)
from tests.explorer.tabs.pixels.test_writing_compare import write_writers

TABS = ("pixels",)
BESIDE, SEES = "#pixels-compare", "#pixels-order"
ROWS, MAPS = f"{BESIDE} .ge-model-rows", f"{BESIDE} .ge-heat-maps"
READ, SEEN = "Point at a pixel", "written before it"


def write_models(folder: Path) -> None:
    write_writers(folder)


def arrive(page, address, part: str, query: str = "model=made") -> None:
    page.set_default_timeout(PATIENCE)
    open_page(page, f"{address}/?tab=pixels&pixels.part={part}&{query}")


def test_every_model_writes_and_a_click_tells_how_surprised_each_is(page, address):
    arrive(page, address, "compare")
    settled(page, BESIDE, READ)
    written = pixels(page, f"{ROWS} canvas")
    assert len(written) == 5 * 8 and len(set(written)) > 20
    assert page.locator(f"{MAPS} figure").count() == 6
    before = pixels(page, f"{MAPS} .maps canvas")
    page.locator(f"{ROWS} button").nth(12).click()
    until(page, lambda: pixels(page, f"{MAPS} .maps canvas")[0] != before[0])
    settled(page, BESIDE, "picture 5 by")
    page.wait_for_function("() => location.search.includes('pixels.beside.picture=')")
    # A pixel pointed at tells its nats under every model.
    page.locator(f"{MAPS} .maps canvas").nth(1).hover()
    notes = page.locator(f"{MAPS} figure p").all_inner_texts()
    assert all("nats here" in note.replace("\u00a0", " ") for note in notes[1:]), notes
    assert page.inner_text(f"{MAPS} .where").startswith("Row")
    # And a link brings the same picture back.
    url, chosen = page.url, pixels(page, f"{MAPS} .maps canvas")
    page.mouse.move(0, 0)
    chosen = pixels(page, f"{MAPS} .maps canvas")
    open_page(page, url)
    settled(page, BESIDE, "picture 5 by")
    until(page, lambda: pixels(page, f"{MAPS} .maps canvas") == chosen)
    assert page.locator(f"{ROWS} button").nth(12).get_attribute("aria-pressed") == "true"


def test_other_chances_are_other_pictures_and_bad_seeds_get_a_sentence(page, address):
    arrive(page, address, "compare")
    settled(page, BESIDE, READ)
    first = pixels(page, f"{ROWS} canvas")
    page.click("#writers-again")
    settled(page, BESIDE, "random numbers (seed 1)")
    until(page, lambda: pixels(page, f"{ROWS} canvas") != first)
    page.fill("#writers-seed input", "-3")
    page.press("#writers-seed input", "Enter")
    settled(page, BESIDE, "seed must be a whole number")
    # Arrow keys go from picture to picture.
    page.locator(f"{ROWS} button").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(f"{ROWS} button").nth(1).get_attribute("aria-pressed") == "true"


def test_a_pixel_pointed_at_shows_what_it_sees(page, address):
    arrive(page, address, "order", "model=plain&pixels.sees.row=7&pixels.sees.column=1")
    settled(page, SEES, "never sees")
    canvas = page.locator(f"{SEES} .ge-heat-maps .maps canvas").first
    box = canvas.bounding_box()
    step = box["width"] / 8
    page.mouse.click(box["x"] + 3.5 * step, box["y"] + 4.5 * step)
    settled(page, SEES, "Row 5, column 4")
    assert page.input_value("#sees-row input[type=number]") == "5"
    canvas.focus()
    page.keyboard.press("ArrowDown")
    settled(page, SEES, "Row 6, column 4")
    page.wait_for_function("() => location.search.includes('pixels.sees.row=6')")
    assert page.locator(f"{SEES} .ge-mask-pictures figure").count() == 2
    assert page.locator(f"{SEES} .ge-chances figure").count() == 3
    choose(page, "nade")
    settled(page, SEES, "without masks")
    settled(page, SEES, "sees every pixel")


@pytest.mark.parametrize(
    ("part", "panel", "done"), [("compare", BESIDE, READ), ("order", SEES, SEEN)]
)
def test_each_part_fits_every_screen_and_has_no_serious_finding(page, address, part, panel, done):
    arrive(page, address, part)
    settled(page, panel, done)
    for width, _ in every_window(page):

        def fits(width=width) -> bool:
            boxes = [c.bounding_box() for c in page.locator(f"{panel} canvas:visible").all()]
            return all(box["x"] >= 0 and box["x"] + box["width"] <= width + 1 for box in boxes)

        until(page, fits, 20)
    assert_no_serious_findings(page)
    page.evaluate("GE.toggleTheme()")
    until(page, lambda: serious_findings(page) == [], 20)  # colours change over a moment
