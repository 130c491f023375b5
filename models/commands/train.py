"""``train``: a recipe's run, with a bar that shows how far it is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from models.checkpoints.header import read_header
from models.machine.files import check_folder


def run(args: argparse.Namespace) -> dict[str, Any]:
    from tqdm import tqdm

    from models.data import datasets
    from models.machine.processes import here, join
    from models.training.recipe import load_recipe
    from models.training.train import Progress, train

    recipe = load_recipe(args.recipe, args.set)
    out = Path(args.out or Path("runs") / recipe.name)
    check_folder(out)
    device = join(args.device)
    dataset = datasets.load(recipe.data.name, "train", args.data_dir)
    for note in dataset.notes if here().main else ():
        print(note, file=sys.stderr if args.json else sys.stdout)
    bar = tqdm(unit="step", disable=args.quiet or not here().main, dynamic_ncols=True)

    def show(now: Progress) -> None:
        if bar.total is None:
            bar.reset(now.total)
            bar.initial = bar.n = now.step - 1
        bar.update()
        if now.step % 20 == 0 or now.step == now.total:
            losses = {k: f"{v:.4g}" for k, v in now.logs.items() if not k.endswith("_grad")}
            bar.set_postfix({"images/s": f"{now.images_per_second:.0f}", **losses}, refresh=False)

    with bar:
        folder = train(recipe, dataset, out, device, args.resume, show)
    if not args.json:
        print(f"Wrote {folder}. Measure it with: python -m models evaluate {folder}")
    header = read_header(folder)
    return {
        "name": header.name, "out": str(folder), "parameters": header.parameters,
        "training": header.training,
    }  # fmt: skip
