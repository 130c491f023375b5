"""Picture files, as a command reads them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from models.checkpoints.header import read_header
from models.commands.sentences import one_line

if TYPE_CHECKING:
    from torch import Tensor


def read_pictures(
    args: argparse.Namespace, shape: tuple[int, int, int]
) -> tuple[list[str], Tensor, dict[str, Any]]:
    """(paths, pictures (N, C, H, W), further facts): those that can be read; "prepared", what was
    done to each picture by path, and "unreadable", what is wrong by path, where anything is. Raises
    ValueError where none can be read."""
    import torch

    from models.data import pictures
    from models.data.framing import UNTOUCHED

    data = read_header(args.checkpoint).data
    read, wrong = {}, {}
    for path in args.images:
        try:
            read[path] = pictures.read(
                path, shape, data["name"], args.polarity, data.get("ground", "")
            )
        except (ValueError, OSError) as error:
            wrong[path] = one_line(error)
    if not read:
        raise ValueError(next(iter(wrong.values())))
    kept = [path for path in args.images if path in read]
    images = torch.stack([torch.from_numpy(read[path].pixels) for path in kept])
    facts: dict[str, Any] = {"prepared": {path: each.note for path, each in read.items()}}
    if not args.json:
        for note in dict.fromkeys(facts["prepared"].values()):
            if note == UNTOUCHED:
                continue
            alike = [path for path in read if read[path].note == note]
            others = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
            print(f"{alike[0]}{others}: {note}")
    return kept, images, facts | ({"unreadable": wrong} if wrong else {})
