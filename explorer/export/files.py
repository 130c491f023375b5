"""Exported files: a model's own page, and a folder of them that is a static Space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from explorer.export.document import document
from explorer.export.space import index, readme
from models.checkpoints.header import Header, read_header
from models.machine.files import write_atomically

PICTURES = {"Denoises": 4, "Decodes": 36}  # that are drawn at first; 16 of other models


def page_of(name: str | Path, weights: str = "float16") -> tuple[Header, str]:
    """The header and the file of a checkpoint. Raises ValueError where it cannot be exported."""
    from models.checkpoints.weights import load
    from models.export.latents import latents
    from models.export.packing import pack
    from models.export.portable import knobs_of, portable

    header = read_header(name)
    model = load(name)
    found = portable(model, header.family)
    packed = pack(found.tensors, weights, found.whole)
    shared = {"image": list(model.image_shape), "classes": model.class_count}
    found.config.update(shared)
    told: dict[str, Any] = {
        "classes": list(header.data.get("classes") or []),
        "knobs": [plain(knob) for knob in knobs_of(model, found.knobs)],
        "pictures": next((n for can, n in PICTURES.items() if can in found.can), 16),
    }
    if "Decodes" in found.can:
        told |= latents(model, header.folder)
    return header, document(header, packed, found, told)


def plain(knob: dict[str, Any]) -> dict[str, Any]:
    """A knob as JSON has it: no infinity."""
    return {
        name: value for name, value in knob.items() if value not in (float("inf"), -float("inf"))
    }


def write_file(name: str | Path, target: Path, weights: str) -> int:
    """Writes a model's file. Returns its size in bytes."""
    return _write(target, page_of(name, weights)[1])


def _write(target: Path, text: str) -> int:
    data = text.encode("utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, lambda path: Path(path).write_bytes(data))
    return len(data)


def write_space(
    names: Sequence[str], folder: Path, weights: str, watch: Callable[[Any], Any] = iter
) -> dict[str, int]:
    """Writes a static Space: a page for each model, index.html, README.md. Returns the pages' sizes
    by their names. watch: is given the models, and gives them on. Raises ValueError where two
    models would have one page."""
    files = [f"{read_header(name).name}.html" for name in names]
    if twice := {file for file in files if files.count(file) > 1 or file == "index.html"}:
        raise ValueError(f"Two pages of a Space would be called {sorted(twice)[0]}; leave one out.")
    headers, sizes = {}, {}
    for name, file in watch(zip(names, files, strict=True)):
        headers[file], text = page_of(name, weights)
        sizes[file] = _write(folder / file, text)
    _write(folder / "index.html", index(headers))
    _write(folder / "README.md", readme(headers))
    return sizes
