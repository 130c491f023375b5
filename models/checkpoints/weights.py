"""model.safetensors: a model's weights, loaded, and written with what is known of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import FOREIGN, family
from models.checkpoints.config_file import write_config
from models.checkpoints.fetch import called
from models.checkpoints.header import (
    FORMAT,
    FORMAT_VERSION,
    CheckpointError,
    Header,
    read_header,
    resolve,
)
from models.checkpoints.parts import INDEX, WEIGHTS, load_tensors, remove_parts, rewrite_metadata
from models.machine.files import write_atomically

if TYPE_CHECKING:
    from torch import Tensor

    from models.contract.model import Model


def build(family_name: str, config: dict[str, Any]) -> Model:
    """An untrained model. Raises ValueError with a sentence for an unknown family or setting."""
    from models.contract.config import build_config

    cls = family(family_name)
    config = build_config(cls.Config, config)
    if len(config.image) != 3 or min(config.image) < 1:
        raise ValueError(
            f"'image' must be three positive numbers, channels, height and width, not "
            f"{list(config.image)}."
        )
    return cls.variant(config)(config)


def load(path: str | Path, device: str = "cpu") -> Model:
    """The model of a checkpoint, in evaluation mode on ``device``; its weights need no gradients,
    so that whoever computes with it keeps no tape unaware. Raises CheckpointError."""
    import torch
    from safetensors import SafetensorError

    file = resolve(path)
    header = read_header(file)
    if header.family in FOREIGN:
        from models.foreign.model import open_folder

        try:
            model = open_folder(header.folder, device)
        except ValueError as error:
            raise CheckpointError(str(error)) from error
        model.header = header
        return model
    try:
        model = build(header.family, header.config)
        weights = load_tensors(file)
        model.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in weights.items()}
        )
        broken = [k for k, v in weights.items() if not bool(v.isfinite().all())]
    except (OSError, SafetensorError) as error:  # of one file the header would have told
        raise CheckpointError(
            f"A part of the weights in '{header.folder.name}' is missing or damaged. Download or "
            "train it again."
        ) from error
    except (ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"The weights in '{called(header.folder)}' do not fit the model its header describes; "
            "it was written by other code. Train it again."
        ) from error
    if broken:
        raise CheckpointError(
            f"{len(broken)} of {len(weights)} weights in '{called(header.folder)}' hold values "
            "that are no numbers (nan or infinity), so nothing can come of it. Train it again, "
            "with a lower learning rate."
        )
    # Convolutions over few channels run faster on a CPU with channels innermost.
    model = model.to(device=torch.device(device), memory_format=torch.channels_last)
    model.header = header
    return model.eval().requires_grad_(False)


def stored(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as a file holds them: half precision, where they are numbers with a fraction."""
    import torch

    return {
        key: value.detach()
        .to("cpu", torch.float16 if value.is_floating_point() else value.dtype)
        .contiguous()
        for key, value in tensors.items()
    }


def save(model: Model, header: Header, folder: str | Path) -> Path:
    """Writes weights and header, in a file that appears whole or not at all, and config.json."""
    from safetensors.torch import save_file

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = stored(model.state_dict())
    metadata = _metadata(header)
    write_atomically(folder / WEIGHTS, lambda path: save_file(weights, path, metadata))
    write_config(header, folder)
    remove_parts(folder)  # of an earlier model
    return folder


def rewrite_header(folder: str | Path, header: Header) -> None:
    """Stores new facts (usually metrics) beside unchanged weights; the card is the caller's.

    Weights too large for a file of the Hub are then in parts (``models.checkpoints.parts``).
    """
    file = resolve(folder)
    rewrite_metadata(file, _metadata(header))
    if file.name in (WEIGHTS, INDEX):
        write_config(header, file.parent)


def _metadata(header: Header) -> dict[str, str]:
    return {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "header": header.to_json(),
    }
