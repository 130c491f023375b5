"""Writing pictures value by value: the fast writers over the whole network for each value.

Sixteen pictures of 28 x 28 at once, on the CPU, float32, every kind of network in the size of its
recipe (where there is none, as said below), fast and naive in turns within one process, so that
whatever else the machine does falls on both. The naive way takes minutes, and as long for one value
as for any other: it is timed over a few values at the beginning and as many in the middle, and the
rest is reckoned from these. The fast way is timed over the whole picture.

Prints the seconds, their ratio (the median of the turns; the floor is 20), and what one picture
takes alone; then how both grow from 14 x 14 over 28 x 28 to 56 x 56.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable

import torch

from models.checkpoints import weights
from models.contract.random import generator, uniform
from models.families.autoregressive.autoregressive import NaiveWriter
from models.training.recipe import load_recipe, recipe_names

PICTURES, FLOOR = 16, 20
VALUES = 14  # that the naive way is timed over, at the beginning and in the middle
KINDS = ("nade", "made", "pixelcnn", "gated", "transformer")
GROWS = "gated"
# Where there is no recipe.
SIZES = {
    "pixelcnn": {"width": 64, "layers": 7},
    "gated": {"width": 64, "layers": 7},
    "transformer": {"width": 192, "layers": 6, "hidden": 256},
}


def settings(kind: str) -> tuple[dict, str]:
    """The model section of a kind's recipe, and where it is from."""
    name = f"{kind}-mnist"
    if name in recipe_names():
        return dict(load_recipe(name).model), "as its recipe"
    return SIZES[kind], "no recipe"


def build(kind: str, side: int = 28):
    values, _ = settings(kind)
    torch.manual_seed(0)
    image = [1, side, side]
    return weights.build("autoregressive", {"network": kind, **values, "image": image}).eval()


def seconds(call: Callable, *arguments) -> float:
    started = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - started


def fast(model, u: torch.Tensor) -> torch.Tensor:
    *_, frame = model.write_steps(u, every=u.shape[1])
    return frame.x


def naive_from(model, u: torch.Tensor, first: int) -> None:
    """A few values written the naive way, as ``write_steps(naive=True)`` does, from the first."""
    places = model.order(0).tolist()
    n, y = len(u), u.new_zeros(len(u), 0)
    writer = NaiveWriter(model.net, n, y, 0, model.image_shape)
    writer.i = first
    for place in places[first : first + VALUES]:
        numbers = writer.numbers()
        v = model.distribution.draw(numbers, u[:, place])
        model.distribution.log_prob(numbers, v)
        writer.put(2 * v - 1)


def naive(model, u: torch.Tensor) -> float:
    """Seconds of all values, reckoned from a few."""
    D = u.shape[1]
    spent = seconds(naive_from, model, u, 0) + seconds(naive_from, model, u, D // 2)
    return spent * D / (2 * VALUES)


def compare(model, n: int, turns: int) -> tuple[float, float, float]:
    """(fast, naive, ratio): medians of the turns, in seconds of all n pictures."""
    u = uniform((n, math.prod(model.image_shape)), generator(0), "cpu")
    fast(model, u[:1])
    naive_from(model, u[:1], 0)
    pairs = [(seconds(fast, model, u), naive(model, u)) for _ in range(turns)]
    quick, slow = (statistics.median(column) for column in zip(*pairs, strict=True))
    return quick, slow, statistics.median(b / a for a, b in pairs)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--kinds", default=",".join(KINDS))
    args = parser.parse_args()
    print(
        f"{PICTURES} pictures of 28 x 28, {torch.get_num_threads()} threads; naive reckoned from "
        f"{VALUES} values at the beginning and {VALUES} in the middle of 784 (floor {FLOOR})"
    )
    for kind in args.kinds.split(","):
        model = build(kind)
        count = sum(p.numel() for p in model.parameters())
        quick, slow, ratio = compare(model, PICTURES, args.turns)
        u = uniform((1, 784), generator(0), "cpu")
        alone = statistics.median(seconds(fast, model, u) for _ in range(args.turns))
        print(
            f"{kind:11} {count:9,} parameters ({settings(kind)[1]}): fast {quick:6.2f} s   naive "
            f"{slow:7.1f} s   ratio {ratio:6.1f}   one alone {alone:.2f} s"
        )
    if GROWS not in args.kinds.split(","):
        return
    print(f"one picture, {GROWS}, as its side is doubled:")
    for side in (14, 28, 56):
        quick, slow, ratio = compare(build(GROWS, side), 1, args.turns)
        print(
            f"{side:2} x {side:2}: fast {quick:6.2f} s   naive {slow:7.1f} s   ratio {ratio:6.1f}"
        )


if __name__ == "__main__":
    main()
