"""The tab as a person finds it: labs open, answer the keyboard, keep their state, fit screens."""

from __future__ import annotations

import re

import pytest

from explorer.tabs.ideas import library
from tests.browser.conftest import (
    PATIENCE,
    assert_no_serious_findings,
    every_window,
    open_page,
    until,
)

TABS = ("ideas",)
LAB = ".ge-ideas .lab"


def at(page, url: str, lab: str, state: str = "") -> None:
    open_page(page, f"{url}/?tab=ideas&ideas.lab={lab}&ideas.state={state}")
    page.wait_for_selector(f"{LAB}[data-lab={lab}] .scene")


def number(page, label: str) -> float:
    """A live number, by the words above it."""
    text = page.locator(f"{LAB} .scene:visible .numbers div", has_text=label).first.locator("dd")
    return float(text.first.inner_text().replace("−", "-").replace("∞", "inf"))


OUTSIDE = """width => [...document.querySelectorAll('.ge-ideas .scene canvas')]
  .filter(c => c.offsetParent).map(c => c.getBoundingClientRect())
  .filter(b => b.width < 40 || b.x < 0 || b.right > width + 0.5).length"""


@pytest.mark.parametrize("name", library.LABS)
def test_every_scene_opens_and_fits_every_screen(name, page, address):
    at(page, address, name)
    scenes = page.locator(f"{LAB} .scenes [role=tab]")
    for width, _ in every_window(page):
        for k in range(scenes.count()):
            scenes.nth(k).evaluate("b => b.click()")  # hidden where a lab has one scene
            assert page.locator(f"{LAB} .scene:visible canvas").count() >= 1
            until(page, lambda width=width: page.evaluate(OUTSIDE, width) == 0, 10)
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme, browser, address):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    for name in library.LABS:
        at(page, address, name)
        scenes = page.locator(f"{LAB} .scenes [role=tab]")
        # What differs in the dark is colours, and those are the same in every scene.
        for k in range(scenes.count() if scheme == "light" else 1):
            scenes.nth(k).evaluate("b => b.click()")
            page.locator(f"{LAB} .options:visible button").first.click()
            page.locator(f"{LAB} details.code").evaluate("d => { d.open = true; }")
            assert_no_serious_findings(page)
    context.close()


def test_a_bar_is_pulled_by_finger_and_by_key_without_a_request(page, address):
    at(page, address, "divergences")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    before = number(page, "KL(p‖q)")
    knob = page.get_by_role("slider", name="p(0)")
    box = knob.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for k in range(1, 11):
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 - 6 * k)
    page.mouse.up()
    until(page, lambda: number(page, "KL(p‖q)") > before + 0.1)
    dragged = number(page, "KL(p‖q)")
    knob.press("ArrowDown")
    until(page, lambda: number(page, "KL(p‖q)") < dragged)
    assert re.fullmatch(r"p\(0\) = 0\.\d{3}", knob.get_attribute("aria-valuetext"))
    assert asked == []


def test_a_link_carries_laboratory_scene_and_state(page, address):
    at(page, address, "divergences", "scene:curves;qm:2.5;qw:99;nonsense")
    assert page.get_by_role("tab", name="Curves").get_attribute("aria-selected") == "true"
    assert number(page, "Wasserstein-1") == pytest.approx(3.5)  # q's width is the first one
    page.get_by_role("slider", name="q: mean and width").press("ArrowRight")
    page.wait_for_function("() => new URLSearchParams(location.search).get('ideas.state')"
                           ".includes('qm:2.6')")  # fmt: skip
    page.get_by_role("button", name="Start anew").click()
    page.wait_for_function("() => new URLSearchParams(location.search).get('ideas.state')"
                           " === 'scene:curves'")  # fmt: skip
    open_page(page, f"{address}/?tab=ideas&ideas.lab=nowhere&ideas.state=scene:nothing")
    page.wait_for_selector(f"{LAB}[data-lab={library.LABS[0]}] .scene")


def test_a_number_out_of_range_goes_back_to_the_last_good_one(page, address):
    at(page, address, "divergences", "scene:apart")
    box = page.get_by_label("Distance between them, as a number")
    for typed, said in (("7", "between 0 and 6"), ("−1", "between 0 and 6"), ("x", "not a number")):
        box.fill(typed)
        box.press("Enter")
        until(page, lambda said=said: said in page.inner_text(f"{LAB} .problem:visible"))
        assert box.input_value() == "0.60"
    box.fill("2,5")
    box.press("Enter")
    until(page, lambda: number(page, "Wasserstein-1") == pytest.approx(2.5, abs=1e-3))
    assert page.locator(f"{LAB} .problem:visible").count() == 0


def test_the_answer_is_shown_after_the_question_is_answered(page, address):
    at(page, address, "divergences")
    question = page.locator(f"{LAB} .question:visible")
    assert "minus infinity" not in question.inner_text()
    question.get_by_role("button", name="Slightly larger").click()
    assert "No: Infinite." in question.inner_text() and "minus infinity" in question.inner_text()


def test_six_fits_run_and_come_to_rest(page, address):
    at(page, address, "divergences", "scene:fit")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.ge-ideas .status')]"
        ".some(p => p.textContent.includes('at rest'))"
    )
    ended = page.locator(f"{LAB} .scene:visible .numbers dd:not(.note)").all_inner_texts()
    assert ended[0] == ended[2]  # KL(p‖q): mean and width of p
    mean, width = map(float, ended[1].split(", "))  # KL(q‖p): the right mode
    assert abs(mean - 2) < 0.05 and abs(width - 0.7) < 0.05


def test_a_handle_on_a_logarithmic_axis_moves_by_a_factor(page, address):
    at(page, address, "montecarlo")
    assert number(page, "Samples, T") == 64
    page.get_by_role("slider", name="T", exact=True).press("ArrowRight")
    until(page, lambda: number(page, "Samples, T") == 128)


# Opening: the first laboratory brings the toolkit with it, the others are a script each.
def test_a_laboratory_asks_the_server_once(page, address):
    at(page, address, "divergences")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    tabs = page.locator(".ge-ideas .row [role=tab]")
    for _ in range(2):
        for k in range(tabs.count()):
            tabs.nth(k).click()
            name = tabs.nth(k).get_attribute("data-lab")
            page.wait_for_selector(f"{LAB}[data-lab={name}] .scene")
    assert len(asked) == tabs.count() - 1
