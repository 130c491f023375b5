"""``from_pretrained``, ``save_pretrained`` and ``push_to_hub``, for any model.

model = from_pretrained("owner/name")
model.save_pretrained("folder")
model.push_to_hub("you/name")
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import Any

from models import FOREIGN
from models.checkpoints import weights
from models.checkpoints.codes import CODES, DECODED
from models.checkpoints.config_file import CONFIG
from models.checkpoints.fetch import ID, MOST_BYTES, HubError, fetch, problem
from models.checkpoints.header import SHIPPED, Header, read_header
from models.checkpoints.parts import files_of, load_tensors, weights_in
from models.evaluation.card import write_card
from models.hub.kinds import kind_of, open_folder
from models.machine.files import check_folder, write_atomically

CARD, README, RECIPE = "card.md", "README.md", "recipe.toml"
# What was measured of the weights, and is true of no others.
MEASURED = (CODES, DECODED, "scores.safetensors", "preview.webp")
FILES = (CONFIG, CARD, README, RECIPE, *MEASURED)  # besides the weights


def from_pretrained(
    id: str | Path,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    max_bytes: int = MOST_BYTES,
    device: str = "cpu",
) -> Any:
    """A model from a folder, by the name of a shipped one, or from the Hub.

    id: a folder, a shipped model's name, or "owner/name" on the Hub, which is fetched once and
    found again without a network; of a repository only safetensors, config.json and texts are
    fetched, never code. revision: a branch, a tag or a commit of it. token: None takes the one
    that this user has signed in with (``hf auth login``), False none. cache_dir: where it is kept
    (default: the user's cache of the Hub). max_bytes: more than that is not fetched.
    Returns the model in evaluation mode on ``device``. Raises ValueError, one sentence, where it
    cannot be had.

        from_pretrained("ada/vae-mnist", revision="v2").sample(16, generator(0))
    """
    for place in (Path(id), SHIPPED / id):
        if kind_of(place):
            return open_folder(place, device)
    if Path(id).is_dir() or isinstance(id, Path):
        return open_folder(id, device)
    return open_folder(fetch(id, revision, token, cache_dir, max_bytes), device)


def save_pretrained(model: Any, folder: str | Path) -> Path:
    """Writes a model's folder as the Hub expects it: model.safetensors, config.json, README.md (its
    card), card.md and recipe.toml, and what was measured of it where it comes from.

    model: one that was loaded: what is known of it is kept. Where its weights are no longer those,
    its numbers are left out, as they are of others. Returns the folder. Raises ValueError.
    """
    import tomli_w

    header = model.header
    if not isinstance(header, Header):
        raise ValueError(
            "Nothing is known of this model, such as its data and training: save one that was "
            "loaded, or that 'python -m models train' has written."
        )
    if header.family in FOREIGN:
        raise ValueError(
            "This model is another library's, and nothing that it reads is written here: copy its "
            "folder as it is."
        )
    folder = Path(folder)
    check_folder(folder)
    changed = _changed(model, header)
    if changed:
        header = dataclasses.replace(header, metrics={})
    weights.save(model, header, folder)
    write_card(header, folder)
    _write(folder / RECIPE, tomli_w.dumps(_without_none(header.recipe)))
    _write(folder / README, _readme(folder, header.name))
    for name in MEASURED if not changed else ():
        source = header.folder / name
        if source.is_file() and not (folder / name).exists():
            shutil.copyfile(source, folder / name)
    return folder


def push_to_hub(
    model: Any,
    id: str,
    *,
    token: str | None = None,
    private: bool | None = None,
    revision: str | None = None,
    commit_message: str = "A model of Generative Explorer",
) -> str:
    """Puts a model on the Hub, as ``save_pretrained`` writes it, in one commit.

    id: the repository, "owner/name"; it is made where it is not there. token: one that may write
    (None: the one this user has signed in with). private: whether a new repository is. revision: a
    branch. Returns the repository's address. Raises HubError, one sentence.
    """
    with tempfile.TemporaryDirectory(prefix="generative-explorer-push-") as place:
        folder = save_pretrained(model, Path(place) / "model")
        return push_folder(folder, id, token, private, revision, commit_message)


def push_folder(
    folder: str | Path,
    id: str,
    token: str | None = None,
    private: bool | None = None,
    revision: str | None = None,
    commit_message: str = "A model of Generative Explorer",
) -> str:
    """The same of a checkpoint's folder, as it lies there. Its README.md is made of its card."""
    from huggingface_hub import CommitOperationAdd, HfApi

    folder, id = Path(folder), id.strip()
    matched = ID.fullmatch(id)
    if matched is None or matched[2]:
        raise HubError("Name the repository as owner/name, of letters, digits, '-', '_' and '.'.")
    header = read_header(folder)
    if header.family in FOREIGN:
        raise HubError("This model is another library's: put it on the Hub with that library.")
    if not (folder / CONFIG).is_file():
        weights.rewrite_header(folder, header)
    if not (folder / CARD).is_file():
        write_card(header, folder)
    names = (*FILES, *files_of(folder))
    files = {name: folder / name for name in names if (folder / name).is_file()}
    api = HfApi(token=token)
    try:
        api.create_repo(id, private=private, exist_ok=True)
        api.create_commit(
            id,
            [
                *(CommitOperationAdd(name, path) for name, path in files.items() if name != README),
                CommitOperationAdd(README, _readme(folder, id).encode()),
            ],
            commit_message=commit_message,
            revision=revision,
        )
    except Exception as error:
        raise _refusal(error, id, revision) from None
    return f"{api.endpoint}/{id}"


def _refusal(error: Exception, id: str, revision: str | None) -> HubError:
    """Why a model could not be put on the Hub."""
    from huggingface_hub import errors

    status = getattr(getattr(error, "response", None), "status_code", 0)
    if isinstance(error, errors.LocalTokenNotFoundError):
        return HubError(
            "A token with the right to write is needed: make one in the Hub's settings."
        )
    if isinstance(error, errors.RepositoryNotFoundError) or status == 403:
        return HubError(
            f"This token may not write to '{id}': it needs the right to, and '{id}' to be yours."
        )
    strange = isinstance(error, ValueError) or isinstance(error.__cause__, ValueError)
    if not status and not strange:
        return HubError("The Hub cannot be reached from here; nothing was sent.")
    return problem(error, id, revision)


def _readme(folder: Path, id: str) -> str:
    """The card as the Hub shows it, with how to use the model. id: what it is loaded by."""
    return (
        (folder / CARD).read_text("utf-8").rstrip("\n")
        + "\n\n## Use\n\n```python\nfrom models import from_pretrained  # Generative Explorer\n\n"
        + f'model = from_pretrained("{id}")\n```\n'
    )


def _changed(model: Any, header: Header) -> bool:
    """Whether a model's weights are others than those that its header was read with."""
    import torch

    try:
        before = load_tensors(weights_in(header.folder))
    except (OSError, ValueError, AttributeError, TypeError):
        return True
    now = weights.stored(model.state_dict())
    return before.keys() != now.keys() or any(
        not torch.equal(now[key], value) for key, value in before.items()
    )


def _without_none(values: Any) -> Any:
    """The same without None, which TOML has no word for."""
    if isinstance(values, dict):
        return {key: _without_none(each) for key, each in values.items() if each is not None}
    return values


def _write(target: Path, text: str) -> None:
    write_atomically(target, lambda path: Path(path).write_text(text, "utf-8"))
