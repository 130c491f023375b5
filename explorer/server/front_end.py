"""Gradio's front end with two of its look-ups by a table.

It finds a component by a walk through the whole tree, and a component's events by a walk through
all events, each step of both through a proxy of Svelte's. It does so for every component when the
page opens and for many at every event: some millions of steps on a page of 1,400 components. Two
functions of its file are replaced while it is sent; where a version of Gradio has them no longer as
they are known here, the file goes as it is.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import gradio
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from explorer.server.assets import packed_answer

FOLDER = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
NAME = re.compile(r"core-[\w-]+\.js")
# Its address is Gradio's and does not change with what is replaced: browsers ask again.
KEEP = "public, max-age=86400"
TABLES = Path(__file__).with_suffix(".js")

_find = re.compile(
    r"function ([\w$]+)\((\w+),(\w+)\)\{if\(\2\.id===\3\)return \2;"
    r"if\(\2\.children\)for\(let (\w+) of \2\.children\)"
    r"\{let (\w+)=\1\(\4,\3\);if\(\5\)return \5\}return null\}"
)
_events = re.compile(
    r"find_attached_events\((\w+),(\w+)\)\{let (\w+)=\2\.filter\(.{,150}?\}\)\.filter\(Boolean\);"
)


def quicker(text: str) -> str | None:
    """The front end's core with its look-ups by tables; None where they are not as known here."""
    text, found = _find.subn(r"function \1(\2,\3){return geFind(\2,\3)}", text)
    text, listed = _events.subn(r"find_attached_events(\1,\2){let \3=geEventsOf(\2,\1.id);", text)
    if (found, listed) != (1, 1):
        return None
    return text + "\n" + TABLES.read_text("utf-8")


class FrontEnd:
    """Wraps a server: answers with the front end's core, its look-ups replaced.

    folder: where Gradio has the files of its front end.
    """

    def __init__(self, app: ASGIApp, folder: Path = FOLDER) -> None:
        self.app = app
        self.files: dict[str, bytes] = {}
        for path in folder.iterdir():
            if NAME.fullmatch(path.name) and (text := quicker(path.read_text("utf-8"))):
                self.files[f"/assets/{path.name}"] = gzip.compress(text.encode(), 6, mtime=0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        packed = self.files.get(scope.get("path", "")) if scope["type"] == "http" else None
        if packed is None:
            await self.app(scope, receive, send)
            return
        answer = packed_answer(Request(scope), packed, "text/javascript; charset=utf-8", KEEP)
        await answer(scope, receive, send)
