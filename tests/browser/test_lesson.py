"""A lesson of one's own: made from states of the page, copied, opened elsewhere."""

from __future__ import annotations

import tomllib

from tests.browser.conftest import (
    assert_no_serious_findings,
    every_window,
    open_page,
    pixels,
    until,
    watched,
)
from tests.browser.test_share import clipboard, share

TABS = ("sample", "map")
CELLS = ".ge-image-grid .cells canvas"


def fill(dialog, label: str, text: str) -> None:
    dialog.get_by_label(label, exact=True).fill(text)


def restrict(dialog, label: str, how: str) -> None:
    dialog.get_by_label(label, exact=True).select_option(label=how)


def make(page, address) -> None:
    """A lesson of two states: nine samples with a question, then the map."""
    open_page(page, f"{address}/?model=toy-colour&sample.count=9&sample.seed=3")
    until(page, lambda: len(pixels(page, CELLS)) == 9)
    share(page, "Make a lesson")
    dialog = page.locator(".ge-lesson")
    fill(dialog, "Title of the lesson", 'Noise, "seeds"')
    fill(dialog, "Title", "Nine of them")
    fill(dialog, "What it shows", "<b>Nine</b> samples.\nOf one seed.")
    fill(dialog, "Question (may be left out)", "Does another seed give the same?")
    fill(dialog, "Answers, one a line", "Yes\nNo")
    fill(dialog, "Number of the right one", "2")
    fill(dialog, "Said after the answer", "The seed is the noise.")
    dialog.get_by_text("Hide or lock controls").click()
    restrict(dialog, "Temperature", "Hidden")
    restrict(dialog, "Seed", "Locked")
    restrict(dialog, "The choice of a model", "Hidden")
    dialog.get_by_role("button", name="Add this state").click()
    page.locator(".ge-lesson .stations li").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Map", exact=True).click()
    page.wait_for_function("GE.tab === 'map'")
    share(page, "Make a lesson")
    fill(dialog, "Title", "The map")
    dialog.get_by_role("button", name="Add this state").click()
    page.wait_for_function("document.querySelectorAll('.ge-lesson .stations li').length === 2")


def test_a_lesson_is_made_copied_and_opened_elsewhere(page, address, browser, tmp_path):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    make(page, address)
    assert_no_serious_findings(page)
    for _ in every_window(page):
        assert page.evaluate(
            "(d => d.scrollWidth <= d.clientWidth)(document.querySelector('.ge-lesson'))"
        )
    page.get_by_role("button", name="Copy lesson link").click()
    until(page, lambda: "#lesson" in clipboard(page))
    link = clipboard(page)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save as file").click()
    saving.value.save_as(tmp_path / "lesson.toml")
    lesson = tomllib.loads((tmp_path / "lesson.toml").read_text("utf-8"))
    assert lesson["title"] == 'Noise, "seeds"'
    first, second = lesson["station"]
    assert first["words"] == "<b>Nine</b> samples.\nOf one seed."
    assert first["answer"] == 1 and first["lock"] == ["sample.seed"]
    assert set(first["hide"]) == {"model", "sample.temperature"}
    assert "tab=map" in second["at"]

    other = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    with watched(other, address) as seen:
        opened_elsewhere(other, link)
        other.context.close()
    assert seen.errors == [] and seen.foreign == []


def opened_elsewhere(other, link: str) -> None:
    """The lesson as somebody sees it who has but its link."""
    asked: list[str] = []
    other.on("request", lambda request: asked.append(request.url))
    open_page(other, link)
    until(other, lambda: len(pixels(other, CELLS)) == 9)
    panel = other.locator("#ge-tour .panel")
    panel.get_by_text("<b>Nine</b> samples.").wait_for()
    assert not other.locator("#sample-temperature").is_visible()
    assert not other.locator(".ge-picker .open").is_visible()
    locked = other.locator("#sample-seed")
    other.wait_for_function("document.querySelector('#sample-seed').inert")
    assert locked.locator("input").input_value() == "3"
    other.locator("#sample-seed input").evaluate("input => input.focus()")
    assert other.evaluate("document.activeElement.closest('#sample-seed')") is None
    panel.get_by_role("button", name="No", exact=True).click()
    panel.get_by_text("The seed is the noise.").wait_for()
    panel.locator(".next").click()
    other.locator(".ge-panel-map").wait_for(state="visible")
    other.wait_for_function("!document.querySelector('#sample-seed').inert")
    other.evaluate("GE.leaveTour()")
    other.locator(".ge-picker .open").wait_for(state="visible")
    assert "lesson" not in other.url
    # What makes the lesson reaches no address that a server is asked for.
    assert asked and not [url for url in asked if "lesson" in url]


def test_a_lesson_from_a_file_is_read_or_refused_in_a_sentence(page, address, tmp_path):
    open_page(page, address)
    share(page, "Make a lesson")
    dialog = page.locator(".ge-lesson")

    def given(text: str) -> None:
        (tmp_path / "lesson.toml").write_text(text, "utf-8")
        page.set_input_files(".ge-lesson input[type=file]", tmp_path / "lesson.toml")

    given("title = 'x'\n[[station]]\ntitle = 'y'\nat = '?'\nlock = ['nothing']\n")
    dialog.get_by_text("which no control is").wait_for()
    given("title = 'Of a file'\n[[station]]\ntitle = 'Start'\nat = '?'\nshow = ['#sample-seed']\n")
    page.wait_for_function("document.querySelectorAll('.ge-lesson .stations li').length === 1")
    dialog.get_by_text("The lesson as text").click()
    text = dialog.get_by_label("Lesson as text").input_value()
    assert tomllib.loads(text)["station"][0]["show"] == ["#sample-seed"]
    dialog.get_by_label("Lesson as text").fill(text.replace("Start", "Begin"))
    dialog.get_by_role("button", name="Take this text").click()
    dialog.locator(".stations").get_by_text("Begin").wait_for()
    dialog.get_by_role("button", name="Play").click()
    page.locator("#ge-tour .panel").get_by_text("Begin").first.wait_for()
    assert "#lesson=" in page.url


def test_a_broken_lesson_opens_the_page_and_says_so(page, address):
    for code in ("AAAA", "_" * 5000):
        page.goto("about:blank")
        open_page(page, f"{address}/#lesson={code}")
        page.get_by_text("This link carries no whole lesson.").wait_for()
        assert len(pixels(page, CELLS)) == 64
    # A few bytes that unfold to many are not unfolded.
    bomb = page.evaluate(
        """async () => {
             const much = new Blob([new Uint8Array(5e7)]).stream()
               .pipeThrough(new CompressionStream('deflate-raw'));
             const bytes = new Uint8Array(await new Response(much).arrayBuffer());
             let text = '';
             for (const byte of bytes) text += String.fromCharCode(byte);
             return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''); }"""
    )
    page.keyboard.press("Escape")
    page.evaluate("bomb => { location.hash = 'lesson=' + bomb; }", bomb)
    page.get_by_text("This link carries no whole lesson.").wait_for()
