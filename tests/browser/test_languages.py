"""The page in German: what is on screen, what goes on working by its English words, and back."""

from __future__ import annotations

import pytest

from tests.browser.conftest import (
    assert_no_serious_findings,
    every_window,
    open_page,
    settled,
    until,
)

TABS = ("start", "sample", "latent", "plane", "ideas", "train")
STATUS = ".ge-panel-sample .ge-status p"


def text(page, selector: str) -> str:
    return page.locator(selector).first.inner_text()


def test_german_is_spoken_by_the_address_and_english_again_by_choice(page, address):
    open_page(page, f"{address}/?tab=sample&lang=de")
    until(page, lambda: text(page, "#ge-tabs [role=tab][aria-selected=true]") == "Stichproben")
    until(page, lambda: page.evaluate("document.documentElement.lang") == "de")
    until(page, lambda: page.input_value(".ge-language") == "de")
    settled(page, ".ge-panel-sample", "64 Bilder zum Seed 0.")
    assert page.get_by_label("Zwischen hell und dunkel wechseln").is_visible()
    # What was written comes in German as well, and what looks for English words finds them.
    page.get_by_role("button", name="Neu ziehen", exact=True).click()
    until(page, lambda: text(page, STATUS).startswith("64 Bilder zum Seed ") and "Seed 0." not in
          text(page, STATUS))  # fmt: skip
    assert page.evaluate("GE.place('button:Sample again').innerText") == "Neu ziehen"
    assert page.evaluate("GE.place('tab:Sample').innerText") == "Stichproben"
    assert "lang=de" in page.evaluate("GE.link()") and "lang=de" in page.url
    # Another tab, another state, and back: the language stays.
    page.evaluate("GE.visit('tab=latent')")
    page.wait_for_function("GE.tab === 'latent'")
    assert "lang=de" in page.url
    page.go_back()
    page.wait_for_function("GE.tab === 'sample'")
    assert "lang=de" in page.url

    page.select_option(".ge-language", "en")
    until(page, lambda: text(page, "#ge-tabs [role=tab][aria-selected=true]") == "Sample")
    settled(page, ".ge-panel-sample", "64 pictures of seed ")
    assert "lang" not in page.url and "lang" not in page.evaluate("GE.link()")
    assert page.get_by_label("Switch between light and dark").is_visible()
    left = page.evaluate("document.body.innerText")
    assert not any(word in left for word in ("Stichproben", "Neu ziehen", "Vorlesungen"))


def test_the_language_is_remembered_and_a_link_may_say_another(page, address):
    open_page(page, f"{address}/?tab=start")
    assert page.evaluate("GE.language") == "en"
    asked = page.evaluate("performance.getEntriesByType('resource').map(r => r.name)")
    assert not any("/kept/de-" in name for name in asked)
    page.select_option(".ge-language", "de")
    page.wait_for_function("GE.language === 'de'")
    open_page(page, f"{address}/?tab=start")
    page.wait_for_function("GE.language === 'de'")
    open_page(page, f"{address}/?tab=start&lang=en")
    assert page.evaluate("GE.language") == "en"


def test_a_lecture_is_german_and_its_numbers_are_found(page, address):
    open_page(page, f"{address}/?lang=de&tour=density&station=4")
    page.wait_for_function("GE.tourNow()?.state === 'there'")
    until(page, lambda: "Sie ist nicht symmetrisch" in text(page, ".ge-tour h2"))
    page.get_by_role("button", name="KL(q‖p)", exact=True).click()
    page.get_by_role("button", name="Vorführen").click()
    page.wait_for_function("GE.tourNow().done")
    until(page, lambda: "KL(q‖p) nur 0." in text(page, ".ge-tour .seen"))
    now = page.evaluate("GE.tourNow()")
    assert now["missing"] == [] and all(now["holding"])


@pytest.mark.parametrize("tab", TABS)
def test_german_fits_every_window(page, address, tab):
    open_page(page, f"{address}/?tab={tab}&lang=de")
    page.wait_for_function("GE.language === 'de'")
    for _, _ in every_window(page):
        button = page.evaluate(
            """() => [...document.querySelectorAll('button, select, h1, [role=tab]')]
              .filter(e => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.katex'))
              .filter(e => e.scrollWidth > e.clientWidth + 2 && e.clientWidth > 40
                && getComputedStyle(e).overflowX !== 'visible'
                && getComputedStyle(e).textOverflow !== 'ellipsis')
              .map(e => e.outerHTML.slice(0, 160))"""
        )
        assert button == []
    if tab == "start":
        assert_no_serious_findings(page)
