"""Scripts and style come at addresses of their own, which the page names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from explorer.components.sheet import WITHIN, twice
from explorer.server.assets import FOR_EVER, MANIFEST, Assets
from explorer.server.kept_page import KeptPage

PAGE = '<html><head><script type="module" src="own.js"></script></head><body>…</body></html>'

LINK = f'<link rel="manifest" {MANIFEST.decode()} />'


@pytest.fixture
def server():
    def client(script="let a = 1;", style="a {}", page=PAGE):
        routes = [
            Route("/", lambda request: HTMLResponse(page + " " * 2000)),
            Route("/config", lambda request: JSONResponse({"head": "</head>"})),
        ]
        assets = Middleware(Assets, script=script, style=style, settings="window.B = 2;")
        return TestClient(Starlette(routes=routes, middleware=[Middleware(KeptPage), assets]))

    return client


def test_the_page_names_its_script_before_the_page_s_own_and_its_sheet(server):
    answer = server().get("/")
    assert int(answer.headers.get("content-length", 0)) <= len(answer.content)
    tags = re.findall(
        r'<script[^>]*>|window\.B = 2;|<link rel="stylesheet" href="[^"]+">', answer.text
    )
    assert tags[1] == "window.B = 2;"
    assert "defer" in tags[2] and tags[3].endswith('src="own.js">') and "<link" in tags[4]
    assert "…" in answer.text and answer.headers["content-encoding"] == "gzip"


def test_what_is_named_is_there_and_is_kept_as_long_as_it_is_the_same(server):
    def names(client):
        return re.findall(r'(?:src|href)="(kept/[^"]+)"', client.get("/").text)

    client = server()
    script, sheet = names(client)
    assert client.get(script).text == "let a = 1;" and client.get(sheet).text == "a {}"
    assert client.get(script).headers["cache-control"] == FOR_EVER
    plain = client.get(script, headers={"Accept-Encoding": "identity"})
    assert plain.text == "let a = 1;" and "content-encoding" not in plain.headers
    other, same = names(server(script="let a = 2;"))
    assert other != script and same == sheet
    assert client.get(other).status_code == 404


def test_all_that_the_page_names_is_named_relative_to_it(server):
    """A page below another address names nothing at the root of the host; nor does a browser look
    for an icon there that the page names."""
    text = server(page=PAGE.replace("</head>", LINK + "</head>")).get("/").text
    assert '<link rel="manifest" href="manifest.json"' in text
    assert '<link rel="icon" href="favicon.ico">' in text
    assert re.findall(r'(?:src|href)="/', text) == []


def test_the_page_of_gradio_has_the_link_that_is_made_relative():
    import gradio

    page = Path(gradio.__file__).parent / "templates" / "frontend" / "index.html"
    assert re.findall(r'(?:src|href)="/[^"]*"', page.read_text("utf-8")) == [MANIFEST.decode()]


def test_whether_the_server_is_there_is_answered_without_building_the_page(server):
    answer = server(page=None).head("/")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")


def test_other_answers_are_left_alone(server):
    assert server().get("/config").json() == {"head": "</head>"}


def test_rules_stand_again_with_the_weight_of_the_page():
    css = """
    .a,
    .b:is(i, b) { color: red; /* } */ }
    .dark .a { color: blue; }
    @media (max-width: 9px) { .c { top: 0; } }
    @keyframes turn { from { top: 0; } to { top: 1px; } }
    """
    again = re.sub(r"\s+", " ", twice(css).partition("1px; } }")[2])
    assert f"{WITHIN} .a, {WITHIN} .b:is(i, b){{ color: red;}}" in again
    assert f".dark {WITHIN} .a{{ color: blue;}}" in again
    assert f"@media (max-width: 9px){{ {WITHIN} .c{{ top: 0;}} }}" in again
    assert "from{ top: 0;}" in again
