"""A process that works for the page: orders in, reports out (``models.training.worker``)."""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
WORKER = (sys.executable, "-m", "models.training.worker")


class Process:
    """A worker: orders in, reports out, neither of which ever blocks for long."""

    def __init__(self, command: Sequence[str], threads: int) -> None:
        environment = {**os.environ, "GENERATIVE_EXPLORER_THREADS": str(threads)}
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        self._popen = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
            env=environment, text=True, encoding="utf-8",
        )  # fmt: skip
        self._reports: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.ready = threading.Event()  # it has imported what it needs
        threading.Thread(target=self._read, name="reports", daemon=True).start()

    def _read(self) -> None:
        for line in self._popen.stdout:
            report = json.loads(line)
            if report["is"] == "ready":
                self.ready.set()
            else:
                self._reports.put(report)
        self._reports.put(None)
        self.ready.set()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def send(self, do: str, **values: Any) -> None:
        """An order. To a process that is gone it says nothing: its reports end as well."""
        try:
            self._popen.stdin.write(json.dumps({"do": do, **values}) + "\n")
            self._popen.stdin.flush()
        except (OSError, ValueError):
            log.info("A worker is gone.")

    def report(self, timeout: float) -> dict[str, Any] | None:
        """The next report; None where the process has ended. Raises queue.Empty after a while."""
        return self._reports.get(timeout=timeout)

    def kill(self) -> None:
        self._popen.kill()

    def end(self) -> None:
        """Ends it now, and waits until it is gone."""
        self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            try:
                pipe.close()
            except OSError:
                log.debug("a pipe was broken already")
