"""The page with all its tabs, as it opens; other modules have pages of the tabs they are about."""

from __future__ import annotations

import explorer
from tests.browser.conftest import every_window, open_page, pixels, until

CELLS = ".ge-image-grid .cells canvas"


def test_the_first_grid_is_there_at_once_is_crisp_and_fits_every_screen(page, address):
    open_page(page, f"{address}/?tab=sample")
    assert len(set(pixels(page, CELLS))) == 64
    side = page.eval_on_selector(CELLS, "c => c.getBoundingClientRect().width")
    assert side >= 28 and side % 28 == 0
    for width, height in every_window(page):
        grid = page.locator(".ge-image-grid .cells").bounding_box()
        assert grid["x"] >= 0 and grid["x"] + grid["width"] <= width
        assert grid["y"] + grid["height"] <= height


def test_it_opens_on_a_phone_and_fits_there(page, address):
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, f"{address}/?tab=sample")
    grid = page.locator(".ge-image-grid .cells").bounding_box()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert grid["x"] >= 0 and grid["x"] + grid["width"] <= 390
    assert grid["y"] + grid["height"] <= 844


def test_a_broken_link_opens_the_page_all_the_same(page, address):
    open_page(
        page,
        f"{address}/?model=nothing&tab=nowhere&sample.seed=seven&sample.temperature=nan&sample.count=1e9",
    )
    assert len(pixels(page, CELLS)) == 64
    assert page.input_value("#sample-seed input") == "0"


def test_a_tab_is_closed_only_where_no_model_at_all_can_serve_it(page, address):
    open_page(page, address)
    closed = []
    for tab in explorer.TABS:
        key = explorer.key_of(tab)
        page.evaluate("tab => GE.go(tab)", key)
        page.wait_for_function("tab => GE.tab === tab", arg=key)
        panel, notice = page.locator(f".ge-panel-{key}"), page.locator(f".ge-notice-{key}").first
        until(page, lambda: panel.is_visible() or notice.is_visible())  # noqa: B023
        if not panel.is_visible():
            closed.append(key)
            assert "No model here can" in notice.inner_text()
    # The toys sample, encode, decode, and do nothing else.
    assert set(closed) == {
        "codes", "denoise", "energy", "game", "pixels", "rebuild", "score", "translate", "words",
    }  # fmt: skip


def test_a_tab_that_has_no_room_is_gone_to_as_well(page, address):
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, address)
    for key in ("train", "sample", "ideas"):
        page.evaluate("tab => GE.go(tab)", key)
        until(page, lambda: page.locator(f".ge-panel-{key}").is_visible())  # noqa: B023
