"""Copy link works in every tab and every part: what it copies leads back there."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tests.browser.conftest import open_page, until
from tests.browser.test_share import copied

PLACES = "() => Object.keys(GE.needs).flatMap(t => (GE.parts[t] ?? [null]).map(p => [t, p?.key]))"
# The tab and the part that are on screen, by what is seen.
SHOWN = """() => {
  const tab = document.querySelector('#ge-tabs [role=tab][aria-selected=true]')?.dataset.tabId;
  const parts = [...document.querySelectorAll(`.ge-part-of-${tab}`)];
  const part = parts.find(p => p.offsetParent)?.id.slice(tab.length + 1);
  return [tab, part ?? null]; }"""


def test_a_link_of_every_tab_and_part_leads_back_to_it(page, address, browser):
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
    # Opened anew: of each tab the last part, which no address says by leaving it out.
    last = dict(links)
    other = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    other.set_default_timeout(180_000)
    for tab, part in last.items():
        open_page(other, links[tab, part])
        until(other, lambda tab=tab, part=part: other.evaluate(SHOWN) == [tab, part])
    other.context.close()
