"""What can be taken away of every part: its link, its picture; and what a projector shows of it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import (
    assert_no_serious_findings,
    every_window,
    open_page,
    pixels,
    until,
)

TABS = ("sample", "map", "ideas")
CELLS = ".ge-image-grid .cells canvas"


def share(page, words: str) -> None:
    page.click(".ge-share")
    page.get_by_role("menuitem", name=words).click()


def clipboard(page) -> str:
    return page.evaluate("navigator.clipboard.readText()")


def copied(page) -> str:
    """The link that the menu copies."""
    page.evaluate("navigator.clipboard.writeText('')")
    share(page, "Copy link")
    until(page, lambda: clipboard(page) != "")
    return clipboard(page)


def test_a_copied_link_restores_the_state_of_each_tab(page, address, browser):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, f"{address}/?model=toy-colour&sample.count=4&sample.seed=3&__theme=dark")
    until(page, lambda: len(pixels(page, CELLS)) == 4)
    four = pixels(page, CELLS)
    links = [copied(page)]
    page.get_by_role("tab", name="Map", exact=True).click()
    page.locator(".ge-panel-map [role=tab][data-part=beside_real]").click()
    links.append(copied(page))
    page.get_by_role("tab", name="Ideas", exact=True).click()
    page.locator(".ge-ideas .row [role=tab]").nth(3).click()
    page.wait_for_selector(".ge-ideas .scene")
    lab = page.locator(".ge-ideas .row [role=tab]").nth(3).get_attribute("data-lab")
    links.append(copied(page))
    # Of the window, its colours among other things, a link says nothing.
    assert all(link.startswith(f"{address}/?") and "theme" not in link for link in links)

    other = browser.new_context().new_page()
    open_page(other, links[0])
    until(other, lambda: pixels(other, CELLS) == four)
    open_page(other, links[1])
    other.locator("#map-beside_real").wait_for(state="visible")
    open_page(other, links[2])
    other.wait_for_selector(f".ge-ideas .lab[data-lab={lab}] .scene")
    assert other.evaluate("GE.current") == "toy-colour"
    other.context.close()


def test_on_a_space_a_link_has_the_spaces_own_address(page, address):
    open_page(page, f"{address}/?sample.seed=3")
    page.evaluate("window.GE_HOME = 'https://someone-explorer.hf.space/'")
    assert page.evaluate("GE.link()") == "https://someone-explorer.hf.space/?sample.seed=3"


@pytest.mark.parametrize("tab", ["sample", "ideas"])
def test_a_saved_picture_is_what_is_on_stage_at_twice_the_size(page, address, tab, tmp_path):
    open_page(page, f"{address}/?tab={tab}")
    stage = CELLS if tab == "sample" else ".ge-ideas .stage canvas"
    page.wait_for_selector(stage)
    with page.expect_download() as saving:
        share(page, "Save picture")
    assert saving.value.suggested_filename == f"{tab}-toy-digits.png"
    saving.value.save_as(tmp_path / "saved.png")
    picture = Image.open(tmp_path / "saved.png").convert("RGB")
    size = page.evaluate("[GE.stage().offsetWidth, GE.stage().offsetHeight]")
    assert picture.size == (2 * size[0], 2 * size[1])
    # Where a canvas lies on the stage, the picture has its pixels; and no line where there is none.
    box, mean = page.eval_on_selector(
        stage,
        """canvas => {
           const a = GE.stage().getBoundingClientRect(), b = canvas.getBoundingClientRect();
           const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
           const ground = parseInt(getComputedStyle(document.body).backgroundColor.slice(4));
           let sum = 0;
           for (let i = 0; i < d.length; i += 4)
             sum += (d[i] * d[i + 3] + ground * (255 - d[i + 3])) / 255;
           return [[b.left - a.left, b.top - a.top, b.right - a.left, b.bottom - a.top],
                   sum / (d.length / 4)]; }""",
    )
    shown = np.asarray(picture.crop([round(2 * side) for side in box]))[..., 0]
    assert shown.std() > 5
    assert abs(shown.mean() - mean) < 4


def test_a_projector_shows_the_stage_alone_and_larger(page, address):
    open_page(page, address)
    until(page, lambda: len(pixels(page, CELLS)) == 64)
    side = page.eval_on_selector(CELLS, "c => c.getBoundingClientRect().width")
    page.keyboard.press("p")
    page.wait_for_function("document.body.dataset.view === 'projector'")
    assert "view=projector" in page.url
    for hidden in ("#ge-header", ".ge-picker", ".ge-controls", ".ge-aside", "#ge-tabs [role=tab]"):
        assert not page.locator(hidden).first.is_visible(), hidden
    page.wait_for_function(
        "([cells, side]) => document.querySelector(cells).getBoundingClientRect().width > side",
        arg=[CELLS, side],
    )
    for width, height in every_window(page):
        grid = page.locator(".ge-image-grid .cells").bounding_box()
        assert grid["x"] >= 0 and grid["x"] + grid["width"] <= width
        assert grid["y"] + grid["height"] <= height
    # A press lands where it is aimed at.
    page.locator(CELLS).nth(42).click()
    page.wait_for_function(
        "document.querySelectorAll('.ge-image-grid .cells button')[42].ariaSelected === 'true'"
    )
    assert_no_serious_findings(page)
    page.keyboard.press("Escape")
    page.locator(".ge-picker .open").wait_for(state="visible")
    assert "view" not in page.url
    page.go_back()
    page.locator(".ge-picker .open").wait_for(state="hidden")


def test_the_menu_is_used_by_keys_and_nothing_is_wrong_with_it(page, address):
    open_page(page, address)
    page.focus(".ge-share")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Copy link"
    assert_no_serious_findings(page)
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == "Save picture"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "ge-share"
    assert page.locator(".ge-menu").count() == 0


def test_on_paper_stand_the_stage_the_model_and_the_link(own_page, address):
    page = own_page
    open_page(page, f"{address}/?sample.seed=3&__theme=dark")
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator(CELLS).first.is_visible()
    assert page.locator(".ge-picker .open b").is_visible()
    assert not page.locator(".ge-picker .panel").is_visible()
    assert not page.locator(".ge-share").is_visible()
    address_line = page.evaluate(
        "getComputedStyle(document.getElementById('ge-tabs'), '::after').content"
    )
    assert address_line == f'"{address}/?sample.seed=3"'
    assert not page.evaluate("document.body.classList.contains('dark')")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.body.classList.contains('dark')")


def test_the_model_on_screen_is_taken_home(page, address):
    open_page(page, f"{address}/?tab=sample&model=toy-digits")
    # What the address answers is tested by itself (tests/explorer/page/test_take_home.py).
    page.route("**/take-home/*", lambda route: route.fulfill(body="<!doctype html>"))
    with page.expect_download() as download:
        share(page, "Take it home")
    assert download.value.suggested_filename == "toy-digits.html"
    page.wait_for_function(
        "document.querySelector('.ge-said').textContent.startsWith('toy-digits.html')"
    )
