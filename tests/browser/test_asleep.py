"""A phone that sleeps and wakes: its connections are gone, its page is not."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import toys
from tests.browser.conftest import PATIENCE, open_page, until
from tests.browser.pages import SERVER, served

STAGE = ".ge-panel-train .ge-stage"
# Runs that begin at once, and learn nothing.
QUICK = """
import sys
from explorer.server import jobs
command = (sys.executable, "-m", "tests.faults.worker")
jobs.Jobs.__init__.__defaults__ = (*jobs.Jobs.__init__.__defaults__[:-1], command)
"""


class Air:
    """What lies between a phone and the server: while it is cut no connection is there."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self.place = place.hostname, place.port
        self.open = True
        self.lines: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                line, _ = self.listener.accept()
                if not self.open:
                    line.close()
                    continue
                other = socket.create_connection(self.place)
                self.lines += [line, other]
                for pair in ((line, other), (other, line)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        for line in (source, target):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        self.open = False
        for line in self.lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self.lines = []

    def close(self) -> None:
        self.cut()
        self.listener.close()


@pytest.fixture
def air(tmp_path: Path) -> Iterator[Air]:
    toys.write(tmp_path, "toy")
    program = SERVER.replace("sys.exit(", f"{QUICK}\nsys.exit(")
    arguments = ("--checkpoints", str(tmp_path))
    with served(*arguments, tabs=("sample", "train"), program=program) as address:
        between = Air(address)
        yield between
        between.close()


def test_a_run_is_still_there_when_the_phone_wakes_up(browser, air):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    try:
        open_page(page, f"{air.address}/?tab=train")
        page.wait_for_selector("#train-settings-0")
        page.click("#train-start")
        status = f"{STAGE} .ge-status p"

        def said() -> str:
            return "".join(page.locator(status).all_inner_texts())

        def step() -> int:
            found = re.match(r"Step ([\d,]+)", said())
            return int(found[1].replace(",", "")) if found else 0

        until(page, lambda: step() > 3)
        air.cut()
        page.wait_for_timeout(8000)  # asleep; the server looks around every five seconds
        before = step()
        air.open = True
        until(page, lambda: step() > before + 100, 60)
        page.click("#train-stop")
        until(page, lambda: "Stopped at step" in said(), 60)
    finally:
        context.close()
