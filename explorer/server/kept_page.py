"""The page's HTML, built and compressed once for all who ask for it.

It is the same for everybody, and Gradio builds it anew for each: a fifth of a second of a processor
that a lecture hall waits for in a row. A megabyte of it becomes a tenth of one on its way.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict, defaultdict
from typing import NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATHS = frozenset({"/", "/config"})
KEPT = 16  # answers; each address that the server is reached at has its own
LEVEL = 6
# What Gradio reads to find the address that it is reached at, which the page names.
TELLING = ("host", "x-forwarded-host", "x-forwarded-proto", "x-gradio-server")
# Whose page it is, where one signs in.
PERSONAL = "access-token"


class _Answer(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    packed: bytes


class KeptPage:
    """Wraps a server: what it answers at ``PATHS`` is asked for once, kept, and goes out as gzip
    where the browser takes that.

    Nothing else: answers that come line by line, as events do, would be held back.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._kept: OrderedDict[tuple, _Answer] = OrderedDict()
        self._making: defaultdict[tuple, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in PATHS
        if not ours:
            await self.app(scope, receive, send)
        elif (key := _key(scope)) is None:
            await _send(scope, send, await self._ask(scope, receive))
        else:
            await _send(scope, send, self._kept.get(key) or await self._made(key, scope, receive))

    async def _made(self, key: tuple, scope: Scope, receive: Receive) -> _Answer:
        # Whoever comes while it is being built waits for it, instead of building it, too.
        async with self._making[key]:
            if (answer := self._kept.get(key)) is not None:
                return answer
            try:
                answer = await self._ask(scope, receive)
            finally:  # no lock is left of an address that somebody made up
                self._making.pop(key, None)
            if answer.status == 200 and not _sets_cookie(answer):
                self._kept[key] = answer
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return answer

    async def _ask(self, scope: Scope, receive: Receive) -> _Answer:
        start: Message = {}
        body = bytearray()

        async def take(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        await self.app(scope, receive, take)
        packed = gzip.compress(bytes(body), LEVEL, mtime=0)
        return _Answer(start["status"], list(start.get("headers", ())), packed)


def _key(scope: Scope) -> tuple | None:
    """What the page depends on; None where it is one person's, or of one link alone."""
    request = Request(scope)
    signed_in = "authorization" in request.headers or any(
        name.startswith(PERSONAL) for name in request.cookies
    )
    if signed_in or "deep_link" in request.query_params:
        return None
    told = tuple(request.headers.get(name) for name in TELLING)
    return (scope["path"], scope["scheme"], scope.get("root_path", ""), *told)


def _sets_cookie(answer: _Answer) -> bool:
    return any(name.lower() == b"set-cookie" for name, _ in answer.headers)


async def _send(scope: Scope, send: Send, answer: _Answer) -> None:
    start = {"type": "http.response.start", "status": answer.status, "headers": [*answer.headers]}
    headers = MutableHeaders(scope=start)
    headers.add_vary_header("Accept-Encoding")
    body = answer.packed
    if "gzip" in Headers(scope=scope).get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    headers["Content-Length"] = str(len(body))
    await send(start)
    await send({"type": "http.response.body", "body": body})
