"""The page in long use: drawn on, slid, left and come back to."""

from __future__ import annotations

from pathlib import Path

from tests import toys
from tests.browser.conftest import open_page, pixels, settled, until

TABS = ("sample", "denoise", "pixels")
HALF = "#pixels-finish "
PAD, SHELF = HALF + ".ge-picture-input canvas", HALF + ".ge-shelf button"
CELLS = ".ge-panel-sample .cells canvas"
ANSWERED = "/queue/join", "/run/predict"
FRAMES = """async n => { while (n--) await new Promise(requestAnimationFrame); }"""


def write_models(folder: Path) -> None:
    toys.write(folder, "walker", family="walker", image=(1, 8, 8), steps=8)
    toys.write_writer(folder, "writer")
    toys.write_game(folder, "game")


def at_half(page, url: str) -> None:
    open_page(page, f"{url}/?tab=pixels&model=writer&pixels.part=finish")
    settled(page, HALF, "rows of sample")


def stroke(page, *moves: tuple[int, int], lift: bool = True) -> None:
    """A stroke on the pad from its middle; the pen stays down where it is not lifted."""
    box = page.locator(PAD).bounding_box()
    page.mouse.move(box["x"] + 140, box["y"] + 60)
    page.mouse.down()
    for x, y in moves:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=10)
    if lift:
        page.mouse.up()


def own(page, words: str = "Your own") -> None:
    page.locator("#finish-source label", has_text=words).click()


def test_nothing_is_asked_while_the_pen_moves_and_little_when_it_rests(page, address):
    at_half(page, address)
    own(page)
    settled(page, HALF, "Draw a picture")
    before = pixels(page, PAD)
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.url.endswith(ANSWERED) else None)
    page.evaluate("""pad => {
      pad = document.querySelector(pad);
      const box = pad.getBoundingClientRect();
      const send = (type, x, y) => pad.dispatchEvent(new PointerEvent(type, {
        bubbles: true, pointerId: 1, button: 0, clientX: box.x + x, clientY: box.y + y }));
      pad.setPointerCapture = () => {};
      send('pointerdown', 60, 60);
      for (let k = 0; k < 40; k++) send('pointermove', 60 + 3 * k, 60 + 4 * k);
      send('pointerup', 180, 220);
    }""", PAD)  # fmt: skip
    assert pixels(page, PAD) != before  # the ink is there at once
    settled(page, HALF, "rows of your picture")
    # That a stroke begins; then, of all its moves together, what the model sees and the finishing.
    assert len(asked) <= 3


def test_a_drawing_is_still_on_its_pad_when_the_pad_comes_back(page, address):
    at_half(page, address)
    own(page)
    stroke(page, (190, 220))
    settled(page, HALF, "rows of your picture")
    drawn = pixels(page, PAD)
    own(page, "A sample")
    settled(page, HALF, "rows of sample")
    own(page)
    settled(page, HALF, "rows of your picture")
    assert pixels(page, PAD) == drawn
    page.locator(HALF + "button.undo").click()
    settled(page, HALF, "Draw a picture")
    assert page.is_visible(HALF + ".ge-picture-input .hint")


def test_a_shelf_frames_what_is_shown_when_it_comes_back(page, address):
    at_half(page, address)
    page.locator(SHELF).nth(7).click()
    settled(page, HALF, "rows of sample 8")
    own(page)
    settled(page, HALF, "Draw a picture")
    own(page, "A sample")
    settled(page, HALF, "rows of sample 8")
    framed = page.eval_on_selector_all(
        SHELF, "all => all.map(b => b.getAttribute('aria-checked')).indexOf('true')"
    )
    assert framed == 7


def test_a_number_beyond_a_slider_is_the_nearest_one_and_is_drawn(page, address):
    open_page(page, f"{address}/?model=game")
    page.fill("#sample-count input[type=number]", "5000")
    page.press("#sample-count input[type=number]", "Tab")
    until(page, lambda: page.locator(CELLS).count() == 400)
    assert page.input_value("#sample-count input[type=number]") == "400"
    page.fill("#sample-count input[type=number]", "0")
    page.press("#sample-count input[type=number]", "Tab")
    until(page, lambda: page.locator(CELLS).count() == 1)


def test_every_slider_hears_the_keyboard(page, address):
    open_page(page, f"{address}/?tab=pixels&model=writer&pixels.part=compare")
    settled(page, "#pixels-compare", "wrote")
    seen = pixels(page, "#pixels-compare .ge-model-rows canvas")
    page.focus("#writers-temperature input[type=range]")
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    until(page, lambda: pixels(page, "#pixels-compare .ge-model-rows canvas") != seen)


def test_what_nobody_sees_does_not_play(page, address):
    open_page(page, f"{address}/?tab=denoise&model=walker&denoise.part=watch")
    film = "#denoise-watch .ge-film "
    until(page, lambda: page.get_attribute(film + ".play >> nth=0", "aria-label") == "Pause")
    count = """() => { window.told = 0; window.on ??= document.addEventListener('ge:film', e => {
      if (e.detail.playing) told++; }) ?? true; }"""
    page.evaluate(count)
    page.wait_for_function("() => told > 3")
    page.evaluate("GE.choosePart('denoise', 'schedule')")
    page.wait_for_function("() => document.querySelector('#denoise-schedule').offsetParent")
    page.evaluate(FRAMES, 2)
    page.evaluate("told = 0")
    page.evaluate(FRAMES, 40)
    assert page.evaluate("told") == 0
    page.evaluate("GE.choosePart('denoise', 'watch')")
    page.wait_for_function("() => told > 3")


def test_large_values_are_held_once_and_the_old_ones_go(page, address):
    open_page(page, f"{address}/?model=game")
    again, seen = page.get_by_role("button", name="Sample again"), None

    def held() -> int:
        return page.evaluate("GE.held.size")

    sizes = []
    for _ in range(4):
        seen = pixels(page, CELLS)
        again.click()
        until(page, lambda seen=seen: pixels(page, CELLS) != seen)
        sizes.append(held())
    assert sizes[0] >= 1 and sizes[-1] == sizes[0]
