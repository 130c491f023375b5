"""A run on the plane that somebody watches, driven by lines of JSON (``models.training.wire``).

Reports: ``started`` (the film's header, truth: a film of the set alone, live), ``truth`` (the set
once more, with the field that would be learned of the density itself, where that is known),
``moment`` (packed: a film of one moment, in base64; part: the part of a step just taken, of a slow
step), ``paused``, ``going``, ``note`` (words).

Orders: ``pause``, ``go``, ``step`` (one part of a step, then pause), ``stop``, ``tune`` (values).
"""

from __future__ import annotations

import base64
import dataclasses
import time
from typing import Protocol

from models.plane.data import Dataset, dataset, own
from models.plane.film import Film, film_of, header_of, moment_of, pack, true_field, truth_of
from models.plane.run import Run

SOON, LATE = 0.12, 1.0  # seconds between two moments: at first, and of a run of a minute
SHARE = 1.5  # or this many times what one took to compute
MEASURES = 1.0, 5.0  # the same two of moments with everything measured


class Wire(Protocol):
    """Reports out, orders in."""

    def report(self, what: str, **values: object) -> None: ...

    def order(self, wait: bool = False) -> dict[str, object] | None: ...


class Stopped(Exception):
    """Somebody has stopped the run."""


def asked_data(order: dict[str, object]) -> Dataset:
    """The points that an order names: its own, or a set with its arguments. Raises ValueError."""
    seed = int(order.get("seed", 0))
    if "points" in order:
        return own(order["points"], seed)
    count = int(order.get("n", 2000))
    return dataset(str(order.get("set")), count, seed, **order.get("arguments", {}))


class Session:
    """Takes a run to its end while it shows it. seconds: how long it may train, 0 for no limit;
    pauses do not count."""

    def __init__(self, wire: Wire, run: Run, seconds: float = 0.0) -> None:
        self.wire, self.run, self.limit = wire, run, seconds
        self.paused = self.slow = self.told = False
        self.next_moment = self.next_measures = 0.0

    def work(self) -> str:
        """Trains until the end. Returns why it ended: "done", "stopped" or "time"."""
        config = self.run.model.config
        live = {
            f.name: getattr(config, f.name)
            for f in dataclasses.fields(config)
            if f.metadata.get("live")
        }
        truth = _text(truth_of(self.run.data))
        self.wire.report("started", **header_of(self.run), truth=truth, live=live)
        self.show(small=True)
        try:
            why = self._steps()
        except Stopped:
            why = "stopped"
        self.show(measures=True)
        return why

    def _steps(self) -> str:
        run = self.run
        while not run.model.finished:
            self.listen()
            while self.paused and not self.slow:
                self.listen(wait=True)
            if self.slow:
                self.slow = False
                self.show(measures=True, part=run.part())
                continue
            run.advance()
            if self.limit and run.seconds > self.limit:
                return "time"
            now = time.perf_counter()
            if now > self.next_moment:
                self.show(measures=now > self.next_measures)
        return "done"

    def listen(self, wait: bool = False) -> None:
        """Obeys the orders that have come; wait: until there is one. Raises Stopped."""
        while (order := self.wire.order(wait)) is not None:
            wait = False
            do = order["do"]
            if do == "stop":
                raise Stopped
            if do in ("pause", "step"):
                self.paused, self.slow = True, do == "step"
                self.wire.report("paused")
                if do == "pause":
                    self.show(measures=True)
            elif do == "go":
                self.paused = False
                self.wire.report("going")
            elif do == "tune":
                self._tune(dict(order["values"]))
            if self.slow:  # further steps wait until this one is taken
                return

    def _tune(self, values: dict[str, object]) -> None:
        try:
            self.run.tune(values)
        except ValueError as error:
            self.wire.report("note", words=str(error))
            return
        words = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in values.items())
        self.wire.report("note", words=f"From step {self.run.step} on: {words}.")

    def show(self, measures: bool = False, small: bool = False, part: str = "") -> None:
        """Reports the moment that the run is at."""
        started = time.perf_counter()
        moment = moment_of(self.run, measures, small)
        packed = _text(film_of(self.run, [moment], truth=False))
        self.wire.report("moment", packed=packed, step=self.run.step, part=part)
        if not small and not self.told:
            self._tell_field()
        now = time.perf_counter()
        took, often = now - started, min(LATE, SOON + 0.015 * self.run.seconds)
        self.next_moment = 0.0 if small else now + max(often, SHARE * took)
        if measures:
            self.next_measures = now + max(MEASURES[0], MEASURES[1] * took)

    def _tell_field(self) -> None:
        """Reports the true field, once. It may take half a second: not before the first look."""
        self.told = True
        field = true_field(self.run.model, self.run.data)
        if field is not None:
            self.wire.report("truth", truth=_text(truth_of(self.run.data, field)))


def _text(film: Film) -> str:
    return base64.b64encode(pack(film)).decode()
