"""What a part of a tab is: named controls, named outputs, and one way to wire them.

A part is a module with ``TITLE``, ``NEEDS``, its handlers and ``build(context)``::

    def show(context, name, asked):
        draw = read_settings(context.store.header(name), asked.seed, asked.count)
        for pictures in drawings(context, name, draw):
            yield screen(grid=sprite(pictures), status=say("Drawing …", kind="busy"))
        yield screen(status=say("16 pictures."), code=snippet(...))

    def build(context):
        part = Part(context)
        ...                                                     # components
        part.controls(seed=seed, count=count)                   # ``asked.seed``, ``asked.count``
        part.outputs(grid=grid, status=status, stop=stop, code=notes.code, seed=seed)
        part.arrives(arrive)                                    # a new model is on screen
        part.on([seed.input, count.input], show)
        part.on(more.click, again, main=True)
        part.stops(stop)

A handler says what changes by name (``screen``); what it does not name stays. It raises
``ValueError`` with one sentence where a person asked for what cannot be; any other exception is
logged with its traceback, and the page says one sentence of ours. It yields None, or nothing, at
moments at which it may be ended. Everything else is done here, in one order for every part:

1. timely: it falls silent once the part shows another model than it was asked about;
2. newest: a newer wish of the same visitor in the same ``run`` ends it at its next yield;
3. rest: where strokes follow one another, the last is worked on;
4. stop: Stop can be pressed while a status is busy, and ends the run with a word;
5. moved: a control that is left as it was starts nothing (menus say "input" then, too).
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import gradio as gr

from explorer.components import say
from explorer.page.choice import lacks
from explorer.page.context import Context
from explorer.page.runs import LIVE, newest
from explorer.server.errors import is_ours
from explorer.server.memory import TOO_MUCH, is_of_memory
from explorer.server.reading import NotYet
from models.machine.files import is_full

log = logging.getLogger(__name__)

LOADING = "Loading the model …"
FULL_DISK = "The server's disk is full, and nothing of this was kept. Try again later."
UNEXPECTED = (
    "That did not work, for a reason that was not foreseen. Try it again or change a setting."
)


class Asked(SimpleNamespace):
    """What the controls of a part say, by name, unchecked."""

    def but(self, **changes: Any) -> Asked:
        """The same with some values changed."""
        return Asked(**{**vars(self), **changes})


class Screen(dict):
    """What changes on screen, by the outputs' names."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"nothing was said of '{name}'") from None


def screen(**changes: Any) -> Screen:
    """What changes on screen; what is not named stays as it is."""
    return Screen(changes)


def settled(steps: Any) -> Screen:
    """What is on screen once a handler is done: the last word on every output."""
    final = Screen()
    for step in steps if inspect.isgenerator(steps) else [steps]:
        final.update(step or {})
    return final


def sentence_of(error: Exception) -> str:
    """What a person reads of an error: our own sentence, or that something unforeseen happened.

    Only a ValueError that our code raised is written for a person; a library's are not.
    """
    if is_of_memory(error):
        return TOO_MUCH
    if is_full(error):
        return FULL_DISK
    return str(error) if isinstance(error, ValueError) and is_ours(error) else UNEXPECTED


def failure(title: str, error: Exception) -> str:
    """A sentence on one model of several that failed, while the others go on."""
    text = sentence_of(error)
    if text == UNEXPECTED:
        log.error("%s failed.", title, exc_info=error)
        return f"{title} failed for an unforeseen reason."
    return f"{title}: {text}"


class Wiring(NamedTuple):
    """How a handler is called: see ``Part.on``."""

    run: str = "main"
    rest: float = 0.0
    arrives: bool = False
    loads: bool = True
    status: str = "status"
    ends: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    quick: bool = False
    moved: bool = False


class Part:
    """A part under construction, and after that what tests and the page know of it.

    place: "TAB" or "TAB_PART". needs: capabilities that a model must have beyond what the tab asks
    for; one without them is told so, and an output ``stage`` is hidden meanwhile. lacking:
    ``(context, name)``, a sentence on what else there is not for a model, "" where nothing is
    missing; it is told likewise. handlers: what
    was wired, by the handler's name. main: the name of the handler that the part's main button
    calls. of_model: whether it is about the model in the picker; else it goes on while another is
    chosen, and loads none. block: names a piece of a part with controls of its own, which go to
    its own handlers alone.
    """

    def __init__(
        self, context: Context, needs: Iterable[str] = (), *, of_model: bool = True,
        block: str = "", lacking: Callable[[Context, str], str] | None = None,
    ) -> None:  # fmt: skip
        self.context = context
        self.place = f"{context.place}_{block}" if block else context.place
        self.of_model = of_model
        self.needs = frozenset(needs)
        # And what its tab needs, which no page asks of another model; others may.
        self.tab_needs = context.needs if of_model else frozenset()
        self.lacking = lacking
        self.asks: dict[str, Any] = {}
        self.shows: dict[str, Any] = {}
        self.handlers: dict[str, Callable] = {}
        self.wirings: dict[str, Wiring] = {}
        self.main = ""
        context.built[self.place] = self

    # -- declaring --------------------------------------------------------------------------------

    def controls(self, **controls: Any) -> None:
        """Names the components whose values reach every handler as ``asked.NAME``.

        ``asked.request`` is who asks, for handlers that tell visitors apart.
        """
        self.asks.update(controls)

    def outputs(self, **outputs: Any) -> None:
        """Names the components that handlers may change. ``status`` and ``stop`` are what they say:
        problems and loading are told in the one, the other can be pressed while it is busy.
        ``stage`` is hidden while the model lacks what the part needs, and ``missing``, a status of
        its own where the part's lies within the stage, says so in its place."""
        self.shows.update(outputs)

    def asked(self, **values: Any) -> Asked:
        """What the controls say when the page is opened, with other values where they are given."""
        first = {name: getattr(control, "value", None) for name, control in self.asks.items()}
        return Asked(**{"request": None, **first, **values})

    # -- wiring -----------------------------------------------------------------------------------

    def arrives(
        self, handler: Callable, *, run: str = "main", loads: bool = True, js: str | None = None
    ) -> Any:
        """Calls the handler when the part has a new model to show (see ``Context.on_show``)."""
        listen = getattr(self.context.picker, f"show_{self.place}")
        return self.on(listen, handler, run=run, arrives=True, loads=loads, js=js)

    def on(
        self,
        events: Any,
        handler: Callable,
        *,
        run: str = "main",
        rest: float = 0.0,
        main: bool = False,
        arrives: bool = False,
        loads: bool | None = None,
        quick: bool | None = None,
        status: str = "status",
        ends: Sequence[str] = (),
        js: str | None = None,
        also: Mapping[str, Any] | None = None,
        **event: Any,
    ) -> Any:
        """Wires ``handler(context, name, asked)`` to one event or several. Returns the event.

        run: newer calls end older ones of the same run. rest: seconds to wait before beginning.
        main: whether this is what the part is for. loads: whether the handler needs the model.
        quick: whether it takes less than about 50 ms (no queue); by default where it is no
        generator. status: the output that problems are told in. ends: other runs that end with
        this one's start, as they follow from an older one of it. js: what the browser does to the
        inputs first. also: controls whose values are too large to go with every event: this
        handler alone has them, as ``asked.NAME``.
        """
        self.handlers[_name(handler)] = handler
        if main:
            self.main = _name(handler)
        steps = inspect.isgeneratorfunction(handler)
        loads = self.of_model if loads is None else loads
        quick = not steps if quick is None else quick
        also = also or {}
        listed = events if isinstance(events, Sequence) else [events]
        moved = all(getattr(event, "event_name", "") == "input" for event in listed)
        wiring = Wiring(run, rest, arrives, loads, status, tuple(ends), tuple(also), quick, moved)
        self.wirings[_name(handler)] = wiring
        fn = (self._once if quick else self._event)(handler, wiring)
        # For whoever looks at the page's functions: whose they are.
        fn.place, fn.handler = self.place, _name(handler)
        how = {**(self.context.light if quick else LIVE), **event}
        inputs = [self.context.picker, *self.asks.values(), *also.values()]
        outputs = list(self.shows.values())
        if not isinstance(events, Sequence):
            return events(fn, inputs, outputs, js=js, **how)
        # Events of our own components are no listeners that ``gr.on`` knows.
        plain = [event for event in events if hasattr(event, "has_trigger")]
        for event in events:
            if event not in plain:
                event(fn, inputs, outputs, js=js, **how)
        return gr.on(plain, fn, inputs, outputs, js=js, **how) if plain else None

    def draws(
        self, pads: Any, handler: Callable, *, run: str = "main", ends: Sequence[str] = (),
        **how: Any,
    ) -> Any:  # fmt: skip
        """Calls the handler once a drawing rests (see ``picture_input``). What runs ends already
        when a stroke begins: its answer is of an older drawing, and would take the pen's time."""

        def end(request: gr.Request) -> None:
            for each in (run, *ends):
                newest.end(self._key(each, request))

        pads = [pads] if not isinstance(pads, Sequence) else pads
        for pad in pads:
            pad.pen(
                end, None, None, queue=False, show_progress="hidden", api_visibility="private",
                trigger_mode="multiple",
            )  # fmt: skip
        events = [pad.draw for pad in pads]
        return self.on(
            events[0] if len(events) == 1 else events, handler, run=run, ends=ends, **how
        )

    def stops(self, button: Any, *, runs: Sequence[str] = ("main",), js: str | None = None) -> Any:
        """The button ends what runs. js: for what the browser is to stop."""

        def stop(request: gr.Request) -> tuple[Any, ...]:
            for run in runs:
                newest.stop(self._key(run, request))
            return self._places(_stopped("status"))

        return button.click(stop, None, list(self.shows.values()), js=js, queue=False,
                            show_progress="hidden", api_visibility="private")  # fmt: skip

    def saves(self, saver: Any, handler: Callable) -> None:
        """Wires the save buttons (``explorer.page.saves``): ``handler(context, name, asked, kind)``
        gives the file."""
        for kind, button in saver.buttons.items():
            button.click(
                self._saving(handler, kind), [self.context.picker, *self.asks.values()],
                [saver.saver, self.shows["status"]], **self.context.heavy,
            )  # fmt: skip

    # -- what every handler goes through ----------------------------------------------------------

    def call(self, name: str, request: Any, model: str, asked: Asked) -> Iterator[Screen]:
        """Yields what the page would show if the handler of this name were called: for tests."""
        handler, wiring = self.handlers[name], self.wirings[name]
        values = [vars(asked).get(each) for each in (*self.asks, *wiring.also)]
        if wiring.quick:
            told = [self._once(handler, wiring)(request, model, *values)]
        else:
            told = self._steps(handler, wiring._replace(rest=0.0, moved=False))(
                request, model, *values
            )
        for places in told:
            changed = zip(self.shows, places, strict=True)
            yield Screen({key: value for key, value in changed if not _is_skip(value)})

    def _enter(self, request: Any, name: str, arrives: bool) -> Callable[[], bool]:
        """A question whether what is shown is still wanted (``Context.enter``)."""
        if not self.of_model:
            return lambda: True
        return self.context.enter(request, self.place, name, arrives)

    def _key(self, run: str, request: Any) -> tuple[str, str, Any]:
        return self.place, run, getattr(request, "session_hash", None)

    def _places(self, changes: Mapping[str, Any]) -> tuple[Any, ...]:
        unknown = changes.keys() - self.shows.keys() - {"stop", "status"}
        assert not unknown, f"{self.place} has no outputs {sorted(unknown)}"
        return tuple(changes.get(name, gr.skip()) for name in self.shows)

    def _event(self, handler: Callable, wiring: Wiring) -> Callable[..., Iterator[tuple[Any, ...]]]:
        """``_steps``, and nothing at the end: Gradio sends what was yielded last once more."""
        steps = self._steps(handler, wiring)

        def event(request: gr.Request, name: str, *values: Any) -> Iterator[tuple[Any, ...]]:
            yield from steps(request, name, *values)
            yield self._places({})

        return event

    def _steps(self, handler: Callable, wiring: Wiring) -> Callable[..., Iterator[tuple[Any, ...]]]:
        """The handler, a generator or a plain function, as the function of a queued event."""
        status = wiring.status

        def steps(request: gr.Request, name: str, *values: Any) -> Iterator[tuple[Any, ...]]:
            silent = self._places({})
            in_time = self._enter(request, name, wiring.arrives)
            if not in_time():
                yield silent
                return
            key, wish = self._key(wiring.run, request), repr((name, values))
            # A menu that is left says "input" though nothing was chosen in it. What a button does
            # is more than the controls say: it may be about to change them.
            if wiring.moved and newest.has(key, wish):
                yield silent
                return
            follows = wiring.moved or wiring.arrives
            ticket, busy, told = newest.take(key, wish if follows else None), None, False
            for other in wiring.ends:
                newest.end(self._key(other, request))
            asked = self._asked(values, request, wiring.also)
            for changes in self._run(handler, name, asked, wiring):
                if not in_time():
                    break
                if (state := newest.state(key, ticket)) != "wanted":
                    # Said here too: what was told last may reach the page after Stop's own answer.
                    if state == "stopped":
                        yield self._places(_stopped(status))
                        return
                    break
                if changes is None:
                    continue
                if (line := changes.get(status)) is not None:
                    now = isinstance(line, dict) and line.get("kind") == "busy"
                    if now is not busy and "stop" not in changes:
                        changes = {**changes, "stop": gr.Button(interactive=now)}
                    busy = now
                    if isinstance(line, dict) and line.get("kind") == "problem":
                        newest.forget(key, ticket)
                told = True
                yield self._places(changes)
            else:
                if told:
                    return
            # Gradio sends what was yielded last once more at the end, and None for no yield at all.
            yield silent

        return steps

    def _once(self, handler: Callable, wiring: Wiring) -> Callable[..., tuple[Any, ...]]:
        """The handler, a plain function, as the function of an event without a queue."""

        def once(request: gr.Request, name: str, *values: Any) -> tuple[Any, ...]:
            in_time = self._enter(request, name, wiring.arrives)
            try:
                changes = self._lacking(name, wiring.status) or handler(
                    self.context, name, self._asked(values, request, wiring.also)
                )
            except Exception as error:
                changes = self._problem(handler, name, error, wiring.status)
            return self._places(changes if changes and in_time() else {})

        return once

    def _run(
        self, handler: Callable, name: str, asked: Asked, wiring: Wiring
    ) -> Iterator[Mapping[str, Any] | None]:
        if wiring.rest:
            time.sleep(wiring.rest)
            yield None
        if name and (sentence := self.refusal(name)):
            yield self._closed(wiring.status, sentence)
            return
        if wiring.arrives and "stage" in self.shows:
            yield screen(**self._curtain(True))
        if wiring.loads and name and name not in self.context.store.loaded:
            yield screen(**{wiring.status: say(LOADING, kind="busy")})
        try:
            answer = handler(self.context, name, asked)
            if inspect.isgenerator(answer):
                yield from answer
            else:
                yield answer
        except Exception as error:
            yield self._problem(handler, name, error, wiring.status)

    def refusal(self, name: str) -> str:
        """A sentence on why the part has nothing to show of a model; "" where it has."""
        needs = self.needs | self.tab_needs
        sentence = lacks(self.context, name, *sorted(needs)) if needs else ""
        return sentence or (self.lacking(self.context, name) if self.lacking else "")

    def _closed(self, status: str, sentence: str) -> Screen:
        """What is shown for a model that lacks what the part needs."""
        problem = say(sentence, kind="problem")
        if "missing" in self.shows:
            return screen(**self._curtain(False, problem))
        return screen(**self._curtain(False), **{status: problem})

    def _curtain(self, there: bool, sentence: Any = None) -> dict[str, Any]:
        """The stage shown or hidden, and the line in its place hidden or shown."""
        places = {"stage": gr.Column(visible=there)} if "stage" in self.shows else {}
        if "missing" in self.shows:
            places["missing"] = gr.HTML(visible=not there, **({} if there else {"value": sentence}))
        return places

    def _lacking(self, name: str, status: str) -> Screen | None:
        """What is shown where a model lacks what the tab needs, and so is no page's wish."""
        if not (name and self.tab_needs and lacks(self.context, name, *self.tab_needs)):
            return None
        return self._closed(status, self.refusal(name))

    def _asked(self, values: Sequence[Any], request: Any, also: Iterable[str] = ()) -> Asked:
        return Asked(request=request, **dict(zip([*self.asks, *also], values, strict=True)))

    def _problem(self, handler: Callable, name: str, error: Exception, status: str) -> Screen:
        """What is shown of an error; what was not foreseen goes to the log with its traceback."""
        text = sentence_of(error)
        if text == UNEXPECTED:
            log.error("%s.%s of %s failed.", self.place, _name(handler), name, exc_info=error)
        kind = "plain" if isinstance(error, NotYet) else "problem"
        return screen(**{status: say(text, kind=kind)}, stop=gr.Button(interactive=False))

    def _saving(self, handler: Callable, kind: str) -> Callable[..., tuple[Any, Any]]:
        def save(request: gr.Request, name: str, *values: Any) -> tuple[Any, Any]:
            try:
                if name and (sentence := self.refusal(name)):
                    raise ValueError(sentence)
                return handler(self.context, name, self._asked(values, request), kind), gr.skip()
            except Exception as error:
                return gr.skip(), self._problem(handler, name, error, "status").status

        return save


def _stopped(status: str) -> Screen:
    return screen(**{status: say("Stopped.")}, stop=gr.Button(interactive=False))


def _name(handler: Callable) -> str:
    return getattr(handler, "func", handler).__name__


def _is_skip(value: Any) -> bool:
    return value == gr.skip() if isinstance(value, dict) else False
