"""Scores of pictures as arrays: how strange each is to a model, and among which others.

All scores are those of ``models.scores``, where higher is stranger. What a threshold is worth is
said here for tables as the page's figure (``components/verdict``) says it while it moves.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from explorer.page.choice import Picture
from explorer.page.context import Context
from explorer.page.examples import crowds
from explorer.server.abilities import walks
from explorer.server.ask import Other, Seed
from models.contract.knobs import checked_seed

log = logging.getLogger(__name__)

LIKELIHOOD = "likelihood"
PART = 16  # pictures that are scored at once
# Without a reference, so many pictures of a kind are scored while somebody waits, or as many as
# are done within so many seconds.
CROWD, PATIENCE = 64, 4.0

# Sets by key: what they are called on a switch, and in a sentence.
SETS = {
    "test": ("Its test pictures", "test pictures"),
    "train": ("Its training pictures", "training pictures"),
    "samples": ("Its own samples", "of its own samples"),
    "mnist": ("MNIST", "MNIST digits"),
    "fashion-mnist": ("Fashion-MNIST", "Fashion-MNIST clothes"),
    "omniglot-small": ("Omniglot", "Omniglot letters"),
    "shapes": ("Shapes", "shapes"),
    "digits": ("UCI digits", "UCI digits"),
    "flipped": ("Upside down", "test pictures upside down"),
    "constant": ("One level", "pictures of one level"),
    "noise": ("Noise", "pictures of noise"),
}
SPACES = {"binary": "black and white", "uint8": "256 levels"}


class Told(NamedTuple):
    """Likelihoods. nats: (N,) -log p(x). stderr: (N,) or None. kind, space, how: as
    ``models.contract.model.Likelihood`` has them."""

    nats: np.ndarray
    stderr: np.ndarray | None
    kind: str
    space: str
    how: str


class Found(NamedTuple):
    """One score of N pictures. values: (N,). per_pixel: (N, C, H, W) or None, sums to values.
    details: further (N, ...) numbers by name. likelihood: where one was taken, else None.
    stderr: (N,) of values that are means over draws of a picture's pixels, else None."""

    values: np.ndarray
    per_pixel: np.ndarray | None
    details: dict[str, np.ndarray]
    likelihood: Told | None
    stderr: np.ndarray | None = None


class Crowd(NamedTuple):
    """Scores of many pictures of one kind. key: of ``SETS``, as far as known. values: (N,)."""

    key: str
    name: str
    short: str
    values: np.ndarray


class Judgement(NamedTuple):
    """What a threshold says. percentile: the share of the own pictures that are less strange, from
    0 to 1, ties counted half. strange: whether the score lies above the threshold."""

    percentile: float
    strange: bool


def read_seed(seed: Any) -> int:
    """Raises ValueError with one sentence."""
    checked_seed(seed)
    return int(seed)


def reference(context: Context, name: str) -> Any:
    """The scores that were measured on whole data sets (a ``Reference``), or None where
    there are none or the file is damaged."""

    def read() -> Any:
        from models.checkpoints.reference import read_reference

        try:
            return read_reference(context.store.header(name).folder)
        except ValueError as error:
            log.warning("%s", error)
            return None

    return context.ask.kept(("score-reference", name), read)


def offered(context: Context, name: str) -> tuple[str, ...]:
    """The scores that a model has, in their order. Loads the model."""
    from models.scores.registry import SCORES
    from models.scores.scores import applicable

    known = applicable(context.store.get(name), reference(context, name))
    lacking = any(SCORES[key].background for key in known) and background(context, name) is None
    return tuple(key for key in known if not (lacking and SCORES[key].background))


def default_score(context: Context, name: str) -> str:
    """The score to begin with."""
    known = offered(context, name)
    if not known:
        raise ValueError(f"{context.store.header(name).title} has no score of its own yet.")
    measured = reference(context, name)
    return measured.default if measured is not None and measured.default in known else known[0]


def read_score(context: Context, name: str, score: Any) -> str:
    """The score asked for where the model has it, else the one to begin with."""
    return str(score) if score in offered(context, name) else default_score(context, name)


def help_of(score: str) -> str:
    """What a score is, and where it is from."""
    from models.scores.registry import SCORES

    return f"{SCORES[score].about} ({SCORES[score].paper})" if score in SCORES else ""


def scored(
    context: Context,
    name: str,
    pixels: np.ndarray,
    names: Sequence[str],
    seed: int = 0,
    at: int | None = None,
) -> dict[str, Found]:
    """Each score of these pictures. pixels: (N, C, H, W) uint8.

    Each picture has its own chances, so that it scores the same in any company. Of a crowd, where
    no single picture is looked at, all share those of one batch: at, how many came before them.
    """
    from models.scores.each import score_each
    from models.scores.scores import score

    behind = background(context, name)
    x, fitted = pixels.astype(np.float32) / 255, reference(context, name)
    other = None if behind is None else Other(behind)
    if at is None:
        found = context.ask(name, score_each, x, tuple(names), seed, fitted, other)
    else:
        found = context.ask(name, score, x, tuple(names), Seed(seed, at), fitted, other)
    return {score: _found(found[score]) for score in names}


def measured(context: Context, name: str, picture: Picture, score: str, seed: int) -> Found:
    """One score of one picture, kept."""
    return context.ask.kept(
        ("score-found", name, picture.key, score, seed),
        lambda: scored(context, name, picture.pixels[None], [score], seed)[score],
    )


def background(context: Context, name: str) -> str | None:
    """The name of the background model of the likelihood ratio, or None."""

    def look() -> str | None:
        from models.scores.background import background_in

        header = context.store.header(name)
        found = background_in(header, [header.folder.parent])
        return None if found is None else context.store.at(found.folder)

    return context.ask.kept(("score-background", name), look)


def _found(score: Any) -> Found:
    def array(values: Any) -> Any:
        return None if values is None else np.asarray(values, np.float64)

    told = score.likelihood
    return Found(
        array(score.values), array(score.per_pixel),
        {key: array(value) for key, value in score.details.items()},
        None if told is None else
        Told(-array(told.nats), array(told.stderr), told.kind, told.space, told.how),
        array(score.stderr),
    )  # fmt: skip


def in_turn(
    context: Context, name: str, pixels: np.ndarray, names: Sequence[str], seed: int = 0,
    crowd: bool = False,
) -> Iterator[dict[str, Found]]:  # fmt: skip
    """``scored``, part after part of at most sixteen, one by one for a model that walks through
    noise: progress moves, and any part can be the last. crowd: no single picture is looked at."""
    size = 1 if walks(context.store.header(name)) else PART
    for at in range(0, len(pixels), size):
        some = pixels[at : at + size]
        yield scored(context, name, some, names, seed, at if crowd else None)


def at_a_time(context: Context, name: str) -> int:
    """How many pictures are scored at once: one where the model walks through noise for each."""
    return 1 if walks(context.store.header(name)) else PART


def joined(parts: Sequence[Found]) -> Found:
    """Scores of parts as those of the whole; without maps."""
    first = parts[0]
    told = None
    if first.likelihood is not None:
        likely = [part.likelihood for part in parts]
        errors = [t.stderr for t in likely]
        error = None
        if any(each is not None for each in errors):  # of a picture without greys there is none
            error = np.concatenate([
                np.zeros_like(t.nats) if t.stderr is None else t.stderr for t in likely
            ])  # fmt: skip
        told = next((t for t in likely if t.kind != "exact"), likely[0])
        told = told._replace(nats=np.concatenate([t.nats for t in likely]), stderr=error)
    error = None if first.stderr is None else np.concatenate([part.stderr for part in parts])
    details = {key: np.concatenate([part.details[key] for part in parts]) for key in first.details}
    return Found(np.concatenate([part.values for part in parts]), None, details, told, error)


def taken(found: Found, rows: np.ndarray) -> Found:
    """The scores of some pictures, in this order; without maps."""
    told = found.likelihood
    if told is not None:
        error = None if told.stderr is None else told.stderr[rows]
        told = told._replace(nats=told.nats[rows], stderr=error)
    details = {key: values[rows] for key, values in found.details.items()}
    error = None if found.stderr is None else found.stderr[rows]
    return Found(found.values[rows], None, details, told, error)


def comparison(
    context: Context, name: str, score: str, seed: int = 0
) -> Iterator[list[Crowd] | None]:
    """Yields None while it computes, and last the sets a score is held against: the own one first.

    Those that were measured on whole data sets, where a reference was shipped; else crowds that
    need none, scored now.
    """
    measured = reference(context, name)
    if measured is not None and (sets := _measured(measured, score)):
        yield sets
        return

    def steps() -> Iterator[list[Crowd] | None]:
        found = []
        for kind, title, pixels in crowds(context, name, CROWD):
            values: list[np.ndarray] = []
            begun = time.perf_counter()
            for part in in_turn(context, name, pixels, [score], seed, crowd=True):
                values.append(part[score].values)
                if time.perf_counter() - begun > PATIENCE:
                    break
                yield None
            short = SETS.get(kind, ("", title))[1]
            found.append(Crowd(kind, title, short, np.concatenate(values)))
        yield found

    yield from context.ask.kept_steps(("score-crowds", name, score, seed), steps)


def _measured(measured: Any, score: str) -> list[Crowd]:
    """The stored sets of a score, the model's own test pictures first; none where it has none."""
    order = sorted(measured.sets, key=lambda kind: (kind == "train", kind != "test"))
    found = []
    for kind in order:
        try:
            values = measured.values(score, kind)
        except (KeyError, ValueError):
            continue
        if len(values):
            title, short = SETS.get(kind, (kind.capitalize(), kind))
            found.append(Crowd(kind, title, short, np.asarray(values, np.float64)))
    return found if found and found[0].key == "test" else []


def at_once(context: Context, name: str, score: str, seed: int = 0) -> list[Crowd]:
    """The last that ``comparison`` yields."""
    *_, last = comparison(context, name, score, seed)
    return last


def kind_of(told: Told, k: int = 0) -> str:
    """ "exact", "a lower bound" or "an estimate", of log p(x), with its standard error."""
    words = {"lower bound": "a bound", "estimate": "an estimate"}.get(told.kind, told.kind)
    if told.stderr is None or not math.isfinite(told.stderr[k]):
        return words
    return f"{words}, ± {float(told.stderr[k]):.2g}"


def bits_per_dim(nats: float, shape: Sequence[int]) -> float:
    """Of nats an image, for pictures of 256 levels. shape: (C, H, W)."""
    from models.contract.numbers import bits_per_dim

    return bits_per_dim(nats, shape)


def limit_of(own: np.ndarray, alarm: float) -> float:
    """The least of the own scores above which at most this share of them lies."""
    values = np.sort(own)
    k = int(np.ceil((1 - alarm) * len(values) - 1e-9)) - 1
    return float(values[min(max(k, 0), len(values) - 1)])


def judged(value: float, own: np.ndarray, alarm: float) -> Judgement:
    """Where a score lies among the own ones, and what the threshold of so many false alarms says
    of it. Scores are compared as single-precision numbers, as they are stored and sent."""
    ordered, value = np.sort(own.astype(np.float32)), np.float32(value)
    below, upto = (np.searchsorted(ordered, value, side) for side in ("left", "right"))
    return Judgement(float(below + upto) / 2 / len(ordered), bool(value > limit_of(ordered, alarm)))
