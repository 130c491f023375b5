"""The whole state of a training run in one file, so that a killed run goes on bit for bit.

    model/NAME, ema/NAME                      the weights, and their running mean
    optimizer/PLAYER/INDEX/NAME               each optimizer's moments, by parameter

Inside it, as metadata: the step, the minutes spent, the recipe, how many parameters each optimizer
has, and the data's hash. No generator's state: all chances are functions of seed and step.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from models.contract.random import generator
from models.machine.files import write_atomically
from models.training import recipe

if TYPE_CHECKING:
    from models.training.train import Run

KEYS = {"step", "minutes", "recipe", "optimizers", "data"}
# What a resumed run may have otherwise than the one before: it changes no weight.
FREE = ("title", "about", "notes", "evaluate")
FREE_IN_TRAIN = ("checkpoint_minutes", "log_every", "snapshots", "snapshot_spacing")


def save(run: Run, file: Path) -> None:
    """Writes a run's state; the file appears whole or not at all."""
    tensors = {f"model/{k}": v for k, v in run.model.state_dict().items()}
    tensors |= {f"ema/{k}": v for k, v in run.ema.state_dict().items()}
    for player, optimizer in run.optimizers.items():
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{player}/{index}/{k}": v for k, v in values.items()}
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    counts = {p: len(o.param_groups[0]["params"]) for p, o in run.optimizers.items()}
    metadata = {
        "step": str(run.step),
        "minutes": str(run.minutes_before),
        "recipe": json.dumps(run.recipe.to_dict()),
        "optimizers": json.dumps(counts),
        "data": run.dataset.sha256,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, lambda path: save_file(tensors, path, metadata))


def restore(run: Run, file: Path) -> None:
    """Puts a run where the file was written. Raises ValueError where it is none of this run's."""
    folder = file.parent
    if not file.is_file():
        raise ValueError(f"There is no run to resume in '{folder}': '{file.name}' is missing.")
    try:
        with safe_open(file, "pt", device=str(run.device)) as tensors:
            metadata = tensors.metadata() or {}
            state = {key: tensors.get_tensor(key) for key in tensors.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"'{file}' is damaged or cut short; start the run again without --resume."
        ) from error
    if not metadata.keys() >= KEYS:
        raise ValueError(f"'{file}' is not the state of a run; choose another --out.")
    if _binding(_completed(json.loads(metadata["recipe"]))) != _binding(run.recipe.to_dict()):
        raise ValueError(
            f"The run in '{folder}' was started with other settings; resume it with the same "
            "recipe and --set values, or choose another --out."
        )
    if metadata["data"] != run.dataset.sha256:
        raise ValueError(f"The run in '{folder}' was started on other data; use the same data.")
    run.step, run.minutes_before = int(metadata["step"]), float(metadata["minutes"])
    _restore_optimizers(run, state, json.loads(metadata["optimizers"]))
    # Last, because asking the model for its objectives may have moved its counters.
    run.model.load_state_dict(_below("model/", state))
    run.ema.load_state_dict(_below("ema/", state))


def _completed(values: dict[str, Any]) -> dict[str, Any]:
    """A recipe that was kept, with the settings that there are since then at what they were before.
    One that is no recipe any more stays as it is."""
    try:
        return recipe.from_dict(values).to_dict()
    except ValueError:
        return values


def _binding(values: dict[str, Any]) -> dict[str, Any]:
    """What of a recipe must be the same when a run is resumed, as JSON has it."""
    values = json.loads(json.dumps(values))
    for name in FREE:
        values.pop(name, None)
    for name in FREE_IN_TRAIN:
        values["train"].pop(name, None)
    return values


def _restore_optimizers(run: Run, state: dict[str, Tensor], counts: dict[str, int]) -> None:
    # Which parameters a player owns is told by its objective, so one batch is asked for them.
    x, y = run.batch(run.step)
    for objective in run.model.objectives(x, y, generator(0)):
        run.optimizers_of(objective.player, list(objective.params))
    for player, count in counts.items():
        optimizer = run.optimizers[player]
        values = {index: _below(f"optimizer/{player}/{index}/", state) for index in range(count)}
        known = {index: v for index, v in values.items() if v}
        optimizer.load_state_dict(
            {"state": known, "param_groups": optimizer.state_dict()["param_groups"]}
        )
        # Fused kernels walk parameter and moments in the order of memory, so that each moment must
        # lie in memory as its parameter does; the file has all of them row by row.
        for parameter, moments in optimizer.state.items():
            for name, value in moments.items():
                if value.shape == parameter.shape:
                    moments[name] = torch.empty_like(parameter).copy_(value)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
