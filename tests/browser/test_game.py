"""The Game tab's detector and search as a person uses them."""

from __future__ import annotations

from pathlib import Path

from tests import toys
from tests.browser.conftest import (
    assert_no_serious_findings,
    open_page,
    pixels,
    settled,
    until,
)

TABS = ("sample", "latent", "game", "map")
TAB = "#game-detector"


def write_models(folder: Path) -> None:
    toys.write_game(folder, "classes", num_classes=10)
    toys.write_game(folder, "plain")
    toys.write_game(folder, "coded", categories=3, continuous=2)
    toys.write_judge(folder, "judge")


def test_the_verdict_falls_among_others_and_bars_show_their_pictures(page, address):
    open_page(page, f"{address}/?tab=game&game.part=detector&model=classes")
    settled(page, TAB, "Its own sample 1: ")
    assert page.locator(f"{TAB} .ge-signed-bars .row").count() == 10
    rows = page.locator(f"{TAB} .ge-ridges text.name").all_text_contents()
    assert rows[0].startswith("Its own samples") and len(rows) >= 4
    page.locator(f"{TAB} .ge-ridges svg").press("ArrowRight")
    until(page, lambda: page.locator(f"{TAB} .ge-ridges .pictures canvas").count() > 0)
    assert "Its own samples: " in page.inner_text(f"{TAB} .ge-ridges figcaption")
    # Where its mark stands, not what it says: two verdicts may be rounded to the same words.
    mark, first = (
        page.inner_html(f"{TAB} .ge-ridges svg"),
        pixels(page, f"{TAB} .ge-heat-maps canvas"),
    )
    page.click("#detector-next")
    settled(page, TAB, "Its own sample 2: ")
    until(page, lambda: pixels(page, f"{TAB} .ge-heat-maps canvas") != first)
    until(page, lambda: page.inner_html(f"{TAB} .ge-ridges svg") != mark)
    assert "game.example=1" in page.url
    assert_no_serious_findings(page)


def test_a_code_is_searched_for_and_opened_in_latent_space(page, address):
    part = "#game-find"
    open_page(page, f"{address}/?tab=game&game.part=find&model=plain&game.find.steps=60")
    settled(page, part, "% off after 60 steps")
    assert page.locator(f"{part} .ge-curves path.line").count() == 6
    seen = pixels(page, f"{part} canvas")
    page.click("#find-go")
    until(page, lambda: "game.find.seed=2" in page.url and pixels(page, f"{part} canvas") != seen)
    settled(page, part, "% off after 60 steps")
    assert_no_serious_findings(page)
    page.click("#find-open")
    until(page, lambda: "tab=latent" in page.url and "latent.at=plain" in page.url)
    page.wait_for_selector('.ge-latent-pad .picture:not([data-exact=""])[data-exact]')


def test_made_pictures_stand_among_real_ones_and_show_themselves(page, address):
    part = "#map-beside_real"
    open_page(page, f"{address}/?tab=embedding&model=plain&among.count=32")
    settled(page, part, "32 generated pictures among")
    assert page.locator(f"{part} .ge-signed-bars .row").count() == 10
    page.locator(f"{part} .ge-cloud .field").press("ArrowRight")
    until(page, lambda: "generated picture 1" in page.inner_text(f"{part} .ge-cloud figcaption"))
    first = pixels(page, f"{part} figure canvas")
    page.locator(f"{part} .ge-cloud .field").press("ArrowRight")
    until(page, lambda: pixels(page, f"{part} figure canvas") != first)
    assert_no_serious_findings(page)


def test_codes_have_controls_and_a_sheet(page, address):
    open_page(page, f"{address}/?tab=latent&model=coded")
    page.wait_for_selector("#latent-code-2 input")
    sheet = ".ge-panel-latent .ge-picture-table canvas"
    until(page, lambda: len(pixels(page, sheet)) >= 27)
    first = pixels(page, sheet)
    page.click("#latent-sheet-code label >> nth=1")
    until(page, lambda: pixels(page, sheet) != first)
    exact = pixels(page, ".ge-latent-pad canvas")
    page.fill("#latent-code-1 input[type=number]", "-0.9")
    page.press("#latent-code-1 input[type=number]", "Enter")
    until(page, lambda: "latent.at=" in page.url)
    until(page, lambda: pixels(page, ".ge-latent-pad canvas") != exact)
    assert_no_serious_findings(page)
