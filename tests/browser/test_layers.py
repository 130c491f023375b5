"""The Layers tab as a person uses it."""

from __future__ import annotations

from pathlib import Path

from tests import toys
from tests.browser.conftest import (
    assert_no_serious_findings,
    every_window,
    open_page,
    pixels,
    seek,
    settled,
    until,
)

TABS = ("layers",)
TAB, FILM = ".ge-panel-layers", ".ge-panel-layers .ge-film"


def write_models(folder: Path) -> None:
    toys.write_flow(folder, "flow")


def test_a_picture_is_followed_to_noise_and_another_noise_is_drawn(page, address):
    open_page(page, f"{address}/?tab=layers")
    settled(page, TAB, "it is recovered, error")
    seek(page, FILM, 0, "logit")
    first, bars = pixels(page, f"{FILM} canvas"), page.get_attribute(f"{TAB} .bars", "d")
    seek(page, FILM, 4)
    until(page, lambda: pixels(page, f"{FILM} canvas")[0] != first[0])
    # The numbers beside it are those of that layer.
    assert page.get_attribute(f"{TAB} .bars", "d") != bars
    assert "layer = 4" in page.inner_text(f"{TAB} .ge-curves figure p >> nth=0")
    mine, other = pixels(page, f"{FILM} canvas")
    page.click("#layers-more")
    until(page, lambda: "layers.seed=2" in page.url)
    seek(page, FILM, 4)
    until(page, lambda: pixels(page, f"{FILM} canvas")[1] != other)
    seek(page, FILM, 4)
    until(page, lambda: pixels(page, f"{FILM} canvas")[0] == mine)
    assert_no_serious_findings(page)


def test_a_layer_is_chosen_and_its_channels_are_shown(page, address):
    inside, list_ = "#layers-inside", "#layers-inside .ge-choices"
    open_page(page, f"{address}/?tab=layers&layers.part=inside")
    settled(page, inside, "channels of")
    first = pixels(page, f"{inside} .ge-image-grid canvas")
    assert len(first) > 1
    page.locator(f"{list_} button[aria-checked=true]").press("ArrowDown")
    until(page, lambda: pixels(page, f"{inside} .ge-image-grid canvas") != first)
    until(page, lambda: "layers.layer=" in page.url)
    list(every_window(page))
