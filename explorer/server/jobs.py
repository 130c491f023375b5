"""Training runs that visitors have started: bounded, stoppable, each in a process of its own.

A run's process is ``models.training.worker``; what it reports becomes a ``Job`` that any page of
the same visitor may look at. Whatever becomes of the process (out of memory, killed, a full disk),
the job says so in a sentence, keeps its last snapshot, and no other job notices. One process is
kept warm, as importing torch takes seconds; estimates are made in it.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from explorer.server.workers import WORKER, Process

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0  # a run that has been stopped may take this long to write what it has
ESTIMATE_SECONDS = 60.0
TAKE_SECONDS = 5.0  # a run waits this long for the warm process to finish an estimate
PATIENCE_SECONDS = 3.0  # for an answer that nobody wants any more, before its process is ended
WARM_AFTER = 20.0  # seconds until the next process is warmed up, which slows a run's beginning
IDLE_SECONDS = 900.0  # after which the warm process goes
MOST_FRAMES, MOST_POINTS = 40, 400
LIVE = ("waiting", "starting", "running", "paused", "stopping")


@dataclass(frozen=True)
class Limits:
    """What runs may take on this server.

    jobs: at a time; 0 switches training off. waiting: those that wait for their turn. minutes: of
    training. paused_minutes: how long a pause may last. steps: of the optimizer. pixels: numbers in
    a picture. megabytes: memory of a run. disk_megabytes: the largest file it may write.
    """

    jobs: int = 1
    waiting: int = 8
    minutes: float = 10.0
    paused_minutes: float = 10.0
    steps: int = 50_000
    pixels: int = 3 * 64 * 64
    megabytes: int = 4096
    disk_megabytes: int = 512


class JobError(ValueError):
    """Why a run cannot be had; the message is one sentence for a person."""


class _Gone(JobError):
    """A process that has ended, or has to."""


class Series:
    """A curve of at most MOST_POINTS: once there are more values, each point is the mean of as many
    of them. The newest value stands alone, as it is the one that is read."""

    def __init__(self) -> None:
        self._means: list[tuple[int, float]] = []
        self._each = 1  # values a mean
        self._open: list[float] = []  # those of a mean to come
        self._last: tuple[int, float] | None = None

    def add(self, step: int, value: float) -> None:
        self._last = step, value
        self._open.append(value)
        if len(self._open) < self._each:
            return
        self._means.append((step, sum(self._open) / self._each))
        self._open = []
        if len(self._means) == MOST_POINTS:
            pairs = zip(self._means[::2], self._means[1::2], strict=True)
            self._means = [(b[0], (a[1] + b[1]) / 2) for a, b in pairs]
            self._each *= 2

    @property
    def points(self) -> list[tuple[int, float]]:
        """(step, value), the oldest first."""
        return [*self._means, self._last] if self._open else list(self._means)


class Job:
    """One run of one visitor, as it stands. Read it under ``lock``.

    state: "waiting", "starting", "running", "paused", "stopping" or "ended". words: what there is
    to say of it. problem: whether it ended by one. kept: the step of the last snapshot in
    ``folder``, None where there is none yet.
    curves: training logs by name. scores: ``{"train": ..., "held_out": ...}`` of the same images
    each time. frames: what was shown, with the step of each; ``edition`` changes when earlier ones
    were thinned out. slow: the last step that was taken slowly.
    """

    # What its process is told to do, and whether that process may do another afterwards.
    DO, AGAIN = "train", False

    def __init__(self, name: str, order: dict[str, Any], folder: Path) -> None:
        self.name, self.order, self.folder = name, order, folder
        self.lock = threading.RLock()
        self.state, self.words, self.problem = "waiting", "", False
        self.kept: int | None = None
        self.started: dict[str, Any] = {}
        self.progress: dict[str, Any] = {}
        self.curves: dict[str, Series] = {}
        self.scores: dict[str, dict[str, Series]] = {"train": {}, "held_out": {}}
        self.frames: list[dict[str, Any]] = []
        self.edition = 0
        self.slow: dict[str, Any] | None = None
        self.note = ""
        self.steered: dict[str, float] = {}  # settings that were changed while it went on
        self.adopted = False  # whether its model has been taken in by the other tabs
        self.version = 0
        self.since = time.monotonic()  # of the present state
        self.process: Process | None = None
        self.pool: Jobs | None = None  # that does it

    @property
    def live(self) -> bool:
        return self.state in LIVE

    def become(self, state: str, words: str = "", problem: bool = False) -> None:
        with self.lock:
            self.state, self.words, self.problem = state, words, problem
            self.since = time.monotonic()
            self.version += 1

    def out_of_time(self, step: int) -> str:
        """What is said of a run that has had all the time that it may have."""
        return (
            f"Stopped at step {step:,}: runs here may take {self.pool.limits.minutes:g} minutes. "
            "What it has learned is kept."
        )

    def tell(self, do: str, **values: Any) -> None:
        """An order to the run: "pause", "go", "step", "rate" (value) or "tune" (values)."""
        with self.lock:
            if self.process is not None and self.live:
                self.process.send(do, **values)

    def apply(self, report: dict[str, Any]) -> None:
        """Takes in what the process reported."""
        with self.lock:
            self.version += 1
            what = report.pop("is")
            if what == "started":
                self.started = report
                self.become("running")
            elif what == "progress":
                self.progress = report
                for name, value in report["logs"].items():
                    self.curves.setdefault(name, Series()).add(report["step"], value)
            elif what == "shown":
                self._shown(report)
            elif what == "step":
                self.slow = report
            elif what == "kept":
                self.kept = report["step"]
            elif what == "note":
                self.note = report["words"]
            elif what == "paused" and self.state == "running":
                self.become("paused")
            elif what == "going" and self.state == "paused":
                self.become("running")

    def _shown(self, report: dict[str, Any]) -> None:
        for part, series in self.scores.items():
            for name, value in report.pop(part).items():
                series.setdefault(name, Series()).add(report["step"], value)
        self.frames.append(report)
        if len(self.frames) > MOST_FRAMES:
            # The first, the last, and every other one between.
            self.frames = self.frames[:-1:2] + self.frames[-1:]
            self.edition += 1


class Ending(NamedTuple):
    """How a run ended. cut_short: before it could say what it has kept."""

    words: str
    problem: bool
    cut_short: bool = False


class Jobs:
    """The runs of this server.

    command: how a worker is started. base: what every order carries (data_dir, device).
    """

    def __init__(
        self,
        limits: Limits | None = None,
        base: dict[str, Any] | None = None,
        command: Sequence[str] = WORKER,
    ) -> None:
        self.limits = limits or Limits()
        self.base = {**(base or {}), "limits": asdict(self.limits)}
        self.command = tuple(command)
        self._lock = threading.RLock()
        self._waiting: deque[Job] = deque()
        self._running: list[Job] = []
        self._spare: Process | None = None
        self._idle: list[Process] = []  # of runs that have ended
        self._spare_lock = threading.Lock()  # held while an order is carried out in the spare
        self._apart_lock = threading.Lock()  # held while something long is done
        self._used = time.monotonic()
        self._closed = False

    # -- runs --------------------------------------------------------------------------------------

    def start(self, name: str, recipe: dict[str, Any], folder: Path) -> Job:
        """A run of the recipe, now or when its turn comes. folder: the visitor's, to work in; the
        checkpoint will be ``folder/name``. Raises JobError where there is no room."""
        order = {"recipe": recipe, "folder": str(folder), "out": str(folder / name)}
        return self.begin(Job(name, order, folder / name))

    def begin(self, job: Job) -> Job:
        """Has a job done, now or when its turn comes. Raises JobError where there is no room."""
        job.order, job.pool = {**self.base, **job.order}, self
        with self._lock:
            if not self.limits.jobs or self._closed:
                raise JobError("Training is switched off on this server.")
            if len(self._waiting) >= self.limits.waiting:
                raise JobError(
                    f"{len(self._waiting)} runs are waiting already; try again in some minutes, or "
                    "train with the command line on a machine of your own."
                )
            self._waiting.append(job)
            self._dispatch()
        return job

    def place(self, job: Job) -> int:
        """How many runs come before a waiting one."""
        with self._lock:
            return self._waiting.index(job) if job in self._waiting else 0

    @property
    def crowded(self) -> bool:
        """Whether a run waits for another to end."""
        return bool(self._waiting)

    def stop(self, job: Job, words: str = "") -> None:
        """Ends a run; what it has learned by now is kept. words: why, if no person asked for it."""
        with self._lock:
            if job in self._waiting:
                self._waiting.remove(job)
                job.become("ended", words or "Stopped before it began.")
                return
        with job.lock:
            if not job.live or job.state == "stopping":
                return
            job.become("stopping", words)
            if job.process is not None:
                job.process.send("stop")

    def discard(self, job: Job, seconds: float = 10.0) -> None:
        """Ends a run that nobody wants anything of, and waits until its process is gone."""
        self.stop(job, "Nobody was here any more.")
        with job.lock:
            if job.process is not None:
                job.process.kill()
        until = time.monotonic() + seconds
        while job.live and time.monotonic() < until:
            time.sleep(0.02)

    def _dispatch(self) -> None:
        with self._lock:
            while self._waiting and len(self._running) < self.limits.jobs:
                job = self._waiting.popleft()
                self._running.append(job)
                job.become("starting")
                threading.Thread(
                    target=self._work, args=(job,), name=f"job {job.name}", daemon=True
                ).start()

    def _work(self, job: Job) -> None:
        process, end = None, Ending("", False)
        try:
            process = self._take()
            with job.lock:
                job.process = process
                process.send(job.DO, **job.order)
                if job.state == "stopping":  # before there was anybody to tell
                    process.send("stop")
            end = self._follow(job, process)
        except Exception as error:
            log.exception("The run %s could not be followed.", job.name)
            end = Ending(f"The run could not be followed: {error}.", True)
        finally:
            if process is not None and not self._put_back(job, process, end):
                process.end()
            with job.lock:
                job.process = None
                kept = f" What it had learned by step {job.kept:,} is kept." if job.kept else ""
                job.become(
                    "ended", end.words + (kept if end.problem or end.cut_short else ""), end.problem
                )
            with self._lock:
                self._running.remove(job)
                self._dispatch()

    def _follow(self, job: Job, process: Process) -> Ending:
        """Takes in reports until there are no more."""
        while True:
            try:
                report = process.report(0.5)
            except queue.Empty:
                report = {}
            stopping = job.state == "stopping"
            if report is None and not stopping:
                return Ending(
                    "The run's process has ended without a word: it was killed, perhaps because "
                    "memory ran out.", True,
                )  # fmt: skip
            waited = time.monotonic() - job.since
            if report is None or (stopping and waited > STOP_SECONDS):
                return Ending(job.words or "Stopped.", False, True)
            if report.get("is") == "failed":
                return Ending(report["words"], True)
            if report.get("is") == "ended":
                return self._farewell(job, report)
            if report and report["is"] != "loaded":
                job.apply(report)
            if job.state == "paused" and waited > 60 * self.limits.paused_minutes:
                self.stop(job, "The pause was longer than allowed here; the run has been stopped.")

    def _farewell(self, job: Job, report: dict[str, Any]) -> Ending:
        words = {
            "done": f"Done: {report['step']:,} steps.",
            "time": job.out_of_time(report["step"]),
            "stopped": job.words or f"Stopped at step {report['step']:,}.",
        }
        return Ending(words[report["why"]], False)

    # -- the warm process --------------------------------------------------------------------------

    def _new(self) -> Process:
        threads = max(1, (os.cpu_count() or 1) // max(1, self.limits.jobs))
        return Process(self.command, threads)

    def prepare(self) -> None:
        """Has a process ready for whoever comes; costs nothing where there is one."""
        with self._lock:
            self._used = time.monotonic()
            if self._closed or not self.limits.jobs:
                return
            if self._spare is None or not self._spare.alive:
                self._spare = self._rested() or self._new()

    def _put_back(self, job: Job, process: Process, end: Ending) -> bool:
        """Keeps the process of a job that has ended for the next one, where it can do another."""
        with self._lock:
            few = len(self._idle) < self.limits.jobs
            if not (job.AGAIN and few and process.alive) or end.cut_short or self._closed:
                return False
            self._idle.append(process)
            return True

    def _rested(self) -> Process | None:
        """The process of a run that has ended, if one is here and alive."""
        with self._lock:
            while self._idle:
                if (process := self._idle.pop()).alive:
                    return process
        return None

    def _take(self) -> Process:
        """The warm process, or a new one where it is busy or gone; and another is warmed up."""
        if (taken := self._rested()) is not None:
            return taken
        if self._spare_lock.acquire(timeout=TAKE_SECONDS):
            try:
                with self._lock:
                    taken, self._spare = self._spare, None
            finally:
                self._spare_lock.release()
        else:
            taken = None
        if taken is None or not taken.alive:
            taken = self._new()
        later = threading.Timer(WARM_AFTER, self.prepare)
        later.daemon = True
        later.start()
        return taken

    def ask(
        self,
        do: str,
        folder: Path,
        answer: str,
        seconds: float = ESTIMATE_SECONDS,
        wanted: Callable[[], bool] = lambda: True,
        apart: bool = False,
        **values: Any,
    ) -> dict[str, Any]:
        """An order to the warm process: the report called ``answer``.

        wanted: asked now and then; once it is false the process is to hurry, and is ended where it
        does not, as it is when it takes too long. apart: for what takes minutes, in a process of
        its own, one at a time, so that others' estimates do not wait. Raises JobError with a
        sentence.
        """
        if not self.limits.jobs or self._closed:
            raise JobError("Training is switched off on this server.")
        order = {**self.base, **values, "folder": str(folder)}
        if apart:
            with self._apart_lock:
                process = self._new()
                try:
                    return self._answer(process, do, order, answer, seconds, wanted)
                finally:
                    process.end()
        with self._spare_lock:
            self.prepare()
            process = self._spare
            if process is None:  # the server has ended meanwhile
                raise JobError("Training is switched off on this server.")
            try:
                return self._answer(process, do, order, answer, seconds, wanted)
            except _Gone as gone:
                with self._lock:
                    self._spare = None
                process.end()
                raise JobError(str(gone)) from None

    def _answer(
        self, process: Process, do: str, order: dict[str, Any], answer: str, seconds: float,
        wanted: Callable[[], bool],
    ) -> dict[str, Any]:  # fmt: skip
        """Raises _Gone where the process is of no use any more."""
        # One that is still getting ready is left alone: a run may take it as it is.
        while not process.ready.wait(0.25):
            if not wanted():
                raise JobError("Stopped.")
        process.send(do, **order)
        until, hurried = time.monotonic() + seconds, False
        while True:
            try:
                report = process.report(0.25)
            except queue.Empty:
                report = {}
            if report and report["is"] == answer:
                return report
            if report and report["is"] == "failed":
                raise JobError(report["words"])
            if report is None:
                raise _Gone(
                    "The process that worked on it was ended, perhaps because memory ran out."
                )
            if not hurried and not wanted():
                hurried = True
                process.send("hurry")
                until = min(until, time.monotonic() + PATIENCE_SECONDS)
            if time.monotonic() > until:
                raise _Gone("Stopped." if hurried else "It took too long.")

    def rest(self) -> None:
        """Lets the warm process go where nobody has needed it for long."""
        with self._lock:
            idle = time.monotonic() - self._used > IDLE_SECONDS
            spare = self._spare
            old, self._idle = (self._idle, []) if idle else ([], self._idle)
        for process in old:
            process.end()
        if idle and spare is not None and self._spare_lock.acquire(blocking=False):
            try:
                with self._lock:
                    self._spare = None
                spare.end()
            finally:
                self._spare_lock.release()

    def close(self) -> None:
        """Ends every run and process."""
        with self._lock:
            self._closed = True
            waiting, running = list(self._waiting), list(self._running)
            spare, self._spare = self._spare, None
            old, self._idle = self._idle, []
        for process in old:
            process.end()
        for job in waiting:
            self.stop(job, "The server has ended.")
        for job in running:
            with job.lock:
                job.become("stopping", "The server has ended.")
                if job.process is not None:
                    job.process.kill()
        if spare is not None:
            spare.end()
