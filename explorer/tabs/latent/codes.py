"""Codes as points, directions and paths: what the Latent space tab computes, without a page.

A code is (D,) float32, standard normal under every model's prior. In the browser and in the address
it travels packed: 16-bit numbers in steps of 1/2048, base64 without padding, so that 32 numbers
take 86 characters and mean the same picture on both sides.
"""

from __future__ import annotations

import base64
import binascii
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.checkpoints.codes import CODES, read_codes
from models.contract.abilities import HasEarlyFeatures

if TYPE_CHECKING:
    from explorer.page.context import Context
    from models.contract.model import Code

log = logging.getLogger(__name__)

STEP = 1 / 2048
FURTHEST = 32767 * STEP  # about 16 standard deviations
REACH = 3.0
BLOCK = 256  # codes decoded at once


def pack(z: np.ndarray) -> str:
    """A code as text for an address. z: (D,), or (N, D), whose rows follow one another."""
    z = np.nan_to_num(np.asarray(z, np.float64), posinf=FURTHEST, neginf=-FURTHEST)
    steps = np.rint(np.clip(z, -FURTHEST, FURTHEST) / STEP).astype("<i2")
    return base64.urlsafe_b64encode(steps.tobytes()).decode("ascii").rstrip("=")


def unpack(text: str, dimensions: int) -> np.ndarray:
    """The code (D,) that ``pack`` wrote. Raises ValueError with one sentence."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        data = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("This text is no latent code; copy the whole address again.") from error
    if len(data) != 2 * dimensions:
        raise ValueError(
            f"This model's codes have {dimensions} numbers, not {len(data) / 2:g}; "
            "choose the model that the code came from."
        )
    return np.frombuffer(data, "<i2").astype(np.float32) * np.float32(STEP)


# ---------------------------------------------------------------------------------------------
# What is known of a model's codes


class Codes(NamedTuple):
    """Codes of a model's test images, in the order of the test set.

    codes: (N, D) float32. labels: (N,) or None. kl: (D,) mean nats a dimension, or None.
    directions: (K, D) orthonormal, with moves (K,), how far each moves a pixel: ways to go in a
    code too long for its numbers to mean anything one by one; None where it is short.
    """

    codes: np.ndarray
    labels: np.ndarray | None
    kl: np.ndarray | None
    directions: np.ndarray | None = None
    moves: np.ndarray | None = None


def shipped_codes(context: Context, name: str) -> Codes | None:
    """The codes beside a checkpoint; None where there are none that fit. Needs no torch."""
    path = Path(context.store.header(name).folder) / CODES
    return context.ask.kept(("codes", name), lambda: _read_codes(path)) if path.is_file() else None


def _read_codes(path: Path) -> Codes | None:
    from safetensors import SafetensorError

    try:
        tensors, _ = read_codes(path, computed=False)
        codes = tensors["codes"].astype(np.float32)
        kl = tensors.get("kl")
        if codes.ndim != 2 or (kl is not None and kl.shape != codes.shape[1:]):
            raise ValueError(f"codes {codes.shape} and kl do not fit")
        directions, moves = tensors.get("directions"), tensors.get("moves")
        if directions is not None:
            directions = directions.astype(np.float32)
            if directions.shape[1:] != codes.shape[1:] or moves.shape != directions.shape[:1]:
                raise ValueError(f"codes {codes.shape} and directions do not fit")
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        log.warning("Left out %s: %s", path, error)
        return None
    return Codes(codes, tensors.get("labels"), kl, directions, moves)


class Activity(NamedTuple):
    """How much each dimension of a code does. order: (K,) most active first. unit: of ``amount``:
    "nats" (mean KL over test images) or "change" (mean absolute change of a pixel).

    "share" is a part of a whole. directions: (K, D) orthonormal, what is called a dimension of a
    long code; None where the numbers of the code are what is meant. reaches: how far dimension k
    goes to either side, where that is not ``REACH``; names: what it is called, where that is more
    than a number.
    """

    order: np.ndarray
    amount: np.ndarray
    unit: str
    directions: np.ndarray | None = None
    reaches: dict[int, float] = {}
    names: dict[int, str] = {}

    def reach(self, k: int) -> float:
        """How far dimension k goes to either side."""
        return self.reaches.get(int(k), REACH)

    def vector(self, k: int, D: int) -> np.ndarray:
        """(D,): the way along dimension k."""
        return np.eye(D, dtype=np.float32)[k] if self.directions is None else self.directions[k]

    def name(self, k: int) -> str:
        if k in self.names:
            return self.names[k]
        return f"z{k + 1}" if self.directions is None else f"direction {k + 1}"


LONG = 256  # numbers of a code from which single ones do nothing to be seen
WAVES = 4  # a side: directions of a long code where none were shipped


def activity(context: Context, name: str) -> Activity:
    """Dimensions by mean KL where test codes tell it, else by how far each moves the picture; of a
    long code directions: the shipped ones, else the longest waves over the picture."""
    shipped = shipped_codes(context, name)
    if shipped is not None and shipped.directions is not None:
        order = np.argsort(-shipped.moves, kind="stable")
        return Activity(order, shipped.moves, "change", shipped.directions)
    if dimensions(context, name) > LONG:
        return context.ask.kept(("activity", name), lambda: _waves(context, name))
    if shipped is not None and shipped.kl is not None:
        return Activity(np.argsort(-shipped.kl, kind="stable"), shipped.kl, "nats")
    return context.ask.kept(("activity", name), lambda: _numbers(context, name))


def _numbers(context: Context, name: str) -> Activity:
    """The numbers of a short code by what each does at 0."""
    amount = np.abs(_changes(context, name)).mean(1)
    order = np.argsort(-amount, kind="stable")
    order = order[walked(context, name)[order]]
    own = [code for code in parts(context, name) if code.kind == "continuous"]
    return Activity(
        order, amount, "change",
        reaches={code.start: max(-code.low, code.high) for code in own},
        names={code.start: code.name for code in own},
    )  # fmt: skip


def offered(context: Context, name: str, kind: str) -> Activity:
    """The ways to go of a kind: ``principal`` directions, else dimensions by what they do."""
    if kind != "principal":
        return activity(context, name)
    directions, shares, what = principal_directions(context, name)
    names = {k: f"PC {k + 1}" for k in range(len(shares))}
    return Activity(np.arange(len(shares)), shares, f"share {what}", directions, names=names)


def _waves(context: Context, name: str) -> Activity:
    """Cosine waves over the picture as directions of a code of its size, by what they do at 0."""
    C, H, W = context.store.header(name).config["image"]
    across, down = (
        np.cos(np.pi * np.outer(np.arange(WAVES), np.arange(n) + 0.5) / n) for n in (W, H)
    )
    waves = np.einsum("ih,jw->ijhw", down, across).reshape(WAVES**2, 1, H, W)
    waves = np.repeat(waves, C, 1).reshape(WAVES**2, -1)
    waves = (waves / np.linalg.norm(waves, axis=1, keepdims=True)).astype(np.float32)
    pictures = decode(context, name, np.concatenate([REACH * waves, -REACH * waves]))
    amount = np.abs(np.subtract(*np.split(pictures.reshape(2 * WAVES**2, -1), 2))).mean(1)
    amount = amount / (2 * REACH)
    return Activity(np.argsort(-amount, kind="stable"), amount, "change", waves)


def _changes(context: Context, name: str, step: float = 1.0) -> np.ndarray:
    """(D, pixels): half the picture's change when one number goes from -step to step at 0."""
    D = dimensions(context, name)
    moved = np.concatenate([np.eye(D), -np.eye(D)]).astype(np.float32) * step
    pictures = decode(context, name, moved).reshape(2, D, -1)
    return (pictures[0] - pictures[1]) / 2


def principal_directions(context: Context, name: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Orthonormal directions (K, D), largest first, their shares (K,), and what they are of.

    Principal directions of the test codes. For a model without codes those of what its first
    layers make of codes (``models.codes``), where it tells that; else those along which the
    decoder's picture changes most at the centre (singular vectors of its finite differences).
    """
    return context.ask.kept(("principal", name), lambda: _principal(context, name))


def _principal(context: Context, name: str) -> tuple[np.ndarray, np.ndarray, str]:
    shipped = shipped_codes(context, name)
    if shipped is not None and len(shipped.codes) > 2:
        values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(shipped.codes.T)))
        shares, directions, what = values[::-1], vectors.T[::-1], "of the test codes' variance"
    elif dimensions(context, name) > LONG:
        active = activity(context, name)
        shares, directions = active.amount[active.order], active.directions[active.order]
        what = "of the picture's change"
    elif isinstance(context.store.get(name), HasEarlyFeatures):
        from models.codes.directions import early_directions

        directions, shares = context.ask(name, early_directions)
        what = "of early features"
    else:
        jacobian = _changes(context, name)
        values, vectors = np.linalg.eigh(jacobian @ jacobian.T)
        shares, directions, what = values[::-1], vectors.T[::-1], "of the picture's change"
    # Signs are arbitrary: the largest entry points up, so that a link means the same tomorrow.
    largest = np.abs(directions).argmax(1)
    directions = directions * np.sign(directions[np.arange(len(directions)), largest])[:, None]
    shares = shares.clip(min=0) / max(float(shares.clip(min=0).sum()), 1e-12)
    return directions.astype(np.float32), shares.astype(np.float32), what


def dimensions(context: Context, name: str) -> int:
    """D, how many numbers a code of this model has."""
    known = context.store.header(name).config.get("latent")
    return int(known if known is not None else context.store.get(name).latent)


def parts(context: Context, name: str) -> tuple[Code, ...]:
    """The parts of the model's code that have values of their own; most models have none."""
    able = "HasCodes" in context.store.header(name).capabilities
    return tuple(context.store.get(name).codes) if able else ()


def walked(context: Context, name: str) -> np.ndarray:
    """(D,) bool: the numbers of a code that one can walk along. A category is none of them."""
    free = np.ones(dimensions(context, name), bool)
    for code in parts(context, name):
        free[code.start : code.stop] = code.kind == "continuous"
    return free


def valid(context: Context, name: str, z: np.ndarray) -> np.ndarray:
    """Codes (..., D) as the model can have drawn them: between two categories there is nothing, and
    beyond the ends of a continuous code neither, so each goes to the nearest that there is."""
    if not parts(context, name):
        return z
    return context.ask(name, _valid, np.asarray(z, np.float32))


def _valid(model: Any, z: Any) -> Any:
    from models.codes.inversion import valid

    return valid(z, model.codes)


class Detail(NamedTuple):
    """How many pictures the tab decodes at once: side * side for the pad, rows of frames for the
    strips, ``way`` from one picture to another."""

    side: int
    rows: int
    frames: int
    way: int


FINE, COARSE, COARSEST = Detail(21, 8, 25, 33), Detail(13, 6, 11, 17), Detail(9, 5, 9, 11)


def detail(context: Context, name: str, seconds: float = 2.0) -> Detail:
    """The finest detail whose pad takes about ``seconds`` at the pace this model decodes here."""
    pace = context.ask.kept(("pace", name), lambda: _pace(context, name))
    affordable = [d for d in (FINE, COARSE, COARSEST) if pace * d.side**2 < seconds]
    return affordable[0] if affordable else COARSEST


def _pace(context: Context, name: str) -> float:
    """Seconds that a picture of eight takes to decode here."""
    some = np.zeros((8, dimensions(context, name)), np.float32)
    decode(context, name, some)  # loads the model and warms it up
    start = time.perf_counter()
    decode(context, name, some)
    return (time.perf_counter() - start) / len(some)


# ---------------------------------------------------------------------------------------------
# Models, seen as functions of arrays


def decode(context: Context, name: str, z: np.ndarray, label: int | None = None) -> np.ndarray:
    """The pictures of codes, ``valid`` ones. z: (N, D). Returns (N, C, H, W) float32 in [0, 1].

    label: the class for a model that takes one; others never see it.
    """
    asked = {} if label is None else {"label": label}
    z = np.asarray(valid(context, name, z), np.float32)
    some = [context.ask(name, "decode", z[k : k + BLOCK], **asked) for k in range(0, len(z), BLOCK)]
    return np.concatenate(some).clip(0, 1)


def encode(context: Context, name: str, x: np.ndarray, label: int | None = None) -> np.ndarray:
    """The codes of pictures. x: (N, C, H, W) in [0, 1]. Returns (N, D) float32."""
    asked = {} if label is None else {"label": label}
    return context.ask(name, "encode", np.asarray(x, np.float32), **asked).reshape(len(x), -1)


# ---------------------------------------------------------------------------------------------
# Geometry


class Plane(NamedTuple):
    """The points origin + a u + b v with a, b in [-reach, reach]; u, v orthonormal, all (D,)."""

    origin: np.ndarray
    u: np.ndarray
    v: np.ndarray
    reach: float = REACH

    def at(self, a: np.ndarray | float, b: np.ndarray | float) -> np.ndarray:
        """Codes (..., D) of coordinates (...)."""
        a, b = np.asarray(a, np.float32)[..., None], np.asarray(b, np.float32)[..., None]
        return self.origin + a * self.u + b * self.v

    def coordinates(self, z: np.ndarray) -> np.ndarray:
        """(..., 2): where codes (..., D) fall when dropped straight onto the plane."""
        return np.stack([(z - self.origin) @ self.u, (z - self.origin) @ self.v], -1)

    def lattice(self, side: int) -> np.ndarray:
        """(side * side, D) codes over the whole plane, rows from the top, b = reach, down."""
        line = np.linspace(-self.reach, self.reach, side, dtype=np.float32)
        b, a = np.meshgrid(line[::-1], line, indexing="ij")
        return self.at(a.ravel(), b.ravel())


def plane_along(z: np.ndarray, u: np.ndarray, v: np.ndarray, reach: float = REACH) -> Plane:
    """The plane along orthonormal u and v that holds z; its origin is its point nearest to 0."""
    return Plane((z - (z @ u) * u - (z @ v) * v).astype(np.float32), u, v, reach)


def plane_through(three: np.ndarray) -> Plane:
    """The plane through three codes (3, D), its middle theirs, A to B pointing right.

    Raises ValueError where they lie on one line. D must be at least 2.
    """
    a, b, c = np.asarray(three, np.float64)
    u = b - a
    length = np.linalg.norm(u)
    u = u / max(length, 1e-12)
    v = (c - a) - ((c - a) @ u) * u
    height = np.linalg.norm(v)
    if length < 1e-3 or height < 1e-3 * max(1.0, length):
        raise ValueError("A, B and C lie on one line; keep three different pictures.")
    v = v / height
    middle = (a + b + c) / 3
    furthest = max(np.linalg.norm(corner - middle) for corner in (a, b, c))
    plane = Plane(*(part.astype(np.float32) for part in (middle, u, v)))
    return plane._replace(reach=float(1.25 * furthest))
