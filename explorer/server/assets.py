"""What a browser keeps: bytes whose address changes with them, and the page that names them.

The scripts and the style of the page are a third of it. Inside its HTML, as Gradio has them, they
would travel at every visit and be compiled anew.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from typing import NamedTuple

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOR_EVER = "public, max-age=31536000, immutable"
FOLDER = "/kept/"
PAGE = "/"
# The script comes before the page's own, which waits as well until all of the HTML is there.
SCRIPT_BEFORE = b'<script type="module"'
SHEET_BEFORE = b"</head>"
# What Gradio's page names from the root of the host, and what a browser looks for there unasked: a
# page below another address has them below it, too.
MANIFEST = b'href="/manifest.json"'
ICON = b'<link rel="icon" href="favicon.ico">'


def packed_answer(request: Request, packed: bytes, media: str, keep: str = FOR_EVER) -> Response:
    """Gzipped bytes as they are, or unpacked for a browser that does not take that."""
    headers = {"Cache-Control": keep, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return Response(packed, media_type=media, headers={**headers, "Content-Encoding": "gzip"})
    return Response(gzip.decompress(packed), media_type=media, headers=headers)


def version_of(data: bytes) -> str:
    """Names bytes in an address: other bytes, another name."""
    return hashlib.sha256(data).hexdigest()[:12]


class _File(NamedTuple):
    packed: bytes
    media: str


class Assets:
    """Wraps a server: answers with the page's script and style, and names them in its HTML.

    settings: a line of JavaScript that runs before the script. languages: scripts by the code of
    their language, which a browser fetches when it is chosen.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        script: str,
        style: str,
        settings: str,
        languages: Mapping[str, str] | None = None,
    ) -> None:
        self.app = app
        self.files: dict[str, _File] = {}
        js = self._add("page", "js", script, "text/javascript; charset=utf-8")
        css = self._add("page", "css", style, "text/css; charset=utf-8")
        if languages:
            words = {
                code: self._add(code, "js", text, "text/javascript; charset=utf-8")[1:]
                for code, text in languages.items()
            }
            settings += f" window.GE_LANGUAGES = {json.dumps(words)};"
        # Relative, as a page may be served below another address.
        self.script = (
            f'<script>{settings}</script><script defer src="{js.removeprefix("/")}"></script>'
        ).encode()
        self.sheet = f'<link rel="stylesheet" href="{css.removeprefix("/")}">'.encode()

    def _add(self, name: str, kind: str, text: str, media: str) -> str:
        data = text.encode()
        address = f"{FOLDER}{name}-{version_of(data)}.{kind}"
        self.files[address] = _File(gzip.compress(data, 6, mtime=0), media)
        return address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "") if scope["type"] == "http" else ""
        if path in self.files:
            answer = packed_answer(Request(scope), *self.files[path])
            await answer(scope, receive, send)
        elif path == PAGE and scope["method"] == "HEAD":
            # Whether the server is there, as Gradio itself asks at the start, with seconds to
            # answer: on a busy machine the page is not built as quickly.
            await Response(media_type="text/html")(scope, receive, send)
        elif path == PAGE:
            await self.app(scope, receive, self._naming(send))
        else:
            await self.app(scope, receive, send)

    def _naming(self, send: Send) -> Send:
        """Sends on what the page answers, whole, with script and style in its head."""
        start: Message = {}
        body = bytearray()

        async def sends(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            headers = MutableHeaders(scope=start)
            whole = bytes(body)
            if headers.get("content-type", "").startswith("text/html"):
                whole = whole.replace(SHEET_BEFORE, ICON + self.sheet + SHEET_BEFORE, 1)
                whole = whole.replace(MANIFEST, MANIFEST.replace(b"/", b"", 1), 1)
                whole = whole.replace(SCRIPT_BEFORE, self.script + SCRIPT_BEFORE, 1)
                headers["content-length"] = str(len(whole))
            await send(start)
            await send({"type": "http.response.body", "body": whole})

        return sends
