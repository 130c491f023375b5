"""The page's HTML, compressed for browsers that take it: a megabyte becomes a tenth of one.

Gradio compresses what has a file's name; the page itself and its settings have none.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipResponder
from starlette.types import ASGIApp, Receive, Scope, Send

PATHS = frozenset({"/", "/config"})
SMALLEST = 1000  # bytes
LEVEL = 6


class CompressedPage:
    """Wraps a server: what it answers at ``PATHS`` goes out as gzip where the browser takes that.

    Nothing else: answers that come line by line, as events do, would be held back.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        ours = scope["type"] == "http" and scope["path"] in PATHS
        if ours and "gzip" in Headers(scope=scope).get("Accept-Encoding", ""):
            app = GZipResponder(self.app, SMALLEST, LEVEL)
        await app(scope, receive, send)
