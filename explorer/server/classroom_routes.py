"""The routes by which a class answers: pages for phones, which need no script, and JSON for the
lecturer's page.

    GET  /class              a field for the code
    GET  /class/CODE         the question, with a button an answer
    POST /class/CODE         an answer: the form's ``choice``
    POST /class              JSON ``{"question", "choices"}`` -> ``{"code", "key"}``
    GET  /class/CODE/counts  -> ``{"counts": [int]}``, with the key in the header ``Question-Key``
    POST /class/CODE/close, /class/CODE/forget   likewise

What cannot be is answered in one sentence: on a page of its own, or as JSON ``{"problem"}``.
"""

from __future__ import annotations

import html
import json
import re
import secrets
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from explorer.server.classroom import Classroom

PATH = re.compile(r"/class(?:/(?P<code>[A-Za-z]{1,8})(?:/(?P<what>counts|close|forget))?)?/?")
COOKIE = "generative-explorer-phone"
KEY = "Question-Key"
LARGEST = 4096  # bytes of what is sent
HOURS = 12  # for how long a phone keeps its cookie


class ClassRoutes:
    """Wraps a server: what is asked at ``/class`` is answered here."""

    def __init__(self, app: ASGIApp, classroom: Classroom) -> None:
        self.app = app
        self.classroom = classroom

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == "/class" or path.startswith("/class/")):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request, PATH.fullmatch(path))
        except ClientDisconnect:
            return
        # What is answered is of this moment and of this phone.
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'"
        )
        await response(scope, receive, send)

    async def _answer(self, request: Request, path: re.Match[str] | None) -> Response:
        for_page = KEY in request.headers or _is_json(request)
        try:
            if path is None or request.method not in ("GET", "POST"):
                raise ValueError("There is nothing here. The address of a question ends in /class.")
            code, what = path["code"], path["what"]
            if what or (for_page and not code):
                return JSONResponse(await self._lecturer(request, code, what))
            return await self._phone(request, code)
        except ValueError as error:
            if for_page:
                return JSONResponse({"problem": str(error)})
            said = f"<p>{html.escape(str(error))}</p>"
            return _page(said + _form(_up(request)), HTTPStatus.BAD_REQUEST)

    # -- the lecturer's page ----------------------------------------------------------------------

    async def _lecturer(self, request: Request, code: str | None, what: str | None) -> dict:
        key = request.headers.get(KEY, "")
        if what == "counts" and request.method == "GET":
            return {"counts": self.classroom.counts(code or "", key)}
        if what in ("close", "forget") and request.method == "POST":
            self.classroom.close(code or "", key, forget=what == "forget")
            return {}
        if what or request.method != "POST":
            raise ValueError("Questions are asked by the page itself.")
        try:
            wish = json.loads(await _body(request))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            raise ValueError("This is no question: it is not JSON.") from None
        if not isinstance(wish, dict):
            raise ValueError("This is no question: it has no text and no answers.")
        code, key = self.classroom.ask(wish.get("question"), wish.get("choices"))
        return {"code": code, "key": key}

    # -- phones -----------------------------------------------------------------------------------

    async def _phone(self, request: Request, code: str | None) -> Response:
        up = _up(request)
        if code is None:
            given = request.query_params.get("code", "").strip()
            if re.fullmatch(r"[A-Za-z]{1,8}", given):
                return RedirectResponse(f"{up}class/{given.upper()}", HTTPStatus.SEE_OTHER)
            return _page(_form(up))
        phone = request.cookies.get(COOKIE, "")
        if not re.fullmatch(r"[0-9a-f]{32}", phone):
            phone = secrets.token_hex(16)
        if request.method == "POST":
            fields = parse_qs((await _body(request)).decode("utf-8", "replace"), max_num_fields=8)
            choice = fields.get("choice", [""])[0]
            self.classroom.answer(code, phone, int(choice) if re.fullmatch(r"\d", choice) else None)
            there = f"{up}class/{code.upper()}"
            response: Response = RedirectResponse(there, HTTPStatus.SEE_OTHER)
        else:
            response = self._question(code, phone, up)
        response.set_cookie(COOKIE, phone, max_age=HOURS * 3600, httponly=True, samesite="lax")
        return response

    def _question(self, code: str, phone: str, up: str) -> Response:
        question, chosen = self.classroom.find(code), self.classroom.chosen(code, phone)
        disabled = "" if question.is_open else " disabled"
        buttons = "".join(
            f'<button name="choice" value="{k}" aria-pressed="{pressed}"{disabled}>'
            f"{html.escape(text)}</button>"
            for k, text in enumerate(question.choices)
            for pressed in ("true" if k == chosen else "false",)
        )
        said = "Choose an answer." if chosen is None else "Sent. You can change it."
        if not question.is_open:
            said = "This question is closed."
        return _page(
            f'<h1>{html.escape(question.text)}</h1><form method="post">{buttons}</form>'
            f'<p role="status">{said}</p><p><a href="{up}class">Another question</a></p>'
        )


def _up(request: Request) -> str:
    """From an address here up to the page's own: the page may lie below another address."""
    return "../" * (request.scope["path"].count("/") - 1)


def _is_json(request: Request) -> bool:
    return request.headers.get("Content-Type", "").startswith("application/json")


async def _body(request: Request) -> bytes:
    """What was sent. Raises ValueError where it is too much, before all of it is read."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise ValueError(f"That is too long: {LARGEST} bytes can be sent.")
    return body


def _page(content: str, status: int = HTTPStatus.OK) -> HTMLResponse:
    return HTMLResponse(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Question</title>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<style>{_STYLE}</style></head><body><main>{content}</main></body></html>",
        status,
    )


def _form(up: str) -> str:
    return (
        f'<form action="{up}class"><label for="code">Code on the projector</label>'
        '<input id="code" name="code" maxlength="8" autocomplete="off" autocapitalize="characters">'
        "<button>Go to the question</button></form>"
    )


_STYLE = """
:root { color-scheme: light dark; --ink: #1c1917; --ground: #fdfdfc; --line: #8a847d;
  --accent: #b4400c; --soft: #fbeee6; }
@media (prefers-color-scheme: dark) { :root { --ink: #f5f5f4; --ground: #151312; --line: #79726b;
  --accent: #ff9a57; --soft: #3a2416; } }
body { margin: 0; font: 18px/1.4 system-ui, sans-serif; color: var(--ink);
  background: var(--ground); }
main { max-width: 520px; margin: 0 auto; padding: 24px 20px; }
h1 { font-size: 22px; line-height: 1.3; overflow-wrap: anywhere; }
label { display: block; margin-bottom: 8px; }
input, button { box-sizing: border-box; width: 100%; min-height: 56px; margin: 0 0 12px;
  padding: 10px 16px; font: inherit; text-align: left; overflow-wrap: anywhere; color: var(--ink);
  border: 1px solid var(--line); border-radius: 6px; background: var(--ground); }
input { text-transform: uppercase; letter-spacing: .2em; }
button[aria-pressed=true] { border-color: var(--accent); background: var(--soft);
  box-shadow: inset 0 0 0 2px var(--accent); font-weight: 600; }
button:disabled { opacity: .6; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""
