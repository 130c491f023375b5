"""Files of the front end are sent with less work in them, or as they are."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from explorer.server.front_end import FOLDER, NAME, FrontEnd, quicker


def test_the_installed_gradio_is_as_it_is_known_here():
    files = {found[1]: path for path in FOLDER.iterdir() if (found := NAME.fullmatch(path.name))}
    assert sorted(files) == ["core", "statustracker"]
    for name, path in files.items():
        text = path.read_text("utf-8")
        sent = quicker(name, text)
        assert sent is not None, f"{name} has changed: the page is slow again"
        if name == "core":
            assert sent.count("geFind(") == 2 and sent.count("geEventsOf(") == 2
        assert 0 < len(sent) - len(text) < 2500, "nothing else was replaced"


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


PROPS = "h=j(o,`timer`,3,!0),y=j(o,`show_progress`,3,`full`);"
COUNTS = "function z(){me(()=>{F(P,(performance.now()-w(d))/1e3),W&&z()})}"


def test_seconds_are_counted_where_they_are_shown():
    assert quicker("statustracker", PROPS + COUNTS) == PROPS + COUNTS.replace(
        "W&&z()", "W&&h()&&y()!==`hidden`&&z()"
    )
    for other in ("", PROPS, COUNTS, PROPS + COUNTS + COUNTS, PROPS + PROPS + COUNTS):
        assert quicker("statustracker", other) is None
