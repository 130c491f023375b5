"""``evaluate``: what a checkpoint is worth on test images, written on its card."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from models.checkpoints.fetch import origin
from models.checkpoints.header import resolve
from models.checkpoints.parts import INDEX, WEIGHTS
from models.commands.arguments import DRAWS, IMAGES
from models.contract.knobs import checked_seed
from models.machine.files import check_folder


def run(args: argparse.Namespace) -> dict[str, Any]:
    from models.evaluation.evaluate import NotKept, evaluate
    from models.machine.processes import join

    checked_seed(args.seed, "--seed")
    if args.n is not None:
        IMAGES.checked(args.n, "--n")
    if args.samples is not None:
        DRAWS.checked(args.samples, "--samples")
    file = resolve(args.checkpoint)
    if not args.dry and origin(file.parent):
        raise ValueError(
            "Results are written beside the weights: save that model to a folder of yours first, "
            "or measure it with --dry."
        )
    if not args.dry:
        _check_results(file.parent)
    if file.name not in (WEIGHTS, INDEX):
        raise ValueError(f"Results are written beside the weights: call '{file.name}' {WEIGHTS}.")
    unwritten = None
    try:
        header = evaluate(
            file.parent,
            args.data_dir,
            join(args.device),
            n=args.n,
            samples=args.samples,
            seed=args.seed,
            only=args.only,
            write=not args.dry,
            progress=not args.json,
            run=None if args.run is None else resolve(args.run).parent,
        )
    except NotKept as error:  # what was measured is shown in any case
        header, unwritten = error.header, error
    if not args.json:
        from models.evaluation.card import meaning, number

        for name, metric in header.metrics.items():
            error = f" ± {number(metric['stderr'])}" if metric.get("stderr") is not None else ""
            print(
                f"{name:22} {number(metric['value'])}{error}  n={metric.get('n')}  {meaning(name)}"
            )
    measured = {"name": header.name, "metrics": header.metrics}
    if unwritten is not None:
        if args.json:
            print(json.dumps(measured))
        raise unwritten
    return measured


def _check_results(folder: Path) -> None:
    """Raises ValueError where results could not be written into the checkpoint's folder."""
    try:
        check_folder(folder)
    except ValueError as error:
        sentence = str(error).removesuffix("; choose another folder.")
        raise ValueError(f"{sentence}; with --dry the results are only printed.") from error
