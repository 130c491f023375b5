"""Which process answers: several may stand behind one address, and one that has ended is another
when it is begun anew.

What a visitor has is in the process that served the page. Each answer bears that process's name, so
that the page sees when another one answers for it (``components/shared/server.js``). An answer that
a browser may keep bears none: it would speak later for a process that is long gone.
"""

from __future__ import annotations

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Replica"
PATH = "/replica"
KEEPS = ("GET", "HEAD")  # methods whose answers a browser may give again


def new_name() -> str:
    """A name that no process had before."""
    return secrets.token_hex(4)


def _may_be_kept(headers: Headers) -> bool:
    """Whether a browser may give an answer again without asking (RFC 9111, 3 and 4.2.2)."""
    said = headers.get("Cache-Control", "")
    return "no-store" not in said and ("max-age" in said or "Last-Modified" in headers)


class Replica:
    """Wraps a server: its answers bear a name, and ``/replica`` says nothing else."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        self.app = app
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sends(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["method"] not in KEEPS or not _may_be_kept(headers):
                    headers[HEADER] = self.name
            await send(message)

        if scope["path"] == PATH:
            answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
            await answer(scope, receive, sends)
        else:
            await self.app(scope, receive, sends)
