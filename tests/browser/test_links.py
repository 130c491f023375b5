"""Copy link works in every tab and every part: what it copies names them. That a link leads back is
in test_share.py and test_frame.py."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tests.browser.conftest import open_page, until
from tests.browser.test_share import copied

PLACES = "() => Object.keys(GE.needs).flatMap(t => (GE.parts[t] ?? [null]).map(p => [t, p?.key]))"


def test_a_link_of_every_tab_and_part_names_them(page, address):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, address)
    links: dict[tuple, str] = {}
    for tab, part in page.evaluate(PLACES):
        if page.evaluate("GE.tab") != tab:
            page.evaluate("tab => GE.go(tab)", tab)
            until(page, lambda tab=tab: page.evaluate("GE.tab") == tab)
        if part is not None:
            page.evaluate("([tab, part]) => GE.choosePart(tab, part)", [tab, part])
            until(page, lambda tab=tab, part=part: page.evaluate("GE.partOf(GE.tab)") == part)
        links[tab, part] = copied(page)
    assert len(set(links.values())) == len(links) > 30
    for (tab, part), link in links.items():
        query = parse_qs(urlsplit(link).query)
        assert query.get("tab", ["start"]) == [tab], link
        first = page.evaluate("tab => GE.parts[tab]?.[0].key ?? null", tab)
        assert query.get(f"{tab}.part", [first])[0] == part, link
