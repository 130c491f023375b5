"""A page below another address: what the option may be, and what is taken off what is asked for."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import app
from explorer.server.classroom import Classroom
from explorer.server.classroom_routes import ClassRoutes
from explorer.server.sub_path import SubPath, sub_path


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("/models", "/models"),
        ("/models/", "/models"),
        ("/a/b-c.d", "/a/b-c.d"),
        ("https://example.edu/models/", "https://example.edu/models"),
        ("http://example.edu:8080", "http://example.edu:8080"),
    ],
)
def test_a_path_or_a_whole_address_is_taken(text, kept):
    assert sub_path(text) == kept
    assert app.arguments(["--root-path", text]).root_path == kept


@pytest.mark.parametrize("text", ["models", "/a b", "//x", "/a?b", "ftp://x/y", "https:///x", "/é"])
def test_anything_else_is_one_sentence(text, capsys):
    with pytest.raises(ValueError, match="no path of a page"):
        sub_path(text)
    with pytest.raises(SystemExit):
        app.arguments(["--root-path", text])
    assert "write it as /models" in capsys.readouterr().err


def test_the_environment_says_it_as_gradio_has_it(monkeypatch):
    monkeypatch.setenv("GRADIO_ROOT_PATH", "/models/")
    assert app.arguments([]).root_path == "/models"
    assert app.arguments(["--root-path", "/other"]).root_path == "/other"


async def told(request):
    return PlainTextResponse(f"{request.url.path}?{request.url.query}")


def client(root: str) -> TestClient:
    routes = [Route("/", told), Route("/x/y", told), Route("/models2", told)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(SubPath, root=root)]))


@pytest.mark.parametrize("root", ["/models", "https://example.edu/models"])
def test_a_proxy_may_take_it_off_or_not(root):
    page = client(root)
    for path in ("/x/y?a=1", "/models/x/y?a=1"):
        assert page.get(path).text == "/x/y?a=1"
    assert page.get("/models/").text == "/?" and page.get("/").text == "/?"
    assert page.get("/models2").text == "/models2?", "no folder of the page's"
    # Without the slash the browser would look for scripts beside the page, not below it.
    moved = page.get("/models?tab=sample", follow_redirects=False)
    assert moved.status_code == 308 and moved.headers["location"] == "/models/?tab=sample"


def test_a_phone_stays_below_it():
    """The proxy takes the path off: what the page for phones names is relative to where it is."""
    inner = Starlette(middleware=[Middleware(ClassRoutes, classroom=Classroom())])

    async def proxy(scope, receive, send):
        if scope["type"] == "http":
            assert scope["path"].startswith("/models/"), scope["path"]
            scope = {**scope, "path": scope["path"].removeprefix("/models")}
        await inner(scope, receive, send)

    page = TestClient(proxy)
    asked = {"question": "Which?", "choices": ["this", "that"]}
    code = page.post("/models/class", json=asked).json()["code"]
    phone = TestClient(proxy)
    for form in ("/models/class", "/models/class/"):
        shown = phone.get(form).text
        [action] = [part.split('"')[0] for part in shown.split('<form action="')[1:]]
        at = phone.get(str(phone.get(form).url.join(action)), params={"code": code})
        assert at.url.path == f"/models/class/{code}"
    sent = phone.post(f"/models/class/{code}", data={"choice": "1"})
    assert sent.url.path == f"/models/class/{code}" and "Sent." in sent.text
    [back] = [part.split('"')[0] for part in sent.text.split('<a href="')[1:]]
    assert sent.url.join(back).path == "/models/class"
    wrong = phone.get(f"/models/class/{code}/nothing/here")
    [action] = [part.split('"')[0] for part in wrong.text.split('<form action="')[1:]]
    assert wrong.status_code == 400 and wrong.url.join(action).path == "/models/class"
