"""A page in a process of its own, what there is of it on this machine, and faults that are done to
it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.worker import MODEL
from tests.load.visitor import take

ROOT = Path(__file__).parents[2]
PROC = Path("/proc")
PATIENCE = 60.0
STARTING = 180.0  # of which a machine with other work may take more than half
BEGIN = "sys.exit(app.main(sys.argv[1:]))"
REAL = f"import sys, tests.toys, app; {BEGIN}"
# One whose runs begin at once and learn nothing.
QUICK = """
import sys, tests.toys, app
from explorer.server import jobs
command = (sys.executable, "-m", "tests.faults.worker")
jobs.Jobs.__init__.__defaults__ = (*jobs.Jobs.__init__.__defaults__[:-1], command)
"""

needs_proc = pytest.mark.skipif(not PROC.is_dir(), reason="only Linux tells of its processes")


def until(is_so: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Waits for something to be so, and returns what it says; fails where it takes too long."""
    end = time.monotonic() + seconds
    while not (answer := is_so()):
        assert time.monotonic() < end, f"not so within {seconds:g} seconds"
        time.sleep(0.05)
    return answer


@dataclass
class Server:
    """process: of the page. address: without a slash at its end. temporary: where all that it
    writes lies. lines: what it has said."""

    process: subprocess.Popen
    temporary: Path
    address: str = ""
    lines: list[str] = field(default_factory=list)
    _config: dict[str, Any] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        return "".join(self.lines)

    def config(self) -> dict[str, Any]:
        if not self._config:
            self._config = httpx.get(f"{self.address}/config", timeout=PATIENCE).json()
        return self._config

    # -- of the system -----------------------------------------------------------------------------

    def left(self) -> list[Path]:
        """The files that it has, or has left."""
        folders = self.temporary.glob("generative-explorer-*")
        return [path for folder in folders for path in (folder, *folder.rglob("*"))]

    def uploads(self) -> list[Path]:
        return [path for path in self.left() if "-uploads-" in str(path) and path.is_file()]

    def threads(self) -> int:
        return len(list((PROC / str(self.pid) / "task").iterdir()))

    def handles(self) -> list[str]:
        """What its open files lead to."""
        found = []
        for handle in (PROC / str(self.pid) / "fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                found.append(os.readlink(handle))
        return found

    def sockets(self) -> int:
        return sum(each.startswith("socket:") for each in self.handles())

    def children(self) -> dict[int, str]:
        """The state of each process that it has begun, "Z" of one that has ended unnoticed."""
        return children(self.pid)

    def workers(self) -> list[int]:
        """Those that runs are done in."""
        return [
            pid
            for pid in self.children()
            if b"worker" in (PROC / str(pid) / "cmdline").read_bytes()
        ]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)


def children(pid: int) -> dict[int, str]:
    found = {}
    for stat in PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rpartition(") ")[2].split()[:2]
            if int(parent) == pid:
                found[int(stat.parent.name)] = state
    return found


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()[0] != "Z"
    return False


def end_with_parent() -> None:
    """Tests that are killed cannot end their servers."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def served(
    models: Path, temporary: Path | None = None, *arguments: str, program: str = QUICK + BEGIN,
    **environment: str,
) -> Iterator[Server]:  # fmt: skip
    """A page of the models. temporary: the folder for all that it writes, else one of its own.

    program: what it runs; REAL has runs that learn."""
    with contextlib.ExitStack() as stack:
        if temporary is None:
            temporary = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        told = {
            **os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1",
            MODEL: str(models / "toy"), **environment,
        }  # fmt: skip
        told.pop("GRADIO_TEMP_DIR", None)
        command = [sys.executable, "-c", program, "--port", str(port), "--device", "cpu"]
        process = subprocess.Popen(
            [*command, "--checkpoints", str(models), *arguments], cwd=ROOT, env=told, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=end_with_parent,
        )  # fmt: skip
        server = Server(process, temporary)
        reader = threading.Thread(target=lambda: server.lines.extend(process.stdout), daemon=True)
        reader.start()
        try:
            until(lambda: process.poll() is not None or "http://" in server.said(), STARTING)
            found = re.search(r"http://[\w.]+:\d+", server.said())
            assert found, server.said()
            server.address = found.group()
            yield server
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            reader.join(10)
            process.stdout.close()


class Page:
    """An open page of a server, as a browser keeps one: its heartbeat, its events.

    key: whose browser it is. told: what each handler that was asked last answered, by name.
    """

    def __init__(self, server: Server, key: str = "", session: str = "") -> None:
        self.server = server
        self.key = key or secrets.token_hex(16)
        self.session = session or secrets.token_hex(6)
        self.client = httpx.Client(base_url=server.address, timeout=PATIENCE)
        self._heartbeat: Any = None
        self.values: dict[int, Any] = {
            each["id"]: each["props"].get("value") for each in server.config()["components"]
        }
        # By their ids, and buttons by what stands on them.
        self.names = {
            name: each["id"]
            for each in server.config()["components"]
            for name in (each["props"].get("elem_id"), each["props"].get("value"))
            if isinstance(name, str)
        }

    def __enter__(self) -> Page:
        self.open()
        return self

    def __exit__(self, *_: Any) -> None:
        """Ends what was begun, which others would wait for, and says that it is closed."""
        self.client.close()
        self.client = httpx.Client(base_url=self.server.address, timeout=PATIENCE)
        if self.server.process.poll() is None:
            self.do("click", "train-stop")
            self.goodbye()
        self.close()

    def goodbye(self) -> None:
        """What a browser sends when a page is closed."""
        self.client.post("/visitor/closed", content=self.key).raise_for_status()

    def anew(self) -> Page:
        """The page as it is when it has been loaded anew: a new session, the same key."""
        self.goodbye()
        self.close()
        again = Page(self.server, self.key)
        again.open()
        return again

    def open(self) -> None:
        """What every page does first that is opened or loaded anew."""
        self.client.get("/").raise_for_status()
        self.connect()
        for event in self.events("load"):
            if len(event["inputs"]) == 2 and event["backend_fn"]:
                self.values[event["inputs"][1]] = self.key
        self.do("load")

    def connect(self) -> None:
        """The stream that ends with the page."""
        path = f"/gradio_api/heartbeat/{self.session}"
        self._heartbeat = self.client.stream("GET", path)
        next(self._heartbeat.__enter__().iter_raw(1))

    def cut(self) -> None:
        """The connection ends; the page does not know."""
        if self._heartbeat is not None:
            self._heartbeat.__exit__(None, None, None)
            self._heartbeat = None

    def close(self) -> None:
        self.cut()
        self.client.close()

    def events(self, trigger: str, name: str = "") -> list[dict[str, Any]]:
        wanted = self.names[name] if name else None
        return [
            event for event in self.server.config()["dependencies"] if event["backend_fn"]
            and any(told == trigger and wanted in (None, key) for key, told in event["targets"])
        ]  # fmt: skip

    def do(self, trigger: str, name: str = "") -> str:
        """Starts the events of a trigger and waits for them. Returns all that was answered."""
        return "".join(map(self.ask, self.events(trigger, name)))

    def begin(self, event: dict[str, Any]) -> str:
        """Asks for an event that waits in the queue; returns its number."""
        answer = self.client.post("/gradio_api/queue/join", json=self._body(event))
        answer.raise_for_status()
        return answer.json()["event_id"]

    def ask(self, event: dict[str, Any]) -> str:
        """What is answered to an event."""
        if event["queue"] is False:
            answer = self.client.post("/gradio_api/run/predict", json=self._body(event))
            take(self.values, event, answer.json())
            return answer.text
        number, text = self.begin(event), ""
        path = "/gradio_api/queue/data"
        with self.client.stream("GET", path, params={"session_hash": self.session}) as answer:
            for line in answer.iter_lines():
                if not line.startswith("data: "):
                    continue
                said = json.loads(line[6:])
                if said.get("event_id") == number:
                    text += line
                    if said["msg"] == "process_completed":
                        take(self.values, event, said["output"])
                        return text
        raise AssertionError(f"nothing was answered but {text}")

    def _body(self, event: dict[str, Any]) -> dict[str, Any]:
        data = [self.values.get(key) for key in event["inputs"]]
        return {"fn_index": event["id"], "data": data, "session_hash": self.session}

    def status(self) -> str:
        """What is said of the run, which the page asks for every half second."""
        (said, *_) = re.findall(r'"text":("(?:[^"\\]|\\.)*"),"progress"', self.tick()) or ['""']
        return json.loads(said)

    def says(self, words: str) -> str:
        """What is said of the run, once these words are in it."""
        return until(lambda: (text := self.status()) and words in text and text)

    def tick(self) -> str:
        """All that is answered to a look at the run."""
        timers = [e["id"] for e in self.server.config()["components"] if e["type"] == "timer"]
        events = [e for e in self.events("tick") if e["targets"][0][0] in timers]
        return "".join(map(self.ask, events))

    def upload(self, name: str, data: bytes) -> str:
        """Where a file lies that was brought."""
        answer = self.client.post("/gradio_api/upload", files={"files": (name, data)})
        answer.raise_for_status()
        return answer.json()[0]
