"""A model of the Hugging Face Hub, fetched: bounded in bytes, safetensors and text alone, no code.

``look_up`` asks the Hub what a repository holds and how much of it is wanted, ``get`` fetches that
into the user's cache, where it is found again without a network. An id is "owner/name", or
"owner/name@revision" with a branch, a tag or a commit.

Every way in which that can go wrong is a HubError of one sentence.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.checkpoints.parts import INDEX, WEIGHTS, weights_in

log = logging.getLogger(__name__)

MOST_BYTES = 1 << 30  # of a model that is fetched, unless told otherwise
SECONDS = 10.0  # in which the Hub has to answer
KEPT = "hub-"  # begins a folder that holds a fetched model as OWNER/NAME

_NAME = r"[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?"
ID = re.compile(rf"({_NAME}/{_NAME})(?:@([\w./-]+))?", re.ASCII)

OURS = WEIGHTS
FOREIGN = "model_index.json"  # what a pipeline of diffusers begins with
STATE = "state.safetensors"  # of a run, which nobody else goes on with
TEXTS = ("config.json", "recipe.toml", "card.md", "README.md")
# Of a pipeline: its network's weights, the first of these that is there.
WEIGHTS_OF_PIPELINES = (
    "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors",
)  # fmt: skip
# What holds weights as code: reading it can run anything.
UNSAFE = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM)


class HubError(ValueError):
    """What cannot be had of the Hub or put there; the message is one sentence for a person."""


@dataclass(frozen=True)
class Found:
    """What there is to fetch of a repository. id: as it was asked for. commit: the one that is
    meant. files: (name, bytes), the weights last; () where all of it is in the cache already."""

    id: str
    repo: str
    commit: str
    files: tuple[tuple[str, int], ...]

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self.files)

    def __str__(self) -> str:
        names = ", ".join(name for name, _ in self.files)
        return f"{self.id}, {self.bytes / 1e6:.1f} MB ({names})"


def is_id(text: Any) -> bool:
    """Whether a text may mean a model of the Hub: "owner/name", and no path of this machine."""
    return isinstance(text, str) and bool(ID.fullmatch(text)) and not Path(text).exists()


def origin(folder: str | Path) -> str:
    """The id of the model that a folder of ``get`` holds; "" of a folder of another kind."""
    folder = Path(folder)
    above = [parent.name for parent in folder.parents]
    if len(above) >= 2 and above[0] == "snapshots" and above[1].startswith("models--"):
        return above[1].removeprefix("models--").replace("--", "/", 1)
    if len(above) >= 2 and above[1].startswith(KEPT):
        return f"{above[0]}/{folder.name}"
    return ""


def called(folder: str | Path) -> str:
    """What a checkpoint's folder is called: its id on the Hub, else its name."""
    return origin(folder) or Path(folder).name


def fetch(
    id: str,
    revision: str | None = None,
    token: str | bool | None = None,
    cache: str | Path | None = None,
    most: int = MOST_BYTES,
) -> Path:
    """The folder of a model of the Hub, fetched where it is not in the cache yet.

    revision: a branch, a tag or a commit. token: of the Hub; None takes the one that this user has
    signed in with, False none. cache: where it is kept (default: the user's own of the Hub). most:
    bytes; how many there are is logged first. Raises HubError.
    """
    found = look_up(id, revision, token, cache, most)
    if found.files:
        log.info("Fetching from the Hub: %s.", found)
    return get(found, token, cache, most)


def look_up(
    id: str,
    revision: str | None = None,
    token: str | bool | None = None,
    cache: str | Path | None = None,
    most: int = MOST_BYTES,
) -> Found:
    """What there is to fetch; no weights are fetched yet. As ``fetch``. Raises HubError."""
    from huggingface_hub import HfApi

    matched = ID.fullmatch(id.strip())
    if matched is None:
        raise HubError(
            f"'{_short(id)}' is no id of the Hub: ids are owner/name, of letters, digits, '-', "
            "'_' and '.'."
        )
    repo, asked = matched[1], revision or matched[2]
    api = HfApi(token=token)
    with _sentences(repo, asked):
        commit = api.resolve_revision(repo, revision=asked, cache_dir=cache).resolved
        there = folder_of(repo, commit, cache)
        if weights_in(there) is not None or (there / FOREIGN).is_file():
            return Found(id, repo, commit, ())
        info = api.model_info(repo, revision=commit, files_metadata=True, timeout=SECONDS)
        sizes = {file.rfilename: file.size for file in info.siblings or []}
    files = _wanted(repo, sizes)
    unknown = [name for name in files if not isinstance(sizes[name], int)]
    if unknown:
        raise HubError(f"The Hub does not say how large '{unknown[0]}' of '{repo}' is.")
    found = Found(id, repo, commit, tuple((name, sizes[name]) for name in files))
    if found.bytes > most:
        raise HubError(
            f"'{repo}' has {_size(found.bytes)}; models of up to {_size(most)} are fetched here."
        )
    return found


def get(
    found: Found,
    token: str | bool | None = None,
    cache: str | Path | None = None,
    most: int = MOST_BYTES,
    progress: bool = True,
) -> Path:
    """Fetches what ``look_up`` has found; returns its folder. progress: whether a bar on stderr
    tells how far it is. Raises HubError."""
    from huggingface_hub import hf_hub_download

    from models.checkpoints.config_file import CONFIG, read_config

    folder, sum_of_sizes = folder_of(found.repo, found.commit, cache), 0
    foreign = any(name == FOREIGN for name, _ in found.files)
    for name, _ in found.files:
        with _sentences(found.repo, found.commit):
            path = hf_hub_download(
                found.repo, name, revision=found.commit, token=token, cache_dir=cache,
                etag_timeout=SECONDS, library_name="generative-explorer",
                tqdm_class=None if progress else _no_bar(),
            )  # fmt: skip
        sum_of_sizes += os.path.getsize(path)
        if sum_of_sizes > most:  # more than the Hub had said
            raise HubError(f"'{found.repo}' has over {_size(most)}, the most that is fetched here.")
        if name == CONFIG and not foreign:
            try:
                read_config(folder)
            except ValueError as error:
                raise HubError(f"'{found.repo}' is no model for this program: {error}.") from None
    return folder


def folder_of(repo: str, commit: str, cache: str | Path | None = None) -> Path:
    """Where the cache keeps a commit of a repository."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    root = Path(cache or constants.HF_HUB_CACHE).expanduser().resolve()
    return root / repo_folder_name(repo_id=repo, repo_type="model") / "snapshots" / commit


def _no_bar() -> type:
    """A progress bar that is not shown."""
    from huggingface_hub.utils import tqdm

    class NoBar(tqdm):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **{**named, "disable": True})

    return NoBar


def _wanted(repo: str, sizes: dict[str, int | None]) -> list[str]:
    """The files to fetch, small ones first. Raises HubError where there is no model among them."""
    names = sorted(sizes)
    ours = next((name for name in (OURS, INDEX) if name in sizes), "")
    if ours:
        weights = [
            name for name in names
            if name.endswith(".safetensors") and name.rpartition("/")[0] in ("", "snapshots")
            and name != STATE
        ]  # fmt: skip
        # The weights themselves last: where they are, all of it is.
        return [
            *(name for name in TEXTS if name in sizes),
            *(name for name in weights if name != ours), ours,
        ]  # fmt: skip
    for net, process in (("unet/", "scheduler/"), ("", "")):  # or one folder holds all of it
        weights = [net + name for name in WEIGHTS_OF_PIPELINES if net + name in sizes][:1]
        if FOREIGN in sizes and weights:
            texts = (f"{net}config.json", f"{process}scheduler_config.json")
            return [*(name for name in texts if name in sizes), *weights, FOREIGN]
    unsafe = [name for name in names if name.endswith(UNSAFE)]
    if unsafe:
        raise HubError(
            f"'{repo}' has its weights in a format that can run code when it is read "
            f"('{unsafe[0]}'); only safetensors are fetched."
        )
    raise HubError(f"'{repo}' holds no {OURS}: it is no model for this program.")


@contextmanager
def _sentences(repo: str, revision: str | None) -> Iterator[None]:
    """What huggingface_hub and the network raise, as a HubError."""
    try:
        yield
    except HubError:
        raise
    except Exception as error:
        log.debug("The Hub: %s", error, exc_info=True)
        raise problem(error, repo, revision) from None


def problem(error: Exception, repo: str, revision: str | None = None) -> HubError:
    """What went wrong with the Hub, for a person."""
    from huggingface_hub import errors

    status = getattr(getattr(error, "response", None), "status_code", 0)
    strange = (AssertionError, AttributeError, KeyError, TypeError, ValueError)
    if isinstance(error, errors.HFValidationError):
        return HubError(f"'{_short(repo)}' is no id of the Hub: ids are owner/name.")
    if isinstance(error, errors.GatedRepoError):
        return HubError(
            f"'{repo}' is gated: its owner has to let you in, on its page on the Hub, and a token "
            "of yours is needed."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return HubError(
            f"The Hub has no public model '{repo}'; if it is private, a token that may read it is "
            "needed."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return HubError(f"'{repo}' has no revision '{_short(revision or '')}'.")
    if isinstance(error, errors.DisabledRepoError):
        return HubError(f"The Hub has closed '{repo}'.")
    if status == 401:
        return HubError(
            "The Hub does not know this token: make one in the Hub's settings, and use it whole."
        )
    if status == 403:
        return HubError(f"This token may not do that with '{repo}': it needs the right to.")
    if status == 429:
        return HubError("The Hub has been asked too often from here; try again in some minutes.")
    if status:
        return HubError(f"The Hub has refused, with status {status}; try again later.")
    if getattr(error, "errno", None) in UNWRITABLE:
        return HubError(
            f"'{repo}' could not be kept here: the disk is full, or may not be written to."
        )
    if isinstance(error, strange) or isinstance(error.__cause__, errors.FileMetadataError):
        return HubError(
            "What answers in the Hub's place is not the Hub; there may be a page to sign in to."
        )
    return HubError(
        f"The Hub cannot be reached from here, and '{repo}' has not been fetched before."
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]} …"
