"""What kind of model a folder holds, and what opens it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.checkpoints import weights
from models.checkpoints.fetch import FOREIGN, OURS, called
from models.checkpoints.header import CheckpointError
from models.checkpoints.parts import weights_in

KINDS = (OURS, FOREIGN)  # the files that tell


def kind_of(folder: str | Path) -> str:
    """The file that tells what kind of model a folder holds, one of ``KINDS``; "" of none."""
    if weights_in(folder) is not None:  # in one file or in parts
        return OURS
    return next((name for name in KINDS if (Path(folder) / name).is_file()), "")


def open_folder(folder: str | Path, device: str = "cpu") -> Any:
    """The model in a folder, ours or another library's, in evaluation mode on ``device``.

    Raises ValueError, one sentence, where there is none or it cannot be opened.
    """
    if not kind_of(folder):
        raise CheckpointError(
            f"'{called(folder)}' holds no model: there is neither {' nor '.join(KINDS)} in it."
        )
    return weights.load(folder, device)
