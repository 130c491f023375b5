"""What becomes of a model: it is in the other tabs, on the visitor's disk, on the Hub."""

from __future__ import annotations

import io
import logging
import secrets
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer import components
from explorer.page.picker import card
from explorer.pictures import images
from explorer.server.jobs import JobError
from models.checkpoints.codes import CODES, DECODED
from models.checkpoints.parts import INDEX, PART, WEIGHTS, files_of

if TYPE_CHECKING:
    from explorer.page.context import Context
    from explorer.server.jobs import Job
    from explorer.server.visitors import Visitor

log = logging.getLogger(__name__)

# The files of a checkpoint that are of use to somebody else, besides its weights.
FILES = ("recipe.toml", "card.md", "preview.webp", CODES, DECODED)
LARGEST = 200 << 20  # bytes of a model that is brought back
MEASURE_SECONDS = 600.0
# Of what ``evaluate`` measures, that which takes minutes at most of a small model.
MEASURED = ("likelihood", "quality")


def take_in(context: Context, visitor: Visitor, job: Job) -> str | None:
    """Offers what a run has left in the other tabs, once. Returns its name there, or None."""
    with job.lock:
        if job.live or job.kept is None or job.adopted:
            return None
        job.adopted = True
    try:
        name = context.store.adopt(job.folder)
    except ValueError:
        log.info("A run left no model that can be read.", exc_info=True)
        return None
    context.visitors.keep(visitor, name, job.folder)
    return name


def offers(context: Context, visitor: Visitor) -> list[dict[str, Any]]:
    """The cards of a visitor's own models, for the picker in their page."""
    return [card(context.store.header(name)) for name in visitor.models]


def choices(context: Context, visitor: Visitor) -> list[tuple[str, str]]:
    """(title, name) of a visitor's own models, the newest first."""
    names = reversed(visitor.models)
    return [(context.store.header(name).title, name) for name in names]


def folder_of(visitor: Visitor, name: Any) -> Path:
    """The folder of a visitor's own model. Raises JobError where they have none of that name."""
    if name not in visitor.models:
        raise JobError("Train a model first, or bring one.")
    return visitor.models[name]


def archive(folder: Path) -> dict[str, str]:
    """A checkpoint's folder as a zip, for the saver."""
    files = {f"{folder.name}/{name}": (folder / name).read_bytes() for name in _files(folder)}
    return components.file(f"{folder.name}.zip", images.zip_bytes(files), "application/zip")


def _files(folder: Path) -> list[str]:
    """The names of what there is of a checkpoint, its weights first."""
    return [name for name in (*files_of(folder), *FILES) if (folder / name).is_file()]


def measure(context: Context, visitor: Visitor, name: Any, wanted: Any = lambda: True) -> str:
    """Measures a model on test pictures, as ``python -m models evaluate`` does, in a process of its
    own; the numbers go onto its card. Returns them in words. Raises JobError."""
    from models.evaluation.card import MEANING, number

    folder = folder_of(visitor, name)
    report = context.visitors.jobs.ask(
        "measure", visitor.folder, "measured", MEASURE_SECONDS, wanted,
        apart=True, out=str(folder), only=MEASURED,
    )  # fmt: skip
    context.store.refresh(name)
    parts = [
        f"{MEANING.get(key, key)}: {number(metric['value'])}"
        for key, metric in report["metrics"].items()
        if key in ("nll_nats", "bpd", "fd_over_floor")
    ]
    return "; ".join(parts) + "." if parts else "There was nothing to measure."


# -- brought back ---------------------------------------------------------------------------------


def bring(context: Context, visitor: Visitor, path: str) -> str:
    """A model that was saved here before, a zip or its model.safetensors; returns its name.

    Only safetensors are read, never pickles, and whether the weights fit their header is tried in a
    process of its own. Raises JobError with a sentence.
    """
    target = visitor.folder / f"brought-{secrets.token_hex(4)}"
    try:
        inner = _unpacked(Path(path), target)
        context.visitors.jobs.ask("check", visitor.folder, "checked", out=str(inner))
        name = context.store.adopt(inner)
    except ValueError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise JobError(str(error)) from None
    context.visitors.keep(visitor, name, inner)
    return name


def _unpacked(path: Path, target: Path) -> Path:
    """The checkpoint's folder below target. Names in the zip are not trusted: only FILES and
    parts of weights are."""
    if path.stat().st_size > LARGEST:
        raise JobError(f"The file is larger than {LARGEST >> 20} MB.")
    data = path.read_bytes()
    if not zipfile.is_zipfile(io.BytesIO(data)):
        inner = target / "model"
        inner.mkdir(parents=True)
        (inner / WEIGHTS).write_bytes(data)
        return inner
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = {Path(e.filename).name: e for e in archive.infolist() if not e.is_dir()}
            weights = entries.get(WEIGHTS) or entries.get(INDEX)
            if weights is None:
                raise JobError(f"The zip holds no {WEIGHTS}; bring one that was saved here.")
            known = {name for name in entries if name in (WEIGHTS, INDEX, *FILES)}
            known |= {name for name in entries if PART.fullmatch(name)}
            stem = Path(weights.filename).parent.name
            inner = target / ("".join(c for c in stem if c.isalnum() or c in "-_") or "model")
            if sum(entries[name].file_size for name in known) > LARGEST:
                raise JobError(f"The zip unpacks to more than {LARGEST >> 20} MB.")
            inner.mkdir(parents=True)
            for name in known:
                (inner / name).write_bytes(archive.read(entries[name]))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError):
        raise JobError("The zip is damaged; save the model again.") from None
    return inner


# -- the Hub --------------------------------------------------------------------------------------


def push(visitor: Visitor, name: Any, repo: str, token: str) -> str:
    """Puts a model on the Hub, into a repository of the visitor's, with their token, which is not
    kept anywhere. Returns its address. Raises JobError with a sentence."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    folder = folder_of(visitor, name)
    if not token.strip():
        raise JobError("A token with the right to write is needed: make one in the Hub's settings.")
    if "/" not in repo.strip():
        raise JobError("Name the repository as owner/name.")
    api = HfApi(token=token.strip())
    try:
        api.create_repo(repo.strip(), exist_ok=True)
        api.upload_folder(
            repo_id=repo.strip(), folder_path=folder, allow_patterns=_files(folder),
            commit_message="A model trained with Generative Explorer",
        )  # fmt: skip
        card_file = folder / "card.md"
        if card_file.is_file():
            api.upload_file(
                path_or_fileobj=card_file, path_in_repo="README.md", repo_id=repo.strip()
            )
    except HFValidationError as error:
        raise JobError(f"'{repo}' is no name for a repository: {_line(error)}") from None
    except HfHubHTTPError as error:
        raise JobError(f"The Hub has refused: {_line(error)}") from None
    except Exception as error:  # whatever the HTTP library of the day raises without a network
        log.info("Pushing failed: %s", type(error).__name__)
        raise JobError("The Hub cannot be reached from this server.") from None
    return f"https://huggingface.co/{repo.strip()}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".") + "."
