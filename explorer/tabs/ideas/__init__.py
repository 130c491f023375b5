"""Ideas: small laboratories in the browser for what lectures explain before any model.

A laboratory is a folder of ``labs`` and its name in ``LABS``:

``NAME.js``    its mathematics on ``IDEAS.NAME``: plain functions, which tests compare with numpy
``view.js``    ``IDEAS.views.NAME``: its state, and what its scenes share
``SCENE.js``   a scene, built from the toolkit
``lab.toml``   its words: title, lecture, question and answer, code, where the idea returns

They share ``maths.js``, ``plot.js`` (axes, lines, handles for finger and keyboard), ``state.js``
(what a link carries), ``controls.js`` (sliders, choices), ``text.js`` (live numbers and formulas)
and ``kit.js`` (scenes, questions). ``host.js`` is the tab.
The browser fetches the toolkit with the first laboratory and each laboratory when it is opened;
from then on everything is computed there. What needs a shipped model is asked by a button and
answered by ``answers.py``.
"""

from __future__ import annotations

from typing import Any

from explorer.components import component
from explorer.tabs.ideas import answers, library

TITLE = "Ideas"
NEEDS: frozenset[str] = frozenset()


def build(context: Any) -> None:
    labs = [{"key": name, "title": library.about(name)["title"]} for name in library.LABS]

    def kit(_: Any) -> dict[str, str]:
        return library.kit()

    def lab(name: str) -> dict[str, Any]:
        return library.lab(name, context.titles)

    component(
        "ideas",
        html=library.text("host.html"),
        script=library.text("host.js"),
        server_functions=[kit, lab, *answers.functions(context)],
        labs=labs,
    )
