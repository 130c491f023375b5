"""Whose page asks, and what run of theirs goes on."""

from __future__ import annotations

from explorer.page.context import Context
from explorer.page.part import Asked
from explorer.server.guard import address_of_page
from explorer.server.jobs import Job, JobError
from explorer.server.visitors import Visitor


def whose(context: Context, asked: Asked) -> Visitor:
    """The visitor whose page asks; where it was away for too long, it begins anew."""
    session = getattr(asked.request, "session_hash", None)
    try:
        return context.visitors.of(session)
    except JobError:  # away for so long that all they had is gone
        return context.visitors.arrive(None, session, address_of_page(asked.request))


def live(visitor: Visitor) -> Job | None:
    """The visitor's run, where one goes on."""
    return visitor.job if visitor.job is not None and visitor.job.live else None
