"""Calls by name, ``POST /gradio_api/call/v2/NAME`` with a JSON object: checked before they are run.

The framework takes a missing or a misspelt name for a mistake of the server's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BY_NAME, BY_PLACE = "/gradio_api/call/v2/", "/gradio_api/call/"
LARGEST = 40_000_000  # bytes of a call: two pictures of the largest size in base64 fit


class Refused(Exception):
    """Why a call is not run: a status of HTTP and a sentence."""


class NamedCalls:
    """Wraps a server: turns calls by name into calls by place, and answers those that cannot be.

    calls: of each function its values' names in order, with whether each has a default, and which.
    """

    def __init__(self, app: ASGIApp, calls: dict[str, list[tuple[str, bool, Any]]]) -> None:
        self.app, self.calls = app, calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "") if scope["type"] == "http" else ""
        if scope.get("method") != "POST" or BY_NAME not in path:
            await self.app(scope, receive, send)
            return
        before, _, name = path.rstrip("/").rpartition(BY_NAME)
        try:
            values = self._values(name, await _body(receive))
        except Refused as refusal:
            status, sentence = refusal.args
            await JSONResponse({"error": sentence}, status)(scope, receive, send)
            return
        body = json.dumps({"data": values}).encode()
        headers = [(k, v) for k, v in scope["headers"] if k != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        there = before + BY_PLACE + name
        again = {**scope, "path": there, "raw_path": there.encode(), "headers": headers}
        await self.app(again, _of(body), send)

    def _values(self, name: str, body: bytes) -> list[Any]:
        """What a function is given, in its order."""
        if name not in self.calls:
            raise Refused(404, f"There is no function '{name}'. Functions: {_listed(self.calls)}.")
        try:
            given = json.loads(body or b"{}")
        except ValueError:
            given = None
        if not isinstance(given, dict):
            raise Refused(422, 'Send a JSON object of values by name, such as {"n": 4}.')
        known = self.calls[name]
        names = [each for each, _, _ in known]
        if stray := [each for each in given if each not in names]:
            takes = f"it takes {_listed(names)}" if names else "it takes none"
            raise Refused(422, f"'{name}' has no value '{stray[0]}'; {takes}.")
        for each, has_default, _ in known:
            if each not in given and not has_default:
                raise Refused(422, f"'{name}' needs '{each}'; it takes {_listed(names)}.")
        return [given.get(each, default) for each, _, default in known]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


async def _body(receive: Receive) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        body.extend(message.get("body", b""))
        more = message.get("more_body", False)
        if len(body) > LARGEST:
            limit = LARGEST // 1_000_000
            raise Refused(413, f"A call has {limit} MB at most; send fewer or smaller pictures.")
    return bytes(body)


def _of(body: bytes) -> Receive:
    """Gives the body once, as a client would have sent it."""
    told = False

    async def receive() -> Message:
        nonlocal told
        if told:
            return {"type": "http.disconnect"}
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
