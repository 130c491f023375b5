"""What is to be seen of a run: moments of its training, and all of them in a few bytes.

A packed film is the length of a JSON header (4 bytes, little-endian), the header, and the arrays
one after another, each (moments, ...) of whole numbers: value = offset + scale * number. An
array that is the same at every moment is there once, (1, ...).
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from models.contract.random import generator
from models.plane.contract import (
    BOX,
    Encodes,
    HasBound,
    HasComponents,
    HasCritic,
    HasDensity,
    HasEnergy,
    HasField,
    HasMesh,
    Method,
    grid,
)
from models.plane.data import Dataset
from models.plane.measures import FLOOR, Measure, kernel_log_density, measure
from models.plane.run import Run

SAMPLES, PATHS, MOST_TIMES = 400, 128, 21
CELLS, ARROWS, ELLIPSES = 64, 20, 24
# Points of the plane are told finer than densities and arrows, which are told by colour and length.
FINE = {
    "samples", "paths", "mesh", "components", "positive", "negative", "push", "data", "held_out",
    "modes", "log_density", "posterior", "best_critic", "critic", "bound", "energy",
}  # fmt: skip


@dataclass
class Moment:
    """A moment of training. arrays: float32, by the names of ``arrays_of``."""

    step: int
    seconds: float
    logs: dict[str, float] = field(default_factory=dict)
    measures: dict[str, Measure] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass
class Film:
    """header: what ``header_of`` says. fixed: arrays that are the same at every moment."""

    header: dict[str, object]
    moments: list[Moment]
    fixed: dict[str, np.ndarray] = field(default_factory=dict)


# -- what is to be seen ---------------------------------------------------------------------------


def shown_times(method: Method) -> tuple[float, ...]:
    """The times of a method's paths that are kept, at most ``MOST_TIMES`` of them."""
    times = method.times
    return tuple(times[k] for k in _kept(len(times)))


def _kept(count: int) -> list[int]:
    if count <= MOST_TIMES:
        return list(range(count))
    return np.linspace(0, count - 1, MOST_TIMES).round().astype(int).tolist()


def header_of(run: Run) -> dict[str, object]:
    """The facts of a run that hold for all its moments, as the page reads them."""
    method = run.model
    return {
        "method": run.key,
        "title": method.TITLE,
        "paper": method.PAPER,
        "set": run.data.key,
        "set_title": run.data.title,
        "density": method.DENSITY,
        "box": list(BOX),
        "levels": list(method.levels) if isinstance(method, HasField) else [],
        "times": list(shown_times(method)),
        "field_kind": method.FIELD,
        "parameters": run.parameters,
        "config": dataclasses.asdict(method.config),
        "seed": run.seed,
    }


def moment_of(run: Run, measures: bool = True, small: bool = False) -> Moment:
    """The moment that a run is at. small: samples alone, for a first look."""
    moment = Moment(run.step, run.seconds, dict(run.logs))
    moment.arrays = arrays_of(run.shown, run.data, run.seed, small)
    if measures and not small:
        density = moment.arrays.get("log_density")
        log_q = None if density is None else torch.from_numpy(density)
        moment.measures = measure(run.shown, run.data, generator(run.seed, 2**33), log_q)
    return moment


def arrays_of(
    method: Method,
    data: Dataset,
    seed: int,
    small: bool = False,
    only: Collection[str] = (),
    there: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Everything that is to be seen of a method, by name; the same noise at every moment.

    small: samples and paths alone, for a first look. only: these names alone. there: what is known
    already, and is not computed again.
    """
    there = dict(there or {})
    cells, square = grid(CELLS), (CELLS, CELLS)

    def wanted(name: str) -> bool:
        return name not in there and (name in only or not only)

    arrays: dict[str, Tensor] = {}
    if wanted("samples"):
        with torch.no_grad():
            frames = list(method.sample_steps(SAMPLES, generator(seed, 2**34)))
        arrays["samples"] = frames[-1]
        if method.times:
            arrays["paths"] = torch.stack([frames[k][:PATHS] for k in _kept(len(frames))])
    if small:
        return there | _as_arrays(arrays)
    if isinstance(method, HasDensity) and wanted("log_density"):
        arrays["log_density"] = method.log_density(cells).clamp(min=FLOOR).reshape(square)
    if isinstance(method, HasBound) and wanted("bound"):
        arrays["bound"] = method.bound(cells).clamp(min=FLOOR).reshape(square)
    if isinstance(method, HasEnergy) and wanted("energy"):
        energy = method.energy(cells).reshape(square)
        arrays["energy"] = (energy - energy.min()).clamp(max=-FLOOR)
    if isinstance(method, HasCritic) and wanted("critic"):
        arrays["critic"] = method.critic(cells).reshape(square)
        if data.density is not None:
            log_p = data.density.log_density(cells)
            log_q = kernel_log_density(method.sample(1000, generator(seed, 2**35)), cells)
            arrays["best_critic"] = torch.sigmoid(log_p - log_q).reshape(square)
    if isinstance(method, HasField) and wanted("field"):
        places = grid(ARROWS)
        fields = [method.field(places, t) for t in method.levels]
        arrays["field"] = torch.stack(fields).reshape(-1, ARROWS, ARROWS, 2)
    if isinstance(method, HasMesh) and wanted("mesh"):
        arrays["mesh"], log_det = method.mesh()
        if log_det is not None:
            arrays["log_det"] = log_det
    if isinstance(method, Encodes) and wanted("posterior"):
        codes = torch.cat(method.encode(grid(ELLIPSES)), 1)
        arrays["posterior"] = codes.reshape(ELLIPSES, ELLIPSES, -1)
    if isinstance(method, HasComponents) and wanted("components"):
        arrays["components"] = method.components()
    if not only:
        arrays |= method.extras(data.points[:PATHS], generator(seed, 2**36))
    return there | _as_arrays(arrays)


def _as_arrays(tensors: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: each.detach().float().nan_to_num().numpy() for name, each in tensors.items()}


def true_field(method: Method, data: Dataset) -> np.ndarray | None:
    """(T, A, A, 2): the field that a method would have learned of the density itself; None where
    that is not known. A velocity is that of straight paths (Lipman et al. 2023)."""
    if data.density is None or not isinstance(method, HasField):
        return None
    return _true_field(data.density, method.FIELD, tuple(map(method.corruption, method.levels)))


@lru_cache(maxsize=64)
def _true_field(
    density: object, kind: str, corruptions: tuple[tuple[float, float] | None, ...]
) -> np.ndarray | None:
    if None in corruptions:
        return None
    places, fields = grid(ARROWS), []
    for a, s in corruptions:
        if kind == "velocity":
            mean = density.posterior_mean(places, a, s)
            fields.append(mean - (places - a * mean) / s)
        else:
            fields.append(density.score(places, a, s))
    return torch.stack(fields).reshape(-1, ARROWS, ARROWS, 2).numpy()


def truth_of(data: Dataset, field: np.ndarray | None = None) -> Film:
    """A film without moments, of a set alone: its points, and its density where it is known.
    field: a method's ``true_field`` beside them."""
    fixed = {"data": data.points.numpy(), "held_out": data.held_out.numpy()}
    if data.density is not None:
        log_p = data.density.log_density(grid(CELLS)).clamp(min=FLOOR)
        fixed["log_density"] = log_p.reshape(CELLS, CELLS).numpy()
        if len(data.density.modes):
            fixed["modes"] = data.density.modes.numpy()
    if field is not None:
        fixed["true_field"] = field
    return Film({"set": data.key, "title": data.title, "box": list(BOX)}, [], fixed)


def film_of(run: Run, moments: list[Moment], truth: bool = True) -> Film:
    """A film of a run. truth: with the true field, where that is known."""
    field = true_field(run.model, run.data) if truth else None
    return Film(header_of(run), moments, {} if field is None else {"true_field": field})


# -- bytes ----------------------------------------------------------------------------------------


def pack(film: Film) -> bytes:
    """A film as bytes; arrays as whole numbers of 8 or 16 bits, evenly from least to greatest."""
    moments = film.moments
    header = dict(film.header)
    header["steps"] = [moment.step for moment in moments]
    header["seconds"] = [round(moment.seconds, 3) for moment in moments]
    header["logs"] = _columns(moments, lambda moment: moment.logs)
    header["measures"] = {
        name: {
            "value": _column(moments, name, lambda measure: measure.value),
            "stderr": _column(moments, name, lambda measure: measure.stderr),
            "kind": next(m.measures[name].kind for m in moments if name in m.measures),
        }
        for name in dict.fromkeys(name for moment in moments for name in moment.measures)
    }
    stacks = {name: array[None] for name, array in film.fixed.items()}
    for name in dict.fromkeys(name for moment in moments for name in moment.arrays):
        stacks[name] = _stacked([moment.arrays.get(name) for moment in moments])
    facts, pieces, start = {}, [], 0
    for name, stack in stacks.items():
        dtype = np.dtype("<u2" if name in FINE else "u1")
        low, high = (float(stack.min()), float(stack.max())) if stack.size else (0.0, 0.0)
        scale = (high - low) / np.iinfo(dtype).max or 1.0
        start += start % dtype.itemsize  # so that it can be read in place
        numbers = np.rint((stack.astype(np.float64) - low) / scale).astype(dtype)
        facts[name] = {
            "shape": list(stack.shape), "dtype": dtype.name, "scale": scale, "offset": low,
            "start": start,
        }  # fmt: skip
        pieces.append((start, numbers.tobytes()))
        start += numbers.nbytes
    header["arrays"] = facts
    text = json.dumps(header, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    body = bytearray(start)
    for begin, piece in pieces:
        body[begin : begin + len(piece)] = piece
    return struct.pack("<I", len(text)) + text + bytes(body)


def _stacked(arrays: list[np.ndarray | None]) -> np.ndarray:
    """(moments, ...); a moment that has not the thing has that of the next which has it."""
    there = [k for k, array in enumerate(arrays) if array is not None]
    rows = [arrays[next((j for j in there if j >= k), there[-1])] for k in range(len(arrays))]
    return np.stack(rows)


def _columns(
    moments: list[Moment], of: Callable[[Moment], dict[str, float]]
) -> dict[str, list[float | None]]:
    names = dict.fromkeys(name for moment in moments for name in of(moment))
    return {name: [of(moment).get(name) for moment in moments] for name in names}


def _column(moments: list[Moment], name: str, of: Callable[[Measure], float]) -> list[float | None]:
    return [of(m.measures[name]) if name in m.measures else None for m in moments]


def unpack(packed: bytes) -> Film:
    """The film of ``pack``'s bytes, its arrays as exact as those are."""
    (length,) = struct.unpack_from("<I", packed)
    header = json.loads(packed[4 : 4 + length])
    count, stacks = len(header["steps"]), {}
    for name, facts in header.pop("arrays").items():
        dtype, shape = np.dtype(facts["dtype"]).newbyteorder("<"), facts["shape"]
        numbers = np.frombuffer(
            packed, dtype, int(np.prod(shape)), offset=4 + length + facts["start"]
        )
        values = facts["offset"] + facts["scale"] * numbers.astype(np.float64)
        stacks[name] = values.reshape(shape).astype(np.float32)
    fixed = {n: s[0] for n, s in stacks.items() if len(s) == 1 and (count != 1 or n in FIXED)}
    steps, seconds = header.pop("steps"), header.pop("seconds")
    logs, measures = header.pop("logs"), header.pop("measures")
    moments = []
    for k in range(count):
        here = {
            name: Measure(each["value"][k], each["stderr"][k], each["kind"])
            for name, each in measures.items()
            if each["value"][k] is not None
        }
        arrays = {name: stack[k] for name, stack in stacks.items() if name not in fixed}
        told = {name: each[k] for name, each in logs.items() if each[k] is not None}
        moments.append(Moment(steps[k], seconds[k], told, here, arrays))
    return Film(header, moments, fixed)


FIXED = {"true_field"}  # what a film of one moment has once, too
