"""The player of tours as a person uses it: by mouse, keys, link, and on every screen."""

from __future__ import annotations

import pytest

from explorer.tours import library
from tests.browser.conftest import (
    PATIENCE,
    assert_no_serious_findings,
    every_window,
    open_page,
    until,
)

TABS = ("sample", "ideas", "plane", "train")
PANEL = "#ge-tour .panel"
SYMMETRY = next(
    k
    for k, s in enumerate(library.lecture("density")["stations"], 1)
    if s["title"] == "It is not symmetric"
)


def at(page, url: str, station: int) -> None:
    open_page(page, f"{url}/?tour=density&station={station}")
    there(page, station)


def there(page, station: int) -> None:
    page.wait_for_function(
        "k => { const now = GE.tourNow?.(); return now?.station === k && now.state === 'there'; }",
        arg=station,
    )


def asked(page, key: str) -> str | None:
    return page.evaluate("key => new URLSearchParams(location.search).get(key)", key)


def test_predict_do_see(page, address):
    at(page, address, SYMMETRY)
    choice = page.locator(f"{PANEL} .predict").get_by_role("button", name="KL(q‖p)")
    seen = page.locator(f"{PANEL} .seen")
    choice.click()
    assert choice.get_attribute("aria-pressed") == "true" and seen.inner_text() == ""
    assert page.locator(f"{PANEL} .predict .right").count() == 0  # not before it is seen
    knob = page.get_by_role("slider", name="q: mean and width")
    until(page, lambda: knob.is_visible())
    for _ in range(40):
        knob.press("ArrowUp")
        if seen.inner_text():
            break
    until(page, lambda: "nats" in seen.inner_text())
    assert "Not so: KL(p‖q)." in seen.inner_text()
    # The number in the words is the one on the page, and follows it.
    shown = page.locator(".ge-ideas .scene:visible .numbers dd").first
    told = seen.locator("b[data-name=kl]")
    until(page, lambda: told.inner_text() == shown.inner_text())
    before = told.inner_text()
    knob.press("ArrowUp")
    until(page, lambda: told.inner_text() == shown.inner_text() != before)


def test_what_is_asked_can_be_done_for_one_and_set_up_again(page, address):
    at(page, address, SYMMETRY)
    page.get_by_role("button", name="Do it for me").click()
    page.locator(f"{PANEL} .predict").get_by_role("button", name="KL(p‖q)").click()
    seen = page.locator(f"{PANEL} .seen")
    until(page, lambda: "Right." in seen.inner_text())
    page.get_by_role("slider", name="q: mean and width").press("Home")
    page.locator(".ge-ideas").get_by_role("button", name="Start anew").click()
    page.get_by_role("button", name="Set it up again").click()
    there(page, SYMMETRY)
    assert seen.inner_text() == "" and page.get_by_role("button", name="Do it for me").is_visible()


def test_it_goes_by_keys_by_the_browsers_buttons_and_survives_a_reload(page, address):
    at(page, address, SYMMETRY)
    page.locator(f"{PANEL} .predict .options button").nth(1).click()
    page.locator(f"{PANEL} h2").press("ArrowRight")
    there(page, SYMMETRY + 1)
    assert asked(page, "station") == str(SYMMETRY + 1)
    assert page.evaluate("document.activeElement.matches('#ge-tour h2')")
    page.keyboard.press("PageUp")
    there(page, SYMMETRY)
    page.keyboard.press("PageDown")
    there(page, SYMMETRY + 1)
    page.go_back()
    there(page, SYMMETRY)
    page.reload()
    page.wait_for_selector("body[data-ge=open]")
    there(page, SYMMETRY)
    pressed = page.locator(f"{PANEL} .predict .options [aria-pressed=true]")
    assert pressed.inner_text() == "KL(q‖p)"
    page.locator(f"{PANEL} h2").press("Escape")
    assert page.locator(PANEL).is_hidden()
    assert asked(page, "tour") is None and asked(page, "station") is None
    assert page.evaluate("document.activeElement.matches('.ge-lectures')")


def test_a_station_whose_model_is_not_here_is_left_out_with_a_sentence(page, address):
    open_page(page, f"{address}/?tour=density")
    there(page, 3)
    told = page.inner_text(f"{PANEL} .told")
    assert "Station 1" in told and "transformer-mnist is not here." in told
    page.locator(f"{PANEL} h2").press("PageUp")
    there(page, 3)
    assert page.locator(f"{PANEL} h2").is_visible()


def test_the_list_opens_by_keys_and_knows_where_one_was(page, address):
    open_page(page, address)
    page.get_by_role("button", name="Lectures").press("Enter")
    dialog = page.get_by_role("dialog", name="Lectures")
    assert dialog.locator("li").count() == len(library.LECTURES)
    dialog.get_by_role("button", name="Begin").first.press("Enter")
    there(page, 3)
    page.locator(f"{PANEL} select").select_option(str(SYMMETRY))
    there(page, SYMMETRY)
    page.get_by_role("button", name="Leave").click()
    page.get_by_role("button", name="Lectures").click()
    page.get_by_role("button", name=f"Go on at station {SYMMETRY}").click()
    there(page, SYMMETRY)


def test_five_questions_end_it(page, address):
    last = len(library.lecture("density")["stations"]) + 1
    at(page, address, last)
    assert page.locator(f"{PANEL} .next").is_disabled()
    for k in range(5):
        page.locator(f"{PANEL} .quiz li").nth(k).get_by_role("button").first.click()
    assert "of 5 answered right" in page.inner_text(f"{PANEL} .score")
    page.get_by_role("button", name="Station 4 shows it").click()
    there(page, 4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_screen_and_axe_finds_nothing_serious(scheme, browser, address):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    at(page, address, SYMMETRY)
    page.get_by_role("button", name="Do it for me").click()
    page.locator(f"{PANEL} .predict .options button").first.click()
    page.wait_for_selector(f"{PANEL} .seen p")
    assert_no_serious_findings(page)
    for width, height in every_window(page):
        box = page.locator(PANEL).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height + 1 and box["height"] < 0.5 * height
        # What the station is about lies in what the panel leaves free.
        ring = page.locator("#ge-tour .rings i").first.bounding_box()
        assert ring["y"] < box["y"]
    page.evaluate("GE.lectures()")
    assert_no_serious_findings(page)
    context.close()
