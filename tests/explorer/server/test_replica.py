"""Answers bear the name of the process that gave them, unless a browser may give them again."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from explorer.server.assets import FOR_EVER
from explorer.server.replica import HEADER, PATH, Replica


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ({}, False),
        ({"Cache-Control": "no-store"}, False),
        ({"Cache-Control": "no-store, max-age=60"}, False),
        ({"Cache-Control": FOR_EVER}, True),
        ({"Last-Modified": "Sun, 29 Nov 2026 02:14:45 GMT"}, True),
        ({"Cache-Control": "no-store", "Last-Modified": "Sun, 29 Nov 2026 02:14:45 GMT"}, False),
    ],
)
def test_what_a_browser_may_keep_bears_no_name(headers, kept):
    route = Route("/film", lambda request: Response("…", headers=headers), methods=["GET", "POST"])
    app = Starlette(routes=[route], middleware=[Middleware(Replica, name="a1b2")])
    client = TestClient(app)
    assert client.get("/film").headers.get(HEADER) == (None if kept else "a1b2")
    assert client.post("/film").headers[HEADER] == client.get(PATH).headers[HEADER] == "a1b2"
