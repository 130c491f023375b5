"""Components and page behaviour that every tab shares, on a tab made for the purpose."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from tests.browser.conftest import (
    assert_no_serious_findings,
    choose,
    open_page,
    pixels,
    rest,
    served,
    until,
)

WORKBENCH = "import runpy; runpy.run_module('tests.browser.workbench', run_name='__main__')"


@pytest.fixture(scope="module")
def address(models):
    with served("--checkpoints", str(models), program=WORKBENCH) as url:
        yield url


def shown(page, text: str) -> None:
    page.wait_for_function(
        "text => [...document.querySelectorAll('.ge-status p')]"
        ".some(p => p.offsetParent && p.textContent.includes(text))",
        arg=text,
    )


def at_workbench(page, url: str, query: str = "") -> None:
    open_page(page, f"{url}/?tab=workbench{query}")
    shown(page, "steps")


def stroke(page, points) -> None:
    box = page.locator(".ge-picture-input canvas").first.bounding_box()
    page.mouse.move(box["x"] + points[0][0], box["y"] + points[0][1])
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
    page.mouse.up()


def light(page, selector: str) -> int:
    """How many canvas pixels are brighter than half."""
    return page.eval_on_selector(
        selector,
        "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 0; i < d.length; i += 4) n += d[i] > 127; return n; }",
    )


SEEN = ".ge-seen canvas"


def test_a_tab_computes_when_it_is_shown_and_for_each_model_once(page, address):
    open_page(page, address)
    assert page.locator(".ge-panel-workbench").count() == 0
    page.get_by_role("tab", name="Workbench").click()
    shown(page, "toy-digits, 8 steps")
    assert "tab=workbench" in page.url
    choose(page, "toy-colour")
    shown(page, "toy-colour, 8 steps")
    page.get_by_role("tab", name="Sample").click()
    page.wait_for_function(
        "() => document.querySelector('.ge-panel-sample .cells canvas').width === 32"
    )


def test_a_tabs_own_slider_is_in_the_address(page, address):
    at_workbench(page, address, "&workbench.steps=5&model=toy-classes")
    shown(page, "toy-classes, 5 steps")
    page.fill("#steps input[type=number]", "6")
    page.press("#steps input[type=number]", "Enter")
    page.wait_for_function("() => location.search.includes('workbench.steps=6')")
    page.fill("#steps input[type=number]", "8")
    page.press("#steps input[type=number]", "Enter")
    page.wait_for_function("() => !location.search.includes('workbench.steps')")


def test_a_tab_that_the_model_cannot_serve_says_so(page, address):
    open_page(page, f"{address}/?tab=closed")
    page.wait_for_selector(".ge-notice-closed p", state="visible")
    assert "cannot tell a picture's energy" in page.inner_text(".ge-notice.ge-notice-closed")


def test_a_tab_takes_a_model_that_can_and_says_so(page, address):
    open_page(page, f"{address}/?model=toy-reader")
    told = ".ge-notice-sample .told"
    page.wait_for_selector(told)
    assert "Sample needs a model that can be sampled from: showing Toy" in page.inner_text(told)
    assert len(pixels(page, ".ge-panel-sample .cells canvas")) == 64
    page.get_by_role("button", name="Back to Toy Reader").click()
    page.wait_for_selector(".ge-panel-workbench", state="visible")
    assert page.inner_text(".ge-picker .open b") == "Toy Reader"


def test_arrow_keys_move_between_tabs(page, address):
    open_page(page, address)
    page.get_by_role("tab", name="Sample").focus()
    page.keyboard.press("ArrowRight")
    shown(page, "toy-digits, 8 steps")
    selected = "document.querySelector('[role=tab][aria-selected=true]').textContent"
    assert page.evaluate(selected).strip() == "Workbench"
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(selected).strip() == "Sample"


def test_a_drawing_is_seen_by_the_model_during_the_stroke(page, address):
    at_workbench(page, address)
    assert light(page, SEEN) == 0
    box = page.locator(".ge-picture-input canvas").first.bounding_box()
    page.mouse.move(box["x"] + 140, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 240, steps=20)
    page.wait_for_function(
        "s => document.querySelector(s).nextElementSibling.innerText.includes('centred')", arg=SEEN
    )
    page.mouse.up()
    until(page, lambda: 20 <= light(page, SEEN) <= 120)  # a bar of about 20 x 2 pixels


def test_undo_and_clear(page, address):
    at_workbench(page, address)
    stroke(page, [(60, 60), (60, 200)])
    # The last of the pictures on the way has come; none says that it is the last.
    page.wait_for_timeout(1500)
    one = pixels(page, SEEN)
    assert light(page, SEEN) > 0
    stroke(page, [(60, 200), (200, 200)])
    until(page, lambda: pixels(page, SEEN) != one)
    page.wait_for_timeout(1500)  # the same
    page.get_by_role("button", name="Undo").first.click()
    until(page, lambda: pixels(page, SEEN) == one)
    page.get_by_role("button", name="Clear").first.click()
    until(page, lambda: light(page, SEEN) == 0)
    assert page.is_visible(".ge-picture-input .hint >> nth=0")


def test_colour_models_are_drawn_for_in_colour(page, address):
    at_workbench(page, address, "&model=toy-colour")
    page.locator("input[type=color]").first.fill("#00ff00")
    stroke(page, [(20, 140), (260, 140)])

    def red_and_green():
        return page.eval_on_selector(
            SEEN,
            "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            "let r = 0, g = 0; for (let i = 0; i < d.length; i += 4) { r += d[i]; g += d[i + 1]; }"
            "return [r, g]; }",
        )

    until(page, lambda: red_and_green()[1] > 10_000)
    assert red_and_green()[0] < red_and_green()[1] / 50
    choose(page, "toy-digits")
    page.wait_for_selector("input[type=color] >> nth=0", state="hidden")


def picture_file(ground: int, ink: int) -> dict:
    image = Image.new("L", (200, 160), ground)
    image.paste(ink, (90, 30, 110, 130))
    file = io.BytesIO()
    image.save(file, "PNG")
    return {"name": "one.png", "mimeType": "image/png", "buffer": file.getvalue()}


def test_an_upload_and_its_polarity(page, address):
    at_workbench(page, address)
    page.locator("input[type=file]").first.set_input_files(picture_file(255, 0))
    page.wait_for_function("() => document.querySelector('.ge-seen span').textContent !== ''")
    until(page, lambda: 20 <= light(page, SEEN) <= 160)  # ink on paper became light on dark
    page.select_option(".ge-picture-input select >> nth=0", "keep")
    until(page, lambda: light(page, SEEN) > 200)


def test_a_file_that_is_no_picture_gets_a_sentence(page, address):
    at_workbench(page, address)
    page.locator("input[type=file]").first.set_input_files(
        {"name": "notes.png", "mimeType": "image/png", "buffer": b"These are notes."}
    )
    page.wait_for_function("() => document.querySelector('.ge-seen span').textContent !== ''")
    said = page.inner_text(".ge-seen span")
    assert "notes.png" in said and "Traceback" not in said


def test_a_picture_can_be_dropped(page, address):
    at_workbench(page, address)
    data = base64.b64encode(picture_file(255, 0)["buffer"]).decode()
    page.evaluate(
        """async data => {
          const blob = await (await fetch('data:image/png;base64,' + data)).blob();
          const transfer = new DataTransfer();
          transfer.items.add(new File([blob], 'dropped.png', { type: 'image/png' }));
          document.querySelector('.ge-picture-input canvas').dispatchEvent(
            new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        data,
    )
    page.wait_for_function("() => document.querySelector('.ge-seen span').textContent !== ''")
    until(page, lambda: light(page, SEEN) >= 20)


def grey(page) -> int:
    """How bright the player's picture is; level k of 8 is k / 7 of white."""
    return page.eval_on_selector(
        ".ge-frame-player canvas",
        "c => c.getContext('2d').getImageData(0, 0, 1, 1).data[0]",
    )


def test_the_player_plays_steps_and_scrubs_without_a_request(page, address):
    at_workbench(page, address)
    player = page.locator(".ge-frame-player").last
    player.locator("canvas").wait_for()
    until(page, lambda: player.locator("output").inner_text() == "level 0")
    rest(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    said = player.locator("output")
    assert said.inner_text() == "level 0"
    player.get_by_role("button", name="One frame on").click()
    assert said.inner_text() == "level 1"
    player.get_by_role("slider").fill("5")
    assert said.inner_text() == "level 5"
    assert abs(grey(page) - 5 / 7 * 255) < 1
    player.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "() => document.querySelector('.ge-frame-player output').textContent === 'level 3'"
    )
    player.get_by_role("button", name="Pause").click()
    # The film goes round: it may stand at any level by now, at the one of before as well.
    level = int(said.inner_text().removeprefix("level "))
    assert abs(grey(page) - level / 7 * 255) < 1
    assert asked == []


def test_the_explanation_can_be_read_from_the_back_row(page, address):
    open_page(page, f"{address}/?tab=sample")
    page.get_by_role("button", name="The idea").first.click()
    page.get_by_role("button", name="Read large").first.click()
    dialog = page.locator("dialog[open]")
    assert "untrained" in dialog.inner_text()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, address, scheme):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    for tab in ("sample", "workbench", "closed"):
        open_page(page, f"{address}/?tab={tab}&model=toy-classes")
        rest(page)
        for note in page.locator(".ge-note .label-wrap").all():
            if note.is_visible():
                note.click()
        rest(page)
        assert_no_serious_findings(page)
    context.close()


def test_light_and_dark_can_be_switched(page, address):
    open_page(page, address)
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(ground) != before
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(ground) == before
