"""A lecture hall: so many visitors open the page within seconds, then each does something now and
then, as a class does. Beside every light action the same visitor asks a bare Gradio app, in a
process of its own on the same machine, for constant bytes.

    python -m tests.load.hall --visitors 100 --minutes 10

Times are from a visitor's asking to the last answer, in seconds; the visitors share the machine
with the server. Memory is that of the server's process (RSS).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from explorer.tabs.latent.view import written
from tests.bench.bench_page_start import OURS, ROOT, start
from tests.bench.bench_visits import resident
from tests.load.visitor import PATIENCE, Action, Config, Further, Refused, Visitor

BARE = """
import os
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
import gradio as gr
with gr.Blocks(analytics_enabled=False) as page:
    go = gr.Button("Go", elem_id="go")
    out = gr.HTML()
    go.click(lambda: "A" * 16_000, None, out, api_visibility="private", show_progress="hidden",
             concurrency_limit=8)
page.launch(run_history=False, ssr_mode=False)
"""
LIGHT, HEAVY = "light", "heavy"
TABLE = "table of all models"
FIRST = 60  # seconds in which a server that was just started has models to load
TRAINERS = 20  # one visitor in so many trains


def draws(model: str) -> Action:
    """Sixteen samples; every other time of a seed of one's own, else those that all begin with."""

    async def act(visitor: Visitor) -> None:
        visitor.put(sample_count=16, sample_seed=random.choice((0, random.randrange(1_000_000))))
        await visitor.show("sample", model)

    return act


def shows(place: str, model: str, *, seed: str = "") -> Action:
    """A part of the page, of the seed that all begin with or one of one's own."""

    async def act(visitor: Visitor) -> None:
        if seed:
            visitor.put(**{seed: random.choice((0, random.randrange(1_000_000)))})
        await visitor.show(place, model)

    return act


def scores(model: str) -> Action:
    """One of the sixteen examples: its score among others, then by itself the table of what every
    other model says of it, which fills while the visitor looks at the score."""

    async def act(visitor: Visitor) -> Further:
        visitor.put_input("show_score_one", EXAMPLE, random.randrange(16))
        table = await visitor.show("score_one", model, follow=False)
        return TABLE, visitor.start(table)

    return act


async def pad(visitor: Visitor) -> None:
    """The pad comes on screen; after that the marker is put down somewhere. What is seen while it
    is dragged is decoded in the browser."""
    model = "vae-mnist-2d"
    if "pad" not in visitor.seen:
        visitor.seen.add("pad")
        await visitor.show("latent", model)
        return
    place = written(model, np.random.default_rng(random.randrange(1_000_000)).normal(size=2))
    for event in visitor.config.told_by("moved"):
        visitor.values[event["inputs"][PLACE]] = place
    await visitor.start(visitor.config.told_by("moved"))


# Which input of their events these are: the picker is the first.
EXAMPLE, PLACE = 2, 2

# What a visitor does: its name, whether it is light, how often, how.
ACTIONS: tuple[tuple[str, str, float, Action], ...] = (
    ("samples, VAE", LIGHT, 2, draws("vae-mnist")),
    ("samples, GAN", LIGHT, 2, draws("gan-mnist")),
    ("samples, flow", LIGHT, 1, draws("flow-mnist")),
    ("pad", LIGHT, 3, pad),
    ("score, VAE", LIGHT, 1, scores("vae-mnist")),
    ("map", LIGHT, 1, shows("map_codes", "vae-mnist")),
    ("film of a game", LIGHT, 1, shows("game_theatre", "gan-mnist")),
    ("schedule", LIGHT, 1, shows("denoise_schedule", "diffusion-mnist")),
    ("denoising, 20 steps", HEAVY, 2,
     shows("denoise_watch", "diffusion-mnist", seed="watch_seed")),
    ("a digit, transformer", HEAVY, 1,
     shows("pixels_watch", "transformer-mnist", seed="pixels_seed")),
    ("score, diffusion", HEAVY, 1, scores("diffusion-mnist")),
)  # fmt: skip


async def train(visitor: Visitor) -> None:
    await visitor.show("train", "vae-mnist")
    await visitor.press("train-start")


@dataclass(frozen=True)
class Lecture:
    """How many come, for how long, and how they behave. opened_within: seconds in which all of them
    come. pause: least and most seconds between two things that a visitor does. without: names of
    actions that nobody does."""

    visitors: int = 100
    minutes: float = 10.0
    train: bool = False
    opened_within: float = 20.0
    pause: tuple[float, float] = (5.0, 15.0)
    seed: int = 0
    without: tuple[str, ...] = ()


@dataclass
class Told:
    """Seconds by action, those of what began in the first minute apart, and what went wrong."""

    begun: float = field(default_factory=time.monotonic)
    later: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)

    async def time(self, name: str, work: Any) -> Any:
        """Waits for the work and returns what it gives: a Further of an action, or nothing."""
        begun = time.perf_counter()
        try:
            further = await work
        except (Refused, httpx.HTTPError) as error:
            self.errors.append(f"{name}: {type(error).__name__} {error}")
            return None
        took = time.perf_counter() - begun
        self.seconds[name].append(took)
        if time.monotonic() - took - self.begun > FIRST:
            self.later[name].append(took)
        return further

    def row(self, names: list[str], later: bool = False) -> dict[str, Any]:
        seconds = self.later if later else self.seconds
        every = sorted(s for name in names for s in seconds.get(name, ()))
        if not every:
            return {"n": 0}
        at = {q: every[min(len(every) - 1, int(q / 100 * len(every)))] for q in (50, 95, 99)}
        return {"n": len(every), **{f"p{q}": round(value, 2) for q, value in at.items()}}


async def visit(k: int, ours: Any, bare: Any, plan: Lecture, told: Told) -> None:
    """One visitor from the page's opening to the lecture's end."""
    await asyncio.sleep(plan.opened_within * k / plan.visitors)
    end = time.monotonic() + 60 * plan.minutes
    visitor, other = Visitor(*ours), Visitor(*bare)
    await told.time("open", visitor.open())
    beat = asyncio.create_task(heartbeat(visitor))
    if plan.train and k % TRAINERS == TRAINERS - 1:
        await told.time("train", train(visitor))
    weights = [0 if name in plan.without else weight for name, _, weight, _ in ACTIONS]
    while time.monotonic() < end:
        await asyncio.sleep(random.uniform(*plan.pause))
        name, kind, _, act = random.choices(ACTIONS, weights)[0]
        if further := await told.time(name, act(visitor)):
            await told.time(*further)
        if kind == LIGHT:
            await told.time("bare", other.press("go"))
    beat.cancel()


async def heartbeat(visitor: Visitor) -> None:
    """The line by which a server knows that a page is open."""
    where = f"/gradio_api/heartbeat/{visitor.session}"
    async with visitor.client.stream("GET", where, timeout=None) as line:
        async for _ in line.aiter_bytes():
            pass


async def watch_memory(pid: int, told: Told, begun: float) -> None:
    while True:
        told.memory.append((time.monotonic() - begun, resident(pid)))
        await asyncio.sleep(5)


def connect(address: str) -> tuple[httpx.AsyncClient, Config]:
    with urllib.request.urlopen(f"{address}/config", timeout=60) as answer:
        config = Config.of(json.load(answer))
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx.AsyncClient(base_url=address, timeout=PATIENCE, limits=limits), config


async def lecture(ours: str, bare: str, pid: int, plan: Lecture) -> Told:
    told, begun = Told(), time.monotonic()
    one, two = connect(ours), connect(bare)
    async with one[0], two[0]:
        watching = asyncio.create_task(watch_memory(pid, told, begun))
        await asyncio.gather(*(visit(k, one, two, plan, told) for k in range(plan.visitors)))
        watching.cancel()
    return told


def report(told: Told, plan: Lecture) -> dict[str, Any]:
    kinds = {name: kind for name, kind, _, _ in ACTIONS}
    light = [name for name, kind in kinds.items() if kind == LIGHT]
    heavy = [name for name, kind in kinds.items() if kind == HEAVY]
    rows = {
        "open": told.row(["open"]), "light": told.row(light), "heavy": told.row(heavy),
        "bare": told.row(["bare"]), "light, after a minute": told.row(light, later=True),
        "heavy, after a minute": told.row(heavy, later=True),
        "bare, after a minute": told.row(["bare"], later=True),
        **{name: told.row([name]) for name in (*kinds, TABLE)},
        **({"train": told.row(["train"])} if plan.train else {}),
    }  # fmt: skip
    done = sum(len(each) for name, each in told.seconds.items() if name != "bare")
    opened = [mb for second, mb in told.memory if second >= 2 * plan.opened_within] or [0.0]
    return {
        "visitors": plan.visitors, "minutes": plan.minutes, "rows": rows,
        "actions_a_second": round(done / (60 * plan.minutes + plan.opened_within), 2),
        "errors": len(told.errors), "of_these": sorted(set(told.errors))[:10],
        "mb_once_all_are_here": round(opened[0]), "mb_at_the_end": round(opened[-1]),
        "ratio_light_p95": ratio(rows["light"], rows["bare"]),
    }  # fmt: skip


def ratio(ours: dict[str, Any], bare: dict[str, Any]) -> float | None:
    return round(ours["p95"] / bare["p95"], 1) if ours.get("p95") and bare.get("p95") else None


def held(plan: Lecture, checkpoints: str) -> dict[str, Any]:
    """Starts the page and the bare app, holds the lecture, and returns what was found."""
    random.seed(plan.seed)
    ours, address, _ = start(OURS, "--checkpoints", checkpoints, "--max-jobs", "5")
    bare, bare_address, _ = start(BARE)
    for process in (ours, bare):  # what they say would fill a pipe
        threading.Thread(target=process.stdout.read, daemon=True).start()
    try:
        return report(asyncio.run(lecture(address, bare_address, ours.pid, plan)), plan)
    finally:
        for process in (ours, bare):
            process.terminate()
            process.wait(20)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--visitors", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--train", action="store_true", help="one visitor in twenty trains, too")
    parser.add_argument("--checkpoints", default=str(ROOT / "pretrained"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    plan = Lecture(args.visitors, args.minutes, args.train, seed=args.seed)
    result = held(plan, args.checkpoints)
    if args.json:
        print(json.dumps(result))
        return int(bool(result["errors"]))
    print(f"{'':<24}{'n':>6}{'p50':>9}{'p95':>9}{'p99':>9}")
    for name, row in result.pop("rows").items():
        print(f"{name:<24}{row['n']:>6}" + "".join(f"{row.get(p, '-'):>8}s" for p in
                                                   ("p50", "p95", "p99")))  # fmt: skip
    for key, value in result.items():
        print(f"{key.replace('_', ' ')}: {value}")
    return int(bool(result["errors"]))


if __name__ == "__main__":
    sys.exit(main())
