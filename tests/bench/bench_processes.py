"""Two processes that share every batch, over one that has it alone: images a second.

Each number is of a run of its own, by turns. The one process is given one thread, and then both:
on two cores the first ratio says what is gained, the second whether threads do as well.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

import torch

from models.contract.random import generator
from models.data.datasets import DIGIT_NAMES, Dataset
from models.machine import processes
from models.training.recipe import from_dict, load_recipe
from models.training.train import Run

NAMES = ("vae-mnist", "gan-mnist")
WARM, STEPS, TURNS = 5, 40, 3
LAUNCH = (
    "-m", "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1",
    "--main_process_port", "0", "--mixed_precision", "no", "--dynamo_backend", "no",
    "--num_processes", "2",
)  # fmt: skip


def measure(name: str) -> None:
    """Prints the images a second of a recipe on random bytes, from this process or its launch."""
    processes.join("cpu")
    values = load_recipe(name).to_dict()
    values["train"] |= {"steps": 100_000, "snapshots": 0}
    images = torch.randint(0, 256, (2048, 1, 28, 28), generator=generator(0)).to(torch.uint8)
    data = Dataset("random bytes", "train", images, torch.arange(2048) % 10, DIGIT_NAMES)
    run = Run(from_dict(values), data)
    steps = run.steps()
    for _ in range(WARM):
        next(steps)
    started = time.perf_counter()
    for _ in range(STEPS):
        next(steps)
    if processes.here().main:
        print(STEPS * run.batch_size / (time.perf_counter() - started))


def rate(name: str, launch: tuple[str, ...], threads: int) -> float:
    done = subprocess.run(
        [sys.executable, *launch, "-m", "tests.bench.bench_processes", name],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout.split()[-1])


def main() -> None:
    print("images a second, training; each number the median of", TURNS)
    for name in NAMES:
        ways = {"one": ((), 1), "one, two threads": ((), 2), "two processes": (LAUNCH, 1)}
        found: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(TURNS):
            for way, (launch, threads) in ways.items():
                found[way].append(rate(name, launch, threads))
        one, threads, two = (statistics.median(values) for values in found.values())
        print(
            f"{name}: one process {one:.0f}, with two threads {threads:.0f}, two processes "
            f"{two:.0f}: {two / one:.2f}x, {two / threads:.2f}x of the threads"
        )


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
