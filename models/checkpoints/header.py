"""What is known of a checkpoint without its weights: JSON beside the tensors."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from models import FAMILIES, __version__
from models.checkpoints.config_file import check_config
from models.checkpoints.facts import sound_facts
from models.checkpoints.fetch import HubError, called, fetch, is_id
from models.checkpoints.parts import INDEX, WEIGHTS, metadata_of, weights_in
from models.foreign import folder as foreign

log = logging.getLogger(__name__)

FORMAT = "generative-explorer"
FORMAT_VERSION = 1
SHIPPED = Path(__file__).parents[2] / "pretrained"


class CheckpointError(ValueError):
    """A checkpoint that cannot be read; the message is one sentence for a person."""


@dataclass(frozen=True)
class Header:
    """What is known about a checkpoint without loading its weights.

    data: name, split, n, sha256, classes. training: steps, epochs, minutes, hardware, precision.
    metrics: {name: {"value", "stderr", "n", "space", ...}}, under the names every card uses.
    """

    name: str
    family: str
    title: str
    about: str
    config: dict[str, Any]
    recipe: dict[str, Any]
    seed: int
    data: dict[str, Any]
    training: dict[str, Any]
    parameters: int
    capabilities: tuple[str, ...]
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: str = __version__
    folder: Path | None = None
    problems: tuple[str, ...] = ()  # a sentence on each fact that cannot be right

    def to_json(self) -> str:
        values = asdict(self)
        values.pop("folder")
        values.pop("problems")
        return json.dumps(values, ensure_ascii=False)


def find(folder: str | Path) -> list[Path]:
    """Folders below ``folder`` (or itself) that hold a checkpoint, in alphabetical order."""
    folder = Path(folder)
    names = (WEIGHTS, INDEX, foreign.INDEX)
    found = {path.parent for name in names for path in folder.glob(f"*/{name}")}
    if any((folder / name).is_file() for name in names):
        found.add(folder)
    return sorted(found)


def resolve(path: str | Path) -> Path:
    """The file that a person meant: the weights, by their name, their folder's, that of a shipped
    model, or a text that is the id of one on the Hub, which is fetched ("owner/name"); or the index
    of weights in parts, or of a folder in diffusers' layout.

    Raises CheckpointError where there is none.
    """
    asked, path = path, Path(path)
    if path.is_file():
        return path
    for folder in (path, SHIPPED / path):
        if (file := _first_file(folder)) is not None:
            return file
    if is_id(asked) and not path.parent.is_dir():
        return _fetched(asked)
    raise CheckpointError(
        f"There is no checkpoint at '{path}': give a folder that holds {WEIGHTS}, that file, "
        "the name of a shipped model, or that of one on the Hub as owner/name."
    )


def _first_file(folder: Path) -> Path | None:
    """The file that a model's folder begins with, ours or of diffusers."""
    index = folder / foreign.INDEX
    return weights_in(folder) or (index if index.is_file() else None)


@lru_cache
def _fetched(id: str) -> Path:
    """The file that a model of the Hub begins with, ours or of diffusers; the Hub is asked once."""
    try:
        folder = fetch(id)
    except HubError as error:
        words = str(error)
        words = words[0].lower() + words[1:]
        raise CheckpointError(f"There is no checkpoint at '{id}' here; {words}") from None
    if (file := _first_file(folder)) is None:
        raise CheckpointError(f"'{id}' holds no {WEIGHTS}, but a model of another library.")
    return file


def read_header(path: str | Path) -> Header:
    """The facts stored in a checkpoint, or in a folder of diffusers, without weights and torch.

    Raises CheckpointError where the file is missing, truncated, not ours, or newer than this code.
    """
    file = resolve(path)
    if file.name == foreign.INDEX:
        try:
            return Header(**foreign.facts(file.parent), folder=file.parent)
        except ValueError as error:
            raise CheckpointError(str(error)) from error
    try:
        metadata = metadata_of(file)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"'{file.name}' in '{called(file.parent)}' is damaged or cut short: it cannot be read "
            "as safetensors. Download or train it again."
        ) from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(
            f"'{file}' is a safetensors file, but not one of Generative Explorer's: its metadata "
            f"names no '{FORMAT}' format. Checkpoints are written by 'python -m models train'."
        )
    try:
        format_version = int(metadata["format_version"])
        values = json.loads(metadata["header"])
        if not isinstance(values, dict):
            raise ValueError("not a JSON object")
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"The header of '{file}' is damaged; train it again.") from error
    if format_version > FORMAT_VERSION:
        raise CheckpointError(
            f"'{called(file.parent)}' was written by a newer version "
            f"({values.get('version')}) than this one ({__version__}); update Generative Explorer "
            "to open it."
        )
    if values.get("family") not in list(FAMILIES):
        raise CheckpointError(
            f"'{called(file.parent)}' is of the family '{values.get('family')}', which this "
            f"version does not know. Known families: {', '.join(FAMILIES)}."
        )
    try:
        values["capabilities"] = tuple(values["capabilities"])
        tables = ("config", "recipe", "data", "training")
        if not all(isinstance(values[name], dict) for name in tables):
            raise TypeError("a table of facts is not a table")
        if not isinstance(values.get("metrics", {}), dict):
            raise TypeError("a table of facts is not a table")
        if not all(isinstance(text, str) for text in (values["name"], values["data"]["name"])):
            raise TypeError("a name is not a text")
        settings = values["config"]
        values, problems = sound_facts(values)
        header = Header(**values, folder=file.parent, problems=problems)
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"The header of '{file}' lacks fields; train it again.") from error
    if file.name in (WEIGHTS, INDEX):
        try:
            check_config(file.parent, header.family, settings)
        except ValueError as error:
            raise CheckpointError(
                f"'{called(file.parent)}' cannot be trusted: {error}. Get it again, or remove "
                "config.json where you know the weights."
            ) from None
    return header
