"""``tricks``: trains the short runs of a recipe's table of tricks; ``evaluate`` measures them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from models.checkpoints.header import WEIGHTS
from models.machine.files import check_folder


def run(args: argparse.Namespace) -> dict[str, Any]:
    from models.data import datasets
    from models.machine.processes import join
    from models.training.train import STATE, train
    from models.training.tricks import tricks

    runs = tricks(args.recipe)
    out = Path(args.out or Path("runs") / f"{args.recipe}-tricks")
    check_folder(out)
    device = join(args.device)
    dataset = datasets.load(runs[0].recipe.data.name, "train", args.data_dir)
    # Of one seed after the other: a table that was stopped is whole for the first.
    for trick in sorted(runs, key=lambda trick: trick.recipe.seed):
        folder = out / trick.folder
        if not (folder / WEIGHTS).is_file():
            train(trick.recipe, dataset, folder, device, resume=(folder / STATE).is_file())
            print(f"{trick.folder}  {trick.title}", flush=True)
    print(
        f"Wrote {out}. Measure it with: python -m models evaluate {args.recipe} --only tricks "
        f"--run {out}"
    )
    return {}
