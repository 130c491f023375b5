"""``evaluate``: what a checkpoint is worth on test images, written on its card."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from models import FOREIGN
from models.checkpoints.fetch import called, origin
from models.checkpoints.header import read_header, resolve
from models.checkpoints.parts import INDEX, WEIGHTS
from models.checkpoints.weights import load
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
    if args.against is not None:
        return _against(args, file)
    if read_header(file).family in FOREIGN:
        raise ValueError(
            f"Nothing says which pictures '{called(file.parent)}' was trained on; name those that "
            "its samples are held against: --against DATA, a data set or a folder of pictures."
        )
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
            progress=not args.json or sys.stderr.isatty(),
            run=_run(args),
        )
    except NotKept as error:  # what was measured is shown in any case
        header, unwritten = error.header, error
    if not args.json:
        _show(header.metrics)
    measured = {"name": header.name, "metrics": header.metrics}
    if unwritten is not None:
        if args.json:
            print(json.dumps(measured))
        raise unwritten
    return measured


def _against(args: argparse.Namespace, file: Path) -> dict[str, Any]:
    """Measures samples against the pictures that were named; nothing is written."""
    from models.evaluation.against import quality_against
    from models.machine.processes import join

    if args.only or args.run or args.samples:
        raise ValueError("--against measures samples alone; leave --only, --run and --samples out.")
    model = load(file, join(args.device))
    found = quality_against(
        model, args.against, file.parent, args.data_dir, args.n or 0, args.seed, not args.json
    )
    if not args.json:
        _show(found)
    return {"name": called(file.parent), "against": args.against, "metrics": found}


def _show(metrics: dict[str, dict[str, Any]]) -> None:
    from models.evaluation.card import meaning, number

    for name, metric in metrics.items():
        error = f" ± {number(metric['stderr'])}" if metric.get("stderr") is not None else ""
        print(f"{name:22} {number(metric['value'])}{error}  n={metric.get('n')}  {meaning(name)}")


def _run(args: argparse.Namespace) -> Path | None:
    """What --run names: a folder of runs for tricks, else one checkpoint."""
    if args.run is None or "tricks" in args.only:
        return None if args.run is None else Path(args.run)
    return resolve(args.run).parent


def _check_results(folder: Path) -> None:
    """Raises ValueError where results could not be written into the checkpoint's folder."""
    try:
        check_folder(folder)
    except ValueError as error:
        sentence = str(error).removesuffix("; choose another folder.")
        raise ValueError(f"{sentence}; with --dry the results are only printed.") from error
