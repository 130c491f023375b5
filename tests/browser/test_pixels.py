"""The Pixels tab as a person uses it: the writing played, a pixel asked and changed, a half
finished."""

from __future__ import annotations

import pytest

from tests import toys
from tests.browser.conftest import (
    assert_no_serious_findings,
    open_page,
    pixels,
    served,
    until,
    watch,
)

WATCH, HALF = "#pixels-watch ", "#pixels-finish "
PLAYER, PROBE = WATCH + ".ge-pixel-player ", WATCH + ".ge-pixel-probe "
SIZES = ((1440, 900), (1024, 768), (390, 844))


@pytest.fixture(scope="module")
def writers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("writers")
    toys.write_writer(folder, "tiny", num_classes=10)
    toys.write_writer(folder, "grey", pixels="logistic", components=2, levels=256)
    with served("--checkpoints", str(folder)) as url:
        yield url


@pytest.fixture
def page(browser, writers):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(90_000)
    seen = watch(page, writers)
    yield page
    context.close()
    assert seen.errors == []
    assert seen.foreign == []


def settled(page, text: str, part: str = WATCH) -> None:
    page.wait_for_function(
        "([part, text]) => document.querySelector(part + '.ge-status p')"
        "?.textContent.includes(text)",
        arg=[part, text],
    )


def at(page) -> int:
    """How many values stand at the playhead."""
    return int(page.inner_text(PLAYER + "output").split(" / ")[0])


def seek(page, k: int) -> None:
    page.eval_on_selector(
        PLAYER + "input[type=range]",
        "(r, k) => { r.value = k; r.dispatchEvent(new Event('input', { bubbles: true })); }",
        k,
    )


def arrive(page, url: str, model: str = "tiny", still: bool = True, more: str = "") -> None:
    if still:
        page.emulate_media(reduced_motion="reduce")  # the player waits for a person
    open_page(page, f"{url}/?tab=pixels&model={model}{more}")
    settled(page, "64 values")
    if still:
        until(page, lambda: at(page) == 64)


def point(page, column: int, row: int) -> None:
    box = page.locator(PLAYER + ".picture").bounding_box()
    side = box["width"] / 8
    page.mouse.click(box["x"] + (column + 0.5) * side, box["y"] + (row + 0.5) * side)
    page.mouse.move(5, 5)


def test_it_plays_steps_and_is_scrubbed_with_no_request(page, writers):
    arrive(page, writers)
    requests = []
    page.on("request", lambda r: requests.append(r.url))
    page.select_option(PLAYER + "select", "10")
    page.click(PLAYER + ".play")
    seen = set()
    until(page, lambda: seen.add(tuple(pixels(page, PLAYER + "canvas"))) or len(seen) > 3)
    seek(page, 20)
    assert page.get_attribute(PLAYER + ".play", "aria-label") == "Play"
    there = pixels(page, PLAYER + "canvas")
    total = page.inner_text(PROBE + "dd")
    page.focus(PLAYER + ".on")
    for key, k in (("ArrowRight", 21), ("ArrowLeft", 20), ("Home", 0), ("End", 64)):
        page.keyboard.press(key)
        assert at(page) == k
    assert pixels(page, PLAYER + "canvas") != there
    for k in (3, 50, 20):
        seek(page, k)
    assert pixels(page, PLAYER + "canvas") == there  # rewound to the very same
    assert page.inner_text(PROBE + "dd") == total and total.endswith(" nats")
    assert f"values = 20: {float(total.split()[0]):.0f}"[:13] in page.inner_text(
        WATCH + ".ge-curves p"
    )
    assert requests == []


def test_without_a_wish_for_stillness_it_begins_by_itself(page, writers):
    arrive(page, writers, still=False)
    until(page, lambda: page.get_attribute(PLAYER + ".play", "aria-label") == "Play")
    assert at(page) == 64
    page.click("#pixels-more")
    settled(page, "Seed 1: 64 values")
    page.wait_for_function("() => location.search.includes('pixels.seed=1')")


def test_a_pixel_shows_its_bars_and_changed_it_changes_later_ones_only(page, writers):
    arrive(page, writers)
    wrote = pixels(page, PLAYER + ".picture")
    point(page, 4, 2)
    assert page.inner_text(PROBE + "h3") == "Row 3, column 5"
    assert page.locator(PROBE + "rect.bar").count() == 2
    bare = pixels(page, PLAYER + ".picture")
    until(page, lambda: pixels(page, PLAYER + ".picture") != bare)  # what it looked at is there
    page.uncheck(PROBE + "input[type=checkbox]")
    assert pixels(page, PLAYER + ".picture") == bare
    before = bytes_of(page)
    page.click(PROBE + ".do")
    settled(page, "One value changed")
    page.wait_for_function("() => location.search.includes('pixels.changes=')")
    until(page, lambda: bytes_of(page)[20] != before[20])
    after = bytes_of(page)
    assert after[:20] == before[:20] and len(after) == 64
    page.click(PROBE + ".undo")
    settled(page, "Seed 0: 64 values")
    until(page, lambda: bytes_of(page) == before)
    page.focus(PLAYER + ".picture")
    page.keyboard.press("ArrowDown")
    assert page.inner_text(PROBE + "h3") == "Row 4, column 5"
    page.keyboard.press("Escape")
    until(page, lambda: pixels(page, PLAYER + ".picture") == wrote or at(page) < 64)


def bytes_of(page) -> list[int]:
    """The values of the picture on screen, in the order of writing."""
    return page.evaluate("[...GE.writing.pixels.levels]")


def test_a_link_brings_a_changed_value_of_many_levels_back(page, writers):
    arrive(page, writers, "grey", still=True, more="&pixels.seed=2")
    point(page, 1, 1)
    page.wait_for_selector(PROBE + "path.bar")
    page.eval_on_selector(
        PROBE + ".level input",
        "r => { r.value = 255 - r.value; r.dispatchEvent(new Event('input', { bubbles: true })); }",
    )
    page.click(PROBE + ".do")
    settled(page, "One value changed")
    page.wait_for_function("() => location.search.includes('pixels.changes=')")
    changed = bytes_of(page)
    other = page.context.new_page()
    other.set_default_timeout(90_000)
    open_page(other, page.url)
    settled(other, "One value changed")
    until(other, lambda: bytes_of(other) == changed)
    other.close()


def test_bad_input_is_a_sentence_and_the_picture_stays(page, writers):
    arrive(page, writers)
    there = pixels(page, PLAYER + "canvas")
    page.fill("#pixels-temperature input", "0")
    page.press("#pixels-temperature input", "Enter")
    settled(page, "temperature must be a number above 0")
    assert pixels(page, PLAYER + "canvas") == there


def test_half_a_drawing_is_finished(page, writers):
    open_page(page, f"{writers}/?tab=pixels&model=tiny&pixels.part=finish&finish.rows=3")
    settled(page, "3 rows of sample 2", HALF)
    cells = HALF + ".cells canvas"
    assert page.locator(cells).count() == 9
    sampled = pixels(page, cells)
    page.locator("#finish-source label", has_text="Your own").click()
    settled(page, "Draw a picture", HALF)
    pad = page.locator(HALF + ".ge-picture-input canvas").bounding_box()
    page.mouse.move(pad["x"] + 90, pad["y"] + 60)
    page.mouse.down()
    page.mouse.move(pad["x"] + 190, pad["y"] + 220, steps=6)
    page.mouse.up()
    settled(page, "3 rows of your picture", HALF)
    until(page, lambda: all(a != b for a, b in zip(pixels(page, cells), sampled, strict=True)))
    drawn = pixels(page, cells)
    page.click("#finish-again")
    settled(page, "from seed 1", HALF)
    until(page, lambda: pixels(page, cells) != drawn)
    page.fill("#finish-rows input[type=number]", "6")
    page.press("#finish-rows input[type=number]", "Enter")
    settled(page, "6 rows of your picture", HALF)
    page.wait_for_function("() => location.search.includes('finish.rows=6')")


def test_the_writing_can_be_taken_away(page, writers):
    arrive(page, writers)
    for words, ending in (("Film as WebP", "webp"), ("as GIF", "gif"), ("Strip as PNG", "png")):
        with page.expect_download() as saved:
            page.locator(WATCH).get_by_role("button", name=words).first.click()
        assert saved.value.suggested_filename == f"tiny-written-seed-0.{ending}"


def test_it_fits_every_window_and_axe_finds_nothing_serious(page, writers):
    for part, ready in (("watch", "written in"), ("finish", "times from seed")):
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            open_page(page, f"{writers}/?tab=pixels&model=tiny&pixels.part={part}")
            settled(page, ready, f"#pixels-{part} ")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if part == "watch" and width > 400:
                box = page.locator(PLAYER + ".bar").bounding_box()
                assert box["y"] + box["height"] <= height
        if part == "finish":
            page.evaluate("GE.toggleTheme()")  # one part in light, one in dark
        assert_no_serious_findings(page)
