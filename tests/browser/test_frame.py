"""On a Space the page lies in a frame of another page: whose address follows, and links begin with.

The outer page is a real one, of a server of its own, and does what the Hub documents of its own.
"""

from __future__ import annotations

import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import open_page, served, until
from tests.browser.pages import SERVER
from tests.browser.test_share import clipboard, share

TABS = ("sample", "map", "ideas")
SPACE = "/spaces/someone/explorer"

# As the Hub does: the query and the hash travel to the frame when it is opened, and back by a
# message (https://huggingface.co/docs/hub/spaces-handle-url-parameters).
OUTER = """<!doctype html><title>The Space's page</title>
<body style="margin:0"><iframe name=app style="width:100vw;height:100vh;border:0"
  allow="clipboard-read; clipboard-write"></iframe>
<script>
  const host = 'HOST', frame = document.querySelector('iframe');
  window.messages = [];
  addEventListener('message', event => {
    if (event.origin !== host || event.source !== frame.contentWindow) return;
    const { queryString, hash } = event.data;
    if (queryString === undefined && hash === undefined) return;
    window.messages.push(event.data);
    const query = queryString ? '?' + queryString : '';
    history.replaceState(null, '', location.pathname + query + (hash ?? ''));
  });
  frame.src = host + '/' + location.search + (location.search ? '&' : '?') + '__sign=secret'
    + location.hash;
</script>"""


class Outer(BaseHTTPRequestHandler):
    """Answers every address with the outer page."""

    def __init__(self, inner: list[str], *given) -> None:
        self.inner = inner
        super().__init__(*given)

    def do_GET(self) -> None:
        body = OUTER.replace("HOST", self.inner[0]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture(scope="module")
def outer(models):
    """The address of the Space's page; the page itself is served as on a Space."""
    inner: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Outer, inner))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub = f"http://127.0.0.1:{server.server_port}"
    told = {"HF_ENDPOINT": hub, "SPACE_ID": "someone/explorer", "SPACE_HOST": "host.hf.space"}
    # What makes Gradio itself take this for a Space would have it listen elsewhere.
    program = SERVER.replace(
        "sys.exit", f"import explorer.page.address as a; a.os.environ.update({told!r})\nsys.exit"
    )
    with served("--checkpoints", str(models), tabs=TABS, program=program) as url:
        inner.append(url)
        yield hub + SPACE
    server.shutdown()


def opened(page, address: str):
    """The frame of the app within the outer page."""
    page.goto(address)
    frame = page.frame(name="app")
    frame.wait_for_selector("body[data-ge=open]")
    return frame


def query(page) -> dict[str, str]:
    return {key: value for key, [value] in parse_qs(urlsplit(page.url).query).items()}


@pytest.fixture
def around(browser):
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    yield page
    page.context.close()


def test_the_outer_address_follows_and_brings_the_state_back(around, outer):
    page = around
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    frame = opened(page, f"{outer}?model=toy-colour&sample.count=4")
    until(page, lambda: query(page) == {"model": "toy-colour", "sample.count": "4"})
    frame.get_by_role("tab", name="Map", exact=True).click()
    until(page, lambda: query(page).get("tab") == "map")
    frame.locator(".ge-panel-map [role=tab][data-part=beside_real]").click()
    until(page, lambda: query(page).get("map.part") == "beside_real")
    assert "secret" not in page.url
    share(frame, "Copy link")
    until(page, lambda: clipboard(frame) != "")
    assert clipboard(frame) == page.url
    shown = frame.evaluate("GE.current")
    # The copied link is opened: the same tab, part and model are on screen.
    again = opened(page, page.url)
    again.locator("#map-beside_real").wait_for(state="visible")
    assert again.evaluate("GE.current") == shown


def test_the_view_the_language_and_a_mark_follow_too(around, outer):
    page = around
    frame = opened(page, outer)
    frame.evaluate("GE.project(true)")
    until(page, lambda: query(page).get("view") == "projector")
    frame.evaluate("GE.visit('sample.seed=3', { hash: '#here' })")
    until(page, lambda: page.url.endswith("#here") and query(page)["sample.seed"] == "3")
    # Nothing is said twice.
    said = page.evaluate("window.messages.map(m => JSON.stringify(m))")
    assert all(a != b for a, b in pairwise(said))


def test_a_link_to_the_class_leads_to_the_server_itself(around, outer):
    frame = opened(around, outer)
    assert frame.evaluate("GE.link('')") == outer
    assert frame.evaluate("GE.host()") == "https://host.hf.space/"


def test_without_a_frame_the_spaces_own_host_is_in_the_link(around, outer):
    inner = opened(around, outer).url.partition("?")[0]
    open_page(around, f"{inner}?sample.seed=3")
    assert around.evaluate("GE.link()") == "https://host.hf.space/?sample.seed=3"
