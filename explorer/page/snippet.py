"""The lines of Python that give what is on screen, from one vocabulary.

Handlers say lines; which imports they need follows from the names in them::

    snippet(
        loading(context, name),
        call("images = model.sample", 64, raw("generator(7)"), label=3),
    )
"""

from __future__ import annotations

import ast
from typing import Any

from explorer.page.code import in_code
from explorer.page.context import Context

WIDTH = 88

# Names that snippets may use, by the line that brings them. What a notebook needs of the models is
# in their public face, ``models`` itself.
VOCABULARY = {
    "base64": "import base64",
    "zlib": "import zlib",
    "time": "import time",
    "torch": "import torch",
    "np": "import numpy as np",
    "Image": "from PIL import Image",
    "load_file": "from safetensors.numpy import load_file",
}


class raw(str):
    """A piece of code, to be said as it is and not as a text."""


def literal(value: Any) -> str:
    """A value as code."""
    if isinstance(value, raw):
        return str(value)
    if isinstance(value, float):
        return f"{value:.6g}" if "." in f"{value:.6g}" or "e" in f"{value:.6g}" else f"{value:.1f}"
    return repr(value)


def call(function: str, *values: Any, **named: Any) -> str:
    """A call, on one line where it fits, else with an argument list of its own lines.

    What is None among the named values is left out: the model's own default holds.
    """
    given = [literal(value) for value in values]
    given += [f"{key}={literal(value)}" for key, value in named.items() if value is not None]
    line = f"{function}({', '.join(given)})"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{function}(", *(f"    {each}," for each in given), ")"])


def loading(context: Context, name: str, variable: str = "model") -> str:
    """The line that loads a model, on the device that the page was told to use."""
    device = context.store.device_asked
    placed = None if device in ("auto", "cpu") else device
    folder = in_code(context.store.header(name).folder)
    return call(f"{variable} = load", folder, device=placed)


def snippet(*lines: str) -> str:
    """The lines with the imports that they need. An empty line among them stays one."""
    body = "\n".join(lines).rstrip("\n") + "\n"
    names = _names(body)
    plain = {line for name, line in VOCABULARY.items() if name in names}
    public = sorted(names & _public(), key=str.lower)
    imports = sorted(line for line in plain if line.startswith("import"))
    imports += sorted(line for line in plain if line.startswith("from"))
    if public:
        line = f"from models import {', '.join(public)}"
        if len(line) > WIDTH:
            line = "\n".join(["from models import (", *(f"    {name}," for name in public), ")"])
        imports += [*([""] if imports else []), line]
    return "\n".join([*imports, *([""] if imports else []), body])


def _names(code: str) -> set[str]:
    """Names that the code reads and does not bind itself."""
    tree = ast.parse(code)
    read, bound = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
    return read - bound


def _public() -> set[str]:
    import models

    return set(models.PUBLIC)
