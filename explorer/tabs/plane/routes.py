"""What the browser fetches of the plane besides the page: scripts, films, and news of runs.

Films and scripts are the same bytes for everybody: computed once, compressed once, and kept by the
browser, as another version has another address. None of it passes through Gradio's queue.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from explorer.page.part import UNEXPECTED, sentence_of
from explorer.server.assets import packed_answer
from explorer.tabs.plane import about, library, runs

if TYPE_CHECKING:
    from explorer.page.context import Context

log = logging.getLogger(__name__)

MOST_BYTES = 400_000  # of what a browser sends: 5,000 points and their settings take half of it
# Films are computed one after another: a hundred visitors ask for the same few.
_computing = threading.Lock()


def of(context: Context) -> list[Route]:
    """The addresses of the tab, for ``Context.routes``."""

    async def kit_js(request: Request) -> Response:
        packed = await kept(context, "kit.js", lambda: library.script().encode())
        return packed_answer(request, packed, "text/javascript; charset=utf-8")

    async def kit_css(request: Request) -> Response:
        packed = await kept(context, "kit.css", lambda: library.style().encode())
        return packed_answer(request, packed, "text/css; charset=utf-8")

    async def told(request: Request) -> Response:
        packed = await kept(context, "about", lambda: json.dumps(words_of(context)).encode())
        return packed_answer(request, packed, "application/json", keep="no-cache")

    async def film(request: Request) -> Response:
        method, key = request.path_params["method"], request.path_params["set"]
        try:
            packed = await kept(context, f"film {method} {key}", lambda: film_of(method, key))
        except ValueError as error:
            return JSONResponse({"problem": str(error)}, 404)
        return packed_answer(request, packed, "application/octet-stream")

    async def truth(request: Request) -> Response:
        key = request.path_params["set"]
        try:
            packed = await kept(context, f"truth {key}", lambda: truth_of(key))
        except ValueError as error:
            return JSONResponse({"problem": str(error)}, 404)
        return packed_answer(request, packed, "application/octet-stream")

    return [
        Route("/plane/kit.js", kit_js),
        Route("/plane/kit.css", kit_css),
        Route("/plane/about", told),
        Route("/plane/film/{method}/{set}", film),
        Route("/plane/truth/{set}", truth),
        *(
            Route(f"/plane/{name}", heard(context, do), methods=["POST"])
            for name, do in runs.DOES.items()
        ),
    ]


# -- bytes that are the same for all --------------------------------------------------------------


async def kept(context: Context, key: str, compute: Callable[[], bytes]) -> bytes:
    """What is computed, gzipped, once for all who ask."""

    def once() -> bytes:
        return gzip.compress(compute(), 6, mtime=0)

    return await run_in_threadpool(context.ask.kept, ("plane", key), once)


def words_of(context: Context) -> dict[str, Any]:
    """What the browser is told first (``about``)."""
    from models.plane.shipped import FOLDER, available

    methods, films = about.of_methods(), {}
    for method, key in available():
        films.setdefault(method, []).append(key)
    return {
        "methods": methods,
        "films": films,
        "first": about.first_of(methods, films),
        "sets": about.of_sets(),
        "mixture": about.mixture(),
        "lessons": library.lessons(),
        "code": about.CODE,
        "training": runs.offered(context),
        "version": about.films_version(FOLDER),
    }


def film_of(method: str, key: str) -> bytes:
    """The shipped film of a method on a set. Raises ValueError where there is none."""
    from models.plane.film import pack
    from models.plane.shipped import film

    with _computing:
        return pack(film(method, key))


def truth_of(key: str) -> bytes:
    """A set's points and density, as a film without moments. Raises ValueError where there is
    none."""
    from models.plane.data import dataset
    from models.plane.film import pack, truth_of

    return pack(truth_of(dataset(key)))


# -- what a visitor asks for ----------------------------------------------------------------------


def heard(
    context: Context, do: Callable[[Context, dict[str, Any]], Any]
) -> Callable[[Request], Awaitable[Response]]:
    """An address that takes JSON and answers with JSON, with one sentence where that cannot be."""

    async def answer(request: Request) -> Response:
        try:
            asked = await body_of(request)
            if asyncio.iscoroutinefunction(do):
                found = await do(context, asked)
            else:
                found = await run_in_threadpool(do, context, asked)
        except Exception as error:  # whatever it is, the browser is told in a sentence of ours
            text = sentence_of(error)
            if text == UNEXPECTED:
                log.exception("plane/%s failed.", getattr(do, "__name__", ""))
            return JSONResponse({"problem": text}, 400)
        return JSONResponse(found)

    return answer


async def body_of(request: Request) -> dict[str, Any]:
    """What a browser has sent. Raises ValueError where it is too much, or no JSON object."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise ValueError(
                "That is more than can be learned from here; 5,000 points are the most."
            )
    try:
        found = json.loads(bytes(body))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError("The page has asked in a way that is not understood; load it anew.")
    return found
