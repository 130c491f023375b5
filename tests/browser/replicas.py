"""Several pages behind haproxy as ``haproxy.cfg`` has it, each in a process that can be killed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.browser.pages import SERVER

ROOT = Path(__file__).parents[2]
CONFIG = (ROOT / "haproxy.cfg").read_text("utf-8")
COOKIE = re.search(r"cookie (\S+) insert", CONFIG)[1]
# Those of the file, in its order.
NAMES = re.findall(r"^ +server (\w+) \S+ cookie", CONFIG, re.MULTILINE)


def haproxy() -> str | None:
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@dataclass
class Replicas:
    """address: that of the proxy. pages: processes by the name that the cookie has for them."""

    address: str
    ports: dict[str, int]
    arguments: Sequence[str]
    tabs: Sequence[str]
    pages: dict[str, subprocess.Popen] = field(default_factory=dict)
    proxy: subprocess.Popen | None = None

    def start(self, name: str) -> None:
        program = SERVER.replace("{tabs!r}", repr(tuple(self.tabs)))
        self.pages[name] = subprocess.Popen(
            [sys.executable, "-c", program, *self.arguments, "--port", str(self.ports[name])],
            env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "OMP_NUM_THREADS": "1"},
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        answering(f"http://127.0.0.1:{self.ports[name]}/replica", self.pages[name])

    def kill(self, *names: str) -> None:
        """As the system does where there is no more memory: nothing is said to anybody."""
        for name in names:
            self.pages[name].send_signal(signal.SIGKILL)
        for name in names:
            self.pages[name].wait(20)


def answering(url: str, process: subprocess.Popen, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=30).read(1)
            return
        time.sleep(0.1)  # between two questions whether it answers
    raise RuntimeError(f"Nothing answers at {url}.")


def configuration(port: int, ports: dict[str, int]) -> str:
    """``haproxy.cfg`` with the addresses of this machine, and all else as it is."""
    text = CONFIG.replace("bind :80 ", f"bind 127.0.0.1:{port} ")
    for name, its in ports.items():
        text, n = re.subn(rf"(server {name}) \S+", rf"\1 127.0.0.1:{its}", text)
        assert n == 2, "each page serves visitors, and classes"
    return text


@contextlib.contextmanager
def behind_haproxy(folder: Path, *arguments: str, tabs: Sequence[str] = ()) -> Iterator[Replicas]:
    """Every page of the file, and the proxy before them. folder: for the proxy's own files."""
    port, ports = free_port(), {name: free_port() for name in NAMES}
    replicas = Replicas(f"http://127.0.0.1:{port}", ports, arguments, tabs)
    (folder / "haproxy.cfg").write_text(configuration(port, ports), "utf-8")
    try:
        for name in NAMES:
            replicas.start(name)
        replicas.proxy = subprocess.Popen(
            [haproxy(), "-f", str(folder / "haproxy.cfg")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        answering(f"{replicas.address}/replica", replicas.proxy)
        yield replicas
    finally:
        begun = [each for each in (*replicas.pages.values(), replicas.proxy) if each is not None]
        for process in begun:
            process.terminate()
        for process in begun:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:  # others have the machine
                process.kill()
                process.wait()
