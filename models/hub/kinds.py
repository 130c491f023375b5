"""What kind of model a folder holds, and what opens it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from models.checkpoints.fetch import FOREIGN, OURS, called
from models.checkpoints.header import CheckpointError

# By the file that tells: a function of the folder, as a dotted path, and whether it takes a device.
KINDS = {
    OURS: "models.checkpoints.weights:load",
    FOREIGN: "models.foreign:open",
}


def kind_of(folder: str | Path) -> str:
    """The file that tells what kind of model a folder holds, one of ``KINDS``; "" of none."""
    return next((name for name in KINDS if (Path(folder) / name).is_file()), "")


def open_folder(folder: str | Path, device: str = "cpu") -> Any:
    """The model in a folder, ours or another library's, in evaluation mode on ``device``.

    Raises ValueError, one sentence, where there is none or it cannot be opened.
    """
    folder, kind = Path(folder), kind_of(folder)
    if not kind:
        raise CheckpointError(
            f"'{called(folder)}' holds no model: there is neither {' nor '.join(KINDS)} in it."
        )
    module, _, function = KINDS[kind].partition(":")
    try:
        opens = getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise CheckpointError(
            f"'{called(folder)}' is a pipeline of diffusers, which this version cannot open."
        ) from None
    return opens(folder, device) if kind == OURS else opens(folder).to(device)
