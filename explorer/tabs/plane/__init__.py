"""Plane: every kind of model on points of the plane, where all of it can be seen at once.

``routes``   what the browser fetches: the tab's scripts, films as packed bytes, news of runs
``about``    words, settings and small pictures of the methods and the sets
``runs``     a visitor's own runs, in processes apart, as those of the Train tab
``library``  the tab's files: ``script/`` (``app.js`` puts them together), style and lessons

A film is sent once and played in the browser; nothing there goes through Gradio's queue. The host
component (``host.js``) fetches the scripts when the tab is first opened.
"""

from __future__ import annotations

from typing import Any

from explorer.components import component
from explorer.tabs.plane import library, routes

TITLE = "Plane"
NEEDS: frozenset[str] = frozenset()


def build(context: Any) -> None:
    context.routes += routes.of(context)
    component(
        "plane",
        html=library.text("host.html"),
        script=library.text("host.js"),
        version=library.version(),
    )
