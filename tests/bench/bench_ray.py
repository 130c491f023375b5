"""Answers a second of one worker of Ray and of two, beside this process, and what a call costs.

    python -m tests.bench.bench_ray --rounds 3

It needs Ray (``pip install "ray[serve]"``). The rounds take turns, as other work changes meanwhile.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from explorer.server.ask import Ask, Seed
from explorer.server.engines import engine_of
from explorer.server.store import Store
from tests.bench.bench_page_start import ROOT

ASKING = 8  # visitors at a time


def answers_a_second(ask: Ask, name: str, calls: int, count: int) -> float:
    """Of ``count`` samples each, of a seed of their own."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(ASKING) as threads:
        list(threads.map(lambda k: ask(name, "sample", count, Seed(k)), range(calls)))
    return calls / (time.perf_counter() - begun)


def milliseconds_of_a_call(ask: Ask, name: str) -> float:
    """The median time of what takes next to no work: the way there and back."""
    took = []
    for _ in range(100):
        begun = time.perf_counter()
        ask(name, "sample", 1, Seed(0))
        took.append(1000 * (time.perf_counter() - begun))
    return float(np.median(took))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="diffusion-mnist")
    parser.add_argument("--calls", type=int, default=32)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    store = Store([ROOT / "pretrained"], "cpu")
    engines = {"this process": engine_of("", store)}
    for workers in (1, 2):  # both on one Ray; those that nobody asks do nothing
        engines[f"{workers} of Ray"] = engine_of(f"ray?workers={workers}&cpus=0.3", store)
        engines[f"{workers} of Ray"].begin()
    asks = {name: Ask(store, engine=engine) for name, engine in engines.items()}
    for ask in asks.values():
        with ThreadPoolExecutor(ASKING) as threads:  # every worker has the models
            list(threads.map(lambda k, ask=ask: ask(args.model, "sample", 1, Seed(k)),
                             range(2 * ASKING)))  # fmt: skip
    found: dict[str, list[float]] = {}
    for _ in range(args.rounds):
        for name, ask in asks.items():
            rate = answers_a_second(ask, args.model, args.calls, args.count)
            found.setdefault(f"{name}, answers a second", []).append(rate)
            alone = milliseconds_of_a_call(ask, "vae-mnist")
            found.setdefault(f"{name}, ms of a call", []).append(alone)
    for name, values in found.items():
        error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
        print(f"{name:<36}{np.mean(values):>9.2f} ± {error:.2f}  {np.round(values, 2).tolist()}")
    engines["2 of Ray"].close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
