"""``translate``: picture files as pictures of another kind."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from models.checkpoints.weights import load
from models.commands.arguments import instead
from models.commands.reading import read_pictures
from models.data.collection import counted
from models.machine.files import check_folder


def run(args: argparse.Namespace) -> dict[str, Any]:
    """The grid has the pictures as they are read, and below them their translations; and what
    comes back of those, where ``--cycle`` asks for it."""
    import torch

    from models.contract.abilities import Translates
    from models.data import pictures
    from models.machine.processes import here, join

    out = Path(args.out)
    pictures.check_writable(out)
    check_folder(out.parent)
    model = load(args.checkpoint, join(args.device))
    if not isinstance(model, Translates):
        raise ValueError(f"'{args.checkpoint}' does not translate pictures.{instead(model)}")
    direction = args.direction or model.directions[0]
    if direction not in model.directions:
        known = " or ".join(f'--direction "{each}"' for each in model.directions)
        raise ValueError(f"'{args.checkpoint}' does not translate '{direction}'; use {known}.")
    others = [each for each in model.directions if each != direction]
    if args.cycle and len(others) != 1:
        raise ValueError(f"'{args.checkpoint}' does not translate back; leave --cycle out.")
    paths, x, facts = read_pictures(args, model.image_shape)
    x = x.to(model.device)
    rows = [x, model.translate(x, direction)]
    result: dict[str, Any] = {"out": str(out), "direction": direction, "images": paths}
    if args.cycle:
        rows.append(model.translate(rows[1], others[0]))
        result["cycle_error"] = (rows[2] - x).abs().flatten(1).mean(1).tolist()
    if here().main:
        pictures.save(pictures.grid(torch.cat(rows).cpu(), len(x)), out)
    here().wait()
    if not args.json:
        for path, error in zip(paths, result.get("cycle_error", ()), strict=False):
            print(f"{path}: what comes back is off by {error:.4f} a pixel (of 1)")
        print(f"Wrote {counted(len(x), 'translation')}, {direction}, to {out}.")
    return {**result, **facts}
