"""Visual components of our own: ``gr.HTML`` with a script and a style sheet in files beside it.

A component is its folder, and nothing else: NAME/NAME.py with .js, .css and .html side by side, and
the scripts of invisible carriers that belong to it. ``shared/`` is for the page as a whole.

NAME.js is the body of ``function(element, trigger, props, server, upload, watch, SETUP)``, run once
when the component appears. NAME.css joins the page's one style sheet. NAME.html is the template: no
``${value}`` in it, so that the DOM survives updates, and text from outside is set by
``textContent``. ``core.js`` is for all of them, ``page.js`` and ``page.css`` belong to the page as
a whole; ``pixels.js`` draws: ``GE.unpack(sprite)``, ``GE.draw(canvas, unpacked, k)``,
``GE.crisp(pixels, room)`` (a size that is a whole number of screen pixels a pixel),
``GE.bars(svg, values)`` and ``GE.svg(tag, attributes, parent, text)``;
``writing.js`` what is not written yet: ``GE.bytes(b64)``, ``GE.hatch(canvas, element)``;
``figures.js`` numbers: ``GE.floats(b64)``, ``GE.ticks(low, high, count)``, ``GE.ranks``.

What lasts longer than the moment: ``GE.on(element, name, heard)`` listens for as long as the
element is on the page (a part that comes back runs its script anew), and ``GE.frame(element,
tick)`` moves only what is on screen. ``GE.hold`` stands before every script but those that trigger
events: a large value is taken out of the framework's hands, which compares and copies all it has.

Payloads lie in the component's value. Where the browser has to say something small about something
large (which picture of a grid), a second, invisible component carries it, so that the large value
does not travel back.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr

FOLDER = Path(__file__).parent


@lru_cache
def files() -> dict[str, Path]:
    """The scripts, sheets and templates of all components by file name, in alphabetical order.

    Raises ValueError where two components have a file of one name.
    """
    found: dict[str, Path] = {}
    for path in sorted(FOLDER.glob("*/*"), key=lambda path: path.name):
        if path.suffix in {".js", ".css", ".html"}:
            if path.name in found:
                raise ValueError(f"Two components have a file '{path.name}'; rename one of them.")
            found[path.name] = path
    return found


@lru_cache
def source(name: str) -> str:
    """The text of a component's file, "" where there is none."""
    path = files().get(name)
    return "" if path is None else path.read_text(encoding="utf-8")


def stylesheet() -> str:
    """The page's style sheet: the layout, then every component's."""
    names = [name for name in files() if name.endswith(".css") and name != "page.css"]
    return "\n".join(source(name) for name in ["page.css", *names])


ARGUMENTS = "element, trigger, props, server, upload, watch"
# Before a script: its large values lie beside the framework from then on (see core.js).
HOLD = "props = GE.hold(props, watch);\n"


def scripts() -> str:
    """What every component may use, ``GE``: core.js, page.js, then the other scripts of
    ``shared/``; then the script of every component, once, as ``GE.make``."""
    scripts = {name: path for name, path in files().items() if name.endswith(".js")}
    shared = [name for name, path in scripts.items() if path.parent.name == "shared"]
    names = ["core.js", "page.js", *(n for n in shared if n not in ("core.js", "page.js"))]
    others = [name for name in scripts if name not in names]
    return "".join([*map(source, names), *map(maker, others)])


def maker(name: str) -> str:
    """The script of the file NAME.js of a component, as ``GE.make.NAME``."""
    return (
        f"GE.make.{name[:-3]} = function ({ARGUMENTS}, SETUP) {{\n{_holding(source(name))}\n}};\n"
    )


def _holding(script: str) -> str:
    """The script of a component whose large values are held by the browser alone; not of one that
    triggers events, as its value is what it tells the server, nor of one without any."""
    return script if "trigger(" in script or not script.strip() else HOLD + script


def _call(name: str, setup: dict[str, Any]) -> str:
    """The line that runs a component's script, and the events that it triggers: Gradio knows those
    whose names stand in quotes."""
    events = re.findall(r"trigger\('(\w+)'\)", source(f"{name}.js"))
    line = f"GE.make.{name}({ARGUMENTS}, {json.dumps(setup)});"
    return f"{line}  // {' '.join(f'{each!r}' for each in events)}"


def component(
    name: str,
    value: Any = None,
    *,
    html: str | None = None,
    script: str | None = None,
    setup: dict[str, Any] | None = None,
    elem_classes: list[str] | None = None,
    **props: Any,
) -> gr.HTML:
    """The component of the files NAME.js and NAME.html. Props reach the script as ``props.KEY``.

    script: in place of NAME.js, for one that has more to know. setup: settings that reach NAME.js
    as ``SETUP``; props were seen not to arrive where the component stands in a column that is shown
    later."""
    return gr.HTML(
        value,
        html_template=source(f"{name}.html") if html is None else html,
        js_on_load=_call(name, setup or {})
        if script is None
        else script
        if html == ""
        else _holding(script),
        apply_default_css=False,
        elem_classes=[f"ge-{name.replace('_', '-')}", *(elem_classes or [])],
        **props,
    )


def status(text: str = "") -> gr.HTML:
    """A line that says what is going on; its height is reserved. Its value: see ``say``."""
    return component("status", value=say(text))


def say(text: str, progress: float | None = None, kind: str = "plain") -> dict[str, Any]:
    """A status. progress: 0 to 1, or None for no bar. kind: "plain", "busy", "problem", or
    "older" where what the stage shows is of an earlier wish, and is dimmed."""
    return {"text": text, "progress": progress, "kind": kind}


def heading(title: str, words: str) -> gr.HTML:
    """A heading within a stage, with a line of words below it. Both are ours, never a visitor's."""
    return gr.HTML(f"<h2>{title}</h2><p>{words}</p>", apply_default_css=False, js_on_load=None,
                   elem_classes=["ge-heading"])  # fmt: skip


def saver() -> gr.HTML:
    """An invisible component that saves what it is given as a file. Its value: see ``file``."""
    return component("saver", elem_classes=["ge-hidden"])


def file(name: str, data: bytes, media: str = "application/octet-stream") -> dict[str, str]:
    """A file for ``saver`` to save in the browser's downloads."""
    import base64
    import time

    # The stamp makes a second download of the same file a new value, which the browser acts on.
    encoded = base64.b64encode(data).decode("ascii")
    return {"name": name, "media": media, "b64": encoded, "stamp": str(time.time_ns())}
