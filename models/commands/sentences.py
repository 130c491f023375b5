"""What goes wrong, as one line on the command line."""

from __future__ import annotations


def one_line(error: Exception) -> str:
    """The message, with the file that it is about, and no line break."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else f"{error.strerror}."
    return " ".join(str(error).split())


def about_unreadable(unreadable: dict[str, str]) -> str:
    """One line about files that could not be read; the others were."""
    (_, why), *others = unreadable.items()
    if not others:
        return why
    return f"{why} Nor could {', '.join(repr(path) for path, _ in others)} be read."
