"""Every part of the page over the shipped checkpoints, used as a browser would use it.

``Visit`` is a page that somebody has open: values of controls, which what is shown changes and
which the next event takes along; ``.then`` follows, and timers tick. What is done in a part is
found from the built page alone, so that a new part or a new checkpoint is swept without a word
here.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import resource
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

import explorer
from explorer.page.context import Context
from explorer.page.parts import key_of
from explorer.page.runs import newest
from explorer.tabs import TABS

# Cheaper settings by a control's name (digits at its end left out); never dearer than the page's
# own. What a part is asked for with them is the same work, and less of it.
CHEAP = {"count": 4, "steps": 5, "repeats": 1, "searches": 2}
# Seconds after which a handler is ended that has shown something, and one that has not; not with
# the first model of a part, which goes through all of it.
PATIENCE, LONGEST = 0.25, 4.0
# Seconds that a timer may go on.
TICKING = 90.0
MEGABYTES = 600

_sessions = itertools.count()


@lru_cache
def page() -> tuple[Context, Any]:
    """The page over the shipped checkpoints."""
    context = Context.create(device="cpu")
    return context, explorer.build(context)


def needs_of(place: str) -> set[str]:
    """What a model must have for the part: the tab, the part's module and the part itself say."""
    context, _ = page()
    tab_key, _, part_key = place.partition("_")
    tab = next(tab for tab in TABS if key_of(tab) == tab_key)
    modules = [module for module in getattr(tab, "PARTS", ()) if key_of(module) == part_key]
    own = context.built[place].needs
    return set(tab.NEEDS).union(own, *(getattr(module, "NEEDS", ()) for module in modules))


def roots(place: str) -> dict[str, Any]:
    """The functions that begin what a part is swept with, by what happens: it arrives, its main
    button is pressed, the page is opened."""
    context, blocks = page()
    part = context.built[place]
    found: dict[str, Any] = {}
    for fn in blocks.fns.values():
        if getattr(fn.fn, "place", None) != place:
            continue
        first, events = root(fn), {event for _, event in root(fn).targets}
        if f"show_{place}" in events:
            found.setdefault("arrives", first)
        elif "load" in events:
            found.setdefault("opens", first)
        elif fn.fn.handler == part.main:
            found.setdefault("main", first)
    return found


def root(fn: Any) -> Any:
    """The event that a chain of ``.then`` begins with."""
    _, blocks = page()
    while fn.trigger_after is not None:
        fn = blocks.fns[fn.trigger_after]
    return fn


@lru_cache
def swept() -> list[tuple[str, str]]:
    """(place, model) of all there is to sweep, for each part the smallest model first; "" for a
    part that is not about a model."""
    context, _ = page()
    store, pairs = context.store, []
    for place, part in sorted(context.built.items()):
        if not roots(place):
            continue
        able = sorted(
            store.having(needs_of(place)), key=lambda name: (store.header(name).parameters, name)
        )
        pairs += [(place, name) for name in (able if part.of_model else [""])]
    return pairs


def cases(metafunc: pytest.Metafunc, k: int) -> None:
    """The cases of a half, for its ``pytest_generate_tests``. Finding them builds the page: a run
    that leaves out what reads shipped models is not to wait for it."""
    if {"place", "name"} <= set(metafunc.fixturenames):
        left_out = "not shipped" in metafunc.config.option.markexpr
        metafunc.parametrize(("place", "name"), [] if left_out else half(k))


def half(k: int) -> list[tuple[str, str]]:
    """Every second model of each part, so that two processes share the work."""
    pairs = []
    for _, group in itertools.groupby(swept(), key=lambda pair: pair[0]):
        pairs += list(group)[k::2]
    return pairs


class Fault(AssertionError):
    """What a person would have seen go wrong."""


class Visit:
    """One person's page. shown: the places of outputs that were given something, by component."""

    def __init__(self, name: str) -> None:
        self.context, self.blocks = page()
        self.request = SimpleNamespace(session_hash=f"sweep-{next(_sessions)}")
        self.values: dict[int, Any] = {}
        self.props: dict[int, dict[str, Any]] = {}
        self.shown: set[int] = set()
        self.cut = False
        self.values[self.context.picker._id] = name

    # -- controls ---------------------------------------------------------------------------------

    def value(self, block: Any) -> Any:
        if block._id not in self.values:
            self.values[block._id] = copy.deepcopy(getattr(block, "value", None))
        return self.values[block._id]

    def prop(self, block: Any, name: str) -> Any:
        return self.props.get(block._id, {}).get(name, getattr(block, name, None))

    def cheapen(self, part: Any) -> None:
        """Sets controls to less, as a person might."""
        for name, control in part.asks.items():
            least = CHEAP.get(name.rstrip("0123456789"))
            if least is None:
                continue
            now = self.value(control)
            if isinstance(control, gr.Slider):
                self.values[control._id] = min(now, max(least, self.prop(control, "minimum")))
            elif isinstance(control, (gr.Dropdown, gr.Radio)):
                offered = [value for _, value in self.prop(control, "choices")]
                enough = [v for v in offered if isinstance(v, int) and least <= v]
                self.values[control._id] = min([now, *enough]) if isinstance(now, int) else now
            elif now == "":  # a setting that a link may give
                self.values[control._id] = str(least)

    def answer(self, part: Any) -> None:
        """Answers what the part asks (a choice that nothing is chosen of), as anybody might."""
        for control in part.asks.values():
            if isinstance(control, gr.Radio) and self.value(control) is None:
                self.values[control._id] = self.prop(control, "choices")[0][1]

    def taken(self, block: Any) -> Any:
        """What a control sends; Gradio refuses what is not among the choices."""
        value = self.value(block)
        if isinstance(block, (gr.Dropdown, gr.Radio)) and value is not None:
            offered = [each for _, each in self.prop(block, "choices")]
            if value not in offered:
                raise Fault(f"{block.label}: {value!r} is not among {offered}")
        return value

    # -- events -----------------------------------------------------------------------------------

    def happens(self, fn: Any, patient: bool) -> None:
        """Something happens, and what follows; then timers tick as long as they are on."""
        self._runs(fn, patient)
        end = time.monotonic() + TICKING
        while ticking := [fn for fn in self.blocks.fns.values() if self._ticks(fn)]:
            if time.monotonic() > end:
                raise Fault("What was begun does not end.")
            time.sleep(0.1)
            for each in ticking:
                self._runs(each, patient)

    def _ticks(self, fn: Any) -> bool:
        timers = [self.blocks.blocks[of] for of, event in fn.targets if event == "tick"]
        return any(self.prop(timer, "active") for timer in timers)

    def _runs(self, fn: Any, patient: bool) -> None:
        done = self._answers(fn, patient) if fn.fn is not None else True
        if not done:
            self.cut = True
            return
        for each in self.blocks.fns.values():
            if each.trigger_after == fn._id:
                self._runs(each, patient)

    def _answers(self, fn: Any, patient: bool) -> bool:
        """Shows what a function answers. False where it was ended before it was done."""
        inputs = [self.taken(block) for block in fn.inputs]
        takes = inspect.signature(fn.fn).parameters
        given = [self.request, *inputs] if next(iter(takes), "") == "request" else inputs
        answer = fn.fn(*given)
        if not inspect.isgenerator(answer):
            self._show(fn.outputs, answer)
            return True
        if patient:
            for places in answer:
                self._show(fn.outputs, places)
            return True
        ended, start, before = threading.Event(), time.monotonic(), len(self.shown)
        late = threading.Timer(LONGEST, self._end, [fn.fn, ended])
        late.start()
        try:
            for places in answer:
                self._show(fn.outputs, places)
                if time.monotonic() > start + PATIENCE and len(self.shown) > before:
                    answer.close()
                    return False
        finally:
            late.cancel()
        return not ended.is_set()

    def _end(self, fn: Any, ended: threading.Event) -> None:
        """Ends a handler of a part as a newer wish of the same person would."""
        if (place := getattr(fn, "place", None)) is not None:
            part = self.context.built[place]
            ended.set()
            newest.end(part._key(part.wirings[fn.handler].run, self.request))

    def _show(self, outputs: list[Any], places: Any) -> None:
        if not outputs:
            return
        places = places if len(outputs) > 1 else [places]
        places = list(places) if isinstance(places, (tuple, list)) else [places] * len(outputs)
        for block, value in zip(outputs, places, strict=True):
            for problem in problems(value):
                raise Fault(problem)
            if isinstance(value, gr.blocks.Block):
                value = {**value.constructor_args, "__type__": "update"}
            if isinstance(value, Mapping) and value.get("__type__") == "update":
                changes = {k: v for k, v in value.items() if k != "__type__"}
                self.props.setdefault(block._id, {}).update(changes)
                if "value" not in changes:
                    continue
                value = changes["value"]
            if not is_status(value) and not same(value, self.value(block)):
                self.shown.add(block._id)
            self.values[block._id] = value


def problems(value: Any) -> Iterator[str]:
    """The sentence of a status that tells of a problem."""
    if isinstance(value, Mapping) and value.get("kind") == "problem":
        yield value.get("text", "")


def same(a: Any, b: Any) -> bool:
    """Whether two values are alike, arrays too."""
    try:
        return a is b or bool(a == b)
    except ValueError:  # of arrays that are different objects
        return False


def is_status(value: Any) -> bool:
    return isinstance(value, Mapping) and {"kind", "text"} <= value.keys()


def peak() -> float:
    """The most memory that this process has had, in MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def sweep(place: str, name: str) -> None:
    """Goes through a part with a model, as far as patience goes. Raises ``Fault``; skips what
    the part itself turns down, in its own words."""
    import torch  # noqa: F401 - not to be counted below

    context, _ = page()
    part, visit = context.built[place], Visit(name)
    if name and (sentence := part.refusal(name)):
        pytest.skip(sentence)
    first = next(model for each, model in swept() if each == place)
    patient, before = name == first, peak()
    for what in ("opens", "arrives", "main"):
        if (fn := roots(place).get(what)) is not None:
            visit.cheapen(part)
            if what == "main":
                visit.answer(part)
            visit.happens(fn, patient)
    outputs = {block._id for block in part.shows.values()} - {
        part.shows[each]._id for each in ("code", "stop", "status") if each in part.shows
    }
    begun = roots(place).keys() & {"arrives", "main"}
    if begun and not visit.cut and not visit.shown & outputs:
        raise Fault("Nothing has changed on screen.")
    if (grown := peak() - before) > MEGABYTES:
        raise Fault(f"{grown:.0f} MB more were needed.")
