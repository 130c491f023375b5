"""Films of every method on every named set that need no training: the weights at moments of it.

    pretrained/plane/METHOD/SET.xz    weights of some moments, and what was measured at them

A film is computed from the weights when it is asked for. What would take long (densities that are
the end of an ODE) is there beside them. Of a matrix each row is kept in whole numbers of 8 bits, at
the last moment in half precision. Everything measured was measured of the weights as they are kept.
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
MOMENTS, FEWER, SEED = 20, 12, 0  # FEWER: of the sets that methods are not compared on
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
    "score": Plan(5000, {"width": 96}, 0.8),
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


def moments_of(steps: int, count: int) -> list[int]:
    """The steps at which weights are kept: the beginning, then ever further apart, to the end."""
    spread = np.geomspace(1, steps, count - 1).round().astype(int)
    return [0, *sorted(set(spread.tolist()))]


# -- training -------------------------------------------------------------------------------------


def ship(
    method: str, key: str, plan: Plan | None = None, folder: Path = FOLDER
) -> dict[str, object]:
    """Trains a method on a set and writes its moments. Returns the facts kept beside them."""
    plan = plan or PLANS[method]
    run = Run(method, dataset(key, seed=SEED), plan.config, SEED, clock=time.process_time)
    steps = plan.steps_on(key)
    rate = getattr(run.model.config, "learning_rate", 0.0)
    wanted, states, moments = moments_of(steps, MOMENTS if key == "ring" else FEWER), [], []
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
        tensors["shown.log_density"] = shades.round().astype(np.uint8)
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
    the others are kept as they are, once where they stay the same."""
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
            scale = stack.flatten(2).abs().amax(2).clamp(min=1e-12) / 127  # (moments, rows)
            whole = (stack.flatten(2) / scale[..., None]).round().to(torch.int8)
            tensors[f"whole.{name}"] = whole.reshape(stack.shape)[:-1].numpy()
            tensors[f"scale.{name}"] = scale[:-1].float().numpy()
            tensors[f"last.{name}"] = stack[-1].half().numpy()
    return tensors


def restored(tensors: dict[str, np.ndarray]) -> Iterator[dict[str, Tensor]]:
    """The weights of each moment, from ``stored``."""
    lengths = {"each": 0, "half": 0, "whole": 1}  # the last of whole numbers is in halves
    kinds = [(name.partition(".")[0], len(array)) for name, array in tensors.items() if array.ndim]
    count = max((lengths[kind] + size for kind, size in kinds if kind in lengths), default=1)
    for k in range(count):
        state = {}
        for full_name, array in tensors.items():
            kind, _, name = full_name.partition(".")
            if kind == "same":
                state[name] = torch.from_numpy(array.copy())
            elif kind in ("each", "half"):
                row = torch.as_tensor(array[k].copy())
                state[name] = row.float() if kind == "half" else row
            elif kind == "whole" and k < len(array):
                whole, scale = torch.from_numpy(array[k].copy()), tensors[f"scale.{name}"][k]
                by_row = torch.from_numpy(scale.copy()).reshape(-1, *[1] * (whole.dim() - 1))
                state[name] = whole.float() * by_row
            elif kind == "last" and k == count - 1:
                state[name] = torch.from_numpy(array.copy()).float()
        yield state


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
