"""Take it home: the model on screen as one HTML file that runs without this server."""

from __future__ import annotations

import gzip
import logging
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from explorer.export.files import page_of
from explorer.page.part import UNEXPECTED, sentence_of
from explorer.server.assets import packed_answer

if TYPE_CHECKING:
    from explorer.page.context import Context

log = logging.getLogger(__name__)


def route(context: Context) -> Route:
    """``take-home/NAME``: the file, or a sentence on why there is none."""

    async def answer(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            header = context.store.header(name)
        except ValueError as error:
            return PlainTextResponse(str(error), 404)
        # Another checkpoint of the same name, trained anew, is another file.
        key = ("take home", name, header.version, header.training.get("steps"))
        try:
            packed = await run_in_threadpool(context.ask.kept, key, lambda: packed_file(header))
        except ValueError as error:
            return PlainTextResponse(sentence_of(error), 422)
        except OSError:
            log.exception("A model could not be exported.")
            return PlainTextResponse(UNEXPECTED, 500)
        return packed_answer(request, packed, "text/html; charset=utf-8", keep="no-cache")

    return Route("/take-home/{name}", answer)


def packed_file(header) -> bytes:
    """The file of a checkpoint, gzipped. Raises ValueError where it cannot be exported."""
    return gzip.compress(page_of(header.folder)[1].encode(), 1, mtime=0)
