"""The Sample tab as a person uses it."""

from __future__ import annotations

import io
import zipfile

from PIL import Image

from tests.browser.conftest import PATIENCE, choose, open_page, pixels, rest, settled, until

TABS = ("sample", "latent")
CELLS = ".ge-image-grid .cells canvas"
LARGE = ".ge-closeup .large canvas"


def type_seed(page, text: str) -> None:
    page.fill("#sample-seed input", text)
    page.press("#sample-seed input", "Enter")


def test_sampling_again_draws_other_pictures_and_the_seed_brings_them_back(page, address):
    open_page(page, address)
    first = pixels(page, CELLS)
    page.get_by_role("button", name="Sample again").click()
    settled(page, ".ge-panel-sample", "seed 1")
    until(page, lambda: all(a != b for a, b in zip(first, pixels(page, CELLS), strict=True)))
    assert page.input_value("#sample-seed input") == "1"
    type_seed(page, "0")
    settled(page, ".ge-panel-sample", "seed 0")
    until(page, lambda: pixels(page, CELLS) == first)


def test_the_shipped_preview_is_what_the_model_draws(page, address):
    open_page(page, address)
    shipped = pixels(page, CELLS)
    page.fill("#sample-count input[type=number]", "65")
    page.press("#sample-count input[type=number]", "Enter")
    settled(page, ".ge-panel-sample", "65 pictures")
    until(page, lambda: len(pixels(page, CELLS)) == 65)
    page.fill("#sample-count input[type=number]", "64")
    page.press("#sample-count input[type=number]", "Enter")
    settled(page, ".ge-panel-sample", "64 pictures")
    until(page, lambda: pixels(page, CELLS) == shipped)


def test_a_number_typed_beyond_the_slider_is_drawn_as_its_end(page, address):
    open_page(page, address)
    page.fill("#sample-count input[type=number]", "1000")
    page.press("#sample-count input[type=number]", "Tab")
    settled(page, ".ge-panel-sample", "400 pictures of seed 0")
    until(page, lambda: page.input_value("#sample-count input[type=number]") == "400")
    until(page, lambda: len(pixels(page, CELLS)) == 400)
    assert page.locator(".toast-body").count() == 0


def test_a_slider_moved_by_key_draws(page, address):
    open_page(page, address)
    page.focus("#sample-temperature input[type=range]")
    before = pixels(page, CELLS)
    page.keyboard.press("ArrowLeft")
    until(page, lambda: pixels(page, CELLS) != before)


def test_clicking_a_picture_shows_it_large_with_its_code(page, address):
    open_page(page, address)
    page.wait_for_selector(".ge-closeup svg rect")
    before = page.inner_html(".ge-closeup svg")
    page.locator(".ge-image-grid [role=option]").nth(9).click()
    assert pixels(page, LARGE) == [pixels(page, CELLS)[9]]
    page.wait_for_function(
        "before => document.querySelector('.ge-closeup svg').innerHTML !== before", arg=before
    )
    assert page.locator(".ge-closeup svg rect").count() == 6
    assert "not on this server" in page.inner_text(".ge-closeup .near figcaption")


def test_arrows_move_through_the_grid(page, address):
    open_page(page, address)
    page.locator(".ge-image-grid [role=option]").nth(0).click()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    selected = page.locator(".ge-image-grid [aria-selected=true]")
    assert selected.get_attribute("aria-label") == "Picture 10"
    assert pixels(page, LARGE) == [pixels(page, CELLS)[9]]


def test_temperature_changes_the_selected_picture_in_place(page, address):
    open_page(page, address)
    page.locator(".ge-image-grid [role=option]").nth(3).click()
    before = pixels(page, LARGE)
    page.fill("#sample-temperature input[type=number]", "0")
    page.press("#sample-temperature input[type=number]", "Enter")
    page.wait_for_function("() => location.search.includes('temperature=0')")
    # No noise: every picture is the decoder's centre.
    until(page, lambda: len(set(pixels(page, CELLS))) == 1)
    until(page, lambda: pixels(page, LARGE) != before)
    assert (
        page.locator(".ge-image-grid [aria-selected=true]").get_attribute("aria-label")
        == "Picture 4"
    )


def test_a_class_can_be_asked_for_where_there_is_one(page, address):
    open_page(page, address)
    assert not page.is_visible("#sample-class")
    choose(page, "toy-classes")
    page.wait_for_selector("#sample-class", state="visible")
    before = pixels(page, CELLS)
    page.click("#sample-class input")
    page.get_by_role("option", name="3", exact=True).click()
    page.wait_for_function("() => location.search.includes('class=3')")
    until(page, lambda: pixels(page, CELLS) != before)
    choose(page, "toy-digits")
    page.wait_for_selector("#sample-class", state="hidden")


def test_another_model_shows_its_own_samples(page, address):
    open_page(page, address)
    choose(page, "toy-colour")
    page.wait_for_function(f"() => document.querySelector('{CELLS}').width === 32")
    assert "model=toy-colour" in page.url
    colours = page.eval_on_selector(
        CELLS, "c => { const d = c.getContext('2d').getImageData(0, 0, 32, 32).data;"
        "let k = 0; for (let i = 0; i < d.length; i += 4) k += d[i] !== d[i + 1]; return k; }"
    )  # fmt: skip
    assert colours > 900


def test_a_link_brings_everything_back(page, address):
    open_page(page, address)
    choose(page, "toy-classes")
    page.wait_for_selector("#sample-class", state="visible")
    type_seed(page, "41")
    settled(page, ".ge-panel-sample", "seed 41")
    hot = pixels(page, CELLS)
    page.fill("#sample-temperature input[type=number]", "0.5")
    page.press("#sample-temperature input[type=number]", "Enter")
    page.wait_for_function("() => location.search.includes('temperature=0.5')")
    until(page, lambda: pixels(page, CELLS) != hot)
    rest(page)
    there, url = pixels(page, CELLS), page.url
    other = page.context.new_page()
    other.set_default_timeout(PATIENCE)
    open_page(other, url)
    settled(other, ".ge-panel-sample", "seed 41")
    until(other, lambda: pixels(other, CELLS) == there)
    assert other.input_value("#sample-seed input") == "41"
    assert other.inner_text(".ge-picker .open b") == "Toy Classes"


def test_bad_input_gets_a_sentence_and_loses_nothing(page, address):
    open_page(page, address)
    before = pixels(page, CELLS)
    type_seed(page, "-3")
    settled(page, ".ge-panel-sample", "The seed must be a whole number")
    assert pixels(page, CELLS) == before
    type_seed(page, "2")
    settled(page, ".ge-panel-sample", "seed 2")


def test_pictures_can_be_taken_away(page, address):
    open_page(page, address)
    with page.expect_download() as sheet:
        page.get_by_role("button", name="Save as PNG").click()
    assert sheet.value.suggested_filename == "toy-digits-seed-0.png"
    picture = Image.open(sheet.value.path())
    assert min(picture.size) >= 8 * 28 * 4
    with page.expect_download() as archive:
        page.get_by_role("button", name="Save all as ZIP").click()
    data = archive.value.path().read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert len(opened.namelist()) == 64
        assert Image.open(opened.open(opened.namelist()[0])).size == (28, 28)


def test_nothing_jumps_when_pictures_arrive(page, address):
    open_page(page, address)
    boxes = (
        "['.ge-image-grid .cells', '.ge-closeup .code', '.ge-controls .ge-note']"
        ".map(s => JSON.stringify(document.querySelector(s).getBoundingClientRect()))"
    )
    before = page.evaluate(boxes)
    page.get_by_role("button", name="Sample again").click()
    settled(page, ".ge-panel-sample", "seed 1")
    rest(page)
    assert page.evaluate(boxes) == before
