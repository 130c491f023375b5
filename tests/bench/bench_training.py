"""Training throughput: the loop as shipped over a plain float32 loop of the same network.

Both train the network of ``vae-mnist`` on the same random bytes, in turns within one process, so
that whatever else the machine does falls on both. Prints images a second (the median of the turns)
and their ratio; then what decoding 1,024 codes costs.
"""

from __future__ import annotations

import statistics
import time

import torch

from models import checkpoint
from models.base import generator
from models.data import Dataset
from models.recipe import from_dict, load_recipe
from models.train import Run

STEPS, TURNS = 8, 5


def recipe(**train):
    values = load_recipe("vae-mnist").to_dict()
    values["train"] |= {"steps": 100_000, **train}
    values["model"] |= {"samples": 1}
    return from_dict(values)


def plain_loop(dataset: Dataset, images_a_batch: int):
    """What one would write first: float32, default memory layout, Adam, no frills."""
    values = recipe()
    torch.manual_seed(0)
    model = checkpoint.build("vae", {"image": [1, 28, 28], **values.model})
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    step = 0
    while True:
        chosen = torch.randint(len(dataset), (images_a_batch,))
        x = dataset.images[chosen].float() / 255
        for objective in model.objectives(x, None, generator(step)):
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


def main() -> None:
    images = torch.randint(0, 256, (2048, 1, 28, 28), generator=generator(0)).to(torch.uint8)
    dataset = Dataset("random bytes", "train", images)
    run = Run(recipe(), dataset)
    batch = run.batch_size
    ours, plain = run.steps(), plain_loop(dataset, batch)
    rate(ours, batch), rate(plain, batch)  # warm up both
    pairs = [(rate(ours, batch), rate(plain, batch)) for _ in range(TURNS)]
    fast, slow = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(
        f"training vae-mnist's network, batch {batch}, {torch.get_num_threads()} threads: "
        f"{fast:,.0f} images/s (bf16: {run.bf16}), plain float32 loop {slow:,.0f}: "
        f"ratio {ratio:.2f} (floor 1.5 where the CPU multiplies in bfloat16)"
    )

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
