"""Films of every method on every named set that need no training: the weights at moments of it.

    pretrained/plane/METHOD/SET.xz    weights of some moments, and what was measured at them

A film is computed from the weights when it is asked for. What would take long (densities that are
the end of an ODE) is there beside them. Of a matrix the changes from moment to moment are kept, in
seven levels a row. Everything measured was measured of the weights as they are kept.
"""

from __future__ import annotations

import json
import lzma
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as write_tensors
from torch import Tensor

from models.contract.random import generator
from models.machine.files import write_atomically
from models.plane import METHODS
from models.plane.contract import HasDensity
from models.plane.data import DENSITIES, dataset
from models.plane.film import Film, Moment, arrays_of, film_of
from models.plane.measures import Measure, measure
from models.plane.run import Run

FOLDER = Path(__file__).parents[2] / "pretrained" / "plane"
MOMENTS, SEED = 30, 0
FINE, COARSE = 127, 3  # the largest whole number of a change, of the first and the last; between
MEASURED = 3  # at every third moment, and the last
LOWEST = -16.0  # of a kept log density
SLOWER = 20  # steps between two changes of the learning rate, which falls over the last two fifths


@dataclass(frozen=True)
class Plan:
    """How a method is trained for its films: steps on the ring, that methods are compared by, and
    settings other than its own; elsewhere: the part of the steps that the other sets get."""

    steps: int
    config: dict[str, object] = field(default_factory=dict)
    elsewhere: float = 0.3

    def steps_on(self, key: str) -> int:
        return self.steps if key == "ring" else round(self.steps * self.elsewhere)


PLANS = {
    "histogram": Plan(20, elsewhere=1.0),
    "kernel-density": Plan(90, elsewhere=1.0),
    "gaussian-mixture": Plan(60, {"components": 16}, 1.0),
    "autoregressive": Plan(900, {"width": 48}),
    "vae-1": Plan(4000, {"width": 48}),
    "vae-2": Plan(4000, {"width": 48}),
    "coupling": Plan(2000, {"width": 32, "layers": 10, "learning_rate": 7e-3}),
    "spline": Plan(600, {"width": 32, "learning_rate": 7e-3}, 0.6),
    "continuous-flow": Plan(600, {"width": 48, "learning_rate": 1e-2}),
    # Fewer of the generator's steps than its own: a collapse onto some modes, not onto one.
    "gan-minimax": Plan(300, {"depth": 2, "generator_steps": 6}, 1.0),
    "gan": Plan(4000, {"depth": 2}),
    "gan-wasserstein": Plan(800, {"depth": 2}),
    "energy": Plan(800, elsewhere=0.8),
    "score": Plan(5000, {"width": 96, "batch": 512}, 0.8),
    "score-sliced": Plan(4000, {"width": 96}, 0.8),
    "ddpm": Plan(8000, {"width": 96}, 0.75),
    "flow-matching": Plan(7000, {"width": 96}, 0.75),
    "one-step": Plan(4000, {"width": 64, "teacher_steps": 1800}, 0.6),
}
# Methods of which a density takes long.
SLOW = {"vae-2", "continuous-flow", "energy", "score", "score-sliced", "ddpm", "flow-matching"}


def path_of(method: str, key: str) -> Path:
    return FOLDER / method / f"{key}.xz"


def available() -> list[tuple[str, str]]:
    """Method and set of each film that is here, in the order of a lecture."""
    pairs = [(method, key) for method in METHODS for key in DENSITIES]
    return [pair for pair in pairs if path_of(*pair).is_file()]


def moments_of(steps: int, count: int = MOMENTS) -> list[int]:
    """The steps at which weights are kept: the beginning, then ever further apart, to the end."""
    spread = steps * (np.arange(count) / (count - 1)) ** 3
    return sorted(set(np.ceil(spread).astype(int).tolist()))


# -- training -------------------------------------------------------------------------------------


def ship(
    method: str, key: str, plan: Plan | None = None, folder: Path = FOLDER
) -> dict[str, object]:
    """Trains a method on a set and writes its moments. Returns the facts kept beside them."""
    plan = plan or PLANS[method]
    run = Run(method, dataset(key, seed=SEED), plan.config, SEED, clock=time.process_time)
    steps = plan.steps_on(key)
    rate = getattr(run.model.config, "learning_rate", 0.0)
    wanted, states, moments = moments_of(steps), [], []
    for step in wanted:
        while run.step < step and not run.model.finished:
            if run.averages and run.step % SLOWER == 0:
                left = 1 - run.step / steps
                run.tune({"learning_rate": rate * min(1.0, 2.5 * left + 0.02)})
            run.advance()
        if moments and moments[-1].step == run.step:
            break
        states.append({name: value.clone() for name, value in run.shown.state_dict().items()})
        moments.append(Moment(run.step, run.seconds, dict(run.logs)))
    learned = {name for name, _ in run.shown.named_parameters()}
    tensors = stored(states, learned)
    full = measure(run.shown, run.data, generator(SEED, 2**33))
    densities = []
    for k, (moment, state) in enumerate(zip(moments, restored(tensors), strict=True)):
        run.shown.load_state_dict(state)
        arrays: dict[str, np.ndarray] = {}
        if method in SLOW and isinstance(run.shown, HasDensity):
            arrays = arrays_of(run.shown, run.data, SEED, only=("log_density",))
            densities.append(arrays["log_density"])
        if k % MEASURED == 0 or k == len(moments) - 1:
            density = arrays.get("log_density")
            log_q = None if density is None else torch.from_numpy(density)
            moment.measures = measure(run.shown, run.data, generator(SEED, 2**33), log_q)
    if densities:
        shades = (np.stack(densities).clip(LOWEST, 4.0) - LOWEST) * (255 / (4.0 - LOWEST))
        tensors["shown.thin"] = drawn_thin(shades.round().astype(np.uint8))
    facts = {
        "method": method,
        "set": key,
        "config": plan.config,
        "parameters": run.parameters,
        "steps": [moment.step for moment in moments],
        "seconds": [round(moment.seconds, 3) for moment in moments],
        "logs": [moment.logs for moment in moments],
        "measures": [
            {name: each.as_dict() for name, each in moment.measures.items()} for moment in moments
        ],
        "before_rounding": {name: each.as_dict() for name, each in full.items()},
    }
    packed = lzma.compress(write_tensors(tensors, {"facts": json.dumps(facts)}), preset=9)
    path = folder / method / f"{key}.xz"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: Path(temporary).write_bytes(packed))
    return facts


def stored(states: list[dict[str, Tensor]], learned: set[str]) -> dict[str, np.ndarray]:
    """Weights of all moments, as a file holds them. learned: the names of those that are trained;
    the others are kept as they are, once where they stay the same.

    Of a matrix the changes are kept, in few levels each: a change is taken from what the file gives
    of the moment before, so that errors do not add up. The first moment and the last are told fine.
    """
    tensors: dict[str, np.ndarray] = {}
    for name in states[0]:
        stack = torch.stack([state[name] for state in states])
        if bool((stack == stack[0]).all()):
            tensors[f"same.{name}"] = stack[0].numpy()
        elif name not in learned:
            tensors[f"each.{name}"] = stack.numpy()
        elif stack.dim() < 3:
            tensors[f"half.{name}"] = stack.half().numpy()
        else:  # (moments, rows, ...): each row has a scale of its own
            given, changes, scales = torch.zeros_like(stack[0]), [], []
            for k, matrix in enumerate(stack):
                levels = FINE if k in (0, len(stack) - 1) else COARSE
                change = matrix - given
                scale = change.flatten(1).abs().amax(1).clamp(min=1e-6) / levels
                scales.append(scale.half().numpy())
                changes.append((change / _by_row(scales[-1], change)).round().to(torch.int8))
                given = given + changes[-1] * _by_row(scales[-1], change)
            tensors[f"change.{name}"] = torch.stack(changes).numpy()
            tensors[f"scale.{name}"] = np.stack(scales)
    return tensors


def _by_row(scale: np.ndarray, like: Tensor) -> Tensor:
    """A number for each row of a matrix, so that it multiplies it."""
    return torch.from_numpy(scale.astype(np.float32)).reshape(-1, *[1] * (like.dim() - 1))


def restored(tensors: dict[str, np.ndarray]) -> Iterator[dict[str, Tensor]]:
    """The weights of each moment, from ``stored``."""
    # Of a film of twelve or twenty moments "whole" are the values, and the last is apart.
    lengths = {"each": 0, "half": 0, "change": 0, "whole": 1}
    kinds = [(name.partition(".")[0], len(array)) for name, array in tensors.items() if array.ndim]
    count = max((lengths[kind] + size for kind, size in kinds if kind in lengths), default=1)
    given: dict[str, Tensor] = {}
    for k in range(count):
        state = {}
        for full_name, array in tensors.items():
            kind, _, name = full_name.partition(".")
            if kind == "same":
                state[name] = torch.from_numpy(array.copy())
            elif kind in ("each", "half"):
                row = torch.as_tensor(array[k].copy())
                state[name] = row.float() if kind == "half" else row
            elif kind in ("change", "whole") and k < len(array):
                row = torch.from_numpy(array[k].copy()).float()
                state[name] = row * _by_row(tensors[f"scale.{name}"][k], row)
                if kind == "change":
                    state[name] = given[name] = given.get(name, 0.0) + state[name]
            elif kind == "last" and k == count - 1:
                state[name] = torch.from_numpy(array.copy()).float()
        yield state


def drawn_thin(shades: np.ndarray) -> np.ndarray:
    """Grids (moments, rows, columns) of 8 bits as what each cell has more than its neighbours
    promise, which takes half the room; ``drawn_full`` gives the grids again."""
    promised = np.diff(shades, axis=1, prepend=np.uint8(0))
    return np.diff(promised, axis=2, prepend=np.uint8(0))


def drawn_full(thin: np.ndarray) -> np.ndarray:
    return thin.cumsum(2, dtype=np.uint8).cumsum(1, dtype=np.uint8)


# -- films ----------------------------------------------------------------------------------------


def read(method: str, key: str) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """The tensors and the facts of a shipped file. Raises ValueError where there is none."""
    path = path_of(method, key)
    if method not in METHODS or key not in DENSITIES or not path.is_file():
        raise ValueError(f"There is no shipped film of '{method}' on '{key}'.")
    packed = lzma.decompress(path.read_bytes())
    length = int.from_bytes(packed[:8], "little")
    facts = json.loads(json.loads(packed[8 : 8 + length])["__metadata__"]["facts"])
    return read_tensors(packed), facts


def film(method: str, key: str) -> Film:
    """The film of a method on a named set. Raises ValueError where none is shipped."""
    tensors, facts = read(method, key)
    shades = tensors.pop("shown.log_density", None)
    if "shown.thin" in tensors:
        shades = drawn_full(tensors.pop("shown.thin"))
    run = Run(method, dataset(key, seed=SEED), facts["config"], SEED)
    moments = []
    for k, state in enumerate(restored(tensors)):
        run.shown.load_state_dict(state)
        there = {}
        if shades is not None:
            there["log_density"] = LOWEST + shades[k].astype(np.float32) * (4.0 - LOWEST) / 255
        arrays = arrays_of(run.shown, run.data, SEED, there=there)
        measures = {name: Measure(**each) for name, each in facts["measures"][k].items()}
        moment = Moment(facts["steps"][k], facts["seconds"][k], facts["logs"][k], measures, arrays)
        moments.append(moment)
    run.step, run.seconds = moments[-1].step, moments[-1].seconds
    return film_of(run, moments)
