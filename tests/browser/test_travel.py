"""States of the page as a person goes through them: back and forward, links, what is saved."""

from __future__ import annotations

from tests.browser.conftest import choose, open_page, pixels, until

TABS = ("sample", "map", "ideas", "train")
CELLS = ".ge-image-grid .cells canvas"


def choose_tab(page, title: str) -> None:
    page.get_by_role("tab", name=title, exact=True).click()


def on_screen(page, key: str) -> None:
    page.locator(f".ge-panel-{key}").wait_for(state="visible")


def test_back_and_forward_walk_states_without_loading_the_page_anew(own_page, address):
    page = own_page
    open_page(page, address)
    page.evaluate("window.same = 'page'")
    first = page.evaluate("GE.current")
    page.fill("#sample-count input[type=number]", "9")
    page.press("#sample-count input[type=number]", "Enter")
    until(page, lambda: len(pixels(page, CELLS)) == 9)
    page.wait_for_function("location.search.includes('sample.count=9')")
    nine = pixels(page, CELLS)
    # The slider was no step; a model, a tab, a part and a laboratory are.
    assert page.evaluate("history.length") == 2
    choose(page, "toy-colour")
    until(page, lambda: len(pixels(page, CELLS)) == 9 and pixels(page, CELLS) != nine)
    choose_tab(page, "Map")
    page.locator(".ge-panel-map [role=tab][data-part=beside_real]").click()
    choose_tab(page, "Ideas")
    page.locator(".ge-ideas .row [role=tab]").nth(2).click()
    lab = page.get_attribute(".ge-ideas .row [role=tab]:nth-child(3)", "data-lab")
    page.wait_for_function("lab => document.querySelector('.lab').dataset.lab === lab", arg=lab)
    assert page.evaluate("history.length") == 7

    page.go_back()
    page.wait_for_function("lab => document.querySelector('.lab').dataset.lab !== lab", arg=lab)
    page.go_back()
    on_screen(page, "map")
    page.wait_for_function("GE.partOf('map') === 'beside_real'")
    page.go_back()
    page.wait_for_function("GE.partOf('map') !== 'beside_real'")
    page.go_back()
    page.go_back()
    on_screen(page, "sample")
    page.wait_for_function("first => GE.current === first", arg=first)
    until(page, lambda: pixels(page, CELLS) == nine)
    assert page.input_value("#sample-count input[type=number]") == "9"
    page.evaluate("history.go(5)")
    on_screen(page, "ideas")
    page.wait_for_function("lab => document.querySelector('.lab').dataset.lab === lab", arg=lab)
    assert page.evaluate("GE.current") == "toy-colour"
    assert page.evaluate("window.same") == "page"


def test_a_state_is_gone_to_and_what_it_does_not_name_has_its_first_value(page, address):
    open_page(page, f"{address}/?sample.count=4&sample.seed=3&__theme=dark")
    until(page, lambda: len(pixels(page, CELLS)) == 4)
    page.evaluate("GE.visit('sample.seed=3')")
    until(page, lambda: len(pixels(page, CELLS)) == 64)
    assert page.input_value("#sample-seed input") == "3"
    assert page.evaluate("GE.address()") == "sample.seed=3"
    assert "__theme=dark" in page.url
    page.evaluate("GE.visit('tab=map'), GE.visit('tab=nowhere&model=none'), GE.visit('tab=ideas')")
    on_screen(page, "ideas")
    assert page.evaluate("GE.address()") == "tab=ideas"
    page.go_back()
    page.go_back()
    on_screen(page, "map")
