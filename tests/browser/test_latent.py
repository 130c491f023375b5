"""The Latent space tab as a person uses it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch

from explorer.tabs.latent import codes as latents
from models.checkpoints import weights
from tests import toys
from tests.browser.conftest import (
    PATIENCE,
    assert_no_serious_findings,
    choose,
    every_window,
    open_page,
    pixels,
    rest,
    served,
    until,
)

TABS = ("sample", "latent")
PICTURE = ".ge-latent-pad .picture"
EXACT = '.ge-latent-pad .picture:not([data-exact=""])[data-exact]'
FIELD = ".ge-latent-pad .field"
STRIP = ".ge-traversals .strip"
FRAMES = """async n => { while (n--) await new Promise(requestAnimationFrame); }"""
LEVELS = """c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("latent")
    toys.write_codes(toys.write(folder, "grey"))
    toys.write_codes(toys.write(folder, "flat", data="shapes", latent=2, image=(3, 32, 32)), D=2)
    toys.write(folder, "asked", data="fashion-mnist", num_classes=10)
    return folder


@pytest.fixture(scope="module")
def address(folder) -> Iterator[str]:
    with served("--checkpoints", str(folder), tabs=TABS) as url:
        yield url


def arrive(page, address, query="model=grey") -> None:
    page.set_default_timeout(PATIENCE)
    open_page(page, f"{address}/?tab=latent&{query}")
    page.wait_for_selector(EXACT)
    page.wait_for_selector(f"{STRIP} >> nth=0")
    page.wait_for_selector(".ge-interpolation .strip >> nth=1")


def place(page, dimensions=6) -> np.ndarray:
    """The code in the address."""
    text = parse_qs(urlsplit(page.url).query)["latent.at"][0]
    return latents.unpack(text.partition("~")[2], dimensions)


def in_address(page, key: str) -> None:
    page.wait_for_function("key => location.search.includes(key + '=')", arg=key)


def shown(page) -> np.ndarray:
    """The large picture as (H, W, 3) levels."""
    levels = np.array(page.eval_on_selector(PICTURE, LEVELS))
    side = int(np.sqrt(len(levels) // 4))
    return levels.reshape(side, side, 4)[..., :3]


def decoded(folder, name, z, label=None) -> np.ndarray:
    model = weights.load(folder / name)
    with torch.no_grad():
        x = model.decode(torch.from_numpy(z)[None], label)[0]
    return np.rint(np.broadcast_to(x.permute(1, 2, 0).numpy(), (*x.shape[1:], 3)) * 255)


def matches(page, want: np.ndarray, within: float = 1) -> None:
    """Waits until the large picture is this one."""

    def there() -> bool:
        picture = shown(page)
        return picture.shape == want.shape and bool(np.abs(picture - want).max() <= within)

    until(page, there)


def at(page, across: float, up: float) -> tuple[float, float]:
    """Where on the screen a part of the pad's width and height lies, from the lower left."""
    box = page.locator(FIELD).bounding_box()
    return float(box["x"] + across * box["width"]), float(box["y"] + (1 - up) * box["height"])


def hide_dots(page) -> None:
    page.locator(".ge-latent-pad input.dots").uncheck()


def test_the_picture_follows_the_pointer_before_any_answer_and_is_exact_after(
    page, address, folder
):
    arrive(page, address)
    hide_dots(page)
    held, holding = [], True
    page.route(
        "**/component_server/**",
        lambda route: held.append(route) if holding else route.continue_(),
    )
    page.mouse.move(*at(page, 0.2, 0.2))
    page.mouse.down()
    seen = set()
    for step in range(12):
        page.mouse.move(*at(page, 0.2 + step / 20, 0.2 + step / 30))
        page.evaluate(FRAMES, 2)
        seen.update(pixels(page, PICTURE))
    assert len(seen) >= 11, "each move shows another picture with no answer from the server"
    assert len(held) == 1, "one request in flight, however far the pointer went"
    blended = shown(page)
    holding = False
    page.mouse.up()
    held[0].continue_()
    in_address(page, "latent.at")
    want = decoded(folder, "grey", place(page))
    matches(page, want)
    assert 0 < np.abs(blended - want).mean() < 12, "the blend was near"


def test_hovering_looks_and_leaving_returns_to_the_marker(page, address):
    arrive(page, address)
    hide_dots(page)
    first = shown(page)
    page.mouse.move(*at(page, 0.9, 0.9))
    page.wait_for_function(
        "() => document.querySelector('.ge-latent-pad output').textContent.includes('2.4')"
    )
    assert np.abs(shown(page) - first).max() > 20
    page.mouse.move(5, 5)
    matches(page, first)
    assert "latent.at" not in page.url


def test_a_click_on_a_dot_pulls_its_picture(page, address, folder):
    arrive(page, address)
    codes = toys.write_codes(folder / "grey")
    z = codes[np.argmax(np.abs(codes[:, [3, 1]]).sum(1))]  # apart from the others
    page.mouse.move(*at(page, (z[3] + 3) / 6, (z[1] + 3) / 6))
    page.wait_for_function(
        "() => document.querySelector('.ge-latent-pad output').textContent.includes('Test picture')"
    )
    page.mouse.down()
    page.mouse.up()
    in_address(page, "latent.at")
    assert np.allclose(place(page), z, atol=latents.STEP)
    page.mouse.move(5, 5)
    matches(page, decoded(folder, "grey", place(page)))


def test_arrow_keys_move_the_marker(page, address, folder):
    arrive(page, address)
    page.focus(FIELD)
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowUp")
    in_address(page, "latent.at")
    z = place(page)
    assert np.allclose([z[3], z[1]], [0.5, 0.05], atol=1e-3)
    matches(page, decoded(folder, "grey", z))


def test_dragging_along_a_strip_changes_one_number(page, address):
    arrive(page, address)
    page.focus(FIELD)
    page.keyboard.press("Home")  # puts a place into the address
    in_address(page, "latent.at")
    before = place(page)
    strip = page.locator(STRIP).nth(2)
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    face = ".ge-traversals .row:nth-child(3) .thumb canvas"
    faces = set()
    page.mouse.move(box["x"] + 40, box["y"] + 20)
    page.mouse.down()
    for step in range(8):
        page.mouse.move(box["x"] + 40 + 30 * step, box["y"] + 20)
        faces.update(pixels(page, face))
    page.mouse.up()
    assert len(faces) >= 7
    page.wait_for_function("old => !location.search.includes(old)", arg=latents.pack(before))
    after = place(page)
    assert np.flatnonzero(np.abs(after - before) > 0.01).tolist() == [5], "third by KL"
    assert strip.get_attribute("role") == "slider"
    assert abs(float(strip.get_attribute("aria-valuenow")) - after[5]) < 0.02


def test_the_loop_plays_without_a_request(page, address):
    arrive(page, address)
    rest(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    play = page.locator(".ge-interpolation .play")
    play.click()
    seen = set()

    def eight() -> bool:
        seen.add(tuple(pixels(page, ".ge-interpolation .player canvas")))
        return len(seen) >= 8

    until(page, eight)
    play.click()
    assert [url for url in asked if "heartbeat" not in url] == []


def test_keeping_a_picture_as_b_changes_where_the_ways_end(page, address):
    arrive(page, address)
    page.locator(".ge-interpolation input").fill("1000")
    faces = pixels(page, ".ge-latent-pad .face canvas")
    before = pixels(page, ".ge-interpolation .player canvas")
    page.focus(FIELD)
    page.keyboard.press("Home")
    page.get_by_role("button", name="Keep this picture as B").click()
    in_address(page, "latent.kept")

    def all_changed() -> bool:
        after = pixels(page, ".ge-interpolation .player canvas")
        return all(a != b for a, b in zip(before, after, strict=True))

    until(page, all_changed)
    assert pixels(page, ".ge-latent-pad .face canvas")[1] != faces[1]


def test_another_plane_is_shown_and_remembered(page, address):
    arrive(page, address)
    first = pixels(page, ".ge-latent-pad .ground")
    page.get_by_label("Through A, B, C").click()
    page.wait_for_function(
        "() => document.querySelector('.ge-latent-pad .across').textContent.includes('A → B')"
    )
    assert pixels(page, ".ge-latent-pad .ground") != first
    in_address(page, "latent.kind")
    page.get_by_label("Principal").click()
    page.wait_for_function(
        "() => document.querySelector('.ge-latent-pad .across').textContent.includes('Principal')"
    )
    rest(page)
    picture = shown(page)
    page.goto(page.url)
    page.wait_for_selector(EXACT)
    matches(page, picture)
    assert "Principal" in page.inner_text(".ge-latent-pad .across")


def test_equal_directions_get_a_sentence(page, address):
    arrive(page, address)
    page.click("#latent-up input")
    page.get_by_role("option", name="z4").click()
    page.wait_for_selector(".ge-panel-latent .ge-status[data-kind=problem]")
    said = page.inner_text(".ge-panel-latent .ge-status[data-kind=problem] p")
    assert "two different directions" in said


def test_a_drawing_is_remade_and_one_moves_on_from_it(page, address, folder):
    arrive(page, address)
    pad = page.locator(".ge-panel-latent .ge-picture-input canvas").first
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 60, steps=5)
    page.mouse.move(box["x"] + 120, box["y"] + 210, steps=5)
    page.mouse.up()
    page.wait_for_selector(".ge-reconstruction canvas >> nth=2")
    assert len(set(pixels(page, ".ge-reconstruction canvas"))) == 3
    assert "differs by" in page.inner_text(".ge-reconstruction p")
    button = page.locator("#latent-on")
    page.wait_for_function("() => !document.querySelector('#latent-on').disabled")
    rest(page)
    canvas = page.locator(".ge-reconstruction figure:nth-child(2) canvas")
    remade = np.array(canvas.evaluate(LEVELS)).reshape(28, 28, 4)[..., :3]
    button.click()
    in_address(page, "latent.at")
    matches(page, remade, within=2)  # the code was rounded on its way through the address


def test_two_numbers_are_shown_whole(page, address, folder):
    arrive(page, address, "model=flat")
    sheet = page.locator(".ge-manifold canvas")
    sheet.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('.ge-manifold canvas').width === 640")
    box = sheet.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 40, box["y"] + box["height"] / 40)
    in_address(page, "latent.at")
    assert np.allclose(place(page, 2), [-1.96, 1.96], atol=1e-3)
    choose(page, "grey")
    page.wait_for_function("() => document.querySelector('.ge-latent-pad .picture').width === 28")
    assert not sheet.is_visible()


def test_yields_that_come_all_at_once_are_all_shown(page, address):
    """A busy browser may take in an answer's parts only when the last of them is there."""
    arrive(page, address)
    held = []
    page.route(
        "**/queue/join*",
        lambda route: route.continue_() if held else held.append((route, route.fetch())),
    )
    choose(page, "flat")
    until(page, lambda: held)
    page.focus(FIELD)
    page.keyboard.press("Home")  # another question, whose answer opens the stream for both
    # Every part waits in the browser for the number of its question; nothing tells that.
    page.wait_for_timeout(3000)
    [(route, response)] = held
    route.fulfill(response=response)
    page.wait_for_function("() => document.querySelector('.ge-latent-pad .picture').width === 32")
    page.wait_for_function("() => document.querySelector('.ge-manifold canvas').width === 640")
    page.wait_for_selector(".ge-manifold canvas", state="visible")
    page.click("#latent-across input")
    page.get_by_role("option", name="z1 · 0.10 nats").wait_for()


def test_a_class_is_asked_for_by_name_and_by_link(page, address, folder):
    arrive(page, address, "model=asked&latent.class=3")
    page.click("#latent-class input")
    page.get_by_role("option", name="7", exact=True).click()
    page.wait_for_function("() => location.search.includes('latent.class=7')")
    page.focus(FIELD)
    page.keyboard.press("Home")
    in_address(page, "latent.at")
    matches(page, decoded(folder, "asked", place(page), 7))


def test_a_sample_is_opened_here(page, address):
    open_page(page, f"{address}/?model=grey")
    page.wait_for_selector(".ge-image-grid .cells button")
    page.locator(".ge-image-grid .cells button").nth(4).click()
    sample = page.locator(".ge-closeup .large canvas")
    page.get_by_role("button", name="Open in Latent space").click()
    page.wait_for_selector(EXACT)
    in_address(page, "latent.at")
    matches(page, np.array(sample.evaluate(LEVELS)).reshape(28, 28, 4)[..., :3], within=2)


@pytest.mark.parametrize("model", ["grey", "flat"])
def test_nothing_lies_beside_the_window(page, address, model):
    arrive(page, address, f"model={model}")
    for _ in every_window(page):
        beside = page.evaluate(
            """() => [...document.querySelectorAll('.ge-panel-latent .ge-stage *')]
                 .filter(e => e.checkVisibility()
                           && e.getBoundingClientRect().right > innerWidth + 1)
                 .map(e => e.tagName + '.' + e.className)"""
        )
        assert beside == []


def test_axe_finds_nothing_serious(page, address):
    arrive(page, address)
    for note in page.locator(".ge-panel-latent .ge-note .label-wrap").all():
        note.click()
    rest(page)
    assert_no_serious_findings(page)
    page.evaluate("GE.toggleTheme()")
    assert_no_serious_findings(page)
