"""A visitor's own runs on the plane: begun, followed, steered, stopped.

They are jobs as those of the Train tab, in a pool of their own (``explorer.server.jobs``): small,
short, and some at a time. Each panel of the page has a place ("0" to "3") for one run.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.server.jobs import Job, JobError, Jobs

if TYPE_CHECKING:
    from explorer.page.context import Context
    from explorer.server.visitors import Visitor

PLACES = ("0", "1", "2", "3")
MOST_MINUTES = 2.0
WAITING = 16
MEGABYTES, DISK_MEGABYTES = 2048, 1
MOST_MOMENTS, MOST_LEFT = 120, 24  # kept of a run while it goes on, and of one that has ended
PATIENCE, LOOK = 10.0, 0.03  # seconds that a question for news waits, and between two looks
ORDERS = ("pause", "go", "step", "stop", "tune")
UNKNOWN = "The page has asked in a way that is not understood; load it anew."


class PlaneJob(Job):
    """A run on the plane. moments: packed films of one moment each, the oldest first; number: how
    many have come in all, with those that were thinned out. truth: the set's points and density,
    packed; told: how many times it came, the second with the true field. part: the part of a step
    that was taken last, where one is taken at a time."""

    DO, AGAIN = "plane", True

    def __init__(self, key: str, order: dict[str, Any], folder: Path) -> None:
        super().__init__("plane", order, folder)
        self.key = key
        self.moments: list[tuple[int, str]] = []
        self.number = self.told = 0
        self.truth = self.part = ""

    def apply(self, report: dict[str, Any]) -> None:
        if report["is"] != "moment":
            with self.lock:
                if "truth" in report:
                    self.truth, self.told = report["truth"], self.told + 1
                super().apply(report)
            return
        with self.lock:
            self.version += 1
            self.number += 1
            self.moments.append((self.number, report["packed"]))
            self.part = report.get("part", "")
            if len(self.moments) > MOST_MOMENTS:
                self._thin()

    def become(self, state: str, words: str = "", problem: bool = False) -> None:
        with self.lock:
            while state == "ended" and len(self.moments) > MOST_LEFT:
                self._thin()
            super().become(state, words, problem)

    def out_of_time(self, step: int) -> str:
        return f"Done: {step:,} steps in {60 * self.order['minutes']:.0f} seconds."

    def _thin(self) -> None:
        """The first, the last, and every other one between."""
        self.moments = self.moments[:-1:2] + self.moments[-1:]


def pool(context: Context) -> Jobs:
    """The runs on the plane of this server: as many at a time as it has cores."""
    whole = context.visitors.jobs

    def make() -> Jobs:
        limits = replace(
            whole.limits, jobs=os.cpu_count() or 1, waiting=WAITING, megabytes=MEGABYTES,
            minutes=min(MOST_MINUTES, whole.limits.minutes), disk_megabytes=DISK_MEGABYTES,
        )  # fmt: skip
        return Jobs(limits, whole.base, whole.command)

    return context.visitors.pool("plane", make)


def offered(context: Context) -> bool:
    """Whether anybody may train on this server."""
    return context.visitors is not None and context.visitors.jobs.limits.jobs > 0


# -- what the browser asks for --------------------------------------------------------------------


def _whose(context: Context, asked: dict[str, Any]) -> Visitor:
    if not offered(context):
        raise JobError("Training is switched off on this server.")
    key = asked.get("visitor")
    if not isinstance(key, str) or not re.fullmatch(r"[0-9a-f]{32}", key):
        raise ValueError(UNKNOWN)
    return context.visitors.arrive(key, None)


def start(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """A run of what is on stage begins, now or when its turn comes; one that was in its place
    ends."""
    visitor, place = _whose(context, asked), asked.get("slot")
    if place not in PLACES or not isinstance(asked.get("key"), str):
        raise ValueError(UNKNOWN)
    minutes = float(_number(asked.get("minutes"), 0, 60))
    order = {
        "method": str(asked.get("method")), "config": _config(asked.get("config")),
        "seed": _number(asked.get("seed"), 0, 999_999), "folder": str(visitor.folder),
        "minutes": min(minutes or MOST_MINUTES, pool(context).limits.minutes),
        **_data(asked.get("data")),
    }  # fmt: skip
    job = PlaneJob(asked["key"][:200], order, visitor.folder)
    before = visitor.others.get(place)
    if before is not None and before.live:
        before.pool.discard(before, 1.0)
    visitor.others[place] = pool(context).begin(job)
    return {"run": id(job), "state": job.state, "words": _waits(job)}


def order(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """Pauses a run, goes on with it, takes one part of a step, stops it, or changes settings."""
    job, do = _job(context, asked), asked.get("do")
    if do not in ORDERS:
        raise ValueError(UNKNOWN)
    if do == "stop":
        job.pool.stop(job)
    elif do == "tune":
        job.tell("tune", values=_config(asked.get("values")))
    else:
        job.tell(do)
    return {"state": job.state}


async def news(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """What is new of the visitor's runs, as soon as there is something. have: for each place the
    run, the number of the last moment that the browser has, and how often it was told the truth."""
    visitor = _whose(context, asked)
    have, until = _have(asked.get("have")), time.monotonic() + PATIENCE
    versions = {place: _version(visitor, place) for place in have}
    while True:
        found = {place: _news(visitor, place, *told) for place, told in have.items()}
        fresh = any(
            item["moments"] or item["truth"] or item["state"] == "ended" for item in found.values()
        )
        moved = any(_version(visitor, place) != v for place, v in versions.items())
        if fresh or moved or time.monotonic() > until or not found:
            return {"runs": found}
        await asyncio.sleep(LOOK)


def mine(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """The runs that a visitor has here, for a page that is loaded anew; and a process is warmed up
    for the next."""
    visitor = _whose(context, asked)
    pool(context).prepare()
    runs = {
        place: {"run": id(job), "key": job.key, "method": job.order["method"], "state": job.state,
                "words": job.words}
        for place, job in visitor.others.items() if job.live
    }  # fmt: skip
    return {"runs": runs}


DOES = {"start": start, "order": order, "news": news, "mine": mine}


# -- what is read and told ------------------------------------------------------------------------


def _job(context: Context, asked: dict[str, Any]) -> PlaneJob:
    job = _whose(context, asked).others.get(asked.get("slot"))
    if job is None or id(job) != asked.get("run"):
        raise JobError("That run is not here any more.")
    return job


def _version(visitor: Visitor, place: str) -> tuple[str, str]:
    job = visitor.others.get(place)
    return (job.state, job.note) if job is not None else ("", "")


def _news(visitor: Visitor, place: str, run: int, have: int, told: int) -> dict[str, Any]:
    job = visitor.others.get(place)
    if job is None or id(job) != run:
        return {"run": run, "state": "ended", "words": "That run is not here any more.",
                "problem": False, "note": "", "part": "", "have": have, "moments": [],
                "truth": "", "told": told}  # fmt: skip
    with job.lock:
        fresh = [packed for number, packed in job.moments if number > have]
        return {
            "run": run, "state": job.state, "words": job.words or _waits(job),
            "problem": job.problem, "note": job.note, "part": job.part, "have": job.number,
            "moments": fresh, "told": job.told if job.moments else told,
            "truth": job.truth if job.moments and told < job.told else "",
        }  # fmt: skip


def _waits(job: Job) -> str:
    if job.state != "waiting":
        return ""
    before = job.pool.place(job)
    return f"Waiting: {before} runs come first." if before else "Waiting for its turn: it is next."


def _have(value: Any) -> dict[str, tuple[int, int, int]]:
    if not isinstance(value, dict) or not set(value) <= set(PLACES):
        raise ValueError(UNKNOWN)
    try:
        return {
            place: (int(run), int(number), int(told))
            for place, (run, number, told) in value.items()
        }
    except (TypeError, ValueError) as error:
        raise ValueError(UNKNOWN) from error


def _number(value: Any, low: float, high: float) -> int | float:
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or not low <= value <= high:
        raise ValueError(UNKNOWN)
    return value


def _config(value: Any) -> dict[str, Any]:
    """Settings as the browser has them; the method itself says which there are and how far they
    go."""
    plain = isinstance(value, dict) and len(value) <= 40
    if not plain or not all(isinstance(v, (int, float, str, bool)) for v in value.values()):
        raise ValueError(UNKNOWN)
    return {str(key)[:40]: v for key, v in value.items()}


def _data(value: Any) -> dict[str, Any]:
    """The order's data: points, or a named set with its arguments. Raises ValueError where nothing
    can be learned from them."""
    from models.plane.data import checked, dataset

    if not isinstance(value, dict):
        raise ValueError(UNKNOWN)
    if "points" in value:
        checked(value["points"])
        return {"points": value["points"]}
    count = int(_number(value.get("count"), 1, 1e6))
    data = {"set": str(value.get("set")), "n": count, "arguments": {}}
    parts = value.get("mixture")
    if parts is not None:
        rows = checked_rows(parts)
        data["arguments"] = {
            "means": [row[:2] for row in rows], "widths": [row[2] for row in rows],
            "weights": [row[3] for row in rows],
        }  # fmt: skip
    dataset(data["set"], n=count, **data["arguments"])
    return data


def checked_rows(parts: Any) -> list[list[float]]:
    """A mixture's rows of x, y, width, weight. Raises ValueError where they are none."""
    rows = parts if isinstance(parts, list) else []
    if not 1 <= len(rows) <= 16 or not all(isinstance(row, list) and len(row) == 4 for row in rows):
        raise ValueError("A mixture has 1 to 16 Gaussians, each with a mean, a width and a weight.")
    return [[float(_number(v, -100, 100)) for v in row] for row in rows]
