"""A hundred pages at once, and many one after the other. The long form, over a thousand visits:
``python -m tests.faults.visits``."""

from __future__ import annotations

import pytest

from tests.faults import visits
from tests.faults.server import needs_proc

pytestmark = [pytest.mark.slow, needs_proc]


def test_a_hundred_pages_opened_and_closed_at_once_leave_nothing_behind(server):
    for k in range(10):
        visits.visit(server, k)
    assert visits.at_once(server) == []
    visits.quiet(server, 12)
    before = visits.State.of(server)
    assert visits.at_once(server) == []
    for k in range(60):
        visits.visit(server, k)
    visits.quiet(server, before.sockets + 4)
    after = visits.State.of(server)
    assert after.threads <= before.threads + 2 and after.files <= before.files + 6
    assert after.zombies == 0
    assert "Traceback" not in server.said()
