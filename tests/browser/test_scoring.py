"""The Score tab as a person uses it: the threshold dragged, a table sorted, the lesson revealed."""

from __future__ import annotations

from pathlib import Path

from tests import toys
from tests.browser.conftest import (
    assert_no_serious_findings,
    every_window,
    open_page,
    pixels,
    settled,
    until,
)
from tests.explorer.tabs.score.test_scoring import numbered, with_reference

TABS = ("score",)
ONE, MANY, LESSON = "#score-one ", "#score-many ", "#score-lesson "
VERDICT = ONE + ".ge-verdict "


def write_models(folder: Path) -> None:
    toys.write_writer(folder, "binary")
    toys.write_writer(folder, "grey", pixels="logistic", components=2, levels=256)
    numbered(folder, "binary", "binary", "mnist")
    numbered(folder, "grey", "uint8", "fashion-mnist")
    with_reference(folder, "grey")


def arrive(page, url: str, more: str = "") -> None:
    open_page(page, f"{url}/?tab=score&model=grey{more}")
    # Three pictures, the last of which comes after the verdict, and a scale.
    until(page, lambda: page.locator(ONE + ".ge-heat-maps canvas").count() == 4)


def test_the_threshold_is_dragged_with_no_request_and_stays_in_the_address(page, address):
    arrive(page, address)
    said = page.inner_text(VERDICT + ".said")
    assert said.startswith(("Strange.", "Ordinary.")) and "of 60 test pictures" in said
    slider = page.locator(VERDICT + ".spread svg")
    box = slider.bounding_box()
    requests = []
    page.on("request", lambda r: requests.append(r.url))
    page.mouse.move(box["x"] + 40, box["y"] + 90)
    page.mouse.down()
    dot, seen = VERDICT + ".roc .dot", set()
    for x in (60, 90, 120, 150):
        page.mouse.move(box["x"] + x, box["y"] + 90)
        seen.add(page.get_attribute(dot, "cx"))
    assert len(seen) > 1 and page.inner_text(VERDICT + ".said") != said
    assert requests == []
    page.mouse.up()
    page.wait_for_function("() => location.search.includes('score.threshold=')")
    slider.focus()
    page.keyboard.press("End")
    assert "100 % false alarms" not in page.inner_text(VERDICT + ".said")
    assert slider.get_attribute("aria-valuetext").endswith("missed")
    page.select_option(VERDICT + "select", "noise")
    assert "pictures of noise missed" in page.inner_text(VERDICT + ".said")
    page.wait_for_function("() => location.search.includes('noise')")
    assert page.locator(ONE + ".ge-score-table tbody tr").count() == 0, "nobody asked for it"
    page.check("#one-readers input[value=all]")
    settled(page, ONE, "models of this size")
    assert page.locator(ONE + ".ge-score-table tbody tr.on").count() == 1


def test_a_link_brings_threshold_score_and_picture_back(page, address):
    arrive(page, address, "&score.threshold=0.25~noise&score.by=likelihood&score.example=2")
    assert "25 % false alarms" in page.inner_text(VERDICT + ".said")
    assert page.input_value(VERDICT + "select") == "noise"
    assert page.locator(ONE + ".ge-shelf [aria-checked=true]").get_attribute("aria-label") == (
        "Its own sample 3"
    )
    assert page.inner_text(VERDICT + ".spread b") == "Likelihood"
    first = pixels(page, ONE + ".ge-heat-maps figure canvas")
    page.click("#one-next")
    until(page, lambda: pixels(page, ONE + ".ge-heat-maps figure canvas")[0] != first[0])
    with page.expect_download() as saved:
        page.click(VERDICT + ".save")
    assert saved.value.suggested_filename == "grey-likelihood.png"


def test_files_are_scored_sorted_and_a_bad_one_is_named(page, address, tmp_path):
    from PIL import Image

    for k in range(6):
        Image.new("L", (8, 8), 40 * k).save(tmp_path / f"level{k}.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    open_page(page, f"{address}/?tab=score&model=grey&score.part=many")
    settled(page, MANY, "examples")
    page.set_input_files("#many-files input[type=file]", sorted(map(str, tmp_path.iterdir())))
    settled(page, MANY, "6 pictures")
    rows = MANY + ".ge-score-table tbody tr"
    assert "bad.png" in page.locator(rows).last.inner_text()
    page.locator(MANY + ".ge-score-table thead button").first.click()
    names = page.locator(rows + " th[scope=row]").all_inner_texts()
    assert names == [*(f"level{k}.png" for k in range(6)), "bad.png"]
    with page.expect_download() as saved:
        page.click("#many-csv")
    assert saved.value.suggested_filename == "grey-pictures.csv"


def test_the_lesson_is_guessed_and_revealed(page, address):
    open_page(page, f"{address}/?tab=score&model=grey&score.part=lesson")
    settled(page, LESSON, "Guess, then reveal")
    assert not page.locator("#lesson-answer").is_visible()
    page.locator("#lesson-guess label").first.click()
    page.click("#lesson-reveal")
    settled(page, LESSON, "pictures scored by")
    page.wait_for_selector(LESSON + ".ge-scatter circle.at")
    assert page.locator(LESSON + ".ge-scatter circle.point").count() == 128
    assert page.locator(LESSON + ".ge-verdict path.area").count() >= 4
    page.focus(LESSON + ".ge-scatter svg")
    told = page.inner_text(LESSON + ".ge-scatter figcaption")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    until(page, lambda: page.inner_text(LESSON + ".ge-scatter figcaption") != told)


def test_it_fits_every_window_and_axe_finds_nothing_serious(page, address):
    for part, ready in (("one", "models of this size"), ("many", "examples")):
        open_page(page, f"{address}/?tab=score&model=grey&score.part={part}&score.readers=all")
        settled(page, f"#score-{part} ", ready)
        list(every_window(page))
        if part == "many":
            page.evaluate("GE.toggleTheme()")  # one part in light, one in dark
        assert_no_serious_findings(page)
