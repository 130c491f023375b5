"""A question to the class: asked on the projector, answered on two phones, counted as they come."""

from __future__ import annotations

import pytest

from tests.browser.conftest import (
    assert_no_serious_findings,
    every_window,
    open_page,
    served,
    watched,
)
from tests.browser.test_share import share

TABS = ("sample",)


@pytest.fixture(scope="module")
def address(models):
    with served("--checkpoints", str(models), "--class", tabs=TABS) as url:
        yield url


@pytest.fixture
def phones(browser, address):
    """Two phones, without scripts; they ask no other host for anything."""
    contexts = [
        browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
        for _ in range(2)
    ]
    one, two = (context.new_page() for context in contexts)
    with watched(one, address) as first, watched(two, address) as second:
        yield one, two
        for context in contexts:
            context.close()
    assert first.foreign == second.foreign == []


def counts(page, *wanted: int) -> None:
    page.wait_for_function(
        """wanted => [...document.querySelectorAll('.ge-class-watch li b')]
             .map(b => +b.textContent).join() === wanted.join()""",
        arg=list(wanted),
    )


def test_phones_answer_and_the_histogram_fills(page, address, phones):
    open_page(page, address)
    share(page, "Ask the class")
    page.get_by_label("Question").fill("Does <b>noise</b> have a class?")
    page.get_by_label("Answers, one a line").fill("Yes")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_text("A question has 2 to 6 answers").wait_for()
    page.get_by_label("Answers, one a line").fill("Yes\nNo\nSometimes")
    assert_no_serious_findings(page)
    page.get_by_role("button", name="Ask", exact=True).click()
    counts(page, 0, 0, 0)
    assert f"{address.partition('//')[2]}/class" in page.locator(".place").inner_text()
    code = page.locator(".ge-class-watch strong").inner_text()
    for phone in phones:
        phone.goto(f"{address}/class")
        phone.get_by_label("Code on the projector").fill(code.lower())
        phone.get_by_role("button").click()
        phone.get_by_text("Does <b>noise</b> have a class?").wait_for()
        phone.get_by_role("button", name="No", exact=True).click()
        phone.get_by_text("Sent. You can change it.").wait_for()
    counts(page, 0, 2, 0)
    phones[1].get_by_role("button", name="Sometimes").click()
    counts(page, 0, 1, 1)
    assert page.get_by_text("2 answers.").is_visible()
    assert_no_serious_findings(page)
    for width, _ in every_window(page):
        box = page.locator(".ge-class-watch").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
    page.get_by_role("button", name="Take no more answers").click()
    page.get_by_text("The question is closed.").wait_for()
    phones[0].get_by_role("button", name="Yes").click()
    phones[0].get_by_text("This question is closed.").wait_for()
    counts(page, 0, 1, 1)
    # With the dialog the question goes.
    with page.expect_response(lambda answer: answer.url.endswith("/forget")):
        page.get_by_role("button", name="Close", exact=True).click()
    phones[0].goto(f"{address}/class/{code}")
    phones[0].get_by_text("No question has this code now.").wait_for()
