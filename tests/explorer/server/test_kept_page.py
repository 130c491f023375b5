"""The page is built once for all who ask, and never kept where it is one person's."""

from __future__ import annotations

import asyncio
import itertools

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from explorer.server.kept_page import KEPT, KeptPage


class Built:
    """A server that numbers the pages that it builds. status: what it answers."""

    def __init__(self) -> None:
        self.count, self.status, self.cookie = itertools.count(1), 200, ""
        routes = [Route("/", self.page), Route("/other", self.page)]
        self.app = Starlette(routes=routes, middleware=[Middleware(KeptPage)])

    async def page(self, request) -> HTMLResponse:
        await asyncio.sleep(0.01)
        text = f"{next(self.count)} for {request.headers['host']} {'…' * 2000}"
        answer = HTMLResponse(text, status_code=self.status)
        if self.cookie:
            answer.set_cookie(self.cookie, "1")
        return answer


@pytest.fixture
def built() -> Built:
    return Built()


@pytest.fixture
def client(built) -> TestClient:
    return TestClient(built.app)


def number(answer) -> int:
    return int(answer.text.split()[0])


def test_it_is_built_once_and_the_same_packed_and_plain(client):
    first, again = client.get("/"), client.get("/?tab=sample&model=vae-mnist")
    plain = client.get("/", headers={"Accept-Encoding": "identity"})
    assert first.text == again.text == plain.text and number(first) == 1
    assert first.headers["content-encoding"] == "gzip" and "…" in first.text
    assert "content-encoding" not in plain.headers
    assert len(plain.content) == int(plain.headers["content-length"]) > 2000
    assert int(first.headers["content-length"]) < 1000
    assert {a.headers["vary"] for a in (first, plain)} == {"Accept-Encoding"}


def test_a_hundred_at_once_wait_for_one(built):
    async def ask() -> list[int]:
        transport = httpx.ASGITransport(built.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hall") as client:
            return [number(a) for a in await asyncio.gather(*(client.get("/") for _ in range(100)))]

    assert asyncio.run(ask()) == [1] * 100


def test_each_address_of_the_server_has_its_own(client):
    for k, name in enumerate(("host", "x-forwarded-host", "x-forwarded-proto"), 1):
        headers = {name: "https" if name.endswith("proto") else "other.example"}
        assert number(client.get("/", headers=headers)) == k
        assert number(client.get("/", headers=headers)) == k


@pytest.mark.parametrize(
    "own",
    [{"cookies": {"access-token-7": "a"}}, {"headers": {"Authorization": "Bearer a"}},
     {"params": {"deep_link": "a"}}],
)  # fmt: skip
def test_what_is_one_person_s_is_neither_kept_nor_given_to_others(built, own):
    assert number(TestClient(built.app).get("/")) == 1
    cookies = own.pop("cookies", None)
    assert number(TestClient(built.app, cookies=cookies).get("/", **own)) == 2
    assert number(TestClient(built.app).get("/")) == 1


def test_an_answer_that_sets_a_cookie_or_is_an_error_is_not_kept(built, client):
    built.cookie = "mine"
    assert [number(client.get("/")) for _ in range(2)] == [1, 2]
    built.cookie, built.status = "", 500
    assert [number(client.get("/")) for _ in range(2)] == [3, 4]
    built.status = 200
    assert [number(client.get("/")) for _ in range(2)] == [5, 5]


def test_no_more_are_kept_than_a_server_has_addresses(built, client):
    middleware = built.app.build_middleware_stack()
    client = TestClient(middleware)
    for status in (200, 500):
        built.status = status
        for k in range(3 * KEPT):
            client.get("/", headers={"host": f"{k}-{status}.example"})
    while not isinstance(middleware, KeptPage):
        middleware = middleware.app
    assert len(middleware._kept) == KEPT and not middleware._making


def test_other_answers_are_left_alone(client):
    assert [number(client.get("/other")) for _ in range(2)] == [1, 2]
    assert client.get("/nowhere").status_code == 404
    assert client.post("/").status_code == 405


def test_a_server_that_fails_is_asked_again():
    fails = itertools.chain([True], itertools.repeat(False))

    async def page(request):
        if next(fails):
            raise RuntimeError("not now")
        return PlainTextResponse("here")

    app = Starlette(routes=[Route("/", page)], middleware=[Middleware(KeptPage)])
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/").status_code == 500
    assert client.get("/").text == "here"
