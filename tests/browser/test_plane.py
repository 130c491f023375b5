"""The tab Plane as a person finds it: films play, points are read, own data are trained on."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from tests.browser.conftest import (
    PATIENCE,
    assert_no_serious_findings,
    every_window,
    open_page,
    pixels,
    until,
)

TABS = ("plane",)
pytestmark = pytest.mark.shipped
QUICK = "gaussian-mixture"


def at(page, url: str, state: str = "") -> None:
    """Opens the tab in a state, and waits until all that is on stage has come."""
    open_page(page, f"{url}/?tab=plane&plane.state={state}")
    page.wait_for_selector(".ge-plane .host[data-open]")
    page.wait_for_function(
        "PLANE.app.state.set === 'own'"
        " || PLANE.app.state.mixture || PLANE.app.films().length === PLANE.app.state.methods.length"
    )
    drawn = "[...document.querySelectorAll('.view canvas')].every(c => c.width > 50)"
    page.wait_for_function(drawn)


def says(page, text: str) -> None:
    page.wait_for_function(
        "text => document.querySelector('.ge-plane .status').textContent.includes(text)", arg=text
    )


def stroke(page, *places: tuple[float, float]) -> None:
    """Draws on the first plane, in the units of the box."""
    box = page.locator(".view canvas").first.bounding_box()

    def there(x: float, y: float) -> tuple[float, float]:
        return (box["x"] + (x + 4) / 8 * box["width"], box["y"] + (4 - y) / 8 * box["height"])

    page.mouse.move(*there(*places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*there(*place), steps=8)
    page.mouse.up()


def test_a_film_plays_steps_and_is_scrubbed_without_a_request(page, address):
    at(page, address)
    page.wait_for_function("PLANE.app.state.moment > 0.02")  # it plays by itself at first
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    transport = page.get_by_role("group", name="Time")
    transport.get_by_role("button", name="Pause").first.click()
    before = pixels(page, ".view canvas")
    slider = page.get_by_role("slider", name="Training")
    slider.evaluate("s => { s.value = 0; s.dispatchEvent(new Event('input')); }")
    until(page, lambda: pixels(page, ".view canvas") != before)
    slider.press("ArrowRight")
    page.wait_for_function("PLANE.app.place(PLANE.app.films()[0]) === 1")
    assert slider.get_attribute("aria-valuetext").startswith("step")
    page.get_by_role("button", name="Play the training").click()
    page.wait_for_function("PLANE.app.state.moment > 0.15")
    assert asked == []


def test_the_pointer_reads_the_density_that_python_gives(page, address):
    from models.plane.shipped import film

    x, y = 1.3, -0.6
    at(page, address, f"m:{QUICK};p:{x},{y}")
    text = page.locator(".view .read").first.inner_text().replace("−", "-")
    found = float(re.search(r"log p̂ (-?[\d.]+)", text).group(1))
    grid = film(QUICK, "ring").moments[-1].arrays["log_density"]
    place = (np.array([[y], [x]]) + 4) / 8 * 64 - 0.5
    assert found == pytest.approx(map_coordinates(grid, place, order=1)[0], abs=0.02)
    canvas = page.locator(".view canvas").first
    canvas.focus()
    canvas.press("ArrowRight")
    page.wait_for_function("Math.abs(PLANE.app.state.point[0] - 1.4) < 1e-6")
    assert page.locator(".view .read[role=status]").count() == 1
    canvas.press("Escape")
    page.wait_for_function("PLANE.app.state.point === null")


def test_methods_stand_side_by_side_and_back_works(page, address):
    at(page, address, f"m:{QUICK};s:ring")
    page.get_by_role("button", name="Add a method beside it").click()
    page.wait_for_function("document.querySelectorAll('.view').length === 2")
    page.get_by_label("Method 2", exact=True).select_option("kernel-density")
    page.wait_for_function("PLANE.app.films().length === 2")
    assert page.locator(".numbers thead th").count() == 3
    page.get_by_role("radio", name="Two moons").click()
    page.wait_for_function("decodeURIComponent(location.search).includes('s:moons')")
    page.go_back()
    page.wait_for_function("PLANE.app.state.set === 'ring'")
    page.get_by_label("Beside it").select_option("truth")
    page.wait_for_function("document.querySelectorAll('.view').length === 4")
    page.get_by_role("button", name="Remove method 2").click()
    page.wait_for_function("document.querySelectorAll('.view').length === 2")


def test_every_lesson_opens_and_answers(page, address):
    at(page, address, f"m:{QUICK}")
    for lesson in page.locator(".ge-plane .lessons a").all():
        lesson.click()
        page.wait_for_selector(".ge-plane .lessons a[aria-current]")
        card = page.locator(".ge-plane .lesson")
        card.locator(".options button").first.click()
        assert len(card.locator(".said").inner_text()) > 40


def test_points_of_ones_own_are_drawn_and_trained_on(page, address):
    at(page, address, f"m:{QUICK}")
    page.get_by_role("radio", name="Your own points").click()
    page.get_by_role("button", name="Start", exact=True).click()
    says(page, "There are no points yet.")
    stroke(page, (-2, -1), (-2, -1))
    page.get_by_role("button", name="Start", exact=True).click()
    says(page, "too few")
    stroke(page, (-2.5, -1), (0, 1.5), (2.5, -1))
    drawn = page.evaluate("PLANE.app.state.points.length / 2")
    assert drawn > 120
    # A file that is no picture: a sentence, and nothing is lost.
    text = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"not a picture"}
    page.locator(".own input[type=file]").first.set_input_files(text)
    says(page, "not a picture")
    assert page.evaluate("PLANE.app.state.points.length / 2") == drawn
    page.get_by_role("radio", name="Eraser").click()
    stroke(page, (2.2, -0.7), (2.5, -1))
    page.wait_for_function("n => PLANE.app.state.points.length / 2 < n", arg=drawn)
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("n => PLANE.app.state.points.length / 2 === n", arg=drawn)
    page.get_by_role("radio", name="Points", exact=True).click()
    canvas = page.locator(".view canvas").first
    canvas.focus()
    canvas.press("ArrowUp")
    canvas.press("Enter")
    page.wait_for_function("n => PLANE.app.state.points.length / 2 === n + 1", arg=drawn)
    linked = "PLANE.state.read(new URLSearchParams(location.search).get('plane.state')).points"
    page.wait_for_function(f"n => {linked}?.length / 2 === n + 1", arg=drawn)
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_function("PLANE.app.films().length === 1 && !PLANE.app.running()")
    film = "PLANE.app.films()[0]"
    assert page.evaluate(f"{film}.has('log_density') && {film}.has('components')")
    # In the middle of the stroke there is more density than beside it.
    density = f"PLANE.maths.bilinear({film}.density('log_density', 1e9), 64, "
    assert page.evaluate(f"{density} 0, 1.4) > 20 * {density} 0, -2)")


def test_a_run_is_paused_stepped_and_stopped(page, address):
    at(page, address, "m:coupling;n:200;w:2")
    page.get_by_role("button", name="Start", exact=True).click()
    says(page, "Training on the server")
    page.wait_for_function("PLANE.app.films()[0]?.count > 2")
    controls = page.locator(".run .buttons")
    controls.get_by_role("button", name="Pause").click()
    says(page, "Paused")
    controls.get_by_role("button", name="One step").click()
    says(page, "One step was taken")
    controls.get_by_role("button", name="Go on").click()
    says(page, "Training on the server")
    controls.get_by_role("button", name="Stop").click()
    says(page, "Stopped at step")
    controls.get_by_role("button", name="Shipped film").click()
    page.wait_for_function("PLANE.app.runs.all.size === 0 && PLANE.app.films().length === 1")


def test_a_run_shows_the_true_field_beside_the_learned_one(page, address):
    at(page, address, "m:score;l:arrows.true_field;n:200;w:2;c:score!width=16")
    page.get_by_role("button", name="Start", exact=True).click()
    says(page, "Training on the server")
    page.wait_for_function("PLANE.app.shown(0, 0).truth.field && PLANE.app.films()[0].has('field')")
    controls = page.locator(".run .buttons")
    controls.get_by_role("button", name="Stop").click()
    says(page, "Stopped at step")
    assert not page.evaluate("PLANE.app.films()[0].has('true_field')")
    before = pixels(page, ".view canvas")
    page.get_by_label("true field").uncheck()
    until(page, lambda: pixels(page, ".view canvas") != before)


def test_a_mixture_is_dragged_and_a_slice_too(page, address):
    at(page, address, f"m:{QUICK};s:mixture;l:data.slice;g:-1.6,1,0.5,0.4~1.5,1.5,0.3,0.3")
    knob = page.get_by_role("slider", name="Mean of Gaussian 1")
    box = knob.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"] + 60, steps=6)
    page.mouse.up()
    page.wait_for_function("PLANE.app.state.mixture?.[0][0] > -1.4")
    width = page.evaluate("PLANE.app.mixture()[1][2]")
    page.get_by_role("slider", name="Width of Gaussian 2").press("ArrowRight")
    page.wait_for_function("w => PLANE.app.mixture()[1][2] > w", arg=width)
    page.get_by_role("slider", name="Line of the slice, x₁").press("ArrowRight")
    page.wait_for_function("Math.abs(PLANE.app.state.slice - 0.1) < 1e-6")


OUTSIDE = """width => [...document.querySelectorAll('.ge-plane canvas, .ge-plane button')]
  .filter(c => c.offsetParent && !c.closest('.lessons')).map(c => c.getBoundingClientRect())
  .filter(b => b.x < -0.5 || b.right > width + 0.5).length"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_screen_and_axe_finds_nothing(scheme, browser, address):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    at(page, address, f"m:{QUICK}.kernel-density;l:data.samples.slice.contours;p:1,1;e:kl")
    page.locator(".ge-plane details").evaluate_all("all => all.forEach(d => { d.open = true; })")
    assert_no_serious_findings(page)
    for width, _ in every_window(page):
        until(page, lambda width=width: page.evaluate(OUTSIDE, width) == 0, 10)
    context.close()
