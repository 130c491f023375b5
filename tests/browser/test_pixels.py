"""The Pixels tab as a person uses it: the writing played, a pixel asked and changed, a half
finished."""

from __future__ import annotations

from pathlib import Path

from tests import toys
from tests.browser.conftest import (
    PATIENCE,
    assert_no_serious_findings,
    every_window,
    open_page,
    pixels,
    seek,
    settled,
    until,
)

TABS = ("pixels",)
WATCH, HALF = "#pixels-watch ", "#pixels-finish "
PLAYER, PROBE = WATCH + ".ge-pixel-player ", WATCH + ".ge-pixel-probe "


def write_models(folder: Path) -> None:
    toys.write_writer(folder, "tiny", num_classes=10)
    toys.write_writer(folder, "grey", pixels="logistic", components=2, levels=256)


def at(page) -> int:
    """How many values stand at the playhead."""
    return int(page.inner_text(PLAYER + "output").split(" / ")[0])


def arrive(page, url: str, model: str = "tiny", still: bool = True, more: str = "") -> None:
    if still:
        page.emulate_media(reduced_motion="reduce")  # the player waits for a person
    open_page(page, f"{url}/?tab=pixels&model={model}{more}")
    settled(page, WATCH, "64 values")
    if still:
        until(page, lambda: at(page) == 64)


def point(page, column: int, row: int) -> None:
    box = page.locator(PLAYER + ".picture").bounding_box()
    side = box["width"] / 8
    page.mouse.click(box["x"] + (column + 0.5) * side, box["y"] + (row + 0.5) * side)
    page.mouse.move(5, 5)


def test_it_plays_steps_and_is_scrubbed_with_no_request(page, address):
    arrive(page, address)
    requests = []
    page.on("request", lambda r: requests.append(r.url))
    page.select_option(PLAYER + "select", "10")
    page.click(PLAYER + ".play")
    seen = set()
    until(page, lambda: seen.add(tuple(pixels(page, PLAYER + "canvas"))) or len(seen) > 3)
    seek(page, PLAYER, 20)
    assert page.get_attribute(PLAYER + ".play", "aria-label") == "Play"
    there = pixels(page, PLAYER + "canvas")
    total = page.inner_text(PROBE + "dd")
    page.focus(PLAYER + ".on")
    for key, k in (("ArrowRight", 21), ("ArrowLeft", 20), ("Home", 0), ("End", 64)):
        page.keyboard.press(key)
        assert at(page) == k
    assert pixels(page, PLAYER + "canvas") != there
    for k in (3, 50, 20):
        seek(page, PLAYER, k)
    assert pixels(page, PLAYER + "canvas") == there  # rewound to the very same
    assert page.inner_text(PROBE + "dd") == total and total.endswith(" nats")
    assert f"values = 20: {float(total.split()[0]):.0f}"[:13] in page.inner_text(
        WATCH + ".ge-curves p"
    )
    assert requests == []


def test_without_a_wish_for_stillness_it_begins_by_itself(page, address):
    arrive(page, address, still=False)
    until(page, lambda: page.get_attribute(PLAYER + ".play", "aria-label") == "Play")
    assert at(page) == 64
    page.click("#pixels-more")
    settled(page, WATCH, "Seed 1: 64 values")
    page.wait_for_function("() => location.search.includes('pixels.seed=1')")


def test_a_pixel_shows_its_bars_and_changed_it_changes_later_ones_only(page, address):
    arrive(page, address)
    wrote = pixels(page, PLAYER + ".picture")
    point(page, 4, 2)
    assert page.inner_text(PROBE + "h2") == "Row 3, column 5"
    assert page.locator(PROBE + "rect.bar").count() == 2
    bare = pixels(page, PLAYER + ".picture")
    until(page, lambda: pixels(page, PLAYER + ".picture") != bare)  # what it looked at is there
    page.uncheck(PROBE + "input[type=checkbox]")
    assert pixels(page, PLAYER + ".picture") == bare
    before = bytes_of(page)
    page.click(PROBE + ".do")
    settled(page, WATCH, "One value changed")
    page.wait_for_function("() => location.search.includes('pixels.changes=')")
    until(page, lambda: bytes_of(page)[20] != before[20])
    after = bytes_of(page)
    assert after[:20] == before[:20] and len(after) == 64
    page.click(PROBE + ".undo")
    settled(page, WATCH, "Seed 0: 64 values")
    until(page, lambda: bytes_of(page) == before)
    page.focus(PLAYER + ".picture")
    page.keyboard.press("ArrowDown")
    assert page.inner_text(PROBE + "h2") == "Row 4, column 5"
    page.keyboard.press("Escape")
    until(page, lambda: pixels(page, PLAYER + ".picture") == wrote or at(page) < 64)


def bytes_of(page) -> list[int]:
    """The values of the picture on screen, in the order of writing."""
    return page.evaluate("[...GE.writing.pixels.levels]")


def test_a_link_brings_a_changed_value_of_many_levels_back(page, address):
    arrive(page, address, "grey", still=True, more="&pixels.seed=2")
    point(page, 1, 1)
    page.wait_for_selector(PROBE + "path.bar")
    page.eval_on_selector(
        PROBE + ".level input",
        "r => { r.value = 255 - r.value; r.dispatchEvent(new Event('input', { bubbles: true })); }",
    )
    page.click(PROBE + ".do")
    settled(page, WATCH, "One value changed")
    page.wait_for_function("() => location.search.includes('pixels.changes=')")
    changed = bytes_of(page)
    other = page.context.new_page()
    other.set_default_timeout(PATIENCE)
    open_page(other, page.url)
    settled(other, WATCH, "One value changed")
    until(other, lambda: bytes_of(other) == changed)
    other.close()


def test_bad_input_is_a_sentence_and_the_picture_stays(page, address):
    arrive(page, address)
    there = pixels(page, PLAYER + "canvas")
    page.fill("#pixels-temperature input", "0")
    page.press("#pixels-temperature input", "Enter")
    settled(page, WATCH, "temperature must be a number above 0")
    assert pixels(page, PLAYER + "canvas") == there


def test_half_a_drawing_is_finished(page, address):
    open_page(page, f"{address}/?tab=pixels&model=tiny&pixels.part=finish&pixels.finish.rows=3")
    settled(page, HALF, "3 rows of sample 2")
    cells = HALF + ".cells canvas"
    assert page.locator(cells).count() == 9
    sampled = pixels(page, cells)
    page.locator("#finish-source label", has_text="Your own").click()
    settled(page, HALF, "Draw a picture")
    pad = page.locator(HALF + ".ge-picture-input canvas").bounding_box()
    page.mouse.move(pad["x"] + 90, pad["y"] + 60)
    page.mouse.down()
    page.mouse.move(pad["x"] + 190, pad["y"] + 220, steps=6)
    page.mouse.up()
    settled(page, HALF, "3 rows of your picture")
    until(page, lambda: all(a != b for a, b in zip(pixels(page, cells), sampled, strict=True)))
    drawn = pixels(page, cells)
    page.click("#finish-again")
    settled(page, HALF, "from seed 1")
    until(page, lambda: pixels(page, cells) != drawn)
    page.fill("#finish-rows input[type=number]", "6")
    page.press("#finish-rows input[type=number]", "Enter")
    settled(page, HALF, "6 rows of your picture")
    page.wait_for_function("() => location.search.includes('pixels.finish.rows=6')")


def test_the_writing_can_be_taken_away(page, address):
    arrive(page, address)
    for words, ending in (("Film as WebP", "webp"), ("as GIF", "gif"), ("Strip as PNG", "png")):
        with page.expect_download() as saved:
            page.locator(WATCH).get_by_role("button", name=words).first.click()
        assert saved.value.suggested_filename == f"tiny-written-seed-0.{ending}"


def test_it_every_window_and_axe_finds_nothing_serious(page, address):
    for part, ready in (("watch", "written in"), ("finish", "times from seed")):
        open_page(page, f"{address}/?tab=pixels&model=tiny&pixels.part={part}")
        settled(page, f"#pixels-{part} ", ready)
        for width, height in every_window(page):
            if part == "watch" and width > 400:
                box = page.locator(PLAYER + ".bar").bounding_box()
                assert box["y"] + box["height"] <= height
        if part == "finish":
            page.evaluate("GE.toggleTheme()")  # one part in light, one in dark
        assert_no_serious_findings(page)


def test_a_link_brings_a_class_that_the_menu_was_not_built_with(page, address):
    """The menu has "any class" alone until a model is there, and the link says class 3."""
    open_page(page, f"{address}/?tab=pixels&model=tiny&pixels.class=3")
    page.wait_for_function("() => location.search.includes('pixels.class=3')")
    page.wait_for_function("() => document.querySelector('#pixels-class input')?.value === '3'")
    settled(page, "#pixels-watch", "Seed 0")
