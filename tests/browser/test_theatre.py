"""The Game tab's first part, and the truncation of the Sample tab, as a person uses them."""

from __future__ import annotations

from pathlib import Path

from models.data import datasets
from tests.browser.conftest import (
    assert_no_serious_findings,
    open_page,
    pixels,
    seek,
    settled,
    until,
)
from tests.games import write_games

TABS = ("sample", "game")
TAB, FILM = "#game-theatre", "#game-theatre .ge-film"
BARS = f"{TAB} .ge-class-bars"


def write_models(folder: Path) -> None:
    write_games(folder, datasets.load("digits", "train"))


def test_two_runs_are_watched_side_by_side(page, address):
    open_page(page, f"{address}/?tab=game&model=healthy&game.pictures=16")
    settled(page, TAB, "3 snapshots of Healthy and 4 snapshots of Failing")
    seek(page, FILM, 0, "step 2 of 6")
    first, bars = pixels(page, f"{FILM} canvas"), page.inner_html(f"{BARS} svg >> nth=0")
    seek(page, FILM, 2)
    until(page, lambda: pixels(page, f"{FILM} canvas")[0] != first[0])
    # Bars and curves stand where the film stands.
    until(page, lambda: page.inner_html(f"{BARS} svg >> nth=0") != bars)
    assert "of 10 classes found" in page.inner_text(f"{BARS} figcaption >> nth=0")
    assert "step = 6" in page.inner_text(f"{TAB} .ge-curves figure p >> nth=0")
    assert_no_serious_findings(page)
    page.click("#game-beside input")
    page.get_by_role("option", name="No other run").click()
    settled(page, TAB, "3 snapshots of Healthy.")
    assert page.locator(f"{FILM} canvas").count() == 1 and "game.beside=none" in page.url


def test_a_run_without_snapshots_shows_what_there_is(page, address):
    open_page(page, f"{address}/?tab=game&model=bare")
    settled(page, TAB, "not kept as a film")
    assert page.locator(f"{FILM} canvas").count() == 1


def test_truncation_moves_the_pictures_and_the_rule(page, address):
    open_page(page, f"{address}/?model=healthy")
    cells = ".ge-image-grid .cells canvas"
    settled(page, ".ge-panel-sample", "64 pictures")
    assert page.is_visible("#sample-truncation") and not page.is_visible("#sample-temperature")
    plain, said = pixels(page, cells), page.inner_text(".ge-truncation p")
    page.fill("#sample-truncation input[type=number]", "0.5")
    page.press("#sample-truncation input[type=number]", "Enter")
    until(page, lambda: pixels(page, cells) != plain)
    until(page, lambda: page.inner_text(".ge-truncation p") != said)
    assert "truncation=0.5" in page.url
