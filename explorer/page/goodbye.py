"""A page that is closed says so, which tells it from one that has lost its connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from explorer.page.context import Context

LONGEST = 32  # characters of a visitor's key


def route(context: Context) -> Route:
    """``visitor/closed``, to which a page sends its visitor's key when it goes."""

    async def answer(request: Request) -> Response:
        key = b""
        async for part in request.stream():
            key += part
            if len(key) > LONGEST:
                return Response(status_code=400)
        if context.visitors is not None:
            context.visitors.bye(key.decode("ascii", "replace"))
        return Response(status_code=204)

    return Route("/visitor/closed", answer, methods=["POST"])
