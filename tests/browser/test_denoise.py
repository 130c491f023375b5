"""The Denoise tab as a person uses it: the film, its curves, a picture there and back."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests import toys
from tests.browser.conftest import (
    PATIENCE,
    assert_no_serious_findings,
    every_window,
    open_page,
    pixels,
    rest,
    seek,
    settled,
    until,
)

TABS = ("denoise",)
FRAMES = """async n => { while (n--) await new Promise(requestAnimationFrame); }"""
PART = "#denoise-{} "
WATCH, FROM, SCHEDULE = (PART.format(key) for key in ("watch", "from_picture", "schedule"))
FILM = WATCH + ".ge-film:has(> .rows) "


def write_models(folder: Path) -> None:
    tiny = {"family": "diffusion", "data": "mnist", "width": 8, "middle": 1}
    toys.write(folder, "tiny", **tiny, num_classes=10)
    toys.write(folder, "slow", family="walker", steps=400, pause=0.15)


def frames(page, film: str = FILM) -> int:
    return int(page.get_attribute(film + "input[type=range]", "max")) + 1


def open_watch(page, url: str, more: str = "") -> None:
    open_page(page, f"{url}/?tab=denoise&model=tiny{more}")
    settled(page, WATCH, "1 picture of seed")
    until(page, lambda: frames(page) == 21)


def test_frames_come_play_and_are_scrubbed_with_no_request(page, address):
    open_watch(page, address)
    requests = []
    page.on("request", lambda r: requests.append(r.url))
    until(page, lambda: page.get_attribute(FILM + ".play", "aria-label") == "Pause")
    seen = set()
    until(page, lambda: seen.add(tuple(pixels(page, FILM + "canvas"))) or len(seen) > 4)
    seek(page, FILM, 3)
    assert page.get_attribute(FILM + ".play", "aria-label") == "Play"
    early = pixels(page, FILM + "canvas")
    assert page.inner_text(WATCH + ".ge-readings dd >> nth=0") == "3 of 20"
    level = page.inner_text(WATCH + ".ge-readings dd >> nth=1")
    assert f"step = 3: {level}" in page.inner_text(WATCH + ".ge-curves p >> nth=0") + "0"
    for k in range(20):
        seek(page, FILM, k)
    assert pixels(page, FILM + "canvas") != early
    seek(page, FILM, 3)
    assert pixels(page, FILM + "canvas") == early
    assert requests == []


def test_the_film_goes_by_keyboard(page, address):
    open_watch(page, address)
    page.focus(FILM + ".rows")
    said = FILM + "output"
    for key, expected in (
        ("Home", "0 / 20"), ("ArrowRight", "1 / 20"), ("ArrowRight", "2 / 20"),
        ("ArrowLeft", "1 / 20"), ("End", "20 / 20"),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert page.inner_text(said) == expected
    page.keyboard.press(" ")
    until(page, lambda: page.inner_text(said) not in ("20 / 20", "0 / 20"))
    page.keyboard.press(" ")
    stands = page.inner_text(said)
    page.evaluate(FRAMES, 30)
    assert page.inner_text(said) == stands


def test_the_end_is_played_once_or_again_and_again(page, address):
    open_watch(page, address)
    page.click(FILM + ".loop")
    assert page.get_attribute(FILM + ".loop", "aria-pressed") == "false"
    page.select_option(FILM + "select", "4")
    until(page, lambda: page.get_attribute(FILM + ".play", "aria-label") == "Play", 20)
    assert page.inner_text(FILM + "output") == "20 / 20"


def test_the_curve_moves_the_film(page, address):
    open_watch(page, address)
    box = page.locator(WATCH + ".ge-curves svg[role=img]").first.bounding_box()
    page.mouse.click(box["x"] + 40 + (box["width"] - 50) * 0.5, box["y"] + 60)
    assert page.inner_text(FILM + "output") == "10 / 20"
    page.keyboard.press("ArrowRight")
    assert page.inner_text(FILM + "output") == "11 / 20"


# What the film and the status line show, and when, from within the page.
DIARY = """film => {
  const told = window.diary = [], begun = performance.now();
  const tell = what => told.push([Math.round(performance.now() - begun), what]);
  const status = document.querySelector('#denoise-watch .ge-status p');
  let n = -1;
  document.addEventListener('ge:film', e => { if (e.detail.n !== n) tell(n = e.detail.n); });
  new MutationObserver(() => tell(status.textContent))
    .observe(status, { childList: true, characterData: true, subtree: true });
}"""


def diary(page) -> list:
    return page.evaluate("window.diary")


def test_stop_stops_and_what_is_there_can_be_played(page, address):
    open_page(page, f"{address}/?tab=denoise&model=slow")
    page.evaluate(DIARY)
    until(page, lambda: frames(page) > 4)
    assert page.get_attribute(FILM, "data-running") == "true"
    page.eval_on_selector("#watch-stop", "b => { window.diary.push([0, 'stop']); b.click(); }")
    settled(page, WATCH, "Stopped")
    count = frames(page)
    page.wait_for_timeout(1000)  # six steps' time, in which nothing is to come
    after = [what for _, what in diary(page)]
    after = after[after.index("stop") + 1 :]
    # No further frame is shown, and nothing is said but that it stopped.
    assert not [what for what in after if isinstance(what, int)]
    assert after[-1].startswith("Stopped")
    assert page.get_attribute(FILM, "data-running") == "false"
    assert frames(page) == count < 401
    until(page, lambda: page.is_disabled("#watch-stop"))
    page.click(FILM + ".play")
    first = pixels(page, FILM + "canvas")
    until(page, lambda: pixels(page, FILM + "canvas") != first)


def test_a_newer_wish_takes_over_at_once(page, address):
    open_page(page, f"{address}/?tab=denoise&model=slow")
    page.evaluate(DIARY)
    until(page, lambda: frames(page) > 3)
    page.eval_on_selector("#watch-more", "b => { window.diary.push([0, 'more']); b.click(); }")
    page.wait_for_function("() => location.search.includes('denoise.seed=1')")

    def steps() -> list[int]:
        """What the status line told from the new run's first frame on."""
        seen = [what for _, what in diary(page)]
        seen = seen[seen.index("more") + 1 :]
        counts = [k for k, what in enumerate(seen) if isinstance(what, int)]
        new = [k for k in counts if seen[k] < 4]  # the old run had more frames by then
        seen = seen[new[0] :] if new else []
        return [int(what.split()[1]) for what in seen if str(what).startswith("Step")]

    until(page, lambda: len(steps()) > 8)
    # One run alone is told of; what of the other was on its way may come between once.
    told = steps()
    assert sum(b < a for a, b in pairwise(told)) <= 1, told
    assert told[0] < 5, told
    page.click("#watch-stop")
    settled(page, WATCH, "Stopped")


def test_bad_input_gets_a_sentence_and_loses_nothing(page, address):
    open_watch(page, address)
    seek(page, FILM, 12)
    there = pixels(page, FILM + "canvas")
    page.fill("#watch-guidance input", "-2")
    page.press("#watch-guidance input", "Enter")
    settled(page, WATCH, "Guidance must be a number from 0 to 20")
    assert pixels(page, FILM + "canvas") == there
    page.fill("#watch-guidance input", "3")
    page.press("#watch-guidance input", "Enter")
    settled(page, WATCH, "1 picture of seed 0")


def test_a_link_brings_the_part_and_its_settings_back(page, address):
    open_page(
        page, f"{address}/?tab=denoise&model=tiny&denoise.seed=5&denoise.sampler=heun"
        "&denoise.steps=8&denoise.guidance=2.5&denoise.class=3&denoise.pictures=4",
    )  # fmt: skip
    settled(page, WATCH, "4 pictures of seed 5 in 8 steps: 15 evaluations")
    page.locator(".ge-parts [role=tab]", has_text="Schedule").click()
    page.wait_for_function("() => location.search.includes('denoise.part=schedule')")
    page.wait_for_selector(SCHEDULE + ".ge-picture-rows canvas")
    assert not page.is_visible(FILM + "canvas")
    other = page.context.new_page()
    other.set_default_timeout(PATIENCE)
    open_page(other, page.url)
    other.wait_for_selector(SCHEDULE + ".ge-picture-rows canvas")
    assert other.get_attribute(".ge-parts [aria-selected=true]", "data-part") == "schedule"
    # Watch has not been on screen there, and has not computed.
    assert other.locator(FILM + "canvas").count() == 0
    open_page(other, f"{address}/?tab=denoise&denoise.part=none&denoise.steps=0&denoise.class=x")
    until(other, lambda: frames(other) > 1)


def test_a_picture_goes_there_and_back(page, address):
    open_page(page, f"{address}/?tab=denoise&model=tiny&denoise.part=from_picture")
    settled(page, FROM, "comes back with a difference")
    there, back = (FROM + f".ge-film:has(> .rows) >> nth={k} >> " for k in (0, 1))
    strip = FROM + ".ge-picture-rows tbody tr:last-child canvas"
    assert page.locator(strip).count() == 8
    sampled = pixels(page, FROM + ".ge-film canvas")[1]
    page.locator(there + "input[type=range]").evaluate(
        "r => { r.value = 30; r.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    page.click("#from-go")
    settled(page, FROM, "From t = 0.75")
    assert page.input_value("#from-t input[type=number]") == "0.75"
    assert "t = 0.75" in page.inner_text(back + "figure >> nth=1")
    # A drawing takes the sample's place.
    pad = page.locator(FROM + ".ge-picture-input canvas").bounding_box()
    page.mouse.move(pad["x"] + 90, pad["y"] + 60)
    page.mouse.down()
    page.mouse.move(pad["x"] + 190, pad["y"] + 220, steps=6)
    page.mouse.up()
    settled(page, FROM, "Your picture")
    until(page, lambda: pixels(page, FROM + ".ge-film canvas")[1] != sampled)
    settled(page, FROM, "comes back with a difference")
    page.click("#from-more")
    settled(page, FROM, "A sample of the model, seed 3")
    until(page, lambda: pixels(page, FROM + ".ge-film canvas")[1] == sampled)


def test_schedules_answer_the_pointer(page, address):
    open_page(page, f"{address}/?tab=denoise&model=tiny&denoise.part=schedule")
    page.wait_for_selector(SCHEDULE + ".ge-picture-rows canvas")
    assert page.locator(SCHEDULE + ".ge-picture-rows canvas").count() == 36
    box = page.locator(SCHEDULE + ".ge-curves svg[role=img]").nth(1).bounding_box()
    page.mouse.move(box["x"] + 40 + (box["width"] - 50) * 0.5, box["y"] + 60)
    assert "t = 0.500: EDM −8.01" in page.inner_text(SCHEDULE + ".ge-curves p >> nth=1")
    page.get_by_role("radio", name="DDPM, cosine").click()
    page.wait_for_function("() => location.search.includes('denoise.curve=cosine')")
    chosen = SCHEDULE + ".ge-picture-rows tr.on th b"
    until(page, lambda: page.inner_text(chosen) == "DDPM, cosine")


def test_the_film_can_be_taken_away(page, address):
    open_watch(page, address)
    for words, ending in (("Film as WebP", "webp"), ("as GIF", "gif"), ("Strip as PNG", "png")):
        with page.expect_download() as saved:
            page.locator(WATCH).get_by_role("button", name=words).first.click()
        assert saved.value.suggested_filename == f"tiny-denoised-seed-0.{ending}"
        assert len(saved.value.path().read_bytes()) > 500


@pytest.mark.parametrize("part", ["watch", "from_picture", "schedule"])
def test_nothing_lies_beside_the_window(page, address, part):
    open_page(page, f"{address}/?tab=denoise&model=tiny&denoise.part={part}")
    page.wait_for_selector(PART.format(part) + "canvas[role=img]")
    rest(page)
    for width, height in every_window(page):
        out = page.eval_on_selector_all(
            f"#denoise-{part} :is(canvas, button, svg[role=img], .bar, dd)",
            """(all, width) => all.filter(e => {
                 const b = e.getBoundingClientRect();
                 return b.width && !e.closest('.sheet[role=region]') && !e.closest('.ge-note')
                   && (b.left < -0.5 || b.right > width + 0.5);
               }).map(e => e.outerHTML.slice(0, 100))""",
            width,
        )
        assert out == []
        if part == "watch":  # the film and its bar are seen without scrolling
            box = page.locator(FILM + ".bar").bounding_box()
            assert box["y"] + box["height"] <= height


@pytest.mark.parametrize("part", ["watch", "from_picture", "schedule"])
def test_axe_finds_nothing_serious_in_light_and_dark(page, address, part):
    page.emulate_media(reduced_motion="reduce")
    open_page(page, f"{address}/?tab=denoise&model=tiny&denoise.part={part}")
    page.wait_for_selector(PART.format(part) + "canvas[role=img]")
    rest(page)
    assert_no_serious_findings(page)
    page.evaluate("GE.toggleTheme()")
    assert_no_serious_findings(page)
