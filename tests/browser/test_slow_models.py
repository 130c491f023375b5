"""What a person sees who goes on while a model is still at work."""

from __future__ import annotations

from pathlib import Path

from tests import toys
from tests.browser.conftest import choose, open_page, settled
from tests.browser.test_map import MAP
from tests.browser.test_sample import CELLS
from tests.explorer.tabs.map.test_map import write_map

TABS = ("sample", "map")


def write_models(folder: Path) -> None:
    write_map(toys.write(folder, "toy-slow", family="slow"))
    write_map(toys.write(folder, "toy-colour", data="shapes", image=(3, 32, 32)), n=90)


def test_pictures_of_the_model_before_do_not_come_back(page, address):
    open_page(page, address)
    page.get_by_role("button", name="Sample again").click()
    settled(page, ".ge-panel-sample", "Drawing")
    choose(page, "toy-colour")
    page.wait_for_function(f"() => document.querySelector('{CELLS}').width === 32")
    page.wait_for_timeout(2500)  # by now the slow one would be done
    assert page.eval_on_selector(CELLS, "c => c.width") == 32
    settled(page, ".ge-panel-sample", "64 pictures")


def test_a_map_gets_its_own_pictures_while_others_are_still_drawn(page, address):
    open_page(page, f"{address}/?tab=map&model=toy-slow")
    page.wait_for_selector(f"{MAP}[data-drawn^=toy-slow]")
    measured = "document.querySelector('.ge-map-facts dd').textContent.endsWith('%')"
    page.wait_for_function(measured)
    choose(page, "toy-colour")
    page.wait_for_selector(f"{MAP}[data-drawn^=toy-colour]")
    page.wait_for_selector(f"{MAP}[data-thumbs='90']")
    page.wait_for_timeout(2500)  # by now the slow one's would be there
    assert page.locator(f"{MAP}[data-thumbs]").get_attribute("data-thumbs") == "90"
