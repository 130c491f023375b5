"""The Words tab as a person uses it."""

from __future__ import annotations

from pathlib import Path

from tests import toys
from tests.browser.conftest import assert_no_serious_findings, open_page, settled, until

TABS = ("words",)
TAB, TEXT = ".ge-panel-words", ".ge-panel-words .ge-text-view pre"


def write_models(folder: Path) -> None:
    toys.write_scribe(folder, "scribe")


def text_of(page) -> str:
    return page.evaluate(
        "text => [...document.querySelectorAll(`${text} > span:not(.next)`)]"
        ".map(cell => cell.lastChild.textContent).join('')",
        TEXT,
    )


def write(page, text: str) -> None:
    """Writes a text in place of the one that is there, key by key."""
    page.click("#words-text textarea")
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def test_a_text_is_written_asked_about_and_written_anew(page, address):
    open_page(page, f"{address}/?tab=words&words.length=40&words.text=for%20x")
    settled(page, TAB, "40 characters")
    first = text_of(page)
    assert first.startswith("for x") and len(first) == 45
    assert page.locator(f"{TEXT} > .given").count() == 5
    assert "Comes next" in page.inner_text(f"{TAB} .ge-text-view aside")
    # Pointed at, a character tells what else was likely; a click keeps it, keys go on from there.
    page.hover(f"{TEXT} > span >> nth=2")
    until(page, lambda: page.inner_text(f"{TAB} .ge-text-view h2") == "Character 3")
    assert "“r” had" in page.inner_text(f"{TAB} .ge-text-view .said")
    assert page.locator(f"{TAB} .ge-text-view .bars > div").count() == 8
    page.click(f"{TEXT} > span >> nth=2")
    page.mouse.move(5, 5)
    page.focus(TEXT)
    page.keyboard.press("ArrowRight")
    until(page, lambda: page.inner_text(f"{TAB} .ge-text-view h2") == "Character 4")
    page.keyboard.press("End")
    until(page, lambda: page.inner_text(f"{TAB} .ge-text-view h2") == "Comes next")
    page.keyboard.press("Home")
    until(page, lambda: page.inner_text(f"{TAB} .ge-text-view h2") == "Character 1")
    page.click("#words-more")
    until(page, lambda: "words.seed=1" in page.url and text_of(page) != first)
    assert_no_serious_findings(page)


def test_a_text_of_ones_own_is_read_as_it_is_typed(page, address):
    open_page(page, f"{address}/?tab=words&words.does=read&words.text=import%20this")
    settled(page, TAB, "Your 11 characters")
    assert page.inner_text("#words-more") == "Read it"
    assert not page.is_visible("#words-seed")
    write(page, "import that, too")
    settled(page, TAB, "Your 16 characters")
    assert text_of(page) == "import that, too"
    write(page, "ärger")
    settled(page, TAB, "does not know the character")
    assert_no_serious_findings(page)


def test_where_a_head_looks_is_coloured(page, address):
    open_page(page, f"{address}/?tab=words&words.length=6&words.text=abc&words.head=1.2")
    settled(page, TAB, "6 characters")
    page.hover(f"{TEXT} > span >> nth=5")
    until(page, lambda: "where head 2 of layer 1 looked" in page.inner_text(f"{TAB} .said"))
    coloured = page.evaluate(
        "text => [...document.querySelectorAll(`${text} > span`)]"
        ".map(cell => cell.style.background !== '')",
        TEXT,
    )
    assert any(coloured[:5]) and not any(coloured[5:])  # what came later was not looked at
