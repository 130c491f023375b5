"""The background model that a likelihood ratio compares with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.checkpoints import weights
from models.checkpoints.header import CheckpointError, Header, find, read_header

if TYPE_CHECKING:
    from models.contract.model import Model


def background_of(
    header: Header, folders: Sequence[Path | str], device: Any = "cpu"
) -> Model | None:
    """The background model of the data that a model was trained on, ready to use, or None.

    header: the model's, on ``device``. folders: where to look for checkpoints. See
    ``background_header``.
    """
    found = background_in(header, folders)
    return None if found is None else weights.load(found.folder, device)


def background_in(header: Header, folders: Sequence[Path | str]) -> Header | None:
    """The header of a model's background among the checkpoints in these folders, or None."""
    headers = []
    for folder in folders:
        for candidate in find(folder):
            try:
                headers.append(read_header(candidate))
            except CheckpointError:  # of no concern to the model asked about
                continue
    return background_header(header, headers)


def background_header(header: Header, headers: Iterable[Header]) -> Header | None:
    """Which of these is a background of that model: a recipe says that it is one, of the same data,
    with a likelihood, and in the same space where that is known of both."""
    for other in headers:
        if (
            other.recipe.get("background")
            and other.data["name"] == header.data["name"]
            and other.name != header.name
            and "HasLikelihood" in other.capabilities
            and len({space_of(header), space_of(other)} - {None}) < 2
        ):
            return other
    return None


def space_of(header: Header) -> str | None:
    """The space of a model's likelihood, "binary" or "uint8": as it was measured, or, of a model
    that was only just trained, as its configuration has it; None where neither tells."""
    if measured := header.metrics.get("nll_nats", {}).get("space"):
        return measured
    pixels = header.config.get("pixels", header.config.get("likelihood"))
    if pixels is None:
        return None
    levels = 2 if pixels == "bernoulli" else header.config.get("levels", 256)
    return {2: "binary", 256: "uint8"}.get(levels, f"{levels} levels")
