"""Handlers that are told whose page it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gradio as gr

from explorer.page.context import Context
from explorer.page.runs import newest_only, rested
from explorer.server.jobs import JobError
from explorer.server.visitors import Visitor


def mine(context: Context, handler: Callable) -> Callable:
    """``handler(context, visitor, ...)`` as an event's function: it is told whose page it is."""

    def run(request: gr.Request, *values: Any) -> Any:
        return handler(context, whose(context, request), *values)

    return run


def mine_newest(context: Context, key: str, handler: Callable[..., Iterator[Any]]) -> Callable:
    """The same for a generator of which the newest call alone goes on; after a moment's rest."""

    def run(request: gr.Request, *values: Any) -> Iterator[Any]:
        of_visitor = partial(handler, context, whose(context, request))
        yield from newest_only(key, rested(of_visitor))(request, *values)

    return run


def whose(context: Context, request: gr.Request) -> Visitor:
    """The visitor whose page asks; where it was away for too long, it begins anew."""
    try:
        return context.visitors.of(request.session_hash)
    except JobError:  # away for so long that all they had is gone
        return context.visitors.arrive(None, request.session_hash)
