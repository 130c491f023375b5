"""A minute of training on the digits that come along, every family: can a judge read its samples?

Each family begins with what the Train tab offers and trains for a minute, or to its end. Then
500 samples are held against the training pictures: one can be read where at least nine of its ten
nearest are of one class and it is as near to them as 95 in 100 test pictures are to theirs. Printed
beside them, as what is possible and what is not: test pictures, and their pixels shuffled. A model
that writes black and white is held against pictures in black and white, as it learned them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from models.contract.capabilities import WritesPixels
from models.contract.random import generator
from models.data import datasets
from models.training.starts import SIZES, families, start
from models.training.train import Run

N, NEAREST, AGREE, ORDINARY = 500, 10, 9, 0.95


def rows(images: torch.Tensor) -> np.ndarray:
    """(n, C, H, W) in [0, 1] as (n, D)."""
    return images.flatten(1).numpy().astype(np.float64)


class Judge:
    def __init__(
        self, train: datasets.Dataset, test: datasets.Dataset, seen: Callable[[Tensor], Tensor]
    ) -> None:
        """seen: what a model makes of pictures (n, C, H, W) in [0, 1] before it learns them."""
        self.classes = KNeighborsClassifier(NEAREST)
        self.classes.fit(rows(seen(train.images.float() / 255)), train.labels.numpy())
        self.real = rows(seen(test.images.float() / 255))
        self.right = self.classes.score(self.real, test.labels.numpy())
        self.far = np.quantile(self.distance(self.real), ORDINARY)

    def distance(self, images: np.ndarray) -> np.ndarray:
        """(n,): how far each is from its nearest training pictures, on average."""
        return self.classes.kneighbors(images)[0].mean(1)

    def told(self, images: np.ndarray) -> str:
        p = self.classes.predict_proba(images)
        read = (p.max(1) >= AGREE / NEAREST) & (self.distance(images) <= self.far)
        share = read.mean()
        error, kinds = (share * (1 - share) / len(p)) ** 0.5, len(set(p.argmax(1)[read]))
        return f"{share:6.1%} ± {error:.1%} read, {kinds:2d} digits among them"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--families", nargs="+", default=families())
    args = parser.parse_args()
    train, test = (datasets.load("digits", split) for split in ("train", "test"))
    grey = judge = Judge(train, test, lambda x: x)
    shuffled = np.random.default_rng(0).permuted(grey.real, axis=1)
    print(f"{torch.get_num_threads()} threads; right on {grey.right:.1%} of test pictures")
    print(f"{'test pictures':16} {grey.told(grey.real)}")
    print(f"{'shuffled pixels':16} {grey.told(shuffled)}")
    for family in args.families:
        run, began = Run(start(family, args.size, train), train), time.perf_counter()
        for _ in run.steps():
            if time.perf_counter() - began > args.seconds:
                break
        spent = time.perf_counter() - began
        with torch.no_grad():
            samples = rows(run.ema.sample(N, generator(0)).cpu())
        beside = ""
        if isinstance(run.ema, WritesPixels):
            judge = Judge(train, test, partial(run.ema.observed, rng=generator(1)))
            beside = f" (test pictures so: {judge.told(judge.real)})"
        words = f"{judge.told(samples)}{beside}; {run.step:,} steps in {spent:.0f} s"
        print(f"{family:16} {words}", flush=True)
        judge = grey


if __name__ == "__main__":
    main()
