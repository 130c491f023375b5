"""Many visits, one after the other and at once: what the server has of them afterwards.

    python -m tests.faults.visits --visits 1000

A visit opens the page, keeps its connection, samples, uploads a file and goes. Reported before and
after: threads, open files, sockets, processes, files left and memory. Fails where threads, sockets
or files have grown.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests import toys
from tests.faults.server import BEGIN, QUICK, Page, Server, served, until
from tests.load.strangers import megabytes

AT_ONCE = 100


@dataclass(frozen=True)
class State:
    """What there is of a server. zombies: processes that ended and that nobody has noticed."""

    threads: int
    files: int
    sockets: int
    processes: int
    zombies: int
    megabytes: float

    @classmethod
    def of(cls, server: Server) -> State:
        states = list(server.children().values())
        return cls(
            server.threads(), len(server.handles()), server.sockets(), len(states),
            states.count("Z"), megabytes(server.pid, "VmRSS"),
        )  # fmt: skip


def visit(server: Server, k: int = 0, uploads: bool = False) -> None:
    """One visitor's. uploads: whether they bring a file, too."""
    with Page(server) as page:
        if uploads:
            page.upload(f"{k}.txt", f"of visitor {k}".encode())
        page.do("click", "Sample again")


def at_once(server: Server, n: int = AT_ONCE) -> list[str]:
    """So many pages opened together, and closed together. Returns what went wrong."""
    wrong: list[str] = []
    there = threading.Barrier(n)

    def one(k: int) -> None:
        try:
            with Page(server):
                there.wait(60)
        except Exception as error:  # each is told
            wrong.append(f"{type(error).__name__}: {error}")
            there.abort()

    threads = [threading.Thread(target=one, args=(k,)) for k in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def quiet(server: Server, sockets: int) -> None:
    """Waits until connections that have ended are closed here, too."""
    until(lambda: server.sockets() <= sockets, 30)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visits", type=int, default=1000)
    parser.add_argument("--every", type=int, default=100, help="visits between two lines")
    args = parser.parse_args(argv)
    # Here nobody is waited for, so that what goes with a visitor is seen to go.
    program = (
        f"{QUICK}from explorer.server import visitors\n"
        f"visitors.Visitors.__init__.__defaults__ = (lambda names: None, 1.0, 1.0)\n{BEGIN}"
    )
    with tempfile.TemporaryDirectory() as place:
        models, temporary = Path(place) / "models", Path(place) / "temporary"
        models.mkdir()
        temporary.mkdir()
        toys.write(models, "toy")
        with served(models, temporary, program=program) as server:
            for k in range(50):
                visit(server, k)
            assert at_once(server) == []
            time.sleep(12)
            before = State.of(server)
            print(f"after 50 visits and {AT_ONCE} at once: {before}")
            start = time.monotonic()
            for k in range(args.visits):
                visit(server, k)
                if (k + 1) % args.every == 0:
                    took = time.monotonic() - start
                    print(f"{k + 1} visits, {took:.0f} s: {State.of(server)}", flush=True)
            assert at_once(server) == []
            time.sleep(12)
            after = State.of(server)
            left = [path for path in server.left() if "uploads" not in path.name]
            print(f"{args.visits} visits and {AT_ONCE} at once more: {after}")
            print(f"folders of visitors left: {len(left) - 1}")
    grown = [
        name for name, room in (("threads", 2), ("files", 4), ("sockets", 4), ("zombies", 0))
        if getattr(after, name) > getattr(before, name) + room
    ]  # fmt: skip
    print("grown:", ", ".join(grown) or "nothing")
    return int(bool(grown) or len(left) > 1)


if __name__ == "__main__":
    sys.exit(main())
