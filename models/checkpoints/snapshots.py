"""Snapshots of a run: what a model was like on its way, kept small beside its weights.

    FOLDER/snapshots/STEP.safetensors    the running mean of the weights as float16; inside it the
                                         step, the epoch, the losses of that step, and what the
                                         parts that are not kept had to say
                     measured.json       what samples of each are worth, where that was measured

A family may name the parts that are worth keeping (``Model.snapshot_parts``): of a GAN those that
make pictures, for the same codes can then be shown at every moment of the training. The rest of a
loaded snapshot is as in the finished checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from models.checkpoints.header import CheckpointError, resolve
from models.checkpoints.weights import load, stored
from models.machine.files import write_atomically

if TYPE_CHECKING:
    from models.contract.model import Model
    from models.training.recipe import TrainConfig

SNAPSHOTS = "snapshots"
MEASURED = "measured.json"
MEASURED_FORMAT = 1
LIMIT = 64 * 2**20  # bytes that all snapshots of a run may take
DECADES = 1000  # the first of logarithmic ones comes after this part of the run


@dataclass(frozen=True)
class Snapshot:
    """step of the ``total`` steps of its run; epoch: passes over the data; logs: of that step;
    remarks: what ``Model.snapshot_remarks`` said then."""

    step: int
    total: int
    epoch: float
    logs: dict[str, float]
    file: Path
    remarks: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """What samples of each of T snapshots are worth.

    n, seed: of the samples. judge: whose features and classes these are. values: T numbers by
    metric ("fd_over_floor", "precision", ...), errors: their standard errors. classes: K names.
    read: (T, K), how many samples the judge reads as each class; sure: those of them that it gives
    a probability above ``SURE``.
    """

    n: int
    seed: int
    judge: str
    classes: tuple[str, ...]
    values: dict[str, tuple[float, ...]]
    errors: dict[str, tuple[float | None, ...]]
    read: tuple[tuple[int, ...], ...]
    sure: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        T, K = len(self.read), len(self.classes)
        if len(self.sure) != T or any(len(row) != K for row in (*self.read, *self.sure)):
            raise ValueError("counts of other classes")
        if any(len(found) != T for found in (*self.values.values(), *self.errors.values())):
            raise ValueError("numbers of other snapshots")


SURE = 0.9


def snapshot_steps(config: TrainConfig, total: int) -> list[int]:
    """The steps after which a run of ``total`` keeps a snapshot, rising; the last is its end.

    Evenly spaced, or by even factors from a thousandth of the run on; fewer where they coincide.
    """
    n = config.snapshots
    if config.snapshot_spacing == "linear":
        parts = [(k + 1) / n for k in range(n)]
    else:
        parts = [DECADES ** (k / max(1, n - 1) - 1) for k in range(n - 1)] + [1.0] * (n > 0)
    return sorted({max(1, round(part * total)) for part in parts})


def parts_kept(model: Model) -> dict:
    """What a snapshot holds of a model: float16 tensors by their names in its state."""
    parts = tuple(f"{part}." for part in model.snapshot_parts)
    return stored({k: v for k, v in model.state_dict().items() if not parts or k.startswith(parts)})


def check_size(model: Model, count: int) -> None:
    """Raises ValueError where ``count`` snapshots of a model would take more than ``LIMIT``."""
    size = sum(t.numel() * t.element_size() for t in parts_kept(model).values()) if count else 0
    if count * size > LIMIT:
        raise ValueError(
            f"{count} snapshots of this model would take {count * size / 2**20:.0f} MB; keep at "
            f"most {LIMIT // size}."
        )


def keep(
    model: Model,
    folder: Path,
    step: int,
    total: int,
    epoch: float,
    logs: dict[str, float],
    remarks: dict[str, list[float]],
) -> None:
    """Writes a snapshot of a run in ``folder``; it appears whole or not at all."""
    from safetensors.torch import save_file

    file = folder / SNAPSHOTS / f"{step:08d}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    facts = {"step": step, "total": total, "epoch": round(epoch, 4), "logs": logs}
    if remarks:
        facts["remarks"] = {k: [round(v, 4) for v in values] for k, values in remarks.items()}
    metadata = {"snapshot": json.dumps(facts)}
    write_atomically(file, lambda path: save_file(parts_kept(model), path, metadata))


def tidy(folder: Path, steps: Sequence[int], reached: int) -> None:
    """Removes snapshots in ``folder`` that are not of this run, or of steps that are to come, and
    what was measured of a run that is not over."""
    (folder / SNAPSHOTS / MEASURED).unlink(missing_ok=True)
    for file in (folder / SNAPSHOTS).glob("*.safetensors"):
        if file.stem not in {f"{step:08d}" for step in steps if step <= reached}:
            file.unlink()


def copy(source: Path, target: Path) -> None:
    """A run's snapshots to where its checkpoint is written."""
    if source.resolve() != target.resolve() and (source / SNAPSHOTS).is_dir():
        shutil.copytree(source / SNAPSHOTS, target / SNAPSHOTS, dirs_exist_ok=True)


def read_snapshots(path: str | Path) -> list[Snapshot]:
    """The snapshots of a checkpoint in the order of training, without weights and without torch.

    None where it has none. Raises CheckpointError where there is no checkpoint, or one of its
    snapshots is damaged.
    """
    found = []
    for file in sorted((resolve(path).parent / SNAPSHOTS).glob("*.safetensors")):
        try:
            with safe_open(file, "numpy") as tensors:
                facts = json.loads((tensors.metadata() or {})["snapshot"])
            found.append(Snapshot(**facts, file=file))
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise _damaged(file) from error
    return found


def moments(path: str | Path, device: str = "cpu") -> Iterator[tuple[Snapshot, Model]]:
    """Every snapshot of a checkpoint in the order of training, and the model as it was then: the
    same object each time, with other weights, for to build a model takes longer than to fill it.

    Raises CheckpointError where a snapshot does not fit.
    """
    kept = read_snapshots(path)
    model = load(path, device) if kept else None
    for snapshot in kept:
        yield snapshot, _restored(model, snapshot)


def _restored(model: Model, snapshot: Snapshot) -> Model:
    from safetensors.torch import load_file

    try:
        weights = load_file(snapshot.file)
        unknown = model.load_state_dict(
            {n: v.float() if v.is_floating_point() else v for n, v in weights.items()}, strict=False
        ).unexpected_keys
    except (SafetensorError, OSError, RuntimeError) as error:
        raise _damaged(snapshot.file) from error
    if unknown:
        raise _damaged(snapshot.file)
    return model


def fingerprint(kept: Sequence[Snapshot]) -> str:
    """What tells a run's snapshots from those of another: their steps, losses and remarks."""
    facts = [(s.step, s.total, s.epoch, s.logs, s.remarks) for s in kept]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def save_measured(found: Measured, folder: Path) -> Path:
    """Writes it beside the snapshots of the checkpoint in ``folder``; it appears whole or not."""
    about = {"format": MEASURED_FORMAT, "run": fingerprint(read_snapshots(folder))}
    text = json.dumps({**about, **asdict(found)})
    file = folder / SNAPSHOTS / MEASURED
    write_atomically(file, lambda path: Path(path).write_text(text, "utf-8"))
    return file


def read_measured(path: str | Path) -> Measured | None:
    """What the snapshots of a checkpoint are worth, without torch; None where none was measured.

    Raises CheckpointError where the file is damaged, newer than this code, or about another run.
    """
    folder = resolve(path).parent
    file = folder / SNAPSHOTS / MEASURED
    if not file.is_file():
        return None
    again = f"; measure it again with 'python -m models evaluate {folder.name} --only snapshots'."
    try:
        facts = json.loads(file.read_text("utf-8"))
        written, run = facts.pop("format"), facts.pop("run")
        if written == MEASURED_FORMAT:
            for key in ("classes", "read", "sure"):
                facts[key] = _tuples(facts[key])
            for key in ("values", "errors"):
                facts[key] = {name: _tuples(found) for name, found in facts[key].items()}
            found = Measured(**facts)
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"'{MEASURED}' of '{folder.name}' is damaged{again}") from error
    if written != MEASURED_FORMAT:
        raise CheckpointError(f"'{MEASURED}' of '{folder.name}' is of another version{again}")
    kept = read_snapshots(path)
    if run != fingerprint(kept) or len(found.read) != len(kept):
        raise CheckpointError(f"'{MEASURED}' of '{folder.name}' is of another run{again}")
    return found


def _tuples(found: list) -> tuple:
    """Lists within lists as tuples within tuples."""
    return tuple(_tuples(each) if isinstance(each, list) else each for each in found)


def _damaged(file: Path) -> CheckpointError:
    return CheckpointError(
        f"The snapshot '{file.name}' of '{file.parent.parent.name}' is damaged or does not fit its "
        "checkpoint; train it again."
    )
