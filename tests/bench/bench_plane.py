"""The plane: how soon each method has learned the ring of eight, and how many may train at once.

* For each method, of one core: seconds and steps until KL(p || q) is 0.1 nats ("-" where it is not
  within ``--seconds``), KL and modes at the end, steps a second, milliseconds of a moment.
* From the order to the first moment, in a process that is warm.
* Steps a second of a coupling flow while 1, 2, 4 and 8 visitors train one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import torch

from models.contract.random import generator
from models.plane import METHODS
from models.plane.contract import HasDensity, grid
from models.plane.data import Dataset, dataset
from models.plane.film import moment_of
from models.plane.measures import divergences, measure
from models.plane.run import Run
from models.plane.session import Session

ROOT = Path(__file__).parents[2]
GOAL, LOOKS = 0.1, 0.25  # nats; seconds of training between two looks


def kl(run: Run, data: Dataset) -> float:
    if isinstance(run.shown, HasDensity):
        log_p = data.density.log_density(grid()).reshape(64, 64)
        log_q = run.shown.log_density(grid()).reshape(64, 64)
        return divergences(log_p, log_q)["kl_forward"].value
    return measure(run.shown, data, generator(0))["kl_forward"].value


def learn(key: str, seconds: float) -> dict[str, float | int | str | None]:
    """Trains for so many seconds of this process; looking does not count."""
    data = dataset("ring")
    Run(key, data).advance()  # what is set up once
    run = Run(key, data, clock=time.process_time)
    following, reached = LOOKS, None
    while run.seconds < seconds and not run.model.finished:
        run.advance()
        if reached is None and (run.seconds > following or run.model.finished):
            following = 1.15 * run.seconds
            if kl(run, data) <= GOAL:
                reached = run.seconds, run.step
    begun = time.process_time()
    moment = moment_of(run)
    took = time.process_time() - begun
    found = moment.measures
    return {
        "method": key, "seconds": reached and reached[0], "steps": reached and reached[1],
        "kl": found["kl_forward"].value, "modes": int(found["modes"].value),
        "rate": run.step / run.seconds, "moment": 1000 * took,
    }  # fmt: skip


class Clock:
    """A wire that tells when the first moment came, and then stops the run."""

    def __init__(self) -> None:
        self.first: float | None = None

    def report(self, what: str, **values: object) -> None:
        if what == "moment" and self.first is None:
            self.first = time.perf_counter()

    def order(self, wait: bool = False) -> dict[str, object] | None:
        return {"do": "stop"} if self.first is not None else None


def first_moment(key: str) -> float:
    """Seconds from an order to the first moment."""
    clock, begun = Clock(), time.perf_counter()
    Session(clock, Run(key, dataset("ring"))).work()
    return clock.first - begun


def at_once(visitors: int, seconds: float) -> float:
    """Steps a second of the slowest of so many runs side by side, a process and a thread each."""
    command = [sys.executable, "-m", "models", "plane", "coupling", "--json"]
    command += ["--minutes", f"{seconds / 60:.4f}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    runs = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=environment, text=True)
        for _ in range(visitors)
    ]
    told = [json.loads(run.communicate()[0]) for run in runs]
    return min(each["steps"] / each["seconds"] for each in told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of training, a method")
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--visitors", nargs="*", type=int, default=[1, 2, 4, 8])
    args = parser.parse_args()
    torch.set_num_threads(1)
    print("method            s to KL 0.1   steps    KL     modes  steps/s  moment, ms")
    for key in args.methods:
        row = learn(key, args.seconds)
        soon = "-" if row["seconds"] is None else f"{row['seconds']:.1f}"
        print(
            f"{key:17} {soon:>11} {row['steps'] or '-':>7} {row['kl']:>7.3f} {row['modes']:>6} "
            f"{row['rate']:>8.0f} {row['moment']:>8.0f}", flush=True,
        )  # fmt: skip
    print(f"first moment after an order: {max(map(first_moment, args.methods)):.2f} s at most")
    for visitors in args.visitors:
        print(f"{visitors} at once: {at_once(visitors, 10.0):.0f} steps a second each")


if __name__ == "__main__":
    main()
