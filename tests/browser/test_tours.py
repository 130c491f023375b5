"""The lectures, walked to their ends: what each station says is what the page shows."""

from __future__ import annotations

import pytest

from explorer.tours import library
from tests.browser.conftest import ROOT, open_page, served

pytestmark = [pytest.mark.shipped, pytest.mark.slow]


@pytest.fixture(scope="module")
def address():
    with served("--checkpoints", str(ROOT / "pretrained")) as url:
        yield url


def press(page, selector: str) -> None:
    """Presses a button as soon as it is there; where the mouse is has no part in it."""
    page.locator(selector).first.evaluate("button => button.click()")


@pytest.mark.parametrize("key", library.LECTURES)
def test_every_station_shows_what_it_says(key, page, address):
    record = library.lecture(key)
    open_page(page, f"{address}/?tour={key}")
    for k, station in enumerate(record["stations"], 1):
        title = f"{key} {k}: {station['title']}"
        page.wait_for_function(
            "k => { const now = GE.tourNow?.(); return now?.station === k"
            " && now.state === 'there' && now.ready && now.calm && now.kept; }",
            arg=k,
        )
        assert not page.evaluate("GE.tourNow().fulfilled"), f"{title}: done before it is begun"
        assert page.locator("#ge-tour .seen > *").count() == 0, f"{title}: told too early"
        press(page, "#ge-tour .predict .options button")
        if station["act"]:
            press(page, "#ge-tour .act .help")
        page.wait_for_selector("#ge-tour .seen p")
        page.wait_for_function("() => GE.tourNow().holding.every(Boolean)")
        now = page.evaluate("GE.tourNow()")
        assert now["missing"] == [], title
        page.wait_for_function(
            "() => !document.querySelector('#ge-tour .body').textContent.includes('…')"
        )
        page.locator("#ge-tour h2").press("PageDown")
    assert page.locator("#ge-tour .quiz li").count() == 5
    for k, question in enumerate(record["questions"], 1):
        item = page.locator(f"#ge-tour .quiz li:nth-child({k})")
        item.get_by_role("button", name=question["choices"][question["answer"]]).first.click()
        assert question["why"] in item.inner_text()
    assert "5 of 5" in page.inner_text("#ge-tour .score")
