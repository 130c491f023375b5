"""Folders that are one process's own and go with it, also where it is killed: the next one removes
what was left."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from types import TracebackType

try:
    import fcntl
except ImportError:  # Windows, where what a killed process leaves is the system's to clear
    fcntl = None

log = logging.getLogger(__name__)

# How the names end of folders that somebody holds, or held until they were killed. The system lets
# go of a lock with its process; a folder gets this name once it is locked, so that one without a
# lock is nobody's.
HELD = ".held"


class OwnFolder:
    """A temporary folder of this process's own, which ends with it or by ``close``.

    Before it is made, those of the same prefix go whose processes are no more. Raises OSError where
    no folder can be made.
    """

    def __init__(self, prefix: str) -> None:
        remove_left(prefix)
        path = Path(tempfile.mkdtemp(prefix=prefix))
        handle = _locked(path)
        if handle is not None:
            path = path.rename(path.with_name(path.name + HELD))
        self.path = path
        self._end = weakref.finalize(self, _remove, path, handle)

    def close(self) -> None:
        """Removes it with all that is in it."""
        self._end()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def remove_left(prefix: str) -> None:
    """Removes this user's folders of the prefix whose processes were killed."""
    with contextlib.suppress(OSError):
        for path in Path(tempfile.gettempdir()).glob(f"{prefix}*{HELD}"):
            handle = _locked(path)
            if handle is not None:
                _remove(path, handle)
                log.info("Removed what a process that was killed had left in %s.", path)


def _locked(path: Path) -> int | None:
    """A handle that holds a folder of this user's; None where another does, or none can."""
    if fcntl is None:
        return None
    try:
        # Not what a link of another user's leads to.
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if os.fstat(handle).st_uid == os.getuid():
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
    except OSError:  # held, or on a disk that knows no locks
        log.debug("%s cannot be locked", path)
    os.close(handle)
    return None


def _remove(path: Path, handle: int | None) -> None:
    shutil.rmtree(path, ignore_errors=True)
    if handle is not None:
        os.close(handle)
