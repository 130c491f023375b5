"""What becomes of a model: it is in the other tabs, on the visitor's disk, on the Hub."""

from __future__ import annotations

import contextlib
import io
import logging
import secrets
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer import components
from explorer.page.picker import card
from explorer.pictures import images
from explorer.server import sign_in
from explorer.server.jobs import JobError
from models.checkpoints import fetch
from models.checkpoints.codes import CODES, DECODED
from models.checkpoints.config_file import CONFIG
from models.checkpoints.parts import INDEX, PART, WEIGHTS, files_of
from models.machine.files import is_full

if TYPE_CHECKING:
    from explorer.page.context import Context
    from explorer.server.jobs import Job
    from explorer.server.visitors import Visitor
    from models.checkpoints.fetch import Found

log = logging.getLogger(__name__)

# The files of a checkpoint that are of use to somebody else, besides its weights.
FILES = (CONFIG, "recipe.toml", "card.md", "preview.webp", CODES, DECODED)
LARGEST = 200 << 20  # bytes of a model that is brought back, or fetched
SWITCHED_OFF = "What goes to the Hugging Face Hub or comes from there is switched off here."
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
    with _whole_or_gone(target):
        inner = _unpacked(Path(path), target)
        context.visitors.jobs.ask("check", visitor.folder, "checked", out=str(inner))
        name = context.store.adopt(inner)
    context.visitors.keep(visitor, name, inner)
    return name


@contextlib.contextmanager
def _whole_or_gone(target: Path) -> Iterator[None]:
    """What is put into a folder stays only if all of it could be. Raises JobError."""
    try:
        yield
    except BaseException as error:
        shutil.rmtree(target, ignore_errors=True)
        if isinstance(error, ValueError):
            raise JobError(str(error)) from None
        raise


def _unpacked(path: Path, target: Path) -> Path:
    """The checkpoint's folder below target. Names in the zip are not trusted: only FILES and
    parts of weights are."""
    if not path.is_file():
        raise JobError("The file is not there any more; bring it again.")
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
            files = [e for e in archive.infolist() if e.filename[-1:] not in ("", "/")]
            entries = {Path(e.filename).name: e for e in files}
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
    except JobError:
        raise
    except OSError as error:
        if is_full(error):
            raise
        raise JobError("The zip is damaged; save the model again.") from None
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError):
        raise JobError("The zip is damaged; save the model again.") from None
    return inner


# -- the Hub --------------------------------------------------------------------------------------


def check_hub(context: Context) -> None:
    """Raises JobError where nothing may go to the Hub or come from there."""
    if not context.hub:
        raise JobError(SWITCHED_OFF)


def look_up(context: Context, visitor: Visitor, id: str, token: str | None) -> Found:
    """What there is of a model on the Hub; nothing is fetched yet. token: the visitor's, None
    without: the server's own opens nothing to them. Raises JobError with a sentence."""
    check_hub(context)
    try:
        with tempfile.TemporaryDirectory(dir=visitor.folder) as place:
            return fetch.look_up(id.strip(), None, token or False, place, LARGEST)
    except ValueError as error:
        raise JobError(str(error)) from None


def bring_from_hub(context: Context, visitor: Visitor, found: Found, token: str | None) -> str:
    """Fetches a model of the Hub for a visitor; returns its name. Raises JobError."""
    target = visitor.folder / f"{fetch.KEPT}{secrets.token_hex(4)}"
    cache, inner = target / "cache", target / found.repo
    with _whole_or_gone(target):
        came = fetch.get(found, token or False, cache, LARGEST, progress=False)
        # Out of the cache, which keeps files by what is in them and would stay when this goes.
        shutil.copytree(came, inner)
        shutil.rmtree(cache)
        context.visitors.jobs.ask("check", visitor.folder, "checked", out=str(inner))
        name = context.store.adopt(inner)
    context.visitors.keep(visitor, name, inner)
    return name


def push(context: Context, visitor: Visitor, name: Any, repo: str, token: str) -> str:
    """Puts a model on the Hub, into a repository of the visitor's, with their token, which is not
    kept anywhere. Returns its address. Raises JobError with a sentence."""
    from models.hub.pretrained import push_folder

    check_hub(context)
    folder = folder_of(visitor, name)
    if not token.strip():
        raise JobError(
            "Sign in with Hugging Face first." if sign_in.offered() else
            "A token with the right to write is needed: make one in the Hub's settings."
        )  # fmt: skip
    words = "A model trained with Generative Explorer"
    try:
        return push_folder(folder, repo, token.strip(), commit_message=words)
    except ValueError as error:
        raise JobError(str(error)) from None
