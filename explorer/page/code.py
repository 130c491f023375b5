"""What "Show the code" and "The idea" are made of: paths, import lines, a family's own text."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
from functools import lru_cache
from pathlib import Path

from explorer.server.visitors import PREFIX
from models.checkpoints.fetch import origin
from models.checkpoints.header import SHIPPED


@lru_cache
def explanation(family: str) -> str:
    """The family's explanation: its module's docstring, read without importing it (and torch)."""
    from models import implementations

    known = implementations()
    if family not in known:
        raise ValueError("There is no such family.")
    module = known[family].partition(":")[0]
    source = Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""


@lru_cache
def family_title(family: str) -> str:
    """What a family is called: its docstring's first line up to the colon, without an article."""
    from models import implementations

    title = explanation(family).partition("\n")[0].partition(":")[0]
    title = re.sub(r"^(An?|The) ", "", title).strip(".")
    title = title or implementations()[family].rpartition(":")[2]
    return title[:1].upper() + title[1:]


def in_code(folder: Path) -> str:
    """A checkpoint's folder as ``models.load`` takes it: a shipped model's name, one of the Hub's
    id, else the path, from the working directory where it lies below that; a visitor's own
    model's, as it would lie on their machine."""
    if id := origin(folder):
        return id
    if any(part.startswith(PREFIX) for part in folder.parts):
        return f"runs/{folder.name}"
    if folder.resolve().parent == SHIPPED.resolve():
        return folder.name
    relative = os.path.relpath(folder)
    return folder.as_posix() if relative.startswith("..") else Path(relative).as_posix()
