"""The Compare tab as a person uses it."""

from __future__ import annotations

from pathlib import Path

from tests import toys
from tests.browser.conftest import (
    assert_no_serious_findings,
    every_window,
    open_page,
    pixels,
    settled,
    until,
)

TABS = ("sample", "compare")
CARD = "#compare-{} .card[data-key='{}']"


def write_models(folder: Path) -> None:
    toys.write_writer(folder, "toy-writer")
    toys.write_flow(folder, "toy-flow")
    toys.write_game(folder, "toy-classes", num_classes=10)
    toys.write_judge(folder, "toy-judge")
    toys.write(folder, "toy-elsewhere", data="shapes", image=(1, 8, 8))
    toys.write(folder, "toy-slow", "walker", "omniglot", image=(1, 8, 8), pause=2.0)
    toys.write(folder, "toy-waits", data="omniglot", image=(1, 8, 8))


def card(part: str, name: str) -> str:
    return CARD.format(part, name)


def test_what_takes_long_can_be_stopped_and_what_was_shipped_is_there_until_then(page, address):
    open_page(page, f"{address}/?tab=compare&model=toy-waits")
    page.wait_for_selector(card("samples", "toy-slow") + "[data-state=busy]")  # the smaller one
    page.click("#samples-stop")
    settled(page, "#compare-samples", "Stopped.")
    assert len(set(pixels(page, card("samples", "toy-waits") + "[data-state=waiting] canvas"))) == 4


def test_other_samples_come_and_a_card_chooses_its_model(page, address):
    open_page(page, f"{address}/?tab=compare&model=toy-flow")
    settled(page, "#compare-samples", "3 models of Digits, 4 pictures each, seed 0.")
    shown = pixels(page, card("samples", "toy-flow") + " canvas")
    page.click("#samples-again")
    settled(page, "#compare-samples", "seed 1")
    assert pixels(page, card("samples", "toy-flow") + " canvas") != shown
    page.wait_for_function("location.search.includes('compare.samples.seed=1')")
    page.click(card("samples", "toy-writer") + " button")
    page.wait_for_selector(card("samples", "toy-writer") + ".on")
    page.wait_for_function("location.search.includes('model=toy-writer')")


def test_a_link_asks_for_a_class_and_a_half(page, address):
    open_page(page, f"{address}/?tab=compare&compare.samples.class=3&compare.half.kept=left"
              "&model=toy-flow")  # fmt: skip
    settled(page, "#compare-samples", "class 3")
    assert "asked for" in page.inner_text(card("samples", "toy-classes"))
    assert "judge" in page.inner_text(card("samples", "toy-flow"))
    page.evaluate("GE.choosePart('compare', 'half')")
    settled(page, "#compare-half", "Left half")
    assert page.locator("#compare-half .card").count() == 1
    assert "read as" in page.inner_text(card("half", "toy-writer"))


def test_one_picture_is_shown_to_all_and_the_next_one_too(page, address):
    open_page(page, f"{address}/?tab=compare&compare.part=picture&model=toy-flow")
    settled(page, "#compare-picture", "to 2 models")
    heads = page.locator("#compare-picture .ge-model-cards h3").all_inner_texts()
    assert heads[:2] == ["Likelihood of black and white pictures", "Likelihood of 256 grey levels"]
    shown = pixels(page, card("picture", "toy-flow") + " canvas")
    page.click("#same-again")
    until(page, lambda: pixels(page, card("picture", "toy-flow") + " canvas") != shown)


def test_a_point_is_chosen_by_a_click_and_by_keys_and_axes_stay_in_the_link(page, address):
    open_page(page, f"{address}/?tab=compare&compare.part=costs&compare.costs.y=parameters"
              "&model=toy-flow")  # fmt: skip
    point = "#compare-costs .ge-model-scatter .point"
    page.wait_for_selector(f"{point}.on")
    # From left to right: the keys go that way too.
    order = page.eval_on_selector_all(
        point,
        """all => all.map((g, k) => [k, g.transform.baseVal[0].matrix.e])
             .sort((a, b) => a[1] - b[1]).map(pair => pair[0])""",
    )
    page.locator(point).nth(order[0]).click()
    page.wait_for_function(
        f"document.querySelectorAll('{point}')[{order[0]}].classList.contains('on')"
    )
    page.locator(f"{point}.on").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_function(
        f"document.querySelectorAll('{point}')[{order[1]}].classList.contains('on')"
    )
    page.wait_for_selector("#compare-costs .card.on canvas")
    page.wait_for_function("location.search.includes('compare.costs.y=parameters')")


def test_it_fits_every_screen_and_has_no_serious_findings(page, address):
    for part in ("samples", "costs"):
        open_page(page, f"{address}/?tab=compare&compare.part={part}&model=toy-elsewhere")
        settled(page, f"#compare-{part}", "of Shapes")
        for _ in every_window(page):
            pass
        assert_no_serious_findings(page)
