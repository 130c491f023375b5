"""A page below another address: ``https://example.edu/models/``, where a proxy hands it on."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.datastructures import URL
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


def sub_path(text: str) -> str:
    """What ``--root-path`` says: "/models", or a whole address, without a slash at its end.

    Raises ValueError with one sentence where it is neither.
    """
    given = text.strip().rstrip("/")
    parts = urlsplit(given)
    whole = parts.scheme in ("http", "https") and bool(parts.netloc)
    path = parts.path if whole else given
    if (given and not whole and not given.startswith("/")) or not re.fullmatch(
        r"(/[\w.~-]+)*", path, re.ASCII
    ):
        raise ValueError(
            f"'{text}' is no path of a page: write it as /models, or as a whole address, "
            "https://example.edu/models."
        )
    return given


class SubPath:
    """Wraps a server: takes the path of ``--root-path`` off what is asked for.

    Some proxies do that themselves and others do not; either is right.
    """

    def __init__(self, app: ASGIApp, root: str) -> None:
        self.app = app
        self.root = urlsplit(root).path if "://" in root else root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] in ("http", "websocket") and self.root:
            if path == self.root and scope["type"] == "http":
                # What the page names is named relative to it, so its address ends with a slash.
                query = URL(scope=scope).query
                there = self.root + "/" + (f"?{query}" if query else "")
                await RedirectResponse(there, 308)(scope, receive, send)
                return
            if path.startswith(self.root + "/"):
                scope = {**scope, "path": path[len(self.root) :]}
                if raw := scope.get("raw_path"):
                    scope["raw_path"] = raw.removeprefix(self.root.encode())
        await self.app(scope, receive, send)
