"""A model of text trained on the page, on a text that a person pastes, and written with."""

from __future__ import annotations

from pathlib import Path

from tests import toys
from tests.browser.conftest import assert_no_serious_findings, open_page, settled, until

TABS = ("sample", "words", "train")
PANEL, STAGE = ".ge-panel-train", ".ge-panel-train .ge-stage"
LINE = "It was the best of times, it was the worst of times, it was the age of wisdom.\n"


def write_models(folder: Path) -> None:
    toys.write(folder, "toy")


def test_a_pasted_text_is_learned_and_written(page, address):
    page.set_default_timeout(240_000)  # a process is started, and others may share two cores
    open_page(page, f"{address}/?tab=train")
    page.wait_for_selector("#train-settings-0")
    # Whoever chooses a text has a model of text chosen with it.
    page.click(f"{PANEL} [role=radio][data-key=own-text]")
    page.wait_for_selector(f"{PANEL} [data-key=text][aria-checked=true]")
    page.click("#train-pasted textarea")
    page.keyboard.insert_text(80 * LINE)
    page.click("#train-take-text")
    settled(page, "#train-text", "characters")
    page.wait_for_selector(f"{PANEL} [data-key^='text-'][aria-checked=true]")
    page.fill("#train-settings-0", "5000")
    page.click("#train-start")
    moments = f"{STAGE} .ge-writings"
    until(page, lambda: page.locator(f"{moments} pre").is_visible(), 200)
    until(page, lambda: page.get_attribute(f"{moments} input", "max") != "0", 200)
    assert "bits a character" in page.inner_text(f"{moments} .said")
    assert not page.locator(f"{STAGE} .ge-film").is_visible()
    # A person who goes to an earlier moment stays there while the run goes on.
    page.focus(f"{moments} input")
    page.keyboard.press("Home")
    assert page.inner_text(f"{moments} .said").startswith("Step 0:")
    first, last = page.inner_text(f"{moments} pre"), page.get_attribute(f"{moments} input", "max")
    until(page, lambda: page.get_attribute(f"{moments} input", "max") != last, 200)
    assert page.inner_text(f"{moments} pre") == first
    page.click("#train-step")
    page.wait_for_selector(f"{STAGE} .ge-slow-step pre")
    assert page.locator(f"{STAGE} .ge-slow-step pre").count() == 3
    assert_no_serious_findings(page)
    page.click("#train-stop")
    settled(page, STAGE, "Stopped at step")
    assert page.inner_text("#train-open") == "Write with it"
    page.click("#train-open")
    page.wait_for_selector(".ge-panel-words .ge-text-view pre span")
    settled(page, ".ge-panel-words", "320 characters")
    assert "My GPT, small" in page.inner_text(".ge-picker .open b")
