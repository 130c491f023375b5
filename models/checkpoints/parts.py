"""Weights in one file, or in parts with an index, as the Hub has them.

A repository on the Hub refuses a file over 10 MB unless it is kept apart (Git LFS), and a Space is
such a repository. So larger weights lie in ``model-00001-of-00002.safetensors`` and so on, beside
``model.safetensors.index.json``, which tells in which part each tensor is and has the header.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from models.machine.files import write_atomically

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
LARGEST = 10_000_000  # bytes of a file
PART = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
HEAD = 100_000  # bytes that are left for a file's own header


def weights_in(folder: str | Path) -> Path | None:
    """The file that stands for a folder's weights: the one file, else the index; None without."""
    found = (Path(folder) / name for name in (WEIGHTS, INDEX))
    return next((file for file in found if file.is_file()), None)


def files_of(folder: str | Path) -> list[str]:
    """The names of all files in which a folder's weights lie, the one that stands for them first.

    Raises ValueError where an index cannot be read, OSError where there is none.
    """
    file = weights_in(folder)
    if file is None or file.name != INDEX:
        return [WEIGHTS]
    return [INDEX, *sorted(set(_index(file)["weight_map"].values()))]


def metadata_of(file: Path) -> dict[str, str]:
    """What is written beside the tensors. Raises SafetensorError, OSError or ValueError."""
    if file.name == INDEX:
        return _index(file)["metadata"]
    from safetensors import safe_open

    with safe_open(file, "numpy") as tensors:
        return tensors.metadata() or {}


def load_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a weights file, or of all parts that an index names.

    Raises SafetensorError, OSError, or ValueError where the parts are not what the index says.
    """
    from safetensors.torch import load_file

    if file.name != INDEX:
        return load_file(file)
    places = _index(file)["weight_map"]
    found: dict[str, Tensor] = {}
    for name in sorted(set(places.values())):
        found |= load_file(file.parent / name)
    if found.keys() != places.keys():
        raise ValueError("the parts hold other tensors than the index names")
    return found


def save_tensors(tensors: dict[str, Tensor], folder: Path, metadata: dict[str, str]) -> None:
    """Writes weights, in parts where they are larger than a file may be. What is already there in
    parts of the same tensors gets a new index and no more."""
    from safetensors.torch import save_file

    parts = _divided({name: value.nbytes for name, value in tensors.items()})
    if len(parts) == 1:
        write_atomically(folder / WEIGHTS, lambda path: save_file(tensors, path, metadata))
        remove_parts(folder)
        return
    places = {}
    for k, names in enumerate(parts, 1):
        file = f"model-{k:05d}-of-{len(parts):05d}.safetensors"
        places |= dict.fromkeys(names, file)
        part = {name: tensors[name] for name in names}
        write_atomically(folder / file, lambda path, part=part: save_file(part, path))
    _write_index(folder, places, sum(value.nbytes for value in tensors.values()), metadata)
    (folder / WEIGHTS).unlink(missing_ok=True)  # last: until then it is what counts


def rewrite_metadata(file: Path, metadata: dict[str, str]) -> None:
    """Other words beside the same tensors. Weights in one file that is too large become parts."""
    if file.name == INDEX:
        index = _index(file)
        size = int(index["metadata"].get("total_size", 0))
        _write_index(file.parent, index["weight_map"], size, metadata)
    elif file.name == WEIGHTS and file.stat().st_size > LARGEST:
        save_tensors(load_tensors(file), file.parent, metadata)
    else:
        from safetensors.torch import load_file, save_file

        tensors = load_file(file)
        write_atomically(file, lambda path: save_file(tensors, path, metadata))


def remove_parts(folder: Path) -> None:
    """Takes away parts and index, where the one file is there that counts before them."""
    for path in [folder / INDEX, *folder.glob("model-*.safetensors")]:
        if path.name == INDEX or PART.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _divided(sizes: dict[str, int]) -> list[list[str]]:
    """Names in their order, in as many groups as it takes for none to be larger than a file may."""
    groups: list[list[str]] = [[]]
    filled = 0
    for name, size in sizes.items():
        if groups[-1] and filled + size > LARGEST - HEAD:
            groups.append([])
            filled = 0
        groups[-1].append(name)
        filled += size
    return groups


def _write_index(folder: Path, places: dict[str, str], size: int, metadata: dict[str, str]) -> None:
    index = {"metadata": {"total_size": size, **metadata}, "weight_map": places}
    text = json.dumps(index, ensure_ascii=False, indent=1) + "\n"
    write_atomically(folder / INDEX, lambda path: Path(path).write_text(text, encoding="utf-8"))


def _index(file: Path) -> dict[str, dict]:
    """Raises ValueError for one that is damaged, or names what does not lie beside it."""
    try:
        index = json.loads(file.read_text("utf-8"))
        places = index["weight_map"]
        named = [*places.values()] if isinstance(index["metadata"], dict) else []
        sound = bool(named) and all(PART.fullmatch(name) for name in named)
    except (KeyError, TypeError, AttributeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError("the index is damaged") from error
    if not sound:
        raise ValueError("the index names other files than parts of the weights")
    return index
