"""The front end's core is sent with its look-ups by tables, or as it is."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from explorer.server.front_end import FOLDER, NAME, FrontEnd, quicker


def test_the_installed_gradio_is_as_it_is_known_here():
    (core,) = [path for path in FOLDER.iterdir() if NAME.fullmatch(path.name)]
    text = core.read_text("utf-8")
    sent = quicker(text)
    assert sent is not None, "its look-ups have changed: the page opens slowly again"
    assert sent.count("geFind(") == 2 and sent.count("geEventsOf(") == 2
    assert abs(len(sent) - len(text)) < 2500, "nothing else was replaced"


@pytest.fixture
def client(tmp_path):
    def of(text: str):
        (tmp_path / "core-Abc1.js").write_text(text, "utf-8")
        (tmp_path / "index-Abc1.js").write_text(text, "utf-8")
        own = Route("/assets/{name}", lambda request: PlainTextResponse("Gradio's own"))
        middleware = [Middleware(FrontEnd, folder=tmp_path)]
        return TestClient(Starlette(routes=[own], middleware=middleware))

    return of


FOUND = "function Q(a,b){if(a.id===b)return a;if(a.children)for(let c of a.children){let a=Q(c,b);if(a)return a}return null}"  # noqa: E501
EVENTS = (
    "find_attached_events(e,t){let n=t.filter(t=>t.targets.find(([t])=>t===e.id))"
    ".map(t=>{let n=t.targets.find(([t])=>t===e.id);return n?n[1]:null}).filter(Boolean);return n}"
)


def test_only_its_core_is_replaced_under_its_own_address(client):
    browser = client(f"let z=1;{FOUND}class A{{{EVENTS}}}")
    text = browser.get("/assets/core-Abc1.js").text
    assert text.startswith("let z=1;function Q(a,b){return geFind(a,b)}class A{find_attached_")
    assert "function geFind(root, id)" in text and "{let n=geEventsOf(t,e.id);return n}" in text
    assert browser.get("/assets/index-Abc1.js").text == "Gradio's own"


@pytest.mark.parametrize("text", ["", FOUND, EVENTS, FOUND + FOUND + EVENTS])
def test_what_is_not_as_known_goes_as_it_is(client, text):
    assert client(text).get("/assets/core-Abc1.js").text == "Gradio's own"
