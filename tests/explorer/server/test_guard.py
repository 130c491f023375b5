"""What stands before the page: origins, headers, sizes, rates, and errors in one line."""

from __future__ import annotations

import logging

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from explorer.server import guard
from explorer.server.guard import Guard, address_of, hosts_of, is_of_here
from explorer.server.rates import BROUGHT, BUSY, Rates

OWN = "http://page.example"


def client(largest: int = 1000, **options) -> TestClient:
    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse("<p>page</p>")

    async def upload(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    async def broken(request: Request) -> PlainTextResponse:
        raise KeyError("nobody's\nbusiness")

    routes = [
        Route("/", page),
        Route("/gradio_api/upload", upload, methods=["POST"]),
        Route("/broken", broken, methods=["GET", "POST"]),
    ]
    middleware = [Middleware(Guard, largest=largest, **options)]
    return TestClient(Starlette(routes=routes, middleware=middleware), base_url=OWN)


def lines(caplog) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name.startswith("explorer")]


@pytest.mark.parametrize(
    "method, headers, may",
    [
        ("POST", {}, True),  # a program
        ("POST", {"origin": OWN}, True),
        ("POST", {"origin": "https://page.example"}, True),  # a proxy does the encryption
        ("POST", {"origin": "http://page.example:81"}, False),
        ("POST", {"origin": "http://evil.example"}, False),
        ("POST", {"origin": "null"}, False),
        ("POST", {"origin": "http://page.example.evil.example"}, False),
        ("POST", {"origin": "https://a-space.hf.space"}, True),
        # What a page of another host may add itself counts for nothing.
        ("POST", {"origin": "http://evil.example", "x-forwarded-host": "evil.example"}, False),
        ("POST", {"sec-fetch-site": "same-origin", "origin": "https://behind.example"}, True),
        ("POST", {"sec-fetch-site": "cross-site", "origin": "http://evil.example"}, False),
        ("POST", {"sec-fetch-site": "same-site"}, False),
        ("POST", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, False),
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True),  # a link
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, False),  # <img>
        ("GET", {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, True),
        ("GET", {"origin": "http://evil.example"}, True),
    ],
)
def test_where_a_request_may_come_from(method, headers, may):
    headers = {"host": "page.example", **headers}
    assert is_of_here(method, headers, {"a-space.hf.space"}) is may


def test_the_names_that_a_proxy_has_are_told_by_the_environment():
    told = {"SPACE_HOST": "a-space.hf.space", "GRADIO_ROOT_PATH": "https://x.edu/models"}
    assert hosts_of("", told) == {"a-space.hf.space", "x.edu"}
    assert hosts_of("https://y.edu:81/models", told) == {"a-space.hf.space", "x.edu", "y.edu:81"}
    assert hosts_of("/models", {"GRADIO_ROOT_PATH": "/models"}) == set()


def test_a_page_of_another_host_starts_nothing(caplog):
    caplog.set_level(logging.INFO)
    asked = client()
    refused = asked.post("/gradio_api/upload", content=b"x", headers={"Origin": "http://evil.com"})
    assert refused.status_code == 403 and refused.json()["error"] == guard.ELSEWHERE
    assert len(lines(caplog)) == 1
    assert asked.post("/gradio_api/upload", content=b"x", headers={"Origin": OWN}).text == "1"


def test_every_answer_has_the_headers_and_an_own_policy_stays():
    for answer in (client().get("/"), client().get("/nowhere"), client().get("/broken")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        policy = dict(
            part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; ")
        )
        assert policy["frame-ancestors"] == "'self' https://huggingface.co"
        assert policy["default-src"] == "'self'" and policy["object-src"] == "'none'"
        # No other host but the one that may frame the page.
        assert "//" not in "".join(v for k, v in policy.items() if k != "frame-ancestors")


def test_what_is_too_large_is_refused_whatever_it_said_it_would_be():
    asked = client()
    assert asked.post("/gradio_api/upload", content=b"x" * 1000).text == "1000"
    assert asked.post("/gradio_api/upload", content=b"x" * 1001).status_code == 413
    parts = (b"x" * 400 for _ in range(3))  # sent in parts, without a length
    assert asked.post("/gradio_api/upload", content=parts).status_code == 413
    lies = {"Content-Length": str(4 << 30)}
    assert asked.post("/gradio_api/upload", content=b"x", headers=lies).status_code == 413


def test_an_error_is_one_line(caplog):
    caplog.set_level(logging.INFO)
    answer = client().post("/broken")
    assert answer.status_code == 400 and "business" not in answer.text
    (record,) = lines(caplog)
    assert "KeyError" in record.getMessage() and "\n" not in record.getMessage()
    assert record.exc_info is None


def test_an_address_asks_no_more_than_its_share():
    now = [0.0]
    rates = Rates(most_open=3, a_second=2, at_once=4, clock=lambda: now[0])
    asked = client(rates=rates)
    answers = [asked.post("/gradio_api/upload", content=b"x").status_code for _ in range(6)]
    assert answers == [200] * 4 + [429] * 2
    assert asked.get("/").status_code == 200  # to look is free
    now[0] += 1
    answers = [asked.post("/gradio_api/upload", content=b"x").status_code for _ in range(3)]
    assert answers == [200] * 2 + [429]


def test_an_address_uploads_no_more_than_its_share():
    now = [0.0]
    shares = Rates(bytes_a_second=500, bytes_at_once=2500, clock=lambda: now[0])
    asked = client(rates=shares)

    def answers(n: int, content=b"x" * 1000) -> list[int]:
        return [asked.post("/gradio_api/upload", content=content).status_code for _ in range(n)]

    assert answers(3) == [200, 200, 429]
    assert asked.post("/gradio_api/upload", content=b"x" * 1000).json()["error"] == BROUGHT
    assert asked.post("/broken", content=b"x" * 1000).status_code == 400  # these are no files
    now[0] += 1  # 1000 bytes are left
    # Without a length it counts as the largest there may be, and then as what has come.
    assert (
        answers(1, iter([b"x" * 400])) == [200]
        and shares._addresses["testclient"].bytes_left == 600
    )
    assert answers(1) == [429] and answers(1, b"x" * 600) == [200]


def test_requests_in_flight_are_bounded_by_address():
    rates = Rates(most_open=2)
    assert [rates.enter("a"), rates.enter("a", counted=False)] == ["", ""]
    assert rates.enter("a", counted=False) == BUSY and rates.enter("b") == ""
    rates.leave("a")
    assert rates.enter("a") == ""


def test_addresses_are_forgotten():
    rates = Rates()
    for k in range(5000):
        rates.enter(str(k))
        rates.leave(str(k))
    assert len(rates._addresses) <= 4096


def test_on_a_space_the_address_is_what_its_proxy_saw(monkeypatch):
    scope = {"client": ("10.0.0.7", 1)}
    told = {"x-forwarded-for": "1.2.3.4, 8.8.8.8, 10.1.2.3"}  # the first was made up
    assert address_of(scope, told) == "10.0.0.7"
    monkeypatch.setenv("SPACE_ID", "a/space")
    assert address_of(scope, told) == "8.8.8.8"
    assert address_of(scope, {"x-forwarded-for": "nonsense"}) == "10.0.0.7"


def test_a_hub_of_another_address_may_frame_the_page_and_no_nonsense_is_a_host(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.edu")
    assert guard.frames() == ("'self'", guard.HUB, "https://hub.example.edu")
    monkeypatch.setenv("HF_ENDPOINT", "https://x; script-src *")
    assert guard.frames() == ("'self'", guard.HUB)
