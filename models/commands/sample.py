"""``sample``: a grid of samples in a picture file."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from models.checkpoints.weights import load
from models.commands.arguments import PICTURES, check_knobs, check_label, instead
from models.commands.progress import frames
from models.contract.knobs import checked_seed
from models.machine.files import check_folder


def run(args: argparse.Namespace) -> dict[str, Any]:
    import torch

    from models.contract.capabilities import Samples
    from models.contract.random import generator
    from models.data import pictures
    from models.evaluation.samples import sample
    from models.machine import processes

    PICTURES.checked(args.n, "--n")
    checked_seed(args.seed, "--seed")
    out = Path(args.out)
    pictures.check_writable(out)
    check_folder(out.parent)
    model = load(args.checkpoint, processes.join(args.device))
    if not isinstance(model, Samples):
        raise ValueError(f"'{args.checkpoint}' draws no pictures from noise.{instead(model)}")
    check_label(model, args.label)
    names = ("temperature", "steps", "sampler", "guidance", "truncation")
    given = {name: getattr(args, name) for name in names}
    knobs = {name: value for name, value in given.items() if value is not None}
    check_knobs(model.knobs("sample_steps"), knobs, args.checkpoint, "samples")
    with torch.no_grad():
        watch = partial(frames, what="sample")
        images = sample(model, args.n, generator(args.seed), args.label, watch, **knobs)
    if processes.here().main:
        pictures.save(pictures.grid(images), out)
    processes.here().wait()
    if not args.json:
        print(f"Wrote {args.n} samples to {out}.")
    return {"out": str(out), "n": args.n, "seed": args.seed}
