"""Sampling speed of a diffusion model: our network and DDIM over those of diffusers.

Twenty evaluations each, by networks of as many parameters (ours as shipped; theirs in the shape
that was their fastest at this size), float32, a class asked for, in turns within one process, so
that whatever else the machine does falls on both. Prints images a second (the median of the turns)
and the ratio; then what a step costs when ten times as many are taken and every frame is kept.
"""

from __future__ import annotations

import statistics
import time

import torch
from diffusers import DDIMScheduler, UNet2DModel

from models.checkpoints import weights
from models.contract.random import generator
from models.training.recipe import load_recipe

STEPS, TURNS = 20, 3
BATCHES = (1, 16, 64)


def ours() -> torch.nn.Module:
    settings = {**load_recipe("diffusion-mnist").model, "num_classes": 10}
    model = weights.build("diffusion", settings)
    return model.to(memory_format=torch.channels_last).eval()  # as checkpoint.load gives it


def theirs() -> torch.nn.Module:
    net = UNet2DModel(
        sample_size=28,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(32, 64, 104),
        down_block_types=("DownBlock2D",) * 3,
        up_block_types=("UpBlock2D",) * 3,
        norm_num_groups=8,
        num_class_embeds=11,
        add_attention=False,
    )
    return net.to(memory_format=torch.channels_last).eval()


def sample_ours(model, n: int, steps: int = STEPS) -> torch.Tensor:
    """Every frame is kept, as the page does."""
    frames = list(model.sample_steps(n, generator(0), 3, sampler="ddim", steps=steps))
    return frames[-1].x


def sample_theirs(net, n: int) -> torch.Tensor:
    """The loop of their DDIMPipeline, without its progress bar and its conversion to PIL."""
    scheduler = DDIMScheduler()
    scheduler.set_timesteps(STEPS)
    rng = generator(0)
    x = torch.randn((n, 1, 28, 28), generator=rng)
    label = torch.full((n,), 3)
    for t in scheduler.timesteps:
        x = scheduler.step(net(x, t, label).sample, t, x, eta=0.0, generator=rng).prev_sample
    return (x / 2 + 0.5).clamp(0, 1)


def seconds(call, *arguments) -> float:
    started = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - started


def count(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@torch.no_grad()
def main() -> None:
    model, net = ours(), theirs()
    mine, other = count(model), count(net)
    assert abs(mine / other - 1) < 0.05
    print(
        f"sampling, {STEPS} evaluations, DDIM, {torch.get_num_threads()} threads (floor 1.0); "
        f"parameters: ours {mine:,}, diffusers {other:,}"
    )
    for n in BATCHES:
        sample_ours(model, n), sample_theirs(net, n)  # warm up both
        pairs = [
            (seconds(sample_ours, model, n), seconds(sample_theirs, net, n)) for _ in range(TURNS)
        ]
        fast, slow = (n / statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        print(f"batch {n:2}: {fast:6.1f} images/s   diffusers {slow:6.1f}   ratio {ratio:.2f}")

    few, many = STEPS, 10 * STEPS
    pairs = [
        (seconds(sample_ours, model, 4, many) / many, seconds(sample_ours, model, 4, few) / few)
        for _ in range(TURNS)
    ]
    long, short = (1000 * statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(
        f"a step, batch 4, all frames kept: {short:.1f} ms of {few} steps, {long:.1f} ms of {many}"
        f"   ratio {ratio:.2f}"
    )


if __name__ == "__main__":
    main()
