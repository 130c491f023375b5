"""Files written whole or not at all, and what is said where they cannot be."""

from __future__ import annotations

import errno
import logging
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

log = logging.getLogger(__name__)


class CannotWrite(OSError):
    """A file that could not be written, though nothing is wrong with what was to be in it; the
    message is one sentence for a person."""

    def __init__(self, target: Path, error: Exception) -> None:
        super().__init__(
            f"'{target}' could not be written: {_reason(error)}. What was there before is as it "
            "was."
        )
        self.errno = _number(error)


def write_atomically(target: Path, write: Callable[[str], Any]) -> None:
    """Calls ``write(temporary path)`` in the target's folder, then renames: never half a file, and
    what was there stays until the new one is whole.

    Raises CannotWrite where there is no room or no leave to write.
    """
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        write(temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except (OSError, SafetensorError) as error:  # safetensors has its own word for a full disk
        raise CannotWrite(target, error) from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)


def attempt(write: Callable[[], Any]) -> None:
    """Writes something beside the results. Where that cannot be done it is said, and measuring goes
    on: an hour of it is worth more than a file."""
    try:
        write()
    except CannotWrite as error:
        log.warning("%s", error)


def check_folder(folder: Path) -> None:
    """Raises ValueError where nothing can be written into a folder, there already or to be made.

    It is tried, with a file that is gone again at once: before the work, not after.
    """
    folder = Path(folder).absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise ValueError(f"'{there}' is a file, not a folder to write into; choose another.")
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"0")
    except OSError as error:
        raise ValueError(
            f"Nothing can be written into '{there}': {_reason(error)}; choose another folder."
        ) from error


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk, or somebody's share of it, is full."""
    return isinstance(error, (OSError, SafetensorError)) and _number(error) in (
        errno.ENOSPC, errno.EDQUOT, errno.EFBIG,
    )  # fmt: skip


def _number(error: BaseException) -> int | None:
    """The system's number of an error, which some libraries hand on as text."""
    number = getattr(error, "errno", None)
    if number is None and (found := re.search(r"(?:os error|Errno) (\d+)", str(error))):
        return int(found[1])
    return number


def _reason(error: Exception) -> str:
    """What the system said of a write that failed, in a few words."""
    number = _number(error)
    words = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "your share of the disk is full",
        errno.EFBIG: "files may not become that large here",
        errno.EROFS: "it can only be read",
        errno.EACCES: "there is no permission to write",
        errno.EPERM: "there is no permission to write",
        errno.EISDIR: "a folder has that name",
        errno.ENOENT: "its folder is gone",
    }
    return words.get(number) or (os.strerror(number).lower() if number else "the system refused")
