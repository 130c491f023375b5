"""Generators: images a second at batch 1, 64 and 1,024, and the pad over a GAN's codes.

Every shipped model that has a discriminator makes as many images as fit into a second, in turns
with the others. The pad is measured as ``bench_latent`` does, with the first of these models.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch

from models.checkpoints import weights
from models.checkpoints.header import find, read_header
from models.contract.capabilities import Discriminates
from models.contract.model import Model
from models.contract.random import generator
from tests.bench import bench_latent

ROOT = Path(__file__).parents[2]
BATCHES, TURNS, SECONDS = (1, 64, 1024), 3, 1.0


@torch.no_grad()
def rate(model: Model, batch: int) -> float:
    """Images a second from drawing codes to pictures."""
    rng, made, started = generator(0), 0, time.perf_counter()
    while made == 0 or time.perf_counter() - started < SECONDS:
        model.sample(batch, rng)
        made += batch
    return made / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=Path, default=ROOT / "pretrained")
    args = parser.parse_args()
    found = {folder.name: folder for folder in find(args.checkpoints)}
    able = {
        name: weights.load(folder)
        for name, folder in found.items()
        if "Discriminates" in read_header(folder).capabilities
    }
    assert all(isinstance(model, Discriminates) for model in able.values())
    rates = {(name, batch): [] for name in able for batch in BATCHES}
    for _ in range(TURNS):
        for (name, batch), into in rates.items():
            into.append(rate(able[name], batch))
    print(f"images a second at batch {BATCHES}, {torch.get_num_threads()} threads:")
    for name in able:
        print(f"{name:20}", *(f"{statistics.median(rates[name, b]):9,.0f}" for b in BATCHES))
    if able:
        bench_latent.main(["--checkpoints", str(args.checkpoints), "--model", next(iter(able))])


if __name__ == "__main__":
    main()
