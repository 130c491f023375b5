"""What every tab is given: the models, the data, and how tabs talk to the page."""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from explorer import components
from explorer.page.code import explanation
from explorer.page.runs import never_silent
from explorer.server.ask import Ask
from explorer.server.cache import Recent
from explorer.server.engines import Engine, engine_of
from explorer.server.jobs import Jobs, Limits
from explorer.server.sessions import give_back
from explorer.server.store import Store
from explorer.server.visitors import Visitors
from models.checkpoints.fetch import is_id
from models.checkpoints.header import SHIPPED, find, resolve

log = logging.getLogger(__name__)

# The family's text is written for a lecture, with TeX between dollars; KaTeX comes with the page.
LATEX = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "$", "right": "$", "display": False},
]


class Notes(NamedTuple):
    """The collapsible blocks beside the controls. ``code`` is an output that a tab keeps true."""

    idea: gr.Markdown
    code: gr.HTML


class Visit(NamedTuple):
    """That a model came on screen in a tab of one person's page; each time is one of its own."""

    name: str
    time: object


class Remembered(NamedTuple):
    """A control that the address keeps under ``key``."""

    key: str
    component: gr.components.Component
    parse: Callable[[str], Any]


@dataclass
class Context:
    """The models and the data of this server, and the parts of the page that tabs share.

    store: the models; ``store.device`` is where they compute. data_dir: a folder of data sets, or
    None.
    The rest is filled in while the page is built.

    picker: the model picker; its value is the chosen model's name.
    tabs: the ``gr.Tabs``. tab: the key of the one being built, titles: those of all of them by key.
    part: the key of the part being built, "" in a tab of one piece (see ``components.parts``).
    needs: what the tab being built NEEDS.
    page: the ``gr.Blocks``. unnamed: the tab of links that name a model or settings and no tab: the
    first that needs a model, which was the first of all before there was a first page.
    code: a ``gr.State`` that carries a latent code to another tab, None or
    ``{"model": name, "z": [D floats], "label": int | None, "source": a few words}``.
    """

    store: Store
    data_dir: Path | None = None
    page: Any = None
    unnamed: str = ""
    picker: Any = None
    tabs: Any = None
    code: Any = None
    tab: str = ""
    part: str = ""
    needs: frozenset[str] = frozenset()
    titles: dict[str, str] = field(default_factory=dict)
    remembered: list[Remembered] = field(default_factory=list)
    # Set when the first page has been opened.
    visited: threading.Event = field(default_factory=threading.Event)
    # Every part that was built, by its place.
    built: dict[str, Any] = field(default_factory=dict)
    # The last Visit by page and tab.
    visits: Recent = field(default_factory=lambda: Recent(4096))
    # What the server answers besides the page itself: addresses that tabs have added.
    routes: list[Any] = field(default_factory=list)
    # Who is here, and the runs they have started; None where nobody may train.
    visitors: Visitors | None = None
    # Whether anything may go to the Hugging Face Hub or come from there.
    hub: bool = True

    # Where models compute; in this process unless given.
    engine: Engine | None = None

    def __post_init__(self) -> None:
        self.ask = Ask(self.store, engine=self.engine)

    @classmethod
    def create(
        cls,
        checkpoints: Path | None = None,
        data_dir: Path | None = None,
        device: str = "auto",
        limits: Limits | None = None,
        models: Sequence[str] = (),
        hub: bool = True,
        engine: str = "",
    ) -> Context:
        """A context from what the command line says. Raises ValueError with a sentence.

        limits: of training runs. models: further ones, folders or ids on the Hub. hub: whether
        anything may go to the Hub or come from there.
        """
        if checkpoints is not None and not checkpoints.is_dir():
            raise ValueError(f"--checkpoints: there is no folder '{checkpoints}'.")
        if data_dir is not None and not data_dir.is_dir():
            raise ValueError(f"--data-dir: there is no folder '{data_dir}'.")
        further = [_place(model, hub) for model in models]
        store = Store([checkpoints or SHIPPED, *further], device)
        if device in ("cuda", "mps"):
            _ = store.device  # raises here, at the start, where the device is missing
        base = {"data_dir": None if data_dir is None else str(data_dir.resolve()), "device": device}
        context = cls(store, data_dir, hub=hub, engine=engine_of(engine, store))
        context.visitors = Visitors(Jobs(limits, base), context.forget)
        return context

    def forget(self, names: Iterable[str]) -> None:
        """Lets go of models that a visitor brought, and of all that was computed with them."""
        folders = {name: str(self.store.header(name).folder) for name in names}
        self.store.forget(folders)
        for name, folder in folders.items():
            self.ask.forget(name, folder)

    def let_go(self) -> None:
        """Returns what memory is kept for convenience alone: results that can be computed anew."""
        self.ask.cache.clear()
        give_back()

    def keep_until_gone(self, files: Any) -> None:
        """Has what is uploaded to a file control removed when whoever brought it has gone."""

        def took(request: gr.Request, value: Any) -> None:
            given = value if isinstance(value, list) else [value]
            paths = [str(getattr(each, "name", each)) for each in given if each]
            self.visitors.took(request.session_hash, paths)

        files.upload(took, files, None, **self.light)

    def warm_up(self) -> threading.Thread:
        """Imports what is heavy and loads the first model, behind the page's back.

        Not before the first visitor's page is there (or a few seconds have passed): until then it
        would only slow the page down.
        """

        def work() -> None:
            self.visited.wait(5)
            import torch  # noqa: F401

            if self.store.first:
                self.store.get(self.store.first)
            self.ask.engine.warm_up()

        thread = threading.Thread(target=work, name="warm-up", daemon=True)
        thread.start()
        return thread

    # Keyword arguments of a light event: no queue, and of a burst only the newest call. With
    # "always_last" the payload must be in an input's value, never in the event's data.
    light = {
        "queue": False,
        "trigger_mode": "always_last",
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    # Of an event that takes longer or yields: queued, so that it can be cancelled.
    heavy = {"trigger_mode": "always_last", "show_progress": "hidden", "api_visibility": "private"}

    def on_show(self, fn: Callable, inputs: Sequence, outputs: Sequence, **event: Any) -> Any:
        """Calls ``fn(name, *inputs)`` when the tab (or part) being built has a new model to show.

        That is when it is on screen and the chosen model is not the one it showed last, or
        when a link with settings has been opened. name: the model's. Only models that have what
        the tab NEEDS arrive here. Returns the event, for ``cancels=`` or ``.then``.
        """
        listen = getattr(self.picker, f"show_{self.place}")
        handler = self.timely(fn, arrives=True)
        return listen(handler, [self.picker, *inputs], list(outputs), **{**self.heavy, **event})

    @property
    def place(self) -> str:
        """What is being built: a tab, or a part of one."""
        return f"{self.tab}_{self.part}" if self.part else self.tab

    def timely(self, fn: Callable, arrives: bool = False) -> Callable:
        """``fn(name, ...)`` as a handler that falls silent once the tab shows another model.

        Events of different kinds run side by side, so the answer to something asked of the model
        before may come after the new model's, and would stay on screen in its place. A generator
        ends at its next yield. fn may take the request before the name, as ``request``.
        arrives: whether the call itself brings the model on screen.
        """
        place = self.place
        # Handlers that tell visitors apart themselves take the request first.
        first = next(iter(inspect.signature(fn).parameters), "")

        def ask(request: gr.Request, *given: Any) -> Any:
            return fn(request, *given) if first == "request" else fn(*given)

        def enter(request: gr.Request, name: str) -> Callable[[], bool]:
            return self.enter(request, place, name, arrives)

        def steps(request: gr.Request, name: str, *given: Any) -> Iterator[Any]:
            last = gr.skip()  # Gradio sends what was yielded last once more at the end
            in_time = enter(request, name)
            for outputs in ask(request, name, *given) if in_time() else ():
                if not in_time():
                    yield _skip_all(last)
                    return
                last = outputs
                yield outputs

        def once(request: gr.Request, name: str, *given: Any) -> Any:
            in_time = enter(request, name)
            outputs = ask(request, name, *given)
            return outputs if in_time() else _skip_all(outputs)

        return never_silent(steps) if inspect.isgeneratorfunction(fn) else once

    def enter(
        self, request: Any, place: str, name: str, arrives: bool = False
    ) -> Callable[[], bool]:
        """A question whether the place still shows the model that something was asked about.

        arrives: whether the call itself brings the model on screen.
        """
        key = (getattr(request, "session_hash", None), place)
        visit = self.visits.get(key)
        if arrives and (visit is None or visit.name != name):
            visit = self.visits.put(key, Visit(name, object()))
        asked_in_time = visit is None or visit.name == name
        return lambda: asked_in_time and self.visits.get(key) is visit

    def remember(self, key: str, component: Any, parse: Callable[[str], Any] = str) -> None:
        """Keeps a control's value in the address under ``key`` and restores it from there.

        parse: text of the address to value; whatever raises ValueError is left out (see
        ``address.whole`` and ``number``). A value equal to the control's first one is left
        out of the address, to keep links short.
        """
        assert not self.tab or key.startswith(f"{self.tab}."), f"'{key}' begins with no tab's name"
        self.remembered.append(Remembered(key, component, parse))

    @staticmethod
    def go(tab: str) -> str:
        """JavaScript that changes tabs: ``button.click(...).then(None, js=go("latent"))``."""
        return f"() => GE.go({tab!r})"

    def notes(self, look_for: str, code: str = "") -> Notes:
        """The blocks beside the controls: the idea, what to look for, and the code.

        look_for: Markdown. code: what stands in the last block at first. The idea is the docstring
        of the chosen model's family and is kept up to date here; the tab fills ``code`` with the
        lines that give what is on screen.
        """
        with gr.Accordion("The idea", open=False, elem_classes="ge-note"):
            components.component("reader")
            idea = gr.Markdown(latex_delimiters=LATEX, elem_classes="ge-idea")
        with gr.Accordion("What to look for", open=False, elem_classes="ge-note"):
            gr.Markdown(look_for, latex_delimiters=LATEX)
        with gr.Accordion("Show the code", open=False, elem_classes="ge-note"):
            shown = components.component("code", code)
        self.on_show(
            lambda name: explanation(self.store.header(name).family), [], [idea], queue=False
        )
        return Notes(idea, shown)


def _place(model: str, hub: bool) -> Path:
    """The folder of a model, or of several, that ``--models`` names. Raises ValueError."""
    if Path(model).is_dir() and find(model):
        return Path(model)
    if is_id(model) and not hub:
        raise ValueError(f"--models: the Hub is switched off by --no-hub, and '{model}' is there.")
    try:
        return resolve(model).parent
    except ValueError as error:
        raise ValueError(f"--models: {error}") from None


def _skip_all(outputs: Any) -> Any:
    """As many outputs, none of which changes anything."""
    return tuple(gr.skip() for _ in outputs) if isinstance(outputs, tuple) else gr.skip()
