"""A person's own text as a data set: one file that ``models.data`` reads by its name."""

from __future__ import annotations

import hashlib
from pathlib import Path

from explorer.server.jobs import JobError
from explorer.server.reading import NotYet
from explorer.tabs.train.setup import Described
from models.contract.symbols import STRIP

MOST = 2_000_000  # characters


def pasted(text: str | None) -> str:
    """The text itself. Raises NotYet where there is none."""
    if not (text or "").strip():
        raise NotYet("Paste a text first, or choose a file.")
    return str(text)


def of_file(path: str) -> str:
    """The text of an uploaded file. Raises JobError where it is none, or too long."""
    data = Path(path).read_bytes()
    if len(data) > 4 * MOST:
        raise JobError(f"Texts up to {MOST:,} characters can be trained on here.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise JobError("That file is not a text in UTF-8. Save it as UTF-8, or paste it.") from None


def bring(text: str, folder: Path) -> tuple[Described, str]:
    """A text as a data set in the visitor's folder, and what was made of it in words.

    Raises ValueError with a sentence where it is too short or too long.
    """
    from models.data import text as texts

    if len(text) > MOST:
        raise JobError(f"Texts up to {MOST:,} characters can be trained on here.")
    plain = texts.plain(text)
    name = f"{texts.OWN}{hashlib.sha256(plain.encode()).hexdigest()[:12]}.txt"
    (folder / name).write_text(plain, "utf-8")
    try:
        n = len(texts.of_file(folder / name, "train"))
    except ValueError:
        (folder / name).unlink()
        raise
    lost = texts.left_out(text)
    words = f"{len(plain):,} characters"
    words += f"; {lost:,} that are no plain ASCII were left out." if lost else "."
    return Described(name, (1, 1, STRIP), (), n), words
