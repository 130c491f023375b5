"""Visitors of several pages behind haproxy: what each costs the machine, and whether all are
answered.

    python -m tests.load.many --visitors 40 --minutes 3

They behave as those of ``tests.load.hall``, each with a browser's own cookies. Processor seconds
are of each process's own and hold on a busy machine too, which times do not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from tests.bench.bench_page_start import ROOT
from tests.bench.bench_visits import resident
from tests.browser.replicas import COOKIE, Replicas, behind_haproxy
from tests.load import hall
from tests.load.visitor import PATIENCE, Visitor


def processor_seconds(pid: int) -> float:
    """Of a process and its children that have ended, and of those that have not."""
    ticks = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == pid:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == pid:
            ticks += sum(map(int, fields[11:13]))
    return ticks / 100


async def visit(k: int, config: Any, address: str, plan: hall.Lecture, told: hall.Told) -> str:
    """One visitor, whose cookies are theirs alone. Returns where the cookie has led them."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE, limits=limits) as client:
        await asyncio.sleep(plan.opened_within * k / plan.visitors)
        end = time.monotonic() + 60 * plan.minutes
        visitor = Visitor(client, config)
        await told.time("open", visitor.open())
        beat = asyncio.create_task(hall.heartbeat(visitor))
        weights = [0 if name in plan.without else weight for name, _, weight, _ in hall.ACTIONS]
        while time.monotonic() < end:
            await asyncio.sleep(random.uniform(*plan.pause))
            name, _, _, act = random.choices(hall.ACTIONS, weights)[0]
            await told.time(name, act(visitor))
        beat.cancel()
        return client.cookies.get(COOKIE, "")


async def lecture(replicas: Replicas, plan: hall.Lecture) -> tuple[hall.Told, list[str]]:
    told = hall.Told()
    client, config = hall.connect(replicas.address)
    await client.aclose()
    where = await asyncio.gather(
        *(visit(k, config, replicas.address, plan, told) for k in range(plan.visitors))
    )
    return told, where


def held(plan: hall.Lecture, checkpoints: str) -> dict[str, Any]:
    """Starts the pages and the proxy, lets the visitors come, and returns what was found."""
    random.seed(plan.seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        behind_haproxy(Path(folder), "--checkpoints", checkpoints) as replicas,
    ):
        processes = {**replicas.pages, "haproxy": replicas.proxy}
        before = {name: processor_seconds(each.pid) for name, each in processes.items()}
        told, where = asyncio.run(lecture(replicas, plan))
        spent = {
            name: processor_seconds(each.pid) - before[name] for name, each in processes.items()
        }
        memory = {name: round(resident(each.pid)) for name, each in processes.items()}
    actions = sum(map(len, told.seconds.values())) - len(told.seconds["open"])
    minutes = plan.visitors * plan.minutes
    of_pages = sum(value for name, value in spent.items() if name != "haproxy")
    return {
        "visitors": plan.visitors,
        "minutes": plan.minutes,
        "at each page": dict(Counter(where)),
        "rows": {name: told.row([name]) for name in told.seconds},
        "actions": actions,
        "errors": len(told.errors),
        "of these": sorted(set(told.errors))[:5],
        "processor seconds": {name: round(value, 1) for name, value in spent.items()},
        "of the pages, a visitor's minute": round(of_pages / minutes, 2),
        "of the pages, an action": round(of_pages / max(1, actions), 2),
        "of haproxy, a visitor's minute": round(spent["haproxy"] / minutes, 4),
        "memory, MB": memory,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--visitors", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--checkpoints", default=str(ROOT / "pretrained"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    plan = hall.Lecture(args.visitors, args.minutes, seed=args.seed)
    result = held(plan, args.checkpoints)
    print(json.dumps(result, indent=1))
    return int(bool(result["errors"]))


if __name__ == "__main__":
    sys.exit(main())
