"""The picker, and which model a tab shows: no tab greets with a dead end."""

from __future__ import annotations

from pathlib import Path

from tests import toys
from tests.browser.conftest import (
    assert_no_serious_findings,
    choose,
    every_window,
    open_page,
    until,
)

TABS = ("sample", "denoise", "pixels", "ideas")
ROW, PANEL = ".ge-picker .open", ".ge-picker .panel"
CHOSEN = ROW + " b"


def write_models(folder: Path) -> None:
    toys.write(folder, "a-toy")
    toys.write(folder, "walker", family="walker", data="digits", image=(1, 8, 8), steps=4)
    toys.write_writer(folder, "writer")
    toys.write_writer(folder, "writer-of-mnist", data="mnist")


def at(page, tab: str) -> None:
    page.evaluate("tab => GE.go(tab)", tab)
    page.wait_for_function("tab => GE.tab === tab", arg=tab)


def named(page) -> list[str]:
    return page.eval_on_selector_all(
        f"{PANEL} [data-name]",
        "all => all.filter(b => b.offsetParent !== null).map(b => b.dataset.name)",
    )


def test_typing_finds_a_model_and_keys_alone_choose_it(page, address):
    open_page(page, address)
    page.focus(ROW)
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(PANEL, state="visible")
    assert named(page) == ["writer-of-mnist", "writer"]  # the chosen one's family is open
    page.keyboard.type("value MNIST")  # of a family's title and a data set
    assert named(page) == []
    assert "No model has all" in page.inner_text(PANEL)
    page.keyboard.press("Control+A")
    page.keyboard.type("autoregressive digits")
    assert named(page) == ["writer"]
    page.keyboard.press("Enter")
    until(page, lambda: page.inner_text(CHOSEN) == "Writer")
    assert not page.is_visible(PANEL)
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.name") == "writer-of-mnist"
    page.keyboard.press("Escape")
    assert not page.is_visible(PANEL) and page.inner_text(CHOSEN) == "Writer"


def test_the_row_is_one_line_high_and_the_panel_fits_every_screen(page, address):
    open_page(page, address)
    for width, height in every_window(page):
        assert page.locator(ROW).bounding_box()["height"] <= 48
        page.click(ROW)
        box = page.locator(PANEL).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.keyboard.press("Escape")
    page.click(ROW)
    assert_no_serious_findings(page)
    page.evaluate("GE.toggleTheme()")
    assert_no_serious_findings(page)


def test_another_model_stands_in_is_told_of_and_the_wish_is_kept(page, address):
    open_page(page, f"{address}/?model=walker")
    at(page, "pixels")
    told = ".ge-notice-pixels .told"
    page.wait_for_selector(told)
    words = page.inner_text(told)
    assert "Pixels needs a model that can write a picture value by value: showing Writer" in words
    assert page.is_visible(".ge-panel-pixels")
    assert page.inner_text(CHOSEN) == "Writer"  # of the same data
    assert "model=writer" in page.url
    at(page, "denoise")
    assert page.inner_text(CHOSEN) == "Walker"
    # The tab remembers which one was used there last.
    at(page, "pixels")
    choose(page, "writer-of-mnist")
    assert not page.is_visible(told)
    choose(page, "walker")  # which cannot: it comes on screen where it can
    page.wait_for_function("() => GE.tab !== 'pixels'")
    assert page.inner_text(CHOSEN) == "Walker"
    page.get_by_role("button", name="Back to Pixels").click()
    page.wait_for_selector(told)
    assert page.inner_text(CHOSEN) == "Writer Of Mnist"
    page.get_by_role("button", name="Back to Walker").click()
    page.wait_for_function("() => GE.tab !== 'pixels'")
    assert page.inner_text(CHOSEN) == "Walker"


def test_a_link_opens_as_it_was_shared(page, address):
    open_page(page, f"{address}/?tab=pixels&model=writer-of-mnist")
    assert page.inner_text(CHOSEN) == "Writer Of Mnist"
    at(page, "ideas")
    assert page.inner_text(CHOSEN) == "Writer Of Mnist"
    at(page, "sample")
    assert page.inner_text(CHOSEN) == "Writer Of Mnist"
    open_page(page, page.url)
    assert page.inner_text(CHOSEN) == "Writer Of Mnist"
