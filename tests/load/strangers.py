"""Calls no browser would make: every event of a page with wrong types, fields that are missing,
enormous numbers, other people's keys.

    python -m tests.load.strangers                     # the shipped models, four calls an event
    python -m tests.load.strangers --calls 1 --checkpoints FOLDER

What can be called is read from the page's own configuration. Reported: how calls were answered, the
lines in the log, the stacks among them, and the server's memory. Fails where there is a stack, or a
call that nothing was answered to.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
STACK = "Traceback (most recent call last)"
SECONDS = 30.0  # that an answer may take
PATIENCE = 6.0  # after which a stranger leaves who is told that it is being worked on
LEFT = "left"
AT_ONCE = 4
# A busy server may end a connection that has been silent just as it is used again.
FRESH = httpx.Limits(max_keepalive_connections=0)

DEEP: Any = 0
for _ in range(200):
    DEEP = [DEEP]
FILE = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
# What a control may be said to say.
WRONG = (
    None, True, -1, 0, 10**30, -(10**30), 1e308, float("nan"), float("inf"), 2**31, 0.5, "", "x",
    "../../../etc/passwd", "9" * 5000, "\0", "\ud800", [], [[]], [None] * 1000, ["x"] * 3, {},
    {"a": 1}, FILE, [FILE], {"url": "http://127.0.0.1:1/", "path": "http://127.0.0.1:1/"}, DEEP,
    {"__type__": "update", "visible": True}, {"kind": "file", "name": "x", "b64": "AAAA"},
    {"kind": "file", "name": {}, "b64": []}, {"query": [1], "model": {}}, {"n": 10**12, "b64": "!"},
    {"rows": 10**9, "h": 10**9, "w": 10**9}, {"strokes": [[[None, "x"], [1e308, float("nan")]]]},
)  # fmt: skip
# Whose keys and models may be tried.
NAMES = ("nobody", "toy~" + "0" * 32, "../pretrained", "/etc", "0" * 32, "~", "")


@dataclass
class Call:
    """One request. where: a path below the address; what: of whom, for the report."""

    where: str
    body: bytes
    what: str
    event: dict[str, Any] | None = None


@dataclass
class Report:
    """answers: how many calls were answered how. silent: what was not answered to."""

    answers: Counter = field(default_factory=Counter)
    silent: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")


def encoded(value: Any) -> bytes:
    """JSON as Python reads it, with what JSON has not: NaN, and half of a pair of surrogates."""
    return json.dumps(value).encode()


def calls_of(config: dict[str, Any], each: int, rng: random.Random) -> Iterator[Call]:
    """``each`` calls of every event, and some of every function of a component."""
    props = {c["id"]: c["props"] for c in config["components"]}
    models = _models(config)[:6]
    for event in config["dependencies"]:
        if not event.get("backend_fn"):
            continue
        usual = [props.get(i, {}).get("value") for i in event["inputs"]]
        for k in range(each):
            yield _event(event, usual, k, rng, models)
    for component in config["components"]:
        for name in _functions(component["props"]):
            for value in rng.sample(WRONG, min(len(WRONG), 4 * each)):
                body = {"data": value, "component_id": component["id"], "fn_name": name}
                yield Call(
                    "component_server",
                    encoded({**body, "session_hash": _session(rng)}),
                    f"{name} of {component['id']}",
                )
    yield from _bodies(config, rng)


def _models(config: dict[str, Any]) -> list[str]:
    for component in config["components"]:
        if "ge-picker" in (component["props"].get("elem_classes") or []):
            return [m["name"] for m in component["props"].get("models", []) if "name" in m]
    return []


def _functions(props: dict[str, Any]) -> list[str]:
    return [str(each) for each in props.get("server_fns") or props.get("server_functions") or []]


def _session(rng: random.Random) -> str:
    return f"{rng.getrandbits(60):x}"


def _event(event: dict, usual: list, k: int, rng: random.Random, models: list[str]) -> Call:
    """The k-th call of an event: wrong everywhere, in one place, someone else's, too short, ..."""
    data, how = list(usual), k % 6
    if how == 0:
        data = [rng.choice(WRONG) for _ in data]
    elif how in (1, 4) and data:
        data[rng.randrange(len(data))] = rng.choice(WRONG)
    elif how == 2 and data:
        data[0] = rng.choice(NAMES)
        data[1:] = [rng.choice(NAMES) if rng.random() < 0.2 else each for each in data[1:]]
    elif how == 3:
        data = data[: len(data) // 2] if rng.random() < 0.5 else [*data, *data, None]
    elif how == 5 and data:
        data[0] = rng.choice([*models, *NAMES])
        if len(data) > 1:
            data[rng.randrange(1, len(data))] = rng.choice(WRONG)
    body: dict[str, Any] = {"fn_index": event["id"], "data": data, "session_hash": _session(rng)}
    body["trigger_id"] = rng.choice([None, event["inputs"][0] if event["inputs"] else None, 10**9])
    body["event_data"] = rng.choice([None, {"a": 1}, *WRONG[:12]])
    queued = event.get("queue") is not False
    name = event.get("api_name") or "predict"
    return Call(
        "queue/join" if queued else f"run/{name if isinstance(name, str) else 'predict'}",
        encoded(body), f"{name} ({event['id']})", body if queued else None,
    )  # fmt: skip


def _bodies(config: dict[str, Any], rng: random.Random) -> Iterator[Call]:
    """What is no call at all."""
    first = next(d["id"] for d in config["dependencies"] if d.get("backend_fn"))
    whole = {"fn_index": first, "data": [], "session_hash": "abc"}
    for where in ("queue/join", "run/predict", "component_server", "cancel", "reset", "api/x",
                  "call/x", "call/v2/x", "stream/x", "upload"):  # fmt: skip
        for body in (b"", b"{", b"[]", b"null", b"\xff" * 50, b"[" * 100_000, b"9" * 10_000):
            yield Call(where, body, f"{where} without a body")
        for key in (*whole, "component_id", "fn_name", "trigger_id", "event_data", "batched"):
            for value in rng.sample(WRONG, 4):
                yield Call(where, encoded({**whole, key: value}), f"{where} with {key}")


async def call(
    client: httpx.AsyncClient, each: Call, report: Report, patience: float = PATIENCE
) -> None:
    """Makes a call and waits for all that is answered. patience: seconds, after which whoever asks
    leaves if it is being worked on."""
    start = time.monotonic()
    kind = {"Content-Type": "application/json"}
    try:
        async with asyncio.timeout(SECONDS + patience):
            answer = await client.post(f"/gradio_api/{each.where}", content=each.body, headers=kind)
            text = answer.text
            if each.event is not None and answer.is_success:
                session, event = each.event["session_hash"], answer.json()["event_id"]
                text += await _events(client, session, event, patience)
    except (TimeoutError, httpx.HTTPError) as error:
        report.silent.append(f"{each.what}: {type(error).__name__}")
        return
    if (took := time.monotonic() - start) > report.slowest[0]:
        report.slowest = took, each.what
    how = "refused" if '"success":false' in text.replace(" ", "") else "answered"
    if LEFT in text:
        how = "left while it was worked on"
    report.answers[f"{answer.status_code} {how}" if answer.is_success else answer.status_code] += 1
    report.texts.append(text)


async def _events(client: httpx.AsyncClient, session: str, event_id: str, patience: float) -> str:
    lines: list[str] = []
    path = "/gradio_api/queue/data"
    async with client.stream("GET", path, params={"session_hash": session}) as answer:
        try:
            async with asyncio.timeout(patience):
                async for line in answer.aiter_lines():
                    lines.append(line[:2000])
                    if "close_stream" in line:
                        break
                    if '"process_completed"' in line and event_id in line:
                        break
        except TimeoutError:
            if not any(lines):
                raise
            lines.append(LEFT)
    return "\n".join(lines)


async def all_of(address: str, calls: list[Call]) -> Report:
    """Makes the calls, a few at once."""
    report, todo = Report(), iter(calls)
    async with httpx.AsyncClient(base_url=address, timeout=SECONDS + 5, limits=FRESH) as client:

        async def work() -> None:
            for each in todo:
                await call(client, each, report)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        # And it still is a page.
        report.answers["page afterwards"] = (await client.get("/")).status_code
    return report


@dataclass(frozen=True)
class Log:
    """What a server has written. ours: stacks that a line of this project is in."""

    lines: int
    stacks: int
    ours: int
    places: Counter

    @classmethod
    def of(cls, text: str) -> Log:
        stacks = text.split(STACK)[1:]
        places: Counter = Counter()
        ours = 0
        for stack in stacks:
            inside = re.findall(r'File "[^"]*/((?:explorer|models)/[^"]+)", line (\d+)', stack)
            inside = [each for each in inside if "site-packages" not in each[0]]
            ours += bool(inside)
            last = re.search(r"^(\w[\w.]*(?:Error|Exception|Interrupt)\b.{0,90})", stack, re.M)
            where = ":".join(inside[-1]) if inside else "framework"
            places[f"{where}  {last[1] if last else ''}"] += 1
        return cls(text.count("\n"), len(stacks), ours, places)


def megabytes(pid: int, what: str = "VmHWM") -> float:
    """The most memory that a process has had (VmHWM), or has (VmRSS), in MB; Linux alone tells."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) / 1024
    return float("nan")


@contextlib.contextmanager
def served(*arguments: str) -> Iterator[tuple[str, int, Path]]:
    """A page in a process of its own: (address, process id, file of what it writes)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        with path.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "app.py", "--port", str(port), "--device", "cpu", *arguments],
                cwd=ROOT, stdout=out, stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(300):
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.get(f"{address}/gradio_api/startup-events").is_success:
                        break
                time.sleep(0.2)
            yield address, process.pid, path
        finally:
            process.terminate()
            process.wait(30)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=4, help="calls an event (default: 4)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoints", help="folder of models (default: the shipped ones)")
    parser.add_argument("--log", help="where to keep what the server writes")
    args = parser.parse_args(argv)
    given = ["--checkpoints", args.checkpoints] if args.checkpoints else []
    with served(*given) as (address, pid, path):
        config = httpx.get(f"{address}/config", timeout=60).json()
        calls = list(calls_of(config, args.calls, random.Random(args.seed)))
        before, start = megabytes(pid, "VmRSS"), time.monotonic()
        report = asyncio.run(all_of(address, calls))
        took = time.monotonic() - start
        text = path.read_text(errors="replace")
        most, now = megabytes(pid), megabytes(pid, "VmRSS")
    if args.log:
        Path(args.log).write_text(text)
    log = Log.of(text)
    print(f"{len(calls)} calls in {took:.0f} s; slowest {report.slowest[0]:.1f} s, "
          f"{report.slowest[1]}")  # fmt: skip
    print("answers:", dict(report.answers))
    print(f"not answered: {len(report.silent)}", *report.silent[:20], sep="\n  ")
    print(f"log: {log.lines} lines, {log.stacks} stacks, {log.ours} of them in our code")
    for place, count in log.places.most_common(60):
        print(f"  {count:4} {place}")
    print(f"memory: {before:.0f} MB before, {most:.0f} at most, {now:.0f} after")
    return 1 if log.stacks or report.silent else 0


if __name__ == "__main__":
    sys.exit(main())
