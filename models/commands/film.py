"""``film``: how a model makes pictures, kept beside it for the page (models/evaluation/film.py)."""

from __future__ import annotations

import argparse
from typing import Any

from models.checkpoints.header import resolve
from models.commands.progress import bar
from models.contract.knobs import checked_seed
from models.machine.files import check_folder


def run(args: argparse.Namespace) -> dict[str, Any]:
    from models.evaluation.film import film
    from models.machine import processes

    checked_seed(args.seed, "--seed")
    folder = resolve(args.checkpoint).parent
    check_folder(folder)
    device = str(processes.join(args.device))
    with bar("film", unit="moment") as shown:
        path = film(folder, device, args.seed, shown.update)
    if not args.json:
        print(f"Wrote {path}.")
    return {"out": str(path), "seed": args.seed}
