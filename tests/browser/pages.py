"""Processes that serve a page, each forked from one that has imported what all of them need.

Importing Gradio and torch takes longer than all else that a page does until it is there, and every
module of browser tests has a page of its own.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from unittest import mock

from gradio import networking

# Nothing of this starts a thread or draws a number: what is forked is as good as new.
IMPORTED = ("app", "explorer", "gradio.routes", "tests.toys", __name__)
# Read when torch is imported, or Gradio.
ENVIRONMENT = {"GRADIO_ANALYTICS_ENABLED": "False", "OMP_NUM_THREADS": "1"}
_forked = multiprocessing.get_context("forkserver")
_forked.set_forkserver_preload([*IMPORTED])

# A page of a tab or two opens in a third of the time of the whole: what Gradio's front end does for
# every event, it does for every component.
SERVER = """
import sys, app, explorer, tests.toys
wanted = {tabs!r}
unknown = set(wanted) - {explorer.key_of(tab) for tab in explorer.TABS}
assert not unknown, f"there is no such tab: {unknown}"
explorer.TABS = [tab for tab in explorer.TABS if not wanted or explorer.key_of(tab) in wanted]
sys.exit(app.main(sys.argv[1:]))
"""


def _serve(program: str, arguments: Sequence[str], said: Connection) -> None:
    """Runs a program as ``python -c`` does; what it says goes into the pipe."""
    for stream in (sys.stdout, sys.stderr):
        os.dup2(said.fileno(), stream.fileno())
        stream.reconfigure(line_buffering=True)
    # Whether the page answers is asked by ``served``, which waits longer: on a busy machine Gradio
    # gives its own page up after some seconds.
    networking.url_ok = lambda url: True
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = ["-c", *arguments]
    exec(compile(program, "<page>", "exec"), {"__name__": "__main__"})


def _end_with_parent() -> None:
    """Tests that are killed cannot end their pages."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


_last = 0


def _port() -> int:
    """The port of the page before where it is free again, else any. What a browser has compiled for
    an address it need not compile for another page there."""
    global _last
    for port in (_last, 0):
        with contextlib.suppress(OSError), socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))
            _last = free.getsockname()[1]
            break
    return _last


@contextlib.contextmanager
def served(
    *arguments: str, tabs: Sequence[str] = (), program: str = SERVER, timeout: float = 90
) -> Iterator[str]:
    """The address of a page started with these arguments, stopped at the end.

    tabs: the keys of those it has; all where none is named.
    """
    said, says = _forked.Pipe(duplex=False)
    program = program.replace("{tabs!r}", repr(tuple(tabs)))
    arguments = (*arguments, "--port", str(_port()))
    process = _forked.Process(target=_serve, args=(program, arguments, says))
    with mock.patch.dict(os.environ, ENVIRONMENT):
        process.start()
    says.close()
    lines: list[str] = []
    told = open(os.dup(said.fileno()), encoding="utf-8")  # noqa: SIM115 - closed with the page
    try:
        for line in told:
            lines.append(line)
            if found := re.search(r"http://[\w.]+:\d+", line):
                break
        else:
            raise RuntimeError("The page did not start:\n" + "".join(lines))
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(found.group(), timeout=5).read(1)
                break
            time.sleep(0.1)  # between two questions whether it answers
        else:
            raise RuntimeError(f"The page does not answer at {found.group()}.")
        yield found.group()
    finally:
        process.terminate()
        process.join(20)
        told.close()
        said.close()
