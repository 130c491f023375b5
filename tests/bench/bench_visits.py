"""What a visit leaves behind in the server: its memory over a thousand visits.

A visit does over HTTP what a browser does: it opens the page and the line that says it is there,
starts what every page starts, looks at a tab (whose real handlers compute and send all they show),
and closes. "Grown" is how far the memory of the process (RSS) has grown since the first fifty, when
everything that is loaded once has been loaded.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.bench.bench_page_start import OURS, ROOT, start

# The tab (or part) that comes on screen, and with which model: what sends much and computes little.
PLACES = (
    ("sample", "gan-mnist"), ("latent", "vae-mnist-2d"), ("denoise_watch", "diffusion-mnist"),
    ("denoise_schedule", "diffusion-mnist"), ("game_theatre", "gan-mnist"),
    ("map_codes", "vae-mnist"), ("pixels_order", "made-mnist"), ("score_one", "vae-mnist"),
)  # fmt: skip
WARM = 50


def resident(pid: int) -> float:
    """Megabytes of memory that a process holds."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


class Browser:
    """One page of the server at an address, as far as the server can tell."""

    def __init__(self, address: str, config: dict[str, Any]) -> None:
        self.address, self.config = address, config
        self.session = uuid.uuid4().hex[:12]
        self.values = {
            each["id"]: each.get("props", {}).get("value") for each in config["components"]
        }
        self.line: Any = None

    def __enter__(self) -> Browser:
        self._get("").read()
        self.line = self._get(f"gradio_api/heartbeat/{self.session}")
        self.line.readline()
        return self

    def __exit__(self, *_: Any) -> None:
        self.line.close()

    def _get(self, path: str) -> Any:
        return urllib.request.urlopen(f"{self.address}/{path}", timeout=120)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        data = json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.address}/gradio_api/{path}", data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def ask(self, wanted: Callable[[dict[str, Any]], bool]) -> int:
        """Starts every event that is wanted, as the page would; returns how many bytes came."""
        came, waiting = 0, set()
        for event in filter(wanted, self.config["dependencies"]):
            if not event["backend_fn"]:
                continue
            body = {
                "data": [self.values.get(i) for i in event["inputs"]],
                "fn_index": event["id"], "session_hash": self.session, "trigger_id": None,
                "event_data": None,
            }  # fmt: skip
            if event["queue"] is False:
                came += len(str(self._post("run/predict", body)))
            else:
                waiting.add(self._post("queue/join", body)["event_id"])
        if waiting:
            with self._get(f"gradio_api/queue/data?session_hash={self.session}") as stream:
                for line in stream:
                    came += len(line)
                    if not line.startswith(b"data: "):
                        continue
                    said = json.loads(line[6:])
                    if said["msg"] == "process_completed":
                        waiting.discard(said.get("event_id"))
                    if not waiting:
                        break
        return came

    def show(self, place: str, model: str) -> int:
        """A tab or part comes on screen with a model; returns how many bytes came."""
        told = f"show_{place}"
        pickers = [
            each for event in self.config["dependencies"] for each, name in event["targets"]
            if name == told
        ]  # fmt: skip
        if not pickers:
            raise ValueError(f"The page has no place '{place}'.")
        self.values.update(dict.fromkeys(pickers, model))
        return self.ask(lambda event: any(name == told for _, name in event["targets"]))


def visit(address: str, config: dict[str, Any], places: Sequence[tuple[str, str]]) -> int:
    """One visit that sees these places; returns how many bytes came."""
    with Browser(address, config) as page:
        came = page.ask(lambda event: any(name == "load" for _, name in event["targets"]))
        for place, model in places:
            came += page.show(place, model)
    return came


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=1000)
    parser.add_argument("--places", type=int, default=1, help="tabs a visit looks at")
    parser.add_argument("--checkpoints", default=str(ROOT / "pretrained"))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    process, address, _ = start(OURS, "--checkpoints", args.checkpoints)
    try:
        with urllib.request.urlopen(f"{address}/config", timeout=60) as answer:
            config = json.load(answer)
        held, took, first = [], [], None
        for k in range(args.visits + WARM):
            seen = tuple(PLACES[(k + j) % len(PLACES)] for j in range(args.places))
            begun = time.perf_counter()
            visit(address, config, seen)
            took.append(time.perf_counter() - begun)
            held.append(resident(process.pid))
            if k == WARM - 1:
                first = held[-1]
            if (k + 1) % 50 == 0 and not args.json:
                print(f"{k + 1:>6} visits {held[-1]:>8.0f} MB", flush=True)
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
    result = {
        "visits": args.visits, "mb_after_the_first": round(first), "mb_at_the_end": round(held[-1]),
        "grown_percent": round(100 * (held[-1] / first - 1), 1),
        "seconds_a_visit": round(statistics.median(took), 2),
    }  # fmt: skip
    print(json.dumps(result) if args.json else result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
