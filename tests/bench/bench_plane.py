"""The plane: how soon each method has learned, how soon it is seen, how many may train at once.

* ``learn``: for each method, of one core: seconds and steps until KL(p || q) on the ring of eight
  is 0.1 nats ("-" where it is not within ``--seconds``), KL and modes then, steps a second,
  milliseconds to compute a moment.
* ``first``: seconds from the order to the first moment, in a process that is warm.
* ``visitors``: steps a second of a coupling flow each, while 1, 2, 4 and 8 train one.
* ``screen``: in a headless browser, points of one's own: seconds from Start to the first frame, and
  frames a second during the run, beside those of a page on which nothing trains.

All of it takes four minutes on two idle cores. The load of the machine stands beside what is wall
time; ``learn`` counts time of the processor.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch

from models.contract.random import generator
from models.plane import METHODS
from models.plane.contract import HasDensity, grid
from models.plane.contract import method as method_of
from models.plane.data import Dataset, dataset
from models.plane.film import arrays_of
from models.plane.measures import divergences, measure
from models.plane.run import Run
from models.plane.session import Session

ROOT = Path(__file__).parents[2]
GOAL, LOOKS, RARER = 0.1, 0.25, 1.3  # nats; seconds until the first look; between two, this factor
SHORT = 3.0  # seconds of methods without a density, whose KL is an estimate too rough for the goal
SCREENED = ("gaussian-mixture", "flow-matching", "coupling", "gan")
WATCHED = 6.0  # seconds of a run that frames are counted in
PARTS = ("learn", "first", "visitors", "screen")


def kl(run: Run, data: Dataset) -> float:
    if isinstance(run.shown, HasDensity):
        log_p = data.density.log_density(grid()).reshape(64, 64)
        log_q = run.shown.log_density(grid()).reshape(64, 64)
        return divergences(log_p, log_q)["kl_forward"].value
    return measure(run.shown, data, generator(0))["kl_forward"].value


def learn(key: str, seconds: float) -> dict[str, float | int | str | None]:
    """Trains to the goal, or for so many seconds of this process; looking does not count."""
    torch.set_num_threads(1)
    data, has_density = dataset("ring"), bool(method_of(key).DENSITY)
    Run(key, data).advance()  # what is set up once
    run = Run(key, data, clock=time.process_time)
    following, reached, found = LOOKS, False, float("nan")
    end = seconds if has_density else min(seconds, SHORT)
    while not reached and run.seconds < end and not run.model.finished:
        run.advance()
        if has_density and (run.seconds > following or run.model.finished):
            following = RARER * run.seconds
            found = kl(run, data)
            reached = found <= GOAL
    if not reached:
        found = kl(run, data)
        reached = has_density and found <= GOAL
    begun = time.process_time()
    arrays_of(run.shown, data, run.seed)
    took = time.process_time() - begun
    return {
        "method": key, "seconds": run.seconds if reached else None, "steps": run.step, "kl": found,
        "modes": int(measure(run.shown, data, generator(0))["modes"].value),
        "rate": run.step / run.seconds, "moment": 1000 * took,
    }  # fmt: skip


class Seen(Exception):
    """The first moment has come."""


class Watch:
    """A wire that ends a run with its first moment."""

    def report(self, what: str, **values: object) -> None:
        if what == "moment":
            raise Seen

    def order(self, wait: bool = False) -> dict[str, object] | None:
        return None


def first_moment(key: str) -> float:
    """Seconds from an order to the first moment."""
    begun = time.perf_counter()
    with contextlib.suppress(Seen):
        Session(Watch(), Run(key, dataset("ring"))).work()
    return time.perf_counter() - begun


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


# -- on screen ------------------------------------------------------------------------------------

# Times of all frames of the browser while something goes on, in milliseconds.
COUNT = """milliseconds => new Promise(done => {
  const times = [], end = performance.now() + milliseconds;
  const frame = now => {
    times.push(now);
    if (now < end) requestAnimationFrame(frame); else done(times);
  };
  requestAnimationFrame(frame);
})"""
# From the click to the frame after the one in which the run's first moment is drawn.
START = """() => new Promise((done, failed) => {
  const begun = performance.now(), frames = PLANE.frames;
  document.querySelector('#plane-start').click();
  const frame = now => {
    const run = PLANE.app.panels()[0].run;
    if (run?.film && PLANE.frames > frames) requestAnimationFrame(() => done(now - begun));
    else if (now - begun > 60000) failed(new Error('no moment within a minute'));
    else requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""


def frames(page, seconds: float) -> tuple[float, float, float]:
    """Frames a second, and the median and the 95th percentile of the milliseconds between two."""
    gaps = np.diff(page.evaluate(COUNT, 1000 * seconds))
    return 1000 / gaps.mean(), float(np.median(gaps)), float(np.percentile(gaps, 95))


@contextlib.contextmanager
def opened() -> Iterator[object]:
    """A page on which the tab is open, on points of one's own; the server and the browser end."""
    from playwright.sync_api import sync_playwright

    from tests.browser import chromium
    from tests.browser.conftest import open_page, served

    with served("--device", "cpu", tabs=("plane",)) as address, sync_playwright() as playwright:
        path = chromium.find()
        browser = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(120_000)
        open_page(page, f"{address}/?tab=plane&plane.state=m:{SCREENED[0]};s:moons")
        page.wait_for_selector(".ge-plane .host[data-open]")
        page.wait_for_function("PLANE.app.films().length === 1 && PLANE.app.films()[0].count > 1")
        yield page
        browser.close()


def on_screen() -> None:
    with opened() as page:
        rate, middle, late = frames(page, WATCHED)
        print(
            f"a shipped film: {rate:.0f} frames a second, {middle:.0f} ms between two, "
            f"95 of 100 within {late:.0f} ms; load {os.getloadavg()[0]:.1f}", flush=True,
        )  # fmt: skip
        points = dataset("moons", 500).points.ravel().tolist()
        for key in SCREENED:
            page.evaluate(
                "([key, points]) => { PLANE.app.set({ methods: [key], set: 'own', points,"
                " minutes: 0.5 }); PLANE.app.dataChanged(); }", [key, points],
            )  # fmt: skip
            page.wait_for_function("!PLANE.app.running()")
            first = page.evaluate(START) / 1000
            rate, middle, late = frames(page, WATCHED)
            came = page.evaluate("PLANE.app.films()[0].count")
            page.evaluate("PLANE.app.runs.tell('0', 'stop')")
            page.wait_for_function("!PLANE.app.running()")
            print(
                f"{key:17} first frame {first:.2f} s after Start, {rate:.0f} frames a second, "
                f"{middle:.0f} ms between two, 95 of 100 within {late:.0f} ms, {came} moments; "
                f"load {os.getloadavg()[0]:.1f}", flush=True,
            )  # fmt: skip


# -- all of it ------------------------------------------------------------------------------------


def _learn(methods: list[str], seconds: float) -> None:
    print("method            s to KL 0.1   steps    KL     modes  steps/s  moment, ms", flush=True)
    # A core each: what is counted is time of the processor.
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for row in pool.map(partial(learn, seconds=seconds), methods):
            soon = "-" if row["seconds"] is None else f"{row['seconds']:.1f}"
            print(
                f"{row['method']:17} {soon:>11} {row['steps']:>7} {row['kl']:>7.3f} "
                f"{row['modes']:>6} {row['rate']:>8.0f} {row['moment']:>8.0f}", flush=True,
            )  # fmt: skip


def _first(methods: list[str]) -> None:
    times = {key: min(first_moment(key) for _ in range(2)) for key in methods}
    slowest = max(times, key=times.__getitem__)
    print(
        f"first moment after an order: {np.median(list(times.values())):.2f} s, "
        f"at most {times[slowest]:.2f} s ({slowest}); load {os.getloadavg()[0]:.1f}", flush=True,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS, help="some of the parts")
    parser.add_argument("--seconds", type=float, default=10.0, help="of training, at most a method")
    parser.add_argument("--methods", nargs="*", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--visitors", nargs="*", type=int, default=[1, 2, 4, 8])
    args = parser.parse_args()
    torch.set_num_threads(1)
    begun = time.perf_counter()
    if "learn" in args.only:
        _learn(args.methods, args.seconds)
    if "first" in args.only:
        _first(args.methods)
    for visitors in args.visitors if "visitors" in args.only else ():
        rate, load = at_once(visitors, 4.0), os.getloadavg()[0]
        print(f"{visitors} at once: {rate:.0f} steps a second each; load {load:.1f}", flush=True)
    if "screen" in args.only:
        on_screen()
    print(f"{time.perf_counter() - begun:.0f} s in all")


if __name__ == "__main__":
    main()
