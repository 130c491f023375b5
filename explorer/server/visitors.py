"""Who is here: what one person has on this server, and when it goes.

A visitor is a random key that the browser keeps, so that a page loaded anew finds its run again.
Each has a folder of their own, one run at a time, and models that nobody else is offered. When the
last page has been closed for a while, the run ends and all of it goes. A page that did not say that
it was closed may have lost its connection alone, as a phone's that sleeps: it is waited for longer.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from explorer.server.jobs import Job, JobError, Jobs
from models.machine.folders import OwnFolder

log = logging.getLogger(__name__)

PREFIX = "generative-explorer-"  # of the folder that holds what visitors have here
GRACE_SECONDS = 60.0  # from the last page's closing
ASLEEP = 15  # times as long where a page did not say that it was closed
MOST_SILENT = 16  # pages of a visitor without a connection that are known when they come back
SILENT_SECONDS = 3600.0  # a page that says nothing for so long is gone, whatever else is known
SWEEP_SECONDS = 5.0
MOST_MODELS = 6
MOST_VISITORS = 1000  # beyond them who has no page open gives way, then nobody comes in
MOST_OF_ADDRESS = 500  # of them; a lecture hall is one address
MOST_RUNS = 6  # of one address, that go on or wait: some are left for others
MOST_BYTES = 1 << 30  # of what a visitor has uploaded; the oldest files go
ORPHAN_SECONDS = 900.0  # after which a file goes that was uploaded and that no page has told of
AWAY = "Stopped, because your page was silent for a while and others were waiting."


class Visitor:
    """One person's browser. models: by name, the newest last; folders of checkpoints."""

    def __init__(self, key: str, folder: Path) -> None:
        self.key, self.folder = key, folder
        self.sessions: set[str] = set()
        self.silent: list[str] = []  # sessions whose connection has ended, the newest last
        self.ended = self.closed = 0  # connections that ended, and pages that said they were closed
        self.seen = time.monotonic()
        self.job: Job | None = None
        self.others: dict[str, Job] = {}  # runs of other pools than that of models, by place
        self.models: dict[str, Path] = {}
        self.data: dict[str, Any] = {}  # what they brought to train on, by name
        self.uploads: dict[str, int] = {}  # bytes of the files that the server took, by path
        self.address = ""  # where they are

    @property
    def at_work(self) -> bool:
        """Whether a run of theirs goes on or waits."""
        jobs = (self.job, *self.others.values())
        return any(job is not None and job.live for job in jobs)


class Visitors:
    """Everybody, thread-safe.

    forget: called with the names of models that are no more.
    """

    def __init__(
        self,
        jobs: Jobs,
        forget: Callable[[list[str]], None] = lambda names: None,
        grace: float = GRACE_SECONDS,
        sweep: float = SWEEP_SECONDS,
    ) -> None:
        self.jobs, self.forget, self.grace = jobs, forget, grace
        self.uploaded: set[str] = set()  # all files that were uploaded: the page's own set
        self._orphans: dict[str, float] = {}  # since when no page has told of one, by path
        self.pools: dict[str, Jobs] = {}  # of other runs than those of models, by their kind
        self._sweep_seconds = sweep
        self._lock = threading.RLock()
        self._visitors: dict[str, Visitor] = {}
        self._whose: dict[str, str] = {}  # key by session
        self._root: OwnFolder | None = None
        self._sweeper: threading.Thread | None = None
        self._ended = threading.Event()

    # -- coming and going --------------------------------------------------------------------------

    def arrive(self, key: Any, session: str | None, address: str = "") -> Visitor:
        """A page was opened. key: what the browser kept; else a new person. address: where from.

        Raises JobError where too many people are here."""
        if not isinstance(key, str) or not re.fullmatch(r"[0-9a-f]{32}", key):
            key = secrets.token_hex(16)
        gone = None
        with self._lock:
            visitor = self._visitors.get(key)
            if visitor is None:
                gone = self._make_room(address)
                visitor = self._visitors[key] = Visitor(key, self._new_folder())
            visitor.seen, visitor.address = time.monotonic(), address or visitor.address
            if session:
                visitor.sessions.add(session)
                self._whose[session] = key
            self._start_sweeper()
        if gone is not None:
            self._end(gone)
        return visitor

    def _make_room(self, address: str) -> Visitor | None:
        """Who gives way to another where there are too many: whoever left first."""
        here = list(self._visitors.values())
        near = [each for each in here if address and each.address == address]
        if len(near) >= MOST_OF_ADDRESS:
            here = near
        elif len(here) < MOST_VISITORS:
            return None
        left = [each for each in here if not each.sessions and not each.at_work]
        if not left:
            raise JobError("Too many people are here already. Try again in some minutes.")
        oldest = min(left, key=lambda visitor: visitor.seen)
        self._forget_pages(oldest)
        return oldest

    def _forget_pages(self, visitor: Visitor) -> None:
        del self._visitors[visitor.key]
        for session in (*visitor.sessions, *visitor.silent):
            self._whose.pop(session, None)

    def leave(self, session: str | None) -> None:
        """A page's connection has ended: it was closed, or it sleeps."""
        with self._lock:
            visitor = self._visitors.get(self._whose.get(session, ""))
            if visitor is not None and session in visitor.sessions:
                visitor.sessions.discard(session)
                visitor.seen = time.monotonic()
                visitor.ended += 1
                visitor.silent.append(session)
                for old in visitor.silent[:-MOST_SILENT]:
                    self._whose.pop(old, None)
                visitor.silent = visitor.silent[-MOST_SILENT:]

    def bye(self, key: str) -> None:
        """One of a visitor's pages says that it is closed; its connection ends about now."""
        with self._lock:
            if (visitor := self._visitors.get(key)) is not None:
                visitor.closed += 1

    def _patience(self, visitor: Visitor) -> float:
        """For how many seconds nothing need be heard of a visitor."""
        if visitor.sessions:
            return SILENT_SECONDS
        return self.grace * (1 if visitor.closed >= visitor.ended else ASLEEP)

    def of(self, session: str | None) -> Visitor:
        """Whose page it is. Raises JobError for a page that has not arrived, or long ago."""
        with self._lock:
            visitor = self._visitors.get(self._whose.get(session, ""))
        if visitor is None:
            raise JobError("This page has been away for too long; load it anew.")
        visitor.seen = time.monotonic()
        return visitor

    def __len__(self) -> int:
        with self._lock:
            return len(self._visitors)

    # -- what a visitor has ------------------------------------------------------------------------

    def pool(self, kind: str, make: Callable[[], Jobs]) -> Jobs:
        """The jobs of another kind than models, made when somebody first needs them."""
        with self._lock:
            if kind not in self.pools:
                self.pools[kind] = make()
            return self.pools[kind]

    def begin(self, visitor: Visitor, name: str, recipe: dict[str, Any]) -> Job:
        """Starts the visitor's run. Raises JobError where they have one that goes on."""
        with self._lock:
            if visitor.job is not None and visitor.job.live:
                raise JobError("Your run goes on; stop it before you start another.")
            near = [
                v for v in self._visitors.values() if v.address and v.address == visitor.address
            ]
            if sum(v.job is not None and v.job.live for v in near) >= MOST_RUNS:
                raise JobError(
                    f"{MOST_RUNS} runs from this address go on or wait; try again when one of them "
                    "has ended."
                )
            taken = visitor.folder / name
            if taken.exists():
                self._drop(visitor, [n for n, folder in visitor.models.items() if folder == taken])
                shutil.rmtree(taken, ignore_errors=True)
            visitor.job = self.jobs.start(name, recipe, visitor.folder)
            return visitor.job

    def keep(self, visitor: Visitor, name: str, folder: Path) -> None:
        """A model of the visitor's; the oldest goes where there are too many."""
        with self._lock:
            visitor.models[name] = folder
            old = list(visitor.models)[:-MOST_MODELS]
            for each in old:
                shutil.rmtree(visitor.models[each], ignore_errors=True)
            self._drop(visitor, old)

    def took(self, session: str | None, paths: Iterable[str]) -> None:
        """The server has these files of a page; they go with whoever brought them, or once there
        are too many newer ones."""
        try:
            visitor = self.of(session)
        except JobError:
            visitor = self.arrive(None, session)
        old: set[str] = set()
        with self._lock:
            for path in map(str, paths):
                visitor.uploads.pop(path, None)
                visitor.uploads[path] = _bytes_of(path)
            while len(visitor.uploads) > 1 and sum(visitor.uploads.values()) > MOST_BYTES:
                oldest = next(iter(visitor.uploads))
                del visitor.uploads[oldest]
                old.add(oldest)
        self._remove_files(old)

    def _remove_files(self, paths: Iterable[str]) -> None:
        """The same file brought by two is one file, which goes with the last of them."""
        with self._lock:
            kept = {path for other in self._visitors.values() for path in other.uploads}
        for path in set(paths) - kept:
            with contextlib.suppress(OSError):
                Path(path).unlink()
                Path(path).parent.rmdir()  # Gradio's own for that file; stays where there are more
            if not Path(path).exists():
                self.uploaded.discard(path)

    def _remove_orphans(self) -> None:
        """Files that were uploaded and that no page has told of: who sent them uses no page."""
        now = time.monotonic()
        with self._lock:
            kept = {path for visitor in self._visitors.values() for path in visitor.uploads}
        self._orphans = {
            path: self._orphans.get(path, now) for path in list(self.uploaded) if path not in kept
        }
        self._remove_files(
            path for path, since in self._orphans.items() if now - since > ORPHAN_SECONDS
        )

    def _drop(self, visitor: Visitor, names: list[str]) -> None:
        for name in names:
            visitor.models.pop(name, None)
        if names:
            self.forget(names)

    # -- the end -----------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Lets go of those who have gone. Runs by itself every few seconds."""
        now = time.monotonic()
        with self._lock:
            gone = [v for v in self._visitors.values() if now - v.seen > self._patience(v)]
            for visitor in gone:
                self._forget_pages(visitor)
            asleep = [
                v for v in self._visitors.values() if not v.sessions and now - v.seen > self.grace
            ]
        for visitor in asleep:
            if visitor.job is not None and self.jobs.crowded:
                self.jobs.stop(visitor.job, AWAY)
        for visitor in gone:
            self._end(visitor)
        self._remove_orphans()
        for jobs in (self.jobs, *self.pools.values()):
            jobs.rest()

    def _end(self, visitor: Visitor) -> None:
        if visitor.job is not None:
            self.jobs.discard(visitor.job)
        for job in visitor.others.values():
            job.pool.discard(job)
        self._drop(visitor, list(visitor.models))
        shutil.rmtree(visitor.folder, ignore_errors=True)
        self._remove_files(visitor.uploads)
        log.info("Let go of what a visitor had here.")

    def close(self) -> None:
        """Ends every run, and removes what anybody had here."""
        self._ended.set()
        for jobs in (self.jobs, *self.pools.values()):
            jobs.close()
        with self._lock:
            everybody, self._visitors = list(self._visitors.values()), {}
        for visitor in everybody:
            self._remove_files(visitor.uploads)
        with self._lock:
            if self._root is not None:
                self._root.close()
                self._root = None

    def _new_folder(self) -> Path:
        if self._root is None:
            self._root = OwnFolder(PREFIX)
        return Path(tempfile.mkdtemp(dir=self._root.path))

    def _start_sweeper(self) -> None:
        if self._sweeper is not None:
            return

        def work() -> None:
            while not self._ended.wait(self._sweep_seconds):
                try:
                    self.sweep()
                except Exception:
                    log.exception("Sweeping failed.")

        self._sweeper = threading.Thread(target=work, name="sweeper", daemon=True)
        self._sweeper.start()


def _bytes_of(path: str) -> int:
    with contextlib.suppress(OSError):
        return Path(path).stat().st_size
    return 0
