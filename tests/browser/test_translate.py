"""The Translate tab as a person uses it."""

from __future__ import annotations

from pathlib import Path

from safetensors.numpy import save_file

from models.data.datasets import digits
from tests import toys
from tests.browser.conftest import assert_no_serious_findings, open_page, pixels, settled, until

TABS = ("sample", "translate")
PANEL = ".ge-panel-translate"
ROWS = f"{PANEL} .ge-picture-rows tbody tr"


def write_models(folder: Path) -> None:
    toys.write_translator(folder, "outlines")
    toys.write_translator(folder, "strokes", "strokes")
    toys.write(folder, "a-toy", data="digits", image=(1, 8, 8))
    real = digits("test").images[:60].numpy()
    save_file({"pictures": real}, folder / "a-toy" / "codes.safetensors", {"n": "60"})


def row(page, k: int) -> list:
    return pixels(page, f"{ROWS} >> nth={k} >> canvas")


def heads(page) -> list[str]:
    return page.locator(f"{ROWS} th b").all_inner_texts()


def test_pictures_are_translated_there_and_back(page, address):
    open_page(page, f"{address}/?tab=translate&model=outlines")
    settled(page, PANEL, "Means of")
    assert heads(page) == ["Outline", "Translated", "What belongs there", "And back"]
    assert page.locator(f"{ROWS} >> nth=0 >> canvas").count() == 8
    first, back = row(page, 0), row(page, 3)

    page.click("#translate-twist label:has-text('Mirrored')")
    settled(page, PANEL, "The cycle error is exactly the same")
    until(page, lambda: "translate.changed=mirror" in page.url)
    assert row(page, 3) == back and row(page, 0) == first
    told = page.locator(f"{PANEL} .ge-readings dl").all_inner_texts()
    assert len(told) == 2 and all("Cycle error" in each for each in told)

    page.click("#translate-more")
    until(page, lambda: row(page, 0) != first)
    until(page, lambda: "translate.first=9" in page.url)
    page.click("#translate-way label:has-text('Picture to outline')")
    until(page, lambda: heads(page)[0] == "Picture")
    assert_no_serious_findings(page)

    link = page.url
    open_page(page, link)
    settled(page, PANEL, "The cycle error is")
    assert heads(page)[0] == "Picture"


def test_one_draws_a_picture_and_it_is_translated(page, address):
    open_page(page, f"{address}/?tab=translate&model=strokes")
    settled(page, PANEL, "Means of")
    assert heads(page) == ["Thin", "Translated", "And back"]
    page.click("#translate-source label:has-text('Your own')")
    pad = page.locator(f"{PANEL} .ge-picture-input canvas").first
    pad.wait_for(state="visible")
    assert page.input_value(f"{PANEL} .ge-picture-input .pen input") == "10"
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=8)
    page.mouse.up()
    settled(page, PANEL, "Of your picture")
    assert page.locator(f"{ROWS} >> nth=0 >> canvas").count() == 1


def test_a_model_that_only_translates_is_no_dead_end(page, address):
    """Sample takes another model in its place, and says so; Translate has it again."""
    open_page(page, f"{address}/?tab=sample&model=outlines")
    until(page, lambda: page.locator(".ge-panel-sample canvas").first.is_visible())
    page.evaluate("GE.go('translate')")
    settled(page, PANEL, "Means of")
    assert page.evaluate("GE.current") == "outlines"
