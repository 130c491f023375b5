"""Training throughput: the loop as shipped over a plain float32 loop of the same network.

Both train the network of each shipped recipe on the same random bytes, in turns within one process,
so that whatever else the machine does falls on both. Prints images a second (the median of the
turns) and their ratio; then what decoding 1,024 codes of ``vae-mnist`` costs.
"""

from __future__ import annotations

import statistics
import time

import torch

from models.checkpoints import weights
from models.contract.random import generator
from models.data.datasets import DATASETS, Dataset
from models.training.recipe import from_dict, load_recipe, recipe_names
from models.training.train import Run

STEPS, TURNS = 8, 5


def recipe(name: str, **train):
    values = load_recipe(name).to_dict()
    values["train"] |= {"steps": 100_000, **train}
    if "samples" in values["model"]:
        values["model"] |= {"samples": 1}
    return from_dict(values)


def plain_loop(run: Run):
    """What one would write first: float32, default memory layout, Adam, no frills."""
    torch.manual_seed(0)
    model = weights.build(run.recipe.family, run.model_values())
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    step = 0
    while True:
        chosen = torch.randint(len(run.images), (run.batch_size,))
        x, y = run.images[chosen].float() / 255, run.labels[chosen]
        for objective in model.objectives(x, y, generator(step)):
            optimizer.zero_grad()
            objective.loss.backward()
            optimizer.step()
        step += 1
        yield step


def rate(steps, batch: int) -> float:
    started = time.perf_counter()
    for _ in range(STEPS):
        next(steps)
    return STEPS * batch / (time.perf_counter() - started)


def compare(name: str) -> Run:
    """Prints one line; returns the run as it was measured."""
    shape = DATASETS[load_recipe(name).data.name].shape
    images = torch.randint(0, 256, (2048, *shape), generator=generator(0)).to(torch.uint8)
    run = Run(recipe(name), Dataset("random bytes", "train", images, torch.arange(2048) % 3))
    batch = run.batch_size
    ours, plain = run.steps(), plain_loop(run)
    rate(ours, batch), rate(plain, batch)  # warm up both
    pairs = [(rate(ours, batch), rate(plain, batch)) for _ in range(TURNS)]
    fast, slow = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{name:15} {fast:6,.0f} images/s   plain float32 {slow:6,.0f}   ratio {ratio:.2f}")
    return run


def main() -> None:
    print(f"training, {torch.get_num_threads()} threads (floor 1.5 where the CPU has bfloat16):")
    runs = {name: compare(name) for name in recipe_names()}
    run = runs["vae-mnist"]

    model = run.ema
    codes = torch.randn(1024, model.config.latent, generator=generator(0))
    with torch.no_grad():
        model.decode(codes)
        times = []
        for _ in range(TURNS):
            started = time.perf_counter()
            model.decode(codes)
            times.append(time.perf_counter() - started)
    print(f"decoding 1,024 codes: {1000 * statistics.median(times):.0f} ms")


if __name__ == "__main__":
    main()
