"""Gradio's front end with less work for a page of many components.

It finds a component by a walk through the whole tree, and a component's events by a walk through
all events, each step of both through a proxy of Svelte's: some millions of steps when a page of
1,400 components opens, and many at every event. Tables answer the same (``front_end.js``). And what
shows the seconds that an event takes counts them sixty times a second, also where it shows none,
and for ever where the page had one while it loaded: a page at rest draws frame after frame.

Its files are changed while they are sent; where a version of Gradio has them no longer as they are
known here, they go as they are.
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
NAME = re.compile(r"(core|statustracker)-[\w-]+\.js")
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
_shows = re.compile(r"([\w$]+)=[\w$]+\([\w$]+,`show_progress`,3,`full`\)")
_counts = re.compile(
    r"function ([\w$]+)\(\)\{([\w$]+\(\(\)=>\{[\w$]+\([\w$]+,\(performance\.now\(\)-[^,]*/1e3\)),"
    r"([\w$]+)&&\1\(\)\}\)\}"
)
_timed = re.compile(r"([\w$]+)=[\w$]+\([\w$]+,`timer`,3,!0\)")


def quicker(name: str, text: str) -> str | None:
    """A file of the front end with its look-ups by tables, or with no count that nobody sees; None
    where it is not as known here. name: what its name begins with."""
    if name == "core":
        text, found = _find.subn(r"function \1(\2,\3){return geFind(\2,\3)}", text)
        text, listed = _events.subn(
            r"find_attached_events(\1,\2){let \3=geEventsOf(\2,\1.id);", text
        )
        return f"{text}\n{TABLES.read_text('utf-8')}" if (found, listed) == (1, 1) else None
    shows, timed = _shows.findall(text), _timed.findall(text)
    if not len(shows) == len(timed) == 1:
        return None
    seen = rf"{timed[0]}()&&{shows[0]}()!==`hidden`"
    text, counts = _counts.subn(rf"function \1(){{\2,\3&&{seen}&&\1()}})}}", text)
    return text if counts == 1 else None


class FrontEnd:
    """Wraps a server: answers with the front end's files that are changed.

    folder: where Gradio has the files of its front end.
    """

    def __init__(self, app: ASGIApp, folder: Path = FOLDER) -> None:
        self.app = app
        self.files: dict[str, bytes] = {}
        for path in folder.iterdir():
            name = NAME.fullmatch(path.name)
            if name and (text := quicker(name[1], path.read_text("utf-8"))):
                self.files[f"/assets/{path.name}"] = gzip.compress(text.encode(), 6, mtime=0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        packed = self.files.get(scope.get("path", "")) if scope["type"] == "http" else None
        if packed is None:
            await self.app(scope, receive, send)
            return
        answer = packed_answer(Request(scope), packed, "text/javascript; charset=utf-8", KEEP)
        await answer(scope, receive, send)
