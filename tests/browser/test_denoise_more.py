"""The Denoise tab's Compare, Through noise and Fill in as a person uses them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from tests import denoising
from tests.browser.conftest import (
    PATIENCE,
    assert_no_serious_findings,
    choose,
    every_window,
    open_page,
    pixels,
    settled,
    until,
)

TABS = ("denoise",)
COMPARE, THROUGH, FILL = "#denoise-compare", "#denoise-through_noise", "#denoise-fill_in"
VEIL = f"{FILL} .ge-mask-brush .veil"


def write_models(folder: Path) -> None:
    denoising.write(folder)
    denoising.write_student(folder, "pupil", of="asked")


def arrive(page, address, part: str, query: str = "model=asked") -> None:
    page.set_default_timeout(PATIENCE)
    page.emulate_media(reduced_motion="reduce")  # films wait for a person
    open_page(page, f"{address}/?tab=denoise&denoise.part={part}&{query}")


def pause(page, part: str) -> None:
    """Puts the film on its last frame."""
    page.locator(f"{part} .ge-film .rows").first.focus()
    page.keyboard.press("End")


def hidden(page) -> int:
    return int(page.inner_text(f"{FILL} .ge-mask-brush .count").split()[0])


# -- compare --------------------------------------------------------------------------------------


def evaluations(page) -> list[str]:
    """Of every column, as the table of costs has them."""
    return page.locator(f"{COMPARE} .ge-cost tbody td:nth-child(2)").all_inner_texts()


def test_a_few_step_student_stands_beside_its_teacher(page, address):
    arrive(page, address, "compare")
    settled(page, COMPARE, "Differences are from")
    page.click("#compare-student")
    until(page, lambda: evaluations(page) == ["1", "2", "4", "20"])
    settled(page, COMPARE, "Differences are from")
    names = page.locator(f"{COMPARE} .ge-cost tbody td:first-child").all_inner_texts()
    assert [name.lstrip("1234") for name in names[:2]] == [
        "Few-step student, 1 step", "Few-step student, 2 steps",
    ]  # fmt: skip
    assert page.locator(f"{COMPARE} .ge-cost .own-way").count() == 2  # of two and four evaluations


def test_with_the_student_on_screen_its_columns_are_there_at_once(page, address):
    arrive(page, address, "compare", "model=pupil")
    settled(page, COMPARE, "Differences are from")
    assert evaluations(page) == ["1", "2", "4", "20"]
    assert not page.locator("#compare-student").is_visible()
    assert not page.locator("#compare-guidance").is_visible()


def test_columns_play_in_step_and_their_costs_stand_below(page, address):
    arrive(page, address, "compare")
    settled(page, COMPARE, "Differences are from")
    assert page.locator(f"{COMPARE} .ge-film figure").count() == 4
    pause(page, COMPARE)
    ends = pixels(page, f"{COMPARE} .ge-film canvas")
    page.keyboard.press("Home")
    starts = pixels(page, f"{COMPARE} .ge-film canvas")
    assert all(a != b for a, b in zip(starts, ends, strict=True))
    rows = page.locator(f"{COMPARE} .ge-cost tbody tr")
    assert [row.inner_text().split("\t")[1] for row in rows.all()] == ["10", "20", "19", "50"]
    assert page.locator(f"{COMPARE} .ge-cost svg circle").count() == 4
    page.click("#compare-again")
    settled(page, COMPARE, "seed 1")
    pause(page, COMPARE)
    until(page, lambda: pixels(page, f"{COMPARE} .ge-film canvas")[0] != ends[0])
    page.fill("#compare-steps-1 input", "0")
    page.press("#compare-steps-1 input", "Enter")
    settled(page, COMPARE, "whole number of steps")
    assert page.locator(f"{COMPARE} .ge-film figure").count() == 4


def test_the_strip_follows_its_class_can_be_chosen_and_the_order_is_drawn(page, address):
    arrive(page, address, "compare")
    settled(page, COMPARE, "Class 0, 4 noises of seed 0.")
    cells = f"{COMPARE} .ge-picture-table canvas"
    before = pixels(page, cells)
    assert len(before) == 28
    page.click("#compare-strip-class input")
    page.get_by_role("option", name="5", exact=True).click()
    settled(page, COMPARE, "Class 5, 4 noises of seed 0.")
    after = pixels(page, cells)
    # No class is no class; all that is guided has changed.
    assert [a == b for a, b in zip(before, after, strict=True)] == ([True] + [False] * 6) * 4
    with page.expect_download() as sheet:
        page.get_by_role("button", name="Guidance as PNG").click()
    assert Image.open(sheet.value.path()).width >= 7 * 8 * 4
    page.click("#compare-order")
    settled(page, COMPARE, "by which power")
    assert page.locator(f"{COMPARE} .ge-cost svg .line").count() == 3
    assert "order" in page.inner_html(f"{COMPARE} .ge-cost svg")


# -- through noise --------------------------------------------------------------------------------


def test_a_picture_goes_to_noise_and_back_and_on_to_another(page, address):
    arrive(page, address, "through_noise")
    settled(page, THROUGH, "is recovered to within")
    tables = page.locator(f"{THROUGH} .ge-picture-table .table")
    assert tables.nth(0).locator("canvas").count() == 15
    assert tables.nth(1).locator("canvas").count() == 22
    assert "deviation" in page.inner_text(f"{THROUGH} .ge-bell figcaption")
    cells = f"{THROUGH} .ge-picture-table canvas"
    before = pixels(page, cells)
    page.locator(f"{THROUGH} .ge-shelf .tiles").nth(0).locator("button").nth(8).click()
    settled(page, THROUGH, "A is sample 9")
    settled(page, THROUGH, "is recovered to within")
    assert pixels(page, cells)[5] != before[5]
    before = pixels(page, cells)
    page.click("#through-again")
    settled(page, THROUGH, "A is sample 10 of seed 0, B is sample 5")
    assert pixels(page, cells)[5] != before[5]
    page.locator("#through-a-source label", has_text="Your own").click()
    settled(page, THROUGH, "Picture A: Draw a picture")
    box = page.locator(f"{THROUGH} .ge-picture-input canvas").first.bounding_box()
    page.mouse.move(box["x"] + 90, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 220, steps=8)
    page.mouse.up()
    settled(page, THROUGH, "A is your picture")


# -- fill in --------------------------------------------------------------------------------------


def test_the_first_picture_is_filled_in_four_times(page, address):
    arrive(page, address, "fill_in")
    settled(page, FILL, "filled in 4 times")
    assert hidden(page) == 32
    made = pixels(page, f"{FILL} .ge-picture-table canvas")
    assert len(made) == 6 and len(set(made)) == 6
    page.fill("#fill-seed input", "9")
    page.press("#fill-seed input", "Enter")
    settled(page, FILL, "from seed 9")
    other = pixels(page, f"{FILL} .ge-picture-table canvas")
    assert other[:2] == made[:2] and not set(other[2:]) & set(made[2:])
    for name, kind in (("Strip as PNG", "PNG"), ("Film as WebP", "WEBP")):
        with page.expect_download() as saved:
            page.locator(FILL).get_by_role("button", name=name).click()
        assert Image.open(io.BytesIO(saved.value.path().read_bytes())).format == kind


def test_presets_brush_and_keys_change_the_mask_and_bad_ones_get_a_sentence(page, address):
    arrive(page, address, "fill_in")
    settled(page, FILL, "filled in 4 times")
    for preset, count in (("Centre", 16), ("Left half", 32), ("Random 75 %", 48), ("Invert", 16),
                          ("Clear", 0)):  # fmt: skip
        page.locator(f"{FILL} .presets").get_by_role("button", name=preset).press("Enter")
        assert hidden(page) == count, preset
    page.fill(f"{FILL} .size input", "1")
    box = page.locator(VEIL).bounding_box()
    step = box["width"] / 8
    page.mouse.move(box["x"] + 0.5 * step, box["y"] + 1.5 * step)
    page.mouse.down()
    page.mouse.move(box["x"] + 7.5 * step, box["y"] + 1.5 * step, steps=3)
    page.mouse.up()
    assert hidden(page) == 8
    page.locator(f"{FILL} .modes").get_by_role("radio", name="Show").click()
    page.mouse.click(box["x"] + 2.5 * step, box["y"] + 1.5 * step)
    assert hidden(page) == 7
    page.locator(f"{FILL} .modes").get_by_role("radio", name="Hide").click()
    page.locator(VEIL).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    for key in ("ArrowDown", "ArrowRight", " "):
        page.keyboard.press(key)
    assert hidden(page) == 8
    given = pixels(page, f"{FILL} .ge-picture-table canvas")[1]
    page.click("#fill-go")
    settled(page, FILL, "8 pixels of sample 2")
    until(page, lambda: pixels(page, f"{FILL} .ge-picture-table canvas")[1] != given)
    before = pixels(page, f"{FILL} .ge-picture-table canvas")
    page.locator(f"{FILL} .presets").get_by_role("button", name="Clear").click()
    page.click("#fill-go")
    settled(page, FILL, "hides nothing")
    page.locator(f"{FILL} .presets").get_by_role("button", name="Invert").click()
    page.click("#fill-go")
    settled(page, FILL, "hides the whole picture")
    assert pixels(page, f"{FILL} .ge-picture-table canvas") == before


def test_a_link_brings_the_mask_and_a_mask_of_another_size_is_replaced(page, address):
    arrive(page, address, "fill_in")
    settled(page, FILL, "filled in 4 times")
    page.locator(f"{FILL} .presets").get_by_role("button", name="Centre").click()
    page.wait_for_function("() => location.search.includes('denoise.fill.mask=')")
    url = page.url
    open_page(page, url)
    settled(page, FILL, "16 pixels of sample 2")
    assert hidden(page) == 16
    choose(page, "colour")
    settled(page, FILL, "72 pixels of sample 2")
    assert hidden(page) == 72


def test_stop_is_heard_at_once(own_page, address):
    page = own_page
    # Pressed from within the page: on a busy machine the run may be over before a word from here
    # arrives.
    page.add_init_script(
        """const pressing = setInterval(() => {
             const stop = document.querySelector('#fill-stop');
             if (stop && !stop.disabled) { clearInterval(pressing); stop.click(); } }, 20);"""
    )
    arrive(page, address, "fill_in", "model=asked&denoise.fill.steps=100&denoise.fill.repeats=10")

    def stopped() -> bool:
        status = page.inner_text(f"{FILL} .ge-status p")
        return status.startswith("Stopped") and page.is_disabled("#fill-stop")

    until(page, stopped)
    page.wait_for_timeout(1500)  # what was on its way has come: it says so itself, or nothing
    until(page, stopped)
    pictures = pixels(page, f"{FILL} .ge-film canvas")
    page.wait_for_timeout(1500)  # the time of many steps
    assert pixels(page, f"{FILL} .ge-film canvas") == pictures, "it goes on"


# -- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "panel", "done"),
    [
        ("compare", COMPARE, "Class 0, 4 noises of seed 0."),
        ("through_noise", THROUGH, "is recovered to within"),
        ("fill_in", FILL, "filled in 4 times"),
    ],
)
def test_each_part_fits_every_screen_and_has_no_serious_finding(page, address, part, panel, done):
    arrive(page, address, part)
    settled(page, panel, done)
    for width, _ in every_window(page):
        for box in page.locator(f"{panel} canvas:visible").all():
            place = box.bounding_box()
            assert place["x"] >= 0 and place["x"] + place["width"] <= width + 1
    assert_no_serious_findings(page)
    page.evaluate("GE.toggleTheme()")
    assert_no_serious_findings(page)
