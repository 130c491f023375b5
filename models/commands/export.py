"""``export``: a model as one HTML file that runs without Python, or several as a static Space.

The file shows the model by the page's own components, so it is ``explorer`` that makes it. Nothing
here imports the page: it is named by a dotted path, as families are, and where only ``models`` is
installed a sentence says so.
"""

from __future__ import annotations

import argparse
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from models.checkpoints.header import resolve
from models.commands.progress import each
from models.export.packing import KINDS
from models.machine.files import check_folder

FILES = "explorer.export.files"


def add_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "names",
        nargs="+",
        metavar="CHECKPOINT",
        help="a folder, a .safetensors file, or a shipped name; several with --space",
    )
    sub.add_argument("--to", metavar="FILE.html", help="the file to write, one model's")
    sub.add_argument(
        "--space",
        metavar="FOLDER",
        help="write a static Space into this folder: an index, and a page for each model",
    )
    sub.add_argument(
        "--weights", default="float16", help=f"how weights are stored: {', '.join(KINDS)}"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    if args.weights not in KINDS:
        raise ValueError(f"--weights is one of {', '.join(KINDS)}, not '{args.weights}'.")
    if bool(args.to) == bool(args.space):
        raise ValueError("Say where to write: --to FILE.html for one model, or --space FOLDER.")
    if args.to and len(args.names) > 1:
        raise ValueError("--to writes one model's file; with several give --space FOLDER.")
    if args.to and Path(args.to).suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"--to writes a file that ends in .html, not '{Path(args.to).name}'.")
    for name in args.names:
        resolve(name)
    check_folder(Path(args.to).parent if args.to else Path(args.space))
    try:
        files = import_module(FILES)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"An exported file is made of the page's components, and '{error.name}' is not "
            "installed here: get the whole project, and install its requirements."
        ) from error
    if args.to:
        size = files.write_file(args.names[0], Path(args.to), args.weights)
        written = {"out": args.to, "bytes": size}
    else:
        watch = partial(each, what="export", unit="model")
        sizes = files.write_space(args.names, Path(args.space), args.weights, watch)
        written = {"out": args.space, "bytes": sizes}
    if not args.json:
        total = size if args.to else sum(sizes.values())
        print(f"Wrote {written['out']} ({total / 1e6:.1f} MB). Open it in a browser.")
    return {**written, "weights": args.weights}
