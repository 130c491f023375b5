"""Which process answers: several may stand behind one address, and one that has ended is another
when it is begun anew.

What a visitor has is in the process that served the page. Each answer bears that process's name, so
that the page sees when another one answers for it (``components/shared/server.js``).
"""

from __future__ import annotations

import secrets

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Replica"
PATH = "/replica"


def new_name() -> str:
    """A name that no process had before."""
    return secrets.token_hex(4)


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
                MutableHeaders(scope=message)[HEADER] = self.name
            await send(message)

        if scope["path"] == PATH:
            answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
            await answer(scope, receive, sends)
        else:
            await self.app(scope, receive, sends)
