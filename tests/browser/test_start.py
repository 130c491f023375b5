"""What a person does first: the first page, a click from there, every tab once, and in haste."""

from __future__ import annotations

from pathlib import Path

import pytest

import explorer
from models.evaluation.film import film
from tests import toys
from tests.browser.conftest import (
    PATIENCE,
    assert_no_serious_findings,
    every_window,
    open_page,
    pixels,
    until,
)

MAP = ".ge-family-map "
CHOSEN = ".ge-picker .open b"
PARTS = """() => Object.keys(GE.needs).flatMap(tab => {
  const serves = needs => GE.models.find(m => (needs ?? []).every(n => m.capabilities.includes(n)));
  const parts = GE.parts[tab] ?? [{ key: null, needs: [] }];
  return parts.map(part => [tab, part.key, serves([...GE.needs[tab], ...part.needs])?.name]);
})"""


def write_models(folder: Path) -> None:
    toys.write(folder, "a-toy", image=(1, 8, 8), data="digits")
    toys.write_codes(folder / "a-toy")
    film(toys.write(folder, "walker", family="walker", data="digits", image=(1, 8, 8), steps=4))
    film(toys.write_writer(folder, "writer"))
    toys.write_flow(folder, "flow")
    toys.write_game(folder, "game")
    toys.write_judge(folder, "judge")
    toys.write(folder, "machine", "rbm", "digits", image=(1, 8, 8), hidden=8, chains=4)
    toys.write_levels(folder, "levels")
    toys.write_scribe(folder, "scribe")
    toys.write_translator(folder, "translator")
    small = {"image": (1, 8, 8), "width": 16, "hidden": 16, "blocks": 0}
    toys.write(folder, "rebuilder", "autoencoder", "digits", **small)


def shows(page, tab: str) -> bool:
    """Whether the tab has something on screen: drawn pixels, a chart, a form."""
    return page.evaluate(
        """tab => {
             const panel = document.querySelector('.ge-panel-' + tab);
             if (!panel || panel.offsetParent === null) return false;
             const seen = [...panel.querySelectorAll('canvas, svg, img, input, .ge-choices')]
               .filter(each => each.offsetParent && each.getBoundingClientRect().width > 20);
             return seen.some(each => {
               if (each.tagName !== 'CANVAS') return each.tagName !== 'INPUT' || tab === 'train';
               const context = each.getContext('2d');
               if (!context || !each.width) return each.width > 0;
               const d = context.getImageData(0, 0, each.width, each.height).data;
               return d.some(v => v !== 0 && v !== 255);
             });
           }""",
        tab,
    )


def test_the_first_page_is_a_map_that_moves_and_asks_the_server_nothing(page, address):
    open_page(page, address)
    assert page.is_visible(MAP)
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if "/queue/join" in r.url else None)
    seen = pixels(page, MAP + "canvas")
    # All but the family that writes text have a film of four pictures.
    drawing = page.locator(MAP + ".node:has(canvas)").count()
    assert len(seen) == 4 * drawing >= 16
    assert page.locator(MAP + ".node").count() == drawing + 1

    def changed() -> int:
        return sum(a != b for a, b in zip(seen, pixels(page, MAP + "canvas"), strict=True))

    until(page, lambda: changed() > 4)
    page.get_by_role("button", name="Pause films").click()
    still = pixels(page, MAP + "canvas")
    page.evaluate("async n => { while (n--) await new Promise(requestAnimationFrame); }", 30)
    assert pixels(page, MAP + "canvas") == still
    assert asked == []


def test_a_family_opens_in_its_tab_with_its_model_and_a_state_opens_at_once(page, address):
    open_page(page, address)
    page.click(MAP + "[data-model=writer]")
    page.wait_for_selector(".ge-panel-pixels", state="visible")
    assert page.inner_text(CHOSEN) == "Writer"
    until(page, lambda: shows(page, "pixels"))
    assert "tab=pixels" in page.url
    page.evaluate("GE.go('start')")
    page.get_by_role("button", name="Watch noise become a digit").click()
    page.wait_for_selector(".ge-panel-denoise", state="visible")
    until(page, lambda: shows(page, "denoise"))
    assert page.inner_text(CHOSEN) == "Walker"


def test_without_motion_every_film_stands_on_its_end(browser, address):
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    open_page(page, address)
    until(page, lambda: len(set(pixels(page, MAP + "canvas"))) > 4)
    still = pixels(page, MAP + "canvas")
    page.evaluate("async n => { while (n--) await new Promise(requestAnimationFrame); }", 30)
    assert pixels(page, MAP + "canvas") == still
    assert page.is_visible("text=Play films")
    context.close()


def answers(page, tab: str) -> None:
    """Waits until a tab shows something or says what it does, where that takes long."""
    texts = page.locator(f".ge-panel-{tab} .ge-status p").all_inner_texts
    until(page, lambda: shows(page, tab) or any(texts()))
    told = page.locator(f".ge-notice-{tab} .told")
    assert not told.count() or "No model here" not in told.inner_text()


def test_every_tab_shows_something_to_whoever_opens_it_first(page, address):
    """By a press of each, in a page of which nothing has been seen."""
    open_page(page, address)
    for tab in map(explorer.key_of, explorer.TABS):
        page.evaluate("tab => GE.go(tab)", tab)
        page.wait_for_function("tab => GE.tab === tab", arg=tab)
        answers(page, tab)


@pytest.mark.parametrize("tab", ["sample", "denoise"])
def test_a_link_to_a_tab_alone_opens_it_with_a_model_that_can(page, address, tab):
    """What is ready when the page comes, and what needs another model than the first."""
    open_page(page, f"{address}/?tab={tab}")
    assert page.evaluate("GE.tab") == tab
    answers(page, tab)


def test_every_part_opens_in_haste_and_again_without_a_script_error(page, address):
    """What the page fixture asserts at the end: nothing uncaught, nothing in the console."""
    open_page(page, address)
    places = page.evaluate(PARTS)
    assert len(places) >= 20 and sum(name is not None for *_, name in places) >= 15
    last_of_each = {tab: (tab, part, name) for tab, part, name in places}
    for tab, part, name in (*places, *reversed(last_of_each.values())):
        page.evaluate(
            """([tab, part, name]) => {
                 if (name) GE.choose(name);
                 GE.go(tab);
                 if (part) GE.choosePart(tab, part);
               }""",
            [tab, part, name],
        )
        page.wait_for_function("tab => GE.tab === tab", arg=tab)
    busy = ".ge-status[data-kind=busy]:visible"
    until(page, lambda: page.locator(busy).count() == 0)


def test_links_of_before_there_was_a_first_page_open_as_they_did(page, address):
    open_page(page, f"{address}/?model=game&seed=3")
    assert page.evaluate("GE.tab") == "sample"
    page.wait_for_selector(".ge-panel-sample", state="visible")
    assert page.inner_text(CHOSEN) == "Game" and page.input_value("#sample-seed input") == "3"


def test_it_fits_every_screen_and_has_no_serious_finding(page, address):
    open_page(page, address)
    list(every_window(page))
    assert_no_serious_findings(page)
    page.evaluate("GE.toggleTheme()")
    assert_no_serious_findings(page)
