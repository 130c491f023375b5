"""A folder of exported files with an index: a static Space, or any web server's folder."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from string import Template
from typing import TYPE_CHECKING

from explorer.components import source
from explorer.components.theme import variables
from explorer.export.document import own

if TYPE_CHECKING:
    from models.checkpoints.header import Header

README = """---
title: Generative models
emoji: 🔢
colorFrom: yellow
colorTo: red
sdk: static
app_file: index.html
pinned: false
license: mit
short_description: Generative models that run in your browser
---

# Generative models that run in your browser

Each page holds a model and runs it by JavaScript: no server, no network.

{models}
"""


def readme(headers: Mapping[str, Header]) -> str:
    """The README.md of the Space: its front matter, and the pages. headers: by file name."""
    lines = (f"* [{header.title}]({file}): {header.about}" for file, header in headers.items())
    return README.format(models="\n".join(lines))


def index(headers: Mapping[str, Header]) -> str:
    """The page that leads to all others. headers: by file name."""
    cards = "\n".join(_card(file, header) for file, header in headers.items())
    style = variables() + source("page.css") + own("page.css")
    return Template(own("index.html")).substitute(
        style=style, dark=own("dark.js"), cards=cards, count=len(headers)
    )


def _card(file: str, header: Header) -> str:
    """A link with the model's preview, where it has one."""
    from models.checkpoints.preview import PREVIEW

    path = None if header.folder is None else header.folder / PREVIEW
    picture = ""
    if path is not None and path.is_file():
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        picture = f'<img alt="" src="data:image/webp;base64,{data}">'
    return (
        f'<li><a href="{escape(file)}">{picture}<b>{escape(header.title)}</b>'
        f"<span>{escape(header.about)}</span></a></li>"
    )
