"""The engine of a server on processors alone: models compute in processes beside it, the quick, the
long and the longer apart, so that none waits for what takes longer than itself."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from explorer.server.cache import Recent
from explorer.server.engines.aside import GONE, TRIES, Aside, Gone, Unable
from explorer.server.engines.asked import Asked, travels
from explorer.server.engines.local import Local
from explorer.server.store import Store

log = logging.getLogger(__name__)

LONG = 0.15  # seconds of a processor from which on something takes long
LONGER = 1.0  # from which on it would hold up what takes just long
PACE = 1e9  # parameters times pictures times evaluations a second, until it is known better
ANYTHING = 1000  # evaluations that a function may ask for
TURN = 0.0005  # seconds after which a thread lets another have the interpreter
REMEMBERED = 4096  # kinds of things asked, and how long each took


class ByLength:
    """Computes beside the server, by how long what is asked took the last time.

    The process of what is quick starts when ``warm_up`` is called, others once something is long.
    Until they are there it computes, or this process; so does this process what they cannot have.
    Work whose process died is asked for once more, steps that were given are not given again: what
    is asked has its own seeds, so it answers the same.
    """

    def __init__(self, store: Store, processes: int | None = None) -> None:
        cores = os.cpu_count() or 1
        self.local = Local(store)
        quick = [Aside(nice=0) for _ in range(1 + cores // 8)]
        long = [Aside() for _ in range(max(1, min(4, cores // 2)))]
        # The last is for the longer: some calls cannot be cut into steps.
        self.beside = [*quick, *long, Aside()][:processes]
        last = self.beside[-1:]
        long = [each for each in long if each in self.beside] or last
        self.kinds = {"quick": quick, "long": long, "longer": last}
        self._took = Recent(REMEMBERED)
        self._here: set[str] = set()  # names of models that only this process can have

    def warm_up(self) -> None:
        """Starts the process of what is quick; returns at once."""
        import torch

        # While the others start, threads compute side by side here, and wait for each other at
        # every operation, and the page with them: a thread asks for the interpreter anew after
        # each, and gets it when another's turn is over. Turns are short, then.
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
        sys.setswitchinterval(TURN)
        for each in self.kinds["quick"]:
            each.begin()

    def close(self) -> None:
        """Ends the processes."""
        for each in self.beside:
            each.end()

    def forget(self, folder: str) -> None:
        for each in self.beside:
            each.forget(folder)

    def call(self, asked: Asked) -> Any:
        *_, answer = self._run(asked, whole=True)
        return answer

    def steps(self, asked: Asked) -> Iterator[Any]:
        return self._run(asked, whole=False)

    def _run(self, asked: Asked, whole: bool) -> Iterator[Any]:
        key = _key(asked)
        if ready := self._ready(asked, key):
            try:
                yield from self._aside(asked, whole, key, ready)
                return
            except Unable:
                self._here.add(asked.name)
                log.info("%s computes in the server itself.", asked.name, exc_info=True)
        if whole:
            yield self.local.call(asked)
        else:
            yield from self.local.steps(asked)

    def _ready(self, asked: Asked, key: Any) -> list[Aside]:
        """The processes that may be asked; none where it is to be computed here."""
        if asked.name in self._here or not travels(asked):
            return []
        took = self._expected(asked, key)
        kind = "quick" if took <= LONG else "long" if took <= LONGER else "longer"
        if self.kinds["quick"][0].ready.is_set():  # not while a page waits for its first picture
            for each in self.kinds[kind]:
                each.begin()
        ready = [each for each in self.kinds[kind] if each.ready.is_set()]
        return ready or [each for each in self.beside if each.ready.is_set()]

    def _expected(self, asked: Asked, key: Any) -> float:
        """Seconds of a processor that it may take."""
        if (took := self._took.get(key)) is not None:
            return took
        work = asked.work
        took = work.parameters * work.pictures * work.evaluations / PACE
        # A method says by its arguments how long it takes, a function may do anything.
        return took if isinstance(asked.verb, str) else ANYTHING * took

    def _aside(self, asked: Asked, whole: bool, key: Any, ready: list[Aside]) -> Iterator[Any]:
        given = 0
        for _ in range(TRIES):
            process = min(ready, key=lambda each: each.load)
            again, took = given, 0.0
            try:
                for step, seconds in [process.call(asked)] if whole else process.steps(asked):
                    took = seconds
                    if again:
                        again -= 1
                        continue
                    given += 1
                    yield step
            except Gone:
                log.warning("A process beside the server has ended; it is started anew.")
                process.begin()
                continue
            self._took.put(key, took)
            return
        raise ValueError(GONE)


def _key(asked: Asked) -> tuple[Any, ...]:
    verb: str | Callable = asked.verb
    name = verb if isinstance(verb, str) else f"{verb.__module__}.{verb.__qualname__}"
    return asked.name, name, asked.work.pictures, asked.work.evaluations, _words(asked.values)


def _words(values: Any) -> tuple[str, ...]:
    """The words among the values, as names of scores: they decide how long it takes."""
    found: list[str] = []
    for value in values:
        if isinstance(value, (tuple, list)):
            found += [each for each in value if isinstance(each, str)]
        elif isinstance(value, str):
            found.append(value)
    return tuple(found)
