"""Processes beside the server, in which models compute while it answers.

A process of Python computes in one thread at a time, near enough, and its server answers in the
same one. So work is asked of other processes, long work of those of lower priority: the operating
system gives them what the others leave. Within a process, whatever has used least is carried one
step further (least attained service, Kleinrock 1976), where to have waited counts, too: a short
drawing overtakes a long walk, nobody holds more than a share, and none waits for ever. Only plain
values, arrays and errors come back over a pipe of our own.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import multiprocessing
import os
import queue
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from explorer.server.engines.asked import Asked, answered, answers
from explorer.server.errors import is_ours

log = logging.getLogger(__name__)

SLICE = 0.05  # seconds of steps that are sent together, once the first is there
WAITED = 0.2  # of a second's use that a second of waiting makes good
NICE = 5  # how far below the server
GOES_BEFORE_THE_PAGE = 300  # of 1000: runs of training go first (models.training.worker)
IDLE = 0.75  # of the processors that are busy: below it the machine is at rest
TRIES = 2  # a process that dies takes an answer with it: how often it is asked for
GONE = "This needed more than the machine could give, and was ended. Ask for less of it."


class Gone(Exception):
    """The process has ended before it answered."""


class Unable(Exception):
    """The process cannot have the model: its family is known to the server alone."""


class Said(NamedTuple):
    """A word of the process about what was asked under a number.

    what: "steps" or "done" with values, "refused" with a sentence for people, "failed" with what
    only the log is to know, "unable" where the model cannot be had there. seconds: of a processor
    that it took so far.
    """

    number: int
    what: str
    value: Any = None
    seconds: float = 0.0


ERRORS = {"refused": ValueError, "failed": RuntimeError, "unable": Unable}


class Aside:
    """One process. It is started by ``begin``, and again by whoever asks after it has died.

    nice: how far below the server the operating system puts it."""

    def __init__(self, nice: int = NICE) -> None:
        self._nice = nice
        self._lock = threading.Lock()
        self._process: Any = None
        self._pipe: Connection | None = None
        self._waiting: dict[int, queue.SimpleQueue[Said | None]] = {}
        self._numbers = itertools.count(1)
        self.ready = threading.Event()  # it has imported what it needs
        self._closed = False

    @property
    def pid(self) -> int | None:
        process = self._process
        return process and process.pid

    @property
    def load(self) -> int:
        """How many wait for it."""
        return len(self._waiting)

    def begin(self) -> None:
        """Starts it, if it does not run; returns at once."""
        with self._lock:
            if self._closed or self._process is not None:
                return
            spawn = multiprocessing.get_context("spawn")
            ours, theirs = spawn.Pipe()
            self.ready.clear()
            self._process = spawn.Process(
                target=work,
                args=(theirs, self._nice),
                name="generative-explorer-aside",
                daemon=True,
            )
            self._process.start()
            theirs.close()
            self._pipe = ours
            threading.Thread(target=self._listen, args=(ours,), name="aside", daemon=True).start()

    def end(self) -> None:
        """Ends it for good; whoever waits is told."""
        with self._lock:
            self._closed = True
            process, pipe = self._process, self._pipe
        if process is not None:
            process.kill()
            process.join(5)
            pipe.close()

    def call(self, asked: Asked) -> tuple[Any, float]:
        """(what is answered, seconds of a processor). Raises what the model's code raises; Gone."""
        *_, (value, seconds) = self._follow(asked, whole=True)
        return value, seconds

    def steps(self, asked: Asked) -> Iterator[tuple[Any, float]]:
        """Yields (step, seconds so far). Raises as ``call`` does."""
        return self._follow(asked, whole=False)

    def forget(self, folder: str) -> None:
        """Has it let go of the model in a folder."""
        if self.ready.is_set():
            self._send(0, "forget", folder)

    def _follow(self, asked: Asked, whole: bool) -> Iterator[tuple[Any, float]]:
        number, told = next(self._numbers), queue.SimpleQueue()
        self.begin()
        self._waiting[number] = told
        done = False
        try:
            self._send(number, "call" if whole else "steps", asked)
            while True:
                self._send(number, "next", None)
                if (said := told.get()) is None:
                    break
                if said.what in ERRORS:
                    done = True
                    raise ERRORS[said.what](said.value)
                done = said.what == "done"
                for value in said.value:
                    yield value, said.seconds
                if done:
                    return
            done = True
            raise Gone
        finally:
            self._waiting.pop(number, None)
            if not done:
                self._send(number, "stop", None)

    def _send(self, number: int, do: str, what: Any) -> None:
        try:
            with self._lock:
                self._pipe.send((number, do, what))
        except (OSError, ValueError):  # it is gone, which whoever waits is told by the listener
            self._leave(number)

    def _leave(self, number: int) -> None:
        if (told := self._waiting.get(number)) is not None:
            told.put(None)

    def _listen(self, pipe: Connection) -> None:
        try:
            while True:
                said = pipe.recv()
                if said.what == "ready":
                    self.ready.set()
                elif (told := self._waiting.get(said.number)) is not None:
                    told.put(said)
        except (EOFError, OSError):
            with self._lock:
                waiting, process = list(self._waiting), self._process
                if self._pipe is pipe:
                    self._process = None
                    self.ready.clear()
        for number in waiting:
            self._leave(number)
        process.join(5)  # no zombie is left


# -- in the process --------------------------------------------------------------------------------


class _Job:
    """Something asked that goes on. used: seconds of a processor. wanted: whether somebody waits,
    since when,
    for its next step; nothing is computed ahead."""

    def __init__(self, number: int, do: str, asked: Asked) -> None:
        self.number, self.do, self.asked = number, do, asked
        self.used, self.wanted, self.since = 0.0, False, 0.0
        self.steps: Iterator[Any] | None = None


def work(pipe: Connection, nice: int) -> None:
    """What the process does, until the server that started it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this one
    with contextlib.suppress(OSError):  # where memory runs out, this is ended and not the page
        Path("/proc/self/oom_score_adj").write_text(str(GOES_BEFORE_THE_PAGE))
    with contextlib.suppress(AttributeError, OSError):
        os.nice(nice)
    orders: queue.SimpleQueue[tuple[int, str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, orders), daemon=True).start()
    store = _Models()
    pipe.send(Said(0, "ready"))
    jobs: dict[int, _Job] = {}
    while True:
        while not (wanted := [job for job in jobs.values() if job.wanted]) or not orders.empty():
            _take(orders.get(), jobs, store)
        now = time.monotonic()
        job = min(wanted, key=lambda each: each.used - WAITED * (now - each.since))
        _set_threads(len(jobs))
        said, job.wanted = _advance(job, store), False
        if said.what != "steps":
            del jobs[job.number]
        try:
            pipe.send(said)
        except OSError:
            return


def _take(order: tuple[int, str, Any], jobs: dict[int, _Job], store: _Models) -> None:
    number, do, what = order
    if do == "next":
        if number in jobs:
            jobs[number].wanted, jobs[number].since = True, time.monotonic()
    elif do == "stop":
        jobs.pop(number, None)
    elif do == "forget":
        store.forget(what)
    else:
        jobs[number] = _Job(number, do, what)


def _receive(pipe: Connection, orders: queue.SimpleQueue) -> None:
    try:
        while True:
            orders.put(pipe.recv())
    except (EOFError, OSError):
        os._exit(0)  # the server is gone, and with it whoever waits; a long step is not waited for


def _advance(job: _Job, store: _Models) -> Said:
    begun = time.process_time()
    try:
        model_of = store.of(job.asked)
    except Exception:
        return Said(job.number, "unable", traceback.format_exc())
    try:
        if job.do == "call":
            what, value = "done", [answered(job.asked, model_of)]
        else:
            what, value = _slice(job, model_of)
    except Exception as error:
        ours = isinstance(error, ValueError) and is_ours(error)
        what, value = ("refused", str(error)) if ours else ("failed", traceback.format_exc())
    job.used += time.process_time() - begun
    return Said(job.number, what, value, job.used)


def _slice(job: _Job, model_of: Callable[[str], Any]) -> tuple[str, list[Any]]:
    """The next step alone where it is the first, else as many as a slice of time has room for."""
    begun, first = time.monotonic(), job.steps is None
    if first:
        job.steps = answers(job.asked, model_of)
    found: list[Any] = []
    for step in job.steps:
        found.append(step)
        if first or time.monotonic() - begun > SLICE:
            return "steps", found
    return "done", found


def _set_threads(jobs: int) -> None:
    """All processors for one who is alone with the machine; else one is left to the server."""
    import torch

    cores = os.cpu_count() or 1
    idle = jobs == 1 and hasattr(os, "getloadavg") and os.getloadavg()[0] < IDLE * cores
    threads = cores if idle else max(1, cores - 1)
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


class _Models:
    """The models of the folders that were asked for, in this process."""

    def __init__(self) -> None:
        import torch  # noqa: F401  now, rather than when somebody waits

        from explorer.server.sessions import limit_arenas
        from explorer.server.store import Store

        limit_arenas()
        self._store = Store([], "cpu")
        self._names: dict[str, str] = {}  # by folder

    def of(self, asked: Asked) -> Callable[[str], Any]:
        """The models by the names that are used in what is asked."""
        models = {name: self._store.get(self._at(folder)) for name, folder in asked.folders.items()}
        return lambda name: models[str(name)]

    def _at(self, folder: str) -> str:
        if folder not in self._names:
            self._names[folder] = self._store.at(folder)
        return self._names[folder]

    def forget(self, folder: str) -> None:
        """Lets go of the model of a folder, which may be gone by now."""
        if (name := self._names.pop(folder, None)) is not None:
            self._store.forget([name])
