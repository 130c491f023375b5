"""A page that never answers holds no test up for ever."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import Error

from tests.browser.conftest import PROC, end_pages, open_page

TABS = ("start",)


@pytest.mark.skipif(not PROC.is_dir(), reason="processes are not told of here")
def test_a_page_that_never_answers_is_ended_and_the_next_is_another(page, kept, address):
    page.goto("about:blank")
    end = threading.Timer(1, end_pages)
    end.start()
    with pytest.raises(Error, match="crash"):
        page.evaluate("() => { for (;;); }")
    end.join()
    again = kept.fresh()
    assert again is not page
    open_page(again, address)
