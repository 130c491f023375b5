"""What stands before the page: where requests may come from, how much of them there may be, what
browsers are told to refuse, and one line in the log for whatever is no call at all.

Whoever calls from a program sends no origin and is served; a browser says where a page is from that
makes it send something, and pages of other hosts may not (they may link here, and frame the page
where ``frames`` lets them).
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.server.inputs import GARBLED, one_line
from explorer.server.rates import Rates

log = logging.getLogger(__name__)

HUB = "https://huggingface.co"
# Gradio's front end is written into the page, builds functions of templates, and makes its workers
# and some pictures of what it holds; nothing of it comes from another host.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # An address holds what is on screen. To ourselves it goes whole: that is how links open.
    "Referrer-Policy": "same-origin",
}


def frames() -> tuple[str, ...]:
    """Whose pages may frame this one: its own, and the Hub's, also one of another address."""
    other = os.environ.get("HF_ENDPOINT", "")
    return ("'self'", HUB, *([other] if re.fullmatch(r"https?://[\w.:-]+", other) else ()))


@cache
def headers_of_answers() -> dict[str, str]:
    """What every answer tells browsers to refuse."""
    policy = f"{POLICY}; frame-ancestors {' '.join(frames())}"
    return {"Content-Security-Policy": policy, **HEADERS}


SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LARGEST = 64 << 20  # bytes of a request that uploads no file
UPLOADS = ("/gradio_api/upload",)
ELSEWHERE = "This comes from a page of another host, which may not start anything here."


class TooLarge(ValueError):
    """A request has more bytes than it may."""


class Guard:
    """Wraps a server. hosts: further names that it is reached under. largest: bytes of a request
    with files."""

    def __init__(
        self, app: ASGIApp, largest: int, hosts: Iterable[str] = (), rates: Rates | None = None
    ) -> None:
        self.app = app
        self.largest = largest
        self.hosts = frozenset(hosts)
        self.rates = rates or Rates()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not is_of_here(scope["method"], headers, self.hosts):
            log.info("Refused %s %s: another host", scope["method"], _path(scope))
            await self._refuse(ELSEWHERE, 403, scope, receive, send)
            return
        address = address_of(scope, headers)
        problem = self.rates.enter(address, counted=scope["method"] not in SAFE)
        if problem:
            await self._refuse(problem, 429, scope, receive, send)
            return
        try:
            await self._serve(scope, headers, address, receive, send)
        finally:
            self.rates.leave(address)

    async def _serve(
        self, scope: Scope, headers: Headers, address: str, receive: Receive, send: Send
    ) -> None:
        begun = False

        async def sends(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _add_headers(message)
            await send(message)

        files = _path(scope).rstrip("/").endswith(UPLOADS)
        most = self.largest if files else LARGEST
        body = _Body(receive, most)
        try:
            size = int(headers.get("content-length") or 0)
            if size > most:
                raise TooLarge(f"more than {most >> 20} MB")
            if files and scope["method"] not in SAFE:
                # What does not say how much it is counts as much as it may be, until it is there.
                size = size or most
                if problem := self.rates.bring(address, size):
                    await self._refuse(problem, 429, scope, receive, sends)
                    return
                try:
                    await self.app(scope, body, sends)
                finally:
                    self.rates.give_back(address, size - body.count)
                return
            await self.app(scope, body, sends)
        except ClientDisconnect:
            return
        except Exception as error:
            # The line says where; whoever looks for a mistake of ours has the stack at debug level.
            log.info("Refused %s %s: %s", scope["method"], _path(scope), one_line(error))
            log.debug("refused", exc_info=error)
            if not begun:
                status = 413 if isinstance(error, TooLarge) else 400
                await self._refuse(GARBLED, status, scope, receive, send)

    @staticmethod
    async def _refuse(text: str, status: int, scope: Scope, receive: Receive, send: Send) -> None:
        more = {"Retry-After": "5"} if status == 429 else {}
        # The rest of what is being sent is not read: the connection ends with the answer.
        answer = JSONResponse(
            {"error": text, "detail": text},
            status,
            {**headers_of_answers(), **more, "Connection": "close"},
        )
        await answer(scope, receive, send)


def is_of_here(method: str, headers: Mapping[str, str], hosts: Iterable[str] = ()) -> bool:
    """Whether a request comes from this page, a link to it, or no browser.

    Browsers say how far away a page is that sends something, on safe connections (https, or this
    machine's own); on others they say its origin with everything that changes something.
    """
    origin = headers.get("origin")
    ours = {headers.get("host", "").lower(), *hosts}
    known = origin is not None and urlsplit(origin).netloc.lower() in ours
    site = headers.get("sec-fetch-site")
    if site in ("same-origin", "none") or known:
        return True
    if site is not None:
        # Links lead here, and Hugging Face frames the page; nothing else is asked from elsewhere.
        return method in SAFE and headers.get("sec-fetch-mode") == "navigate"
    return origin is None or method in SAFE


def hosts_of(root_path: str = "", environment: Mapping[str, str] = os.environ) -> set[str]:
    """The names under which a proxy offers the page, as far as the environment tells.

    root_path: where the page lies, a path or a whole address."""
    hosts = {environment.get("SPACE_HOST", ""), *environment.get("SPACE_HOST", "").split(",")}
    for root in (root_path, environment.get("GRADIO_ROOT_PATH", "")):
        hosts.add(urlsplit(root).netloc)
    return {host.strip().lower() for host in hosts if host.strip()}


def address_of(scope: Scope, headers: Mapping[str, str]) -> str:
    """Where a request is from. On a Space that is what its proxy saw, the last address that is not
    one of its own network."""
    peer = (scope.get("client") or ("",))[0]
    if os.environ.get("SPACE_ID"):
        for each in reversed(headers.get("x-forwarded-for", "").split(",")):
            try:
                if ipaddress.ip_address(each.strip()).is_global:
                    return each.strip()
            except ValueError:
                break
    return peer


def address_of_page(request: Any) -> str:
    """Where an event is from; "" where that is not known."""
    scope = getattr(getattr(request, "request", None), "scope", None)
    return address_of(scope, Headers(scope=scope)) if isinstance(scope, dict) else ""


def _add_headers(message: Message) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in headers_of_answers().items():
        headers.setdefault(name, value)


class _Body:
    """What is sent, up to so many bytes, whatever it said it would be. count: of what came."""

    def __init__(self, receive: Receive, most: int) -> None:
        self.receive, self.most, self.count = receive, most, 0

    async def __call__(self) -> Message:
        message = await self.receive()
        self.count += len(message.get("body", b""))
        if self.count > self.most:
            raise TooLarge(f"more than {self.most >> 20} MB")
        return message


def _path(scope: Scope) -> str:
    path = "".join(c if c.isprintable() else "?" for c in scope.get("path", ""))
    return path if len(path) <= 120 else f"{path[:119]}…"
